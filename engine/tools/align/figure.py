"""An alignment as a picture: the map, the corridor in which it was sought, and how sure it is of every moment."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np

from engine.tools.align.result import Alignment, Seconds

# The window's tokens, specs/app.md §7.
_PANEL, _CANVAS, _BORDER = "#1C222B", "#0E1116", "#3A4654"
_TEXT, _TEXT_2 = "#E8EDF2", "#AEB9C5"
_TARGET, _PATH, _WARNING = "#F2A65A", "#4CC9F0", "#E5484D"
_MOST_POINTS: Final = 4000
_MOST_ROWS: Final = 2400  # of the corridor, as many as there are pixels


def draw(alignment: Alignment, ending: str, title: str = "") -> bytes:
    """Return a picture of an alignment.

    Parameters
    ----------
    ending
        ".svg" or ".png" (1600 x 1000 pixels).
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 10), dpi=100, facecolor=_PANEL)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(3, 1, height_ratios=(2.2, 2.2, 0.5), left=0.06, right=0.97, top=0.9, bottom=0.07,
                               hspace=0.12)  # fmt: skip
    top = figure.add_subplot(grid[0])
    middle, bottom = (figure.add_subplot(grid[row], sharex=top) for row in (1, 2))
    for axes in (top, middle, bottom):
        _dress(axes)
        axes.tick_params(labelbottom=axes is bottom)
    _draw_map(top, alignment)
    if alignment.corridor is not None:
        _draw_corridor(middle, alignment)
    else:
        _draw_lag(middle, alignment)
    _draw_confidence(bottom, alignment)
    bottom.set_xlabel("reference, seconds", color=_TEXT_2)
    figure.text(0.06, 0.955, title, color=_TEXT, fontsize=15, fontweight="bold")
    figure.text(0.06, 0.925, alignment.verdict, color=_TEXT_2, fontsize=11)
    buffer = io.BytesIO()
    # Without a date and with a fixed seed for its names, equal maps give equal files.
    with rc_context({"svg.hashsalt": "shellac"}):
        metadata = {"Date": None} if ending == ".svg" else {"Software": None}
        figure.savefig(buffer, format=ending[1:], facecolor=_PANEL, metadata=metadata)
    return buffer.getvalue()


def _draw_map(axes: Any, alignment: Alignment) -> None:
    """Draw target over reference, stretch by stretch; what has no counterpart is shaded."""
    for piece in alignment.pieces():
        step = max(1, len(piece.reference_s) // _MOST_POINTS)
        shown = np.r_[0 : len(piece.reference_s) : step, len(piece.reference_s) - 1]
        axes.plot(piece.reference_s[shown], piece.target_s[shown], color=_PATH, linewidth=1.4)
    for segment in alignment.segments:
        if segment.knots:
            axes.plot(*np.array(segment.knots).T, color=_TARGET, linewidth=1.4, linestyle="--")
        if segment.kind == "missing":
            axes.axvspan(*segment.reference_s, color=_WARNING, alpha=0.25, linewidth=0)
        if segment.kind == "extra":
            axes.axhspan(*segment.target_s, color=_TARGET, alpha=0.2, linewidth=0)
    axes.set_ylabel("target, seconds", color=_TEXT_2)


def _draw_corridor(axes: Any, alignment: Alignment) -> None:
    """Draw the likeness of every moment to those around the middle of the corridor, and the path through it."""
    corridor = alignment.corridor
    assert corridor is not None
    rows = slice(None, None, max(1, len(corridor.times_s) // _MOST_ROWS))
    times, centres = corridor.times_s[rows], corridor.centres_s[rows]
    lags_ms = 1000 * corridor.lags_s
    axes.imshow(
        corridor.likeness[rows].T, origin="lower", aspect="auto", interpolation="nearest", cmap="magma",
        extent=(times[0], times[-1], lags_ms[0], lags_ms[-1]), vmin=0, vmax=255,
    )  # fmt: skip
    if corridor.runner_up_s is not None:
        axes.plot(times, 1000 * (corridor.runner_up_s[rows] - centres), color=_TARGET, linewidth=0.8, linestyle=":")
    for piece in alignment.pieces():
        inside = (times >= piece.reference_s[0]) & (times <= piece.reference_s[-1])
        middle = np.interp(times, piece.reference_s, piece.target_s) - centres
        sigma = np.interp(times, alignment.knots_reference_s, alignment.sigma_s)
        _draw_path(axes, times[inside], middle[inside], sigma[inside])
    axes.set_ylim(lags_ms[0], lags_ms[-1])
    axes.set_ylabel("lag in the corridor, ms", color=_TEXT_2)


def _draw_lag(axes: Any, alignment: Alignment) -> None:
    """Draw by how much the map leaves a straight line, where there is no corridor."""
    reference, target = alignment.knots_reference_s, alignment.knots_target_s
    line = np.polyfit(reference, target, 1) if len(reference) > 1 else np.array([1.0, 0.0])
    step = max(1, len(reference) // _MOST_POINTS)
    lag = target - np.polyval(line, reference)
    _draw_path(axes, reference[::step], lag[::step], alignment.sigma_s[::step])
    axes.set_ylabel("lag behind a straight line, ms", color=_TEXT_2)


def _draw_path(axes: Any, times: Seconds, lag_s: Seconds, sigma_s: Seconds) -> None:
    axes.fill_between(times, 1000 * (lag_s - sigma_s), 1000 * (lag_s + sigma_s), color=_PATH, alpha=0.25, linewidth=0)
    axes.plot(times, 1000 * lag_s, color=_PATH, linewidth=1.1)


def _draw_confidence(axes: Any, alignment: Alignment) -> None:
    for piece in alignment.pieces():
        axes.fill_between(piece.reference_s, 0, piece.confidence, color=_PATH, alpha=0.7, linewidth=0, step="mid")
    for doubt in alignment.reasons:
        axes.axvspan(*doubt.reference_s, color=_WARNING, alpha=0.25, linewidth=0)
    axes.set_ylim(0, 1)
    axes.set_ylabel("sure", color=_TEXT_2)


def _dress(axes: Any) -> None:
    axes.set_facecolor(_CANVAS)
    axes.tick_params(colors=_TEXT_2, labelsize=9)
    for spine in axes.spines.values():
        spine.set_color(_BORDER)
