"""The account of what was generated, for the change report: how loud it is, and that the recording's own band was kept.

Measured on the finished result beside the resampled recording, and not on what the tool believes to have done.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.resample import ResampledSignal
from engine.audio.signal import Samples, Signal, Span, read_padded
from engine.audio.stft import Stft
from engine.measure.differences import log_power_db
from engine.tools.tool import Analysis, Job
from engine.tools.upsample.band import GUARD_HZ
from engine.tools.upsample.edge import width_of
from engine.tools.upsample.facts import LEAST_CONFIDENCE, Learned

STRETCH_SECONDS: Final = 5
STRETCHES_AT_MOST: Final = 12  # a minute, spread over the recording
INSIDE: Final = 2  # the first frame of which no part lies before the recording
# A Hann window shows 60 dB less of a tone only ten bins away: what is generated would be seen far below the cutoff.
_WINDOW: Final = (0.35875, -0.48829, 0.14128, -0.01168)  # Blackman-Harris, sidelobes -92 dB
_NOTHING: Final = 1e-20
NOTHING_DB: Final = -120.0  # of full scale: what is generated below it is rounding, and nobody's band
FULL_RATE: Final = 48_000  # at which the transform is that of the networks
FULL_FFT: Final = 2048


@dataclass
class _Sums:
    """Powers over all stretches."""

    kept: float = 0.0  # of the recording, below the cross-fade
    changed: float = 0.0  # of the difference, there
    generated: float = 0.0  # of the difference, above it
    bins: int = 0  # that lie there; 0: nothing could be measured
    frames: int = 0
    distance: float = 0.0  # sum of the log-spectral distances of the frames, dB

    @property
    def null_db(self) -> float | None:
        """The change over what was to be kept; None without a sound to compare it with, and without a change."""
        return _decibels(self.changed / self.kept) if self.kept > _NOTHING else None

    @property
    def is_told(self) -> bool:
        """Whether anything can be said about the band that was to be kept: it has bins, and they sounded."""
        return self.bins > 0 and self.kept > _NOTHING


def account(
    before: Signal, after: Signal, band: tuple[float, float], analysis: Analysis, chosen_hz: float, job: Job
) -> Mapping[str, Any]:
    """Compare result and resampled recording below and above the cutoff.

    Parameters
    ----------
    band
        From where to where a band was generated, Hz.
    chosen_hz
        The cutoff the user set, 0 for the one that was found.

    Returns
    -------
    Mapping
        `generated_db` (RMS, dB of full scale; None under -120), `kept_up_to_hz` (where the band ends that was to be
        kept; None where there is none, or only silence in it, so that nothing can be said of it), `kept_null_db` (what
        changed there, over what is there; None if nothing did), `lsd_lf_db` (log-spectral distance there, about 0),
        where the generated band begins and ends, and all of it as a sentence. Empty for less than a tenth of a second.
    """
    learned = Learned.of(analysis)
    base = ResampledSignal(before, after.rate)
    kept_hz = max(0.0, band[0] - width_of(band[0], learned) - GUARD_HZ)
    sums = _Sums()
    spans = stretches(after.frames, after.rate)
    for number, span in enumerate(spans):
        job.progress(number / len(spans), "measuring the generated band")
        _add(sums, base, after, span, kept_hz, learned.gain)
    if not sums.frames:
        return {}
    generated_db, null_db = _decibels(sums.generated / sums.frames), sums.null_db
    if generated_db is not None and generated_db < NOTHING_DB:
        generated_db = None
    facts = {
        "kept_up_to_hz": round(kept_hz, 1) if sums.is_told else None,
        "generated_from_hz": round(band[0], 1),
        "generated_to_hz": round(band[1], 1),
        "generated_db": None if generated_db is None else round(generated_db, 1),
        "kept_null_db": None if null_db is None else round(null_db, 1),
        "lsd_lf_db": round(sums.distance / sums.frames, 3) if sums.is_told else None,
    }
    source = _source(chosen_hz, learned)
    said = f"{_made(facts)}{_kept(facts, sums, kept_hz)}"
    return {**facts, "text": f"the recording's band ends at {band[0]:.0f} Hz ({source}): {said}"}


def stretches(frames: int, rate: int) -> list[Span]:
    """Return up to twelve spans of 5 s, spread evenly; all of a recording of a minute or less."""
    size = STRETCH_SECONDS * rate
    count = min(STRETCHES_AT_MOST, -(-frames // size))
    starts = [round(index * max(0, frames - size) / max(1, count - 1)) for index in range(count)]
    return [Span(start, min(frames, start + size)) for start in starts]


def _add(sums: _Sums, base: Signal, after: Signal, span: Span, kept_hz: float, gain: float) -> None:
    # As long in time at any rate: the window's own width in Hz must stay under the guard band.
    fft = fft_at(after.rate)
    stft = Stft(fft, fft // 4)
    first, end = stft.frame_range(*span)
    # Only frames that lie wholly inside: the ends of a recording are steps, with a spectrum of their own.
    first, end = max(first, INSIDE), min(end, after.frames // stft.hop - 1)
    if first >= end:
        return
    wanted = stft.sample_range(first, end)
    x, y = read_padded(base, *wanted), read_padded(after, *wanted)
    split = int(kept_hz * stft.fft / after.rate)
    for channel in range(x.shape[1]):
        sound, made = x[:, channel], (y[:, channel] - x[:, channel])
        power, change = _power(sound, fft), _power(made, fft)
        sums.kept += float(power[:, :split].sum())
        sums.changed += float(change[:, :split].sum())
        sums.generated += float(change[:, split:].sum())
        one, other = (log_power_db(stft, samples * np.float32(gain))[:, :split] for samples in (sound, y[:, channel]))
        sums.distance += float(np.sqrt(np.mean((one - other) ** 2, axis=1)).sum()) if split else 0.0
        sums.frames += len(power)
    sums.bins = split


def fft_at(rate: int) -> int:
    """Return the length of the transform: a power of two, 43 to 85 ms, 2048 at 44.1 and 48 kHz."""
    return max(16, 1 << math.ceil(math.log2(rate * FULL_FFT / FULL_RATE)))


def _power(samples: Samples, fft: int) -> NDArray[np.float64]:
    """Return |X|² of frames every quarter of one, so scaled that a frame's sum is the mean square of its samples."""
    phase = 2.0 * np.pi * np.arange(fft) / fft
    window = sum(weight * np.cos(order * phase) for order, weight in enumerate(_WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(samples, fft)[:: fft // 4]
    spectra = np.fft.rfft(frames * window, axis=1)
    scale = 2.0 / fft / float(np.sum(np.square(window)))
    return np.asarray((spectra.real**2 + spectra.imag**2) * scale)


def _decibels(power: float) -> float | None:
    return 10.0 * float(np.log10(power)) if power > _NOTHING else None


def _source(chosen_hz: float, learned: Learned) -> str:
    if chosen_hz:
        return "set by hand"
    if learned.cutoff_confidence < LEAST_CONFIDENCE:
        return "the end of its rate: no edge was found below it"
    return f"found with confidence {learned.cutoff_confidence:.2f}"


def _made(facts: Mapping[str, Any]) -> str:
    level = facts["generated_db"]
    where = f"from {facts['generated_from_hz']:.0f} to {facts['generated_to_hz']:.0f} Hz"
    if level is None:
        return f"nothing that could be heard was added {where}"
    return f"a band of {level:.1f} dBFS {where} was generated, not recovered"


def _kept(facts: Mapping[str, Any], sums: _Sums, kept_hz: float) -> str:
    """Return what became of the band below, as far as it was measured."""
    if not sums.bins:
        return ""
    if not sums.is_told:
        changed_db = _decibels(sums.changed / sums.frames)
        stays = "the result is so too" if changed_db is None else f"the result has {changed_db:.0f} dBFS"
        return f"; below {kept_hz:.0f} Hz the resampled recording is silent, and {stays}"
    null = facts["kept_null_db"]
    kept = "equals" if null is None else f"differs by {null:.0f} dB from"
    distance = f"(log-spectral distance {facts['lsd_lf_db']:.2f} dB)"
    if facts["generated_db"] is None:
        return f"; below {kept_hz:.0f} Hz the result {kept} the resampled recording {distance}"
    return (
        f"; below {kept_hz:.0f} Hz the result {kept} the resampled recording {distance}; from {kept_hz:.0f} to "
        f"{facts['generated_from_hz']:.0f} Hz both are cross-faded"
    )
