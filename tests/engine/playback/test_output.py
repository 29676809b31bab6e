"""Which output is taken, and what is said when it can't be."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

import numpy as np
import pytest

from engine.errors import SoundDeviceError
from engine.playback.output import (
    LATENCIES_S,
    NullOut,
    OfflineOut,
    PortAudioOut,
    list_devices,
    open_output,
)


def test_the_choice_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_AUDIO", "null")
    assert isinstance(open_output(), NullOut)
    assert isinstance(open_output("offline"), OfflineOut)
    chosen = open_output("USB turntable", latency_s=0.3)
    assert isinstance(chosen, PortAudioOut)
    assert (chosen.name, chosen.latency_s) == ("USB turntable", 0.3)
    monkeypatch.delenv("SHELLAC_AUDIO")
    assert isinstance(open_output(), PortAudioOut)


class WithoutPortAudio(importlib.abc.MetaPathFinder):
    """Makes `import sounddevice` fail as it does where libportaudio2 isn't installed."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return None


def test_without_portaudio_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [WithoutPortAudio(), *sys.meta_path])
    for attempt in (list_devices, lambda: PortAudioOut().open(48_000, lambda _out, _delay: None)):
        with pytest.raises(SoundDeviceError, match="install libportaudio2"):
            attempt()


def test_an_unknown_device_is_named_in_the_sentence() -> None:
    with pytest.raises(SoundDeviceError) as caught:
        PortAudioOut("no such turntable").open(48_000, lambda _out, _delay: None)
    said = str(caught.value)
    assert "no such turntable" in said or "libportaudio2" in said
    assert "silently" in said


def test_latency_steps_up_and_ends() -> None:
    output = PortAudioOut("some card", LATENCIES_S[0])
    steps = [output.latency_s]
    while (slower := output.slower()) is not None:
        assert isinstance(slower, PortAudioOut)
        output = slower
        steps.append(output.latency_s)
    assert steps == [0.08, 0.2, 0.3]
    assert NullOut().slower() is None


def test_closing_twice_and_before_opening_is_harmless() -> None:
    for output in (PortAudioOut(), NullOut(), OfflineOut()):
        output.close()
        output.close()


def test_the_pump_asks_for_blocks_of_its_size() -> None:
    asked: list[int] = []
    out = OfflineOut(block_frames=100)
    out.open(48_000, lambda block, _delay: asked.append(len(block)))
    assert not out.pump(50).any()
    out.start()
    out.pump(250)
    assert asked == [100, 100, 50]
    assert out.now() == pytest.approx(300 / 48_000)
    assert out.pump(10).dtype == np.float32
