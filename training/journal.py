"""What a person sees of a run: lines or a bar while it goes; log.csv, curves and spectrograms beside the checkpoint.

Pictures need matplotlib and the bar tqdm; where they are missing, training goes on without.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from training.recipe import Example
from training.state import FILE, Row, State
from training.writing import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOG: Final = "log.csv"
CURVES: Final = "training_loss.png"
EXAMPLES: Final = "examples"
VALIDATION: Final = "validation "
_ADVICE: Final = "the checkpoint is kept: make room, then go on with --resume"
_ABOUT_THE_RUN: Final = ("step", "minutes", "rate", "phase", "loss_mode", "norm", "waited", "skipped")
_OWN_PICTURE: Final = ("mse", "rmse")
_FFT: Final = 1024
_RANGE_DB: Final = 80.0


class Progress:
    """A bar on a terminal, plain lines elsewhere; silent in all processes but the first."""

    def __init__(self, done: int, steps: int | None, *, is_silent: bool = False) -> None:
        self._is_silent = is_silent
        self._bar: Any = None
        if not is_silent and sys.stderr.isatty() and importlib.util.find_spec("tqdm"):
            from tqdm import tqdm

            self._bar = tqdm(total=steps, initial=done, unit="step", dynamic_ncols=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def plan(self, steps: int) -> None:
        """Say how many steps the run has, now that it is known."""
        self.say(f"planned: {steps} steps")
        if self._bar is not None:
            self._bar.total = steps
            self._bar.refresh()

    def advance(self) -> None:
        """One step is done."""
        if self._bar is not None:
            self._bar.update()

    def say(self, text: str) -> None:
        """Show a line, above the bar if there is one."""
        if self._is_silent:
            return
        if self._bar is not None:
            self._bar.write(text)
        else:
            print(text, flush=True)

    def tell(self, row: Row) -> None:
        """Show a row of the log."""
        self.say(" ".join(f"{name} {value:.5g}" if isinstance(value, float) else f"{name} {value}"
                          for name, value in row.items()))  # fmt: skip


def set_aside(folder: Path) -> Path | None:
    """Give the checkpoint of a run, and its log, names that no other run takes; return the checkpoint's, if any."""
    path, number = folder / FILE, 1
    if not path.exists():
        return None
    while (kept := path.with_stem(f"{path.stem}-before-{number}")).exists():
        number += 1
    path.replace(kept)
    if (folder / LOG).exists():
        (folder / LOG).replace(folder / f"log-before-{number}.csv")
    return kept


def write_journal(state: State, folder: Path) -> None:
    """Write log.csv and the curves.

    Raises
    ------
    TrainingError
        If the disk doesn't take them.
    """
    write_whole(folder / LOG, csv_of(state.rows), _ADVICE)
    if importlib.util.find_spec("matplotlib") is None:
        return
    for name, content in pictures_of(state.rows).items():
        write_whole(folder / name, content, _ADVICE)


def write_examples(examples: Sequence[Example], folder: Path) -> None:
    """Write one picture per example: given, result and target as spectrograms on one scale.

    Raises
    ------
    TrainingError
        If the disk doesn't take them.
    """
    if importlib.util.find_spec("matplotlib") is None:
        return
    (folder / EXAMPLES).mkdir(exist_ok=True)
    for example in examples:
        name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in example.name)
        write_whole(folder / EXAMPLES / f"{name}.png", picture_of(example), _ADVICE)


def csv_of(rows: Sequence[Row]) -> bytes:
    """The log as a table; what is said of every row comes first."""
    found = dict.fromkeys(name for row in rows for name in row)
    first = [name for name in _ABOUT_THE_RUN if name in found]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*first, *sorted(found.keys() - set(first))])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def pictures_of(rows: Sequence[Row]) -> dict[str, bytes]:
    """PNG pictures of every logged figure over the steps, training and validation in one axis.

    Figures named mse... or rmse... get a picture of their own (`mse.png`), the others share one.
    """
    names = sorted({name.removeprefix(VALIDATION) for row in rows for name in row} - set(_ABOUT_THE_RUN))
    own = [name for name in names if name.lower().startswith(_OWN_PICTURE)]
    shared = sorted(set(names) - set(own), key=lambda name: (name != "loss", name))
    pictures = {f"{name}.png": curves(rows, [name]) for name in own}
    return pictures | ({CURVES: curves(rows, shared)} if shared else {})


def curves(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """Draw figures over the steps, one axis each."""
    figure = _figure(8.0, 0.6 + 2.0 * len(names))
    for number, name in enumerate(names):
        axis = figure.add_subplot(len(names), 1, number + 1)
        for column, label, style in ((name, "training", ".-"), (VALIDATION + name, "validation", "o-")):
            points = [(float(row["step"]), float(row[column])) for row in rows if column in row]
            if points:
                axis.plot(*zip(*points, strict=True), style, linewidth=1.0, markersize=3.0, label=label)
        axis.set_ylabel(name, fontsize=8)
        axis.legend(fontsize=7, loc="upper right")
    figure.axes[-1].set_xlabel("step")
    return _png(figure)


def picture_of(example: Example) -> bytes:
    """Draw given, result and target of an example as spectrograms, 80 dB down from the loudest of the three."""
    parts = {"given": example.given, "result": example.result, "target": example.target}
    spectra = {name: spectrogram_db(samples) for name, samples in parts.items()}
    loudest = max(float(spectrum.max()) for spectrum in spectra.values())
    figure = _figure(9.0, 7.0)
    for number, (name, spectrum) in enumerate(spectra.items()):
        axis = figure.add_subplot(3, 1, number + 1)
        extent = (0.0, len(parts[name]) / example.rate, 0.0, example.rate / 2000.0)
        image = axis.imshow(spectrum, origin="lower", aspect="auto", extent=extent, cmap="magma",
                            vmin=loudest - _RANGE_DB, vmax=loudest)  # fmt: skip
        axis.set_ylabel(f"{name}, kHz", fontsize=8)
        figure.colorbar(image, ax=axis, label="dB")
    figure.axes[0].set_title(example.name, fontsize=9)
    figure.axes[-2].set_xlabel("seconds")
    return _png(figure)


def spectrogram_db(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power of a 1024-point STFT in dB, shape (513, frames); nothing lies under -200 dB."""
    padded = np.pad(samples, (0, max(0, _FFT - len(samples))))
    window = torch.hann_window(_FFT)
    spectra = torch.stft(torch.from_numpy(padded), _FFT, _FFT // 4, window=window, return_complex=True)
    decibels: NDArray[np.float32] = (10.0 * torch.log10(spectra.abs().square() + 1e-20)).numpy()
    return decibels


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, dpi=80, format="png")
    return content.getvalue()
