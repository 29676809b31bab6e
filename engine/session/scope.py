"""A device acts inside its scope only: `y = x + mix * (f(x) - x)` there, the very bits of `x` elsewhere.

Time and channels are composited sample by sample with fades inside the scope; a frequency box in the STFT domain.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.audio.signal import Format, Samples, Span
from engine.audio.stft import Stft
from engine.session.recipe import Scope

BOX_STFT: Final = Stft(2048, 512)
BOX_REACH: Final = 2048  # frames on each side that a boxed sample depends on


def missed(scope: Scope, given: Format) -> str:
    """Return why a scope touches nothing of a recording, or nothing if it touches some of it."""
    if not given.frames:
        return ""
    if not scope.span(given.rate, given.frames).frames:
        if scope.start_s is not None and round(scope.start_s * given.rate) >= given.frames:
            return f"its scope begins at {scope.start_s:g} s and the recording ends at {given.frames / given.rate:g} s"
        return "its scope is shorter than a sample"
    if scope.channels is not None and not any(channel < given.channels for channel in scope.channels):
        return f"its scope names no channel of the recording, which has {given.channels}"
    if scope.is_box and not _bins(scope, given.rate).any():
        return f"its scope holds no frequency of the recording, which ends at {given.rate / 2:g} Hz"
    return ""


def mix_down(x: Samples, wet: Samples, mix: float, scope: Scope, inside: Span, span: Span, frames: int, rate: int,
             ) -> Samples:  # fmt: skip
    """Return the device's output for a span that lies inside its scope.

    Parameters
    ----------
    x, wet
        The device's input and its tool's output, shape (span.frames, channels).
    mix
        0 dry to 1 wet. At 1, away from the fades, the result has the bits of `wet`.
    inside
        The whole scope in frames; `frames` is the length of the recording. There is no fade at the recording's ends.
    """
    gain = _fade(scope, inside, span, frames, rate)
    if gain is None:
        y = wet if mix == 1.0 else x + np.float32(mix) * (wet - x)
    else:
        y = np.where(gain == 1.0, wet if mix == 1.0 else x + np.float32(mix) * (wet - x),
                     x + (np.float32(mix) * gain) * (wet - x))  # fmt: skip
    if scope.channels is not None:
        untouched = [c for c in range(x.shape[1]) if c not in scope.channels]
        y = y.copy()
        y[:, untouched] = x[:, untouched]
    return y


def _fade(scope: Scope, inside: Span, span: Span, frames: int, rate: int) -> Samples | None:
    """Return the linear fades of the scope, shape (span.frames, 1), or None where there are none."""
    length = min(round(scope.feather_ms * rate / 1000.0), inside.frames // 2)
    fades_in = inside.start > 0 and span.start < inside.start + length
    fades_out = inside.stop < frames and span.stop > inside.stop - length
    if length < 1 or not (fades_in or fades_out):
        return None
    at = np.arange(span.start, span.stop, dtype=np.float64)
    gain = np.ones(len(at))
    # Half a sample off the ends: neither a wasted zero nor a wasted one.
    if fades_in:
        gain = np.minimum(gain, (at - inside.start + 0.5) / length)
    if fades_out:
        gain = np.minimum(gain, (inside.stop - at - 0.5) / length)
    return gain.astype(np.float32)[:, None]


def box_window(part: Span, inside: Span) -> Span:
    """Return the frames that a frequency box needs of dry and wet to composite `part`, cut to the scope."""
    return Span(part.start - BOX_REACH, part.stop + BOX_REACH).intersect(inside)


def composite_box(dry: Samples, wet: Samples, window: Span, part: Span, scope: Scope, rate: int) -> Samples:
    """Return `dry` with the rectangle of frequencies from `wet`, shape (part.frames, channels).

    Parameters
    ----------
    dry, wet
        Shape (window.frames, channels); beyond `window` both count as equal.
    window
        What `box_window` gave.

    Notes
    -----
    Only the difference is transformed, so where the device changed nothing the bits of `dry` remain.
    """
    first, end = BOX_STFT.frame_range(part.start, part.stop)
    start, stop = BOX_STFT.sample_range(first, end)
    known = window.intersect(Span(start, stop))
    keep = _bins(scope, rate)
    out = np.empty((part.frames, dry.shape[1]), dtype=np.float32)
    for channel in range(dry.shape[1]):
        change = np.zeros(stop - start, dtype=np.float32)
        wanted = slice(known.start - window.start, known.stop - window.start)
        change[known.start - start : known.stop - start] = wet[wanted, channel] - dry[wanted, channel]
        spectra = BOX_STFT.forward(change)
        spectra[:, ~keep] = 0.0
        boxed = BOX_STFT.inverse(spectra)[part.start - start : part.stop - start]
        out[:, channel] = dry[part.start - window.start : part.stop - window.start, channel] + boxed
    return out


def _bins(scope: Scope, rate: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which bins lie inside the box, shape (bins,)."""
    hz = np.arange(BOX_STFT.bins) * (rate / BOX_STFT.fft)
    low = scope.low_hz if scope.low_hz is not None else -1.0
    high = scope.high_hz if scope.high_hz is not None else float("inf")
    keep: np.ndarray[tuple[int], np.dtype[np.bool_]] = (hz >= low) & (hz <= high)
    return keep
