"""What a person sees of a run: lines, a table, curves, spectrograms, and a bar only where there is a terminal."""

from __future__ import annotations

import csv
import io
import os
import pty
import select
import sys
import termios
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
image = pytest.importorskip("matplotlib.image")

from training.journal import Progress, csv_of, curves, picture_of, pictures_of, spectrogram_db, write_examples  # noqa: E402
from training.recipe import Example  # noqa: E402

ROWS = [
    {"step": 10.0, "minutes": 0.1, "rate": 0.1, "loss": 2.0, "rmse": 0.3, "loss_mode": "safe"},
    {"step": 10.0, "minutes": 0.1, "validation loss": 1.5, "validation rmse": 0.4},
    {"step": 20.0, "minutes": 0.2, "rate": 0.1, "loss": 1.0, "rmse": 0.2, "loss_mode": "safe"},
]


def test_the_table_holds_every_figure_of_every_row() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of(ROWS).decode())))
    assert [row["loss"] for row in rows] == ["2.0", "", "1.0"]
    assert next(iter(rows[0])) == "step"
    assert {name for row in ROWS for name in row} == set(rows[0])


def test_mse_and_rmse_get_pictures_of_their_own() -> None:
    assert set(pictures_of(ROWS)) == {"training_loss.png", "rmse.png"}
    assert pictures_of([]) == {}


def test_training_and_validation_are_two_lines_of_one_picture() -> None:
    both, alone = (image.imread(io.BytesIO(curves(rows, ["loss"]))) for rows in (ROWS, ROWS[::2]))
    assert both.shape == alone.shape
    assert not np.array_equal(both, alone)


def test_a_spectrogram_shows_a_tone_at_its_frequency_and_level() -> None:
    samples = np.sin(2 * np.pi * 64 / 1024 * np.arange(8192)).astype(np.float32)  # bin 64 of 1024
    spectrum = spectrogram_db(samples)
    assert spectrum.shape[0] == 513
    middle = spectrum[:, spectrum.shape[1] // 2]
    assert int(middle.argmax()) == 64
    assert middle[64] == pytest.approx(20 * np.log10(1024 / 4), abs=0.01)  # half the amplitude, half the Hann window
    assert spectrogram_db(np.zeros(10, np.float32)).max() == pytest.approx(-200.0)


def test_an_example_is_drawn_with_what_was_done_to_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    target = np.zeros(8000, np.float32)
    target[::400] = 1.0
    given = target + 0.1 * rng.standard_normal(8000, dtype=np.float32)
    untouched, cleaned = (
        Example("left / alone", 8000, given, given, target),
        Example("cleaned", 8000, given, target, target),
    )
    write_examples([untouched, cleaned], tmp_path)
    pictures = sorted(path.name for path in (tmp_path / "examples").iterdir())
    assert pictures == ["cleaned.png", "left___alone.png"]
    drawn = [image.imread(io.BytesIO(picture_of(example))) for example in (untouched, cleaned)]
    third = drawn[0].shape[0] // 3
    same = [
        np.abs(drawn[0][rows, 100:400] - drawn[1][rows, 100:400]).mean()
        for rows in (slice(40, third - 20), slice(third + 20, 2 * third - 20))
    ]
    assert same[0] == 0.0  # what was given
    assert same[1] > 0.05  # what became of it


def test_lines_go_to_a_file_and_a_bar_to_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Progress(0, 10) as progress:
        progress.advance()
        progress.tell(ROWS[0])
    plain = capsys.readouterr()
    assert plain.out.startswith("step 10 minutes 0.1 rate 0.1 loss 2 ")
    assert plain.err == ""
    inside, outside = pty.openpty()
    termios.tcsetwinsize(outside, (24, 80))
    with os.fdopen(outside, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        with Progress(4, None) as progress:
            progress.plan(8)
            progress.advance()
        terminal.flush()
        shown = ""  # a terminal hands over what was written in pieces, some of them late
        while "5/8" not in shown and select.select([inside], [], [], 10.0)[0]:
            shown += os.read(inside, 10_000).decode()
    os.close(inside)
    assert "planned: 8 steps" in capsys.readouterr().out
    assert "5/8" in shown


def test_other_processes_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(0, 10, is_silent=True) as progress:
        progress.say("hello")
        progress.plan(5)
    assert capsys.readouterr() == ("", "")
