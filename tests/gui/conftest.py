"""A window with the engine behind it, small recordings, and a tool whose sound anybody can check by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pytestqt.qtbot import QtBot

import engine.tools
from engine.audio.signal import Format, Samples, Signal, Span
from engine.tools.tool import NO_JOB, Analysis, Inputs, Job, Knob, Params, Value
from gui.commands import Commands
from gui.program import application, build
from gui.window import MainWindow

RATE = 8000


@dataclass
class Gain:
    """Multiplies by a number: the result is known without the program. One stage, so that cards show a switch."""

    name: str = "gain"
    label: str = "Gain"
    summary: str = "Makes louder or softer."
    version: int = 1
    knobs: tuple[Knob, ...] = (
        Knob("factor", "Factor", "float", 0.5, 0.0, 2.0, 0.01),
        Knob("flip", "Flip", "bool", False, group="flip"),
        Knob("flip_strength", "Strength", "float", 100.0, 0.0, 100.0, 1.0, "%", group="flip"),
        Knob("noise_from", "Learn noise", "span", "", group="flip"),
        Knob("mode", "Mode", "choice", "plain", choices=("plain", "odd")),
        Knob("listen", "Listen", "choice", "result", choices=("result", "flip")),
    )
    presets: Mapping[str, Mapping[str, Value]] = field(default_factory=lambda: {"Usual": {}, "Loud": {"factor": 2.0}})
    inputs: tuple[str, ...] = ()
    has_mix: bool = True
    is_generative: bool = False

    def networks(self, params: Params) -> tuple[str, ...]:
        return ()

    def output_format(self, given: Format, params: Params) -> Format:
        return given

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        return Analysis()

    def render(
        self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span, job: Job = NO_JOB
    ) -> Samples:
        sign = -1.0 if params["flip"] else 1.0
        return (signal.read(*span) * np.float32(sign * float(params["factor"]))).astype(np.float32)


def tone(seconds: float, channels: int = 1, hertz: float = 440.0) -> Samples:
    """Return a sine at half scale, shape (frames, channels)."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    wave = (0.5 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)
    return np.repeat(wave[:, None], channels, axis=1)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Twelve seconds of a sine: three chunks."""
    path = tmp_path / "side one.wav"
    soundfile.write(path, tone(12.0), RATE, subtype="PCM_16")
    return path


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    path = tmp_path / "take 2.wav"
    soundfile.write(path, tone(3.0, 2, 660.0), RATE, subtype="PCM_24")
    return path


@dataclass
class Desk:
    """The window, what makes it act, and ways to wait."""

    window: MainWindow
    commands: Commands
    bot: QtBot

    def do(self, action: str) -> None:
        """Trigger an action of the menus."""
        self.window.actions_by_name[action].trigger()

    def wait(self, is_so: Callable[[], bool], timeout_ms: int = 15_000) -> None:
        self.bot.waitUntil(is_so, timeout=timeout_ms)

    def open(self, path: Path) -> None:
        """Open a file and wait until it is there."""
        self.commands.files.open(path)
        self.wait(lambda: self.commands.document.opening is None and self.commands.rendering.rendered is not None)
        self.settle()

    def settle(self) -> None:
        """Wait until B is finished."""
        rendering = self.commands.rendering
        self.wait(lambda: not rendering.is_stale and not rendering.is_running and rendering.rendered is not None)

    def add(self, tool: str = "gain") -> str:
        """Add a device through its menu entry, wait for its sound and return its id."""
        self.do(f"add-{tool}")
        self.settle()
        return self.commands.document.recipe.steps[-1].id

    def result(self) -> Samples:
        """Return B."""
        rendered = self.commands.rendering.rendered
        assert rendered is not None
        return rendered.read(0, rendered.frames)

    def names(self) -> list[str]:
        """Return the history as the user reads it."""
        return [entry.name for entry in self.commands.document.entries]

    def messages(self) -> list[str]:
        return [f"{banner.message.text}. {banner.message.detail}" for banner in self.window.shown_banners()]


def make_desk(bot: QtBot) -> Desk:
    """Open a window that works."""
    application()
    window, commands = build()
    window.show()
    commands.ensure_canvas()
    return Desk(window, commands, bot)


def close_desk(desk: Desk) -> None:
    """Close the window without a question, and wait for its threads."""
    desk.commands.close_now()
    desk.wait(lambda: not desk.commands.jobs.running)
    for thread in threading.enumerate():
        if thread.name == "canvas":  # it works at the lowest priority
            thread.join(20.0)
    desk.window.deleteLater()


@pytest.fixture
def gain_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.tools, "TOOLS", (*engine.tools.TOOLS, Gain()))


@pytest.fixture
def desk(qtbot: QtBot, gain_tool: None) -> Iterator[Desk]:
    """A window without a file."""
    made = make_desk(qtbot)
    yield made
    close_desk(made)
