"""Before and after in one picture: waveforms and spectrograms of two recordings on the same axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Signal, Span, read_padded
from engine.audio.stft import Stft
from engine.session.atomic import write_atomically
from engine.tools.tool import NO_JOB, Job

_COLUMNS: Final = 1200
_LOOKS: Final = 3  # STFT frames looked at per column; the loudest is shown, so that clicks survive
_FLOOR_DB: Final = -110.0
_STFT: Final = Stft(2048, 512)


class _Look(NamedTuple):
    low: NDArray[np.float32]  # (columns,)
    high: NDArray[np.float32]
    level_db: NDArray[np.float32]  # (bins, columns), 0 dB = full-scale sine


# The window's tokens, specs/app.md §7.
_PANEL, _CANVAS, _BORDER = "#1C222B", "#0E1116", "#3A4654"
_TEXT, _TEXT_2 = "#E8EDF2", "#AEB9C5"
_BEFORE, _AFTER = "#F2A65A", "#4CC9F0"


Kind = Literal["both", "waveforms", "spectrograms"]


def before_after(
    before: Signal,
    after: Signal,
    path: Path | None = None,
    title: str = "Before and after",
    names: tuple[str, str] = ("Before", "After"),
    kind: Kind = "both",
    job: Job = NO_JOB,
) -> bytes:
    """Draw two recordings above each other on the same axes.

    Parameters
    ----------
    path
        Where the PNG is written; None = nowhere.

    Returns
    -------
    bytes
        The PNG, 1600 x 1000 pixels (waveforms alone: 1600 x 620).
    """
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    looks = [look(before, job.part(0.0, 0.5)), look(after, job.part(0.5, 1.0))]
    figure = Figure(figsize=(16, 6.2 if kind == "waveforms" else 10), dpi=100, facecolor=_PANEL)
    FigureCanvasAgg(figure)
    heights = {"both": (1, 2.2, 1, 2.2), "waveforms": (1, 1), "spectrograms": (1, 1)}[kind]
    grid = figure.add_gridspec(
        len(heights), 2, height_ratios=heights, width_ratios=(1, 0.012),
        left=0.055, right=0.945, top=0.925, bottom=0.06, hspace=0.16, wspace=0.02,
    )  # fmt: skip
    peak = max(1e-6, *(float(max(-x.low.min(), x.high.max())) for x in looks))
    longest_s = max(before.frames / before.rate, after.frames / after.rate, 1e-3)
    top_hz = max(before.rate, after.rate) / 2
    image: Any = None
    row = 0
    sides = zip((before, after), looks, names, (_BEFORE, _AFTER), strict=True)
    for signal, seen, name, colour in sides:
        seconds = signal.frames / signal.rate
        if kind != "spectrograms":
            _draw_wave(figure.add_subplot(grid[row, 0]), seen, seconds, longest_s, peak, kind == "waveforms")
            _name(figure.axes[-1], name, colour)
            row += 1
        if kind != "waveforms":
            image = _draw_spectrogram(figure.add_subplot(grid[row, 0]), seen, seconds, longest_s, signal.rate, top_hz)
            if kind == "spectrograms":
                _name(figure.axes[-1], name, colour)
            row += 1
    figure.axes[-1].set_xlabel("seconds", color=_TEXT_2)
    if image is not None:
        scale: Any = figure.colorbar(image, cax=figure.add_subplot(grid[:, 1]))
        scale.set_label("dB of a full-scale sine", color=_TEXT_2)
        scale.outline.set_edgecolor(_BORDER)
        scale.ax.tick_params(colors=_TEXT_2, labelsize=9)
    figure.text(0.055, 0.955, title, color=_TEXT, fontsize=15, fontweight="bold")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor=_PANEL, metadata={"Software": None})
    if path is not None:
        write_atomically(path, buffer.getvalue())
    return buffer.getvalue()


def look(signal: Signal, job: Job = NO_JOB) -> _Look:
    """Return extremes and spectra in 1200 columns over the whole recording, the channels' mean."""
    frames = signal.frames
    low = np.zeros(_COLUMNS, dtype=np.float32)
    high = np.zeros(_COLUMNS, dtype=np.float32)
    level = np.full((_STFT.bins, _COLUMNS), _FLOOR_DB, dtype=np.float32)
    edges = np.linspace(0, frames, _COLUMNS + 1).astype(np.int64)
    for column in range(_COLUMNS if frames else 0):
        job.progress(column / _COLUMNS, "drawing")
        start, stop = int(edges[column]), max(int(edges[column]) + 1, int(edges[column + 1]))
        mono = signal.read(start, min(stop, frames)).mean(axis=1)
        low[column], high[column] = mono.min(), mono.max()
        level[:, column] = _spectrum_db(signal, Span(start, stop))
    return _Look(low, high, level)


def _spectrum_db(signal: Signal, span: Span) -> NDArray[np.float32]:
    """Return the loudest of a few frames within `span`, in dB below a full-scale sine; shape (bins,)."""
    power = np.zeros(_STFT.bins, dtype=np.float32)
    for centre in np.linspace(span.start, span.stop, _LOOKS + 2).astype(int)[1:-1]:
        mono = read_padded(signal, centre - _STFT.fft // 2, centre + _STFT.fft // 2).mean(axis=1)
        power = np.maximum(power, np.abs(_STFT.forward(mono)[0]) ** 2)
    # A full-scale sine has the magnitude fft / 4 under a Hann window.
    decibels: NDArray[np.float32] = 10.0 * np.log10(np.maximum(power / (_STFT.fft / 4) ** 2, 10 ** (_FLOOR_DB / 10)))
    return decibels


def _dress(axes: Any) -> None:
    axes.set_facecolor(_CANVAS)
    axes.tick_params(colors=_TEXT_2, labelsize=9)
    for spine in axes.spines.values():
        spine.set_color(_BORDER)


def _name(axes: Any, name: str, colour: str) -> None:
    axes.text(
        0.008, 0.93, name, color=colour, fontsize=12, fontweight="bold", transform=axes.transAxes, va="top",
        bbox={"facecolor": _CANVAS, "edgecolor": "none", "alpha": 0.7, "pad": 3},
    )  # fmt: skip


def _draw_wave(axes: Any, seen: _Look, seconds: float, longest_s: float, peak: float, has_labels: bool) -> None:
    _dress(axes)
    colour = _BEFORE if axes.get_subplotspec().is_first_row() else _AFTER
    axes.fill_between(np.linspace(0, seconds, _COLUMNS), seen.low, seen.high, color=colour, linewidth=0.4)
    axes.axhline(0, color=_BORDER, linewidth=0.6)
    axes.set_ylim(-1.05 * peak, 1.05 * peak)
    axes.set_xlim(0, longest_s)
    axes.tick_params(labelbottom=has_labels)


def _draw_spectrogram(axes: Any, seen: _Look, seconds: float, longest_s: float, rate: int, top_hz: float) -> Any:
    _dress(axes)
    image = axes.imshow(
        seen.level_db, origin="lower", aspect="auto", interpolation="bilinear", cmap="inferno", vmin=-100, vmax=-10,
        extent=(0, max(seconds, 1e-3), 0, rate / 2 / 1000),
    )  # fmt: skip
    axes.set_xlim(0, longest_s)
    axes.set_ylim(0, top_hz / 1000)
    axes.set_ylabel("kHz", color=_TEXT_2)
    return image
