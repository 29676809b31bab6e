"""However a command ends, it says so in one line, leaves nothing half-written, and its status tells why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine import cli
from engine.errors import NetworkError
from engine.session.recipe import Recipe, Step
from engine.tools.age import AGE

RATE = 8000


def shellac(*words: object) -> int:
    return cli.main([str(word) for word in words])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "x.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(1).standard_normal((RATE, 1)), RATE)
    return path


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "r.json"
    path.write_text(Recipe((Step("age", {"seed": 1}, id="a"),)).dumps())
    return path


def failing(error: Exception) -> Any:
    def raise_it(*given: Any, **more: Any) -> Any:
        raise error

    return raise_it


@pytest.mark.parametrize("error", [ValueError("boom"), KeyError("x"), ZeroDivisionError(), RuntimeError("a\nb")])
def test_a_fault_of_a_tool_is_one_line_and_status_4(
    source: Path, tmp_path: Path, monkeypatch: Any, capsys: Any, error: Exception
) -> None:
    monkeypatch.setattr(type(AGE), "render", failing(error))
    assert shellac("age", source, "-o", tmp_path / "y.wav", "--quiet") == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("shellac: ")
    assert said.err.count("\n") == 1
    assert type(error).__name__ in said.err
    assert not (tmp_path / "y.wav").exists()


def test_the_way_to_a_fault_is_printed_on_demand(source: Path, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(type(AGE), "render", failing(ValueError("boom")))
    monkeypatch.setenv("SHELLAC_TRACEBACK", "1")
    assert shellac("age", source, "-o", tmp_path / "y.wav", "--quiet") == 4
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_a_tool_stops_no_other_file(
    source: Path, recipe: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    longer = tmp_path / "longer.wav"
    soundfile.write(longer, np.zeros((2 * RATE, 1)), RATE)
    real = type(AGE).render

    def sometimes(self: Any, signal: Any, *given: Any, **more: Any) -> Any:
        if signal.frames == 2 * RATE:
            raise IndexError("out of range")
        return real(self, signal, *given, **more)

    monkeypatch.setattr(type(AGE), "render", sometimes)
    assert shellac("run", recipe, longer, source, "--out", tmp_path / "out", "--json", "--quiet") == 4
    found = json.loads(capsys.readouterr().out)["results"]
    assert [(entry["ok"], entry.get("exit_status")) for entry in found] == [(False, 4), (True, None)]


def test_a_batch_ends_with_the_status_all_its_failures_share(
    source: Path, recipe: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(type(AGE), "render", failing(NetworkError("no network")))
    assert shellac("run", recipe, source, source, "--out", tmp_path / "out", "--quiet") == 4
    assert shellac("run", recipe, source, tmp_path / "none.wav", "--out", tmp_path / "out", "--quiet") == 3


def test_a_batch_that_is_interrupted_late_in_a_file_begins_no_other(
    source: Path, recipe: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    """The wish comes while the first result is put in its place, after that file's last check."""
    real = os.fsync

    def interrupting(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", real)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)  # the main thread hears signals between its own steps
        real(descriptor)

    monkeypatch.setattr(os, "fsync", interrupting)
    assert shellac("run", recipe, source, source, "--out", tmp_path / "out", "--quiet") == 130
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x.wav"]


PROGRAM = """
import signal, sys
signal.signal(signal.SIGHUP, {handler})
from engine.cli import main
sys.exit(main(sys.argv[1:]))
"""


def start(handler: str, *words: object) -> subprocess.Popen[str]:
    program = PROGRAM.format(handler=handler)
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(("handler", "seconds", "status"), [("signal.SIG_DFL", 300, 130), ("signal.SIG_IGN", 20, 0)])
def test_a_terminal_that_goes_leaves_nothing_and_under_nohup_stops_nothing(
    tmp_path: Path, handler: str, seconds: int, status: int
) -> None:
    long, folder = tmp_path / "long.wav", tmp_path / "out"
    soundfile.write(long, 0.1 * np.random.default_rng(1).standard_normal((48_000 * seconds, 1)), 48_000)
    folder.mkdir()
    with start(handler, "age", long, "-o", folder / "aged.wav") as process:
        while not list(folder.iterdir()) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGHUP)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    assert [path.name for path in folder.iterdir()] == ([] if status else ["aged.wav"])
