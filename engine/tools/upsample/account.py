"""The account of what was generated, for the change report: how loud it is, and that the recording's own band was kept.

Measured on the finished result beside the resampled recording, and not on what the tool believes to have done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.resample import ResampledSignal
from engine.audio.signal import Samples, Signal, Span, read_padded
from engine.audio.stft import Stft
from engine.tools.tool import Analysis, Job
from engine.tools.upsample.band import GUARD_HZ, width_of
from engine.tools.upsample.learned import LEAST_CONFIDENCE, Learned

STRETCH_SECONDS: Final = 5
STRETCHES_AT_MOST: Final = 12  # a minute, spread over the recording
INSIDE: Final = 2  # the first frame of which no part lies before the recording
SMALLEST: Final = 1e-8  # |S|² under which the log-spectral distance sees nothing
# A Hann window shows 60 dB less of a tone only ten bins away: what is generated would be seen far below the cutoff.
_WINDOW: Final = (0.35875, -0.48829, 0.14128, -0.01168)  # Blackman-Harris, sidelobes -92 dB
_NOTHING: Final = 1e-20


@dataclass
class _Sums:
    """Powers over all stretches."""

    kept: float = 0.0  # of the recording, below the cross-fade
    changed: float = 0.0  # of the difference, there
    generated: float = 0.0  # of the difference, above it
    frames: int = 0
    distance: float = 0.0  # sum of the log-spectral distances of the frames, dB


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
        `generated_db` (RMS, dB of full scale; None for silence), `kept_null_db` (what changed in the band that was to
        be kept, over what is there; None if not a bit did), `lsd_lf_db` (log-spectral distance there, about 0), where
        that band ends and the generated one begins and ends, and all of it as a sentence. Empty for less than 64 ms.
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
    generated_db = _decibels(sums.generated / sums.frames)
    null_db = _decibels(sums.changed / sums.kept) if sums.kept > _NOTHING else None
    facts = {
        "kept_up_to_hz": round(kept_hz, 1),
        "generated_from_hz": round(band[0], 1),
        "generated_to_hz": round(band[1], 1),
        "generated_db": None if generated_db is None else round(generated_db, 1),
        "kept_null_db": None if null_db is None else round(null_db, 1),
        "lsd_lf_db": round(sums.distance / sums.frames, 3),
    }
    source = _source(chosen_hz, learned)
    return {**facts, "text": f"the recording's band ends at {band[0]:.0f} Hz ({source}): {_sentence(facts)}"}


def stretches(frames: int, rate: int) -> list[Span]:
    """Return up to twelve spans of 5 s, spread evenly; all of a recording of a minute or less."""
    size = STRETCH_SECONDS * rate
    count = min(STRETCHES_AT_MOST, -(-frames // size))
    starts = [round(index * max(0, frames - size) / max(1, count - 1)) for index in range(count)]
    return [Span(start, min(frames, start + size)) for start in starts]


def _add(sums: _Sums, base: Signal, after: Signal, span: Span, kept_hz: float, gain: float) -> None:
    stft = Stft()
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
        power, change = _power(sound), _power(made)
        sums.kept += float(power[:, :split].sum())
        sums.changed += float(change[:, :split].sum())
        sums.generated += float(change[:, split:].sum())
        one, other = (_log_power_db(stft, samples * np.float32(gain))[:, :split] for samples in (sound, y[:, channel]))
        sums.distance += float(np.sqrt(np.mean((one - other) ** 2, axis=1)).sum()) if split else 0.0
        sums.frames += len(power)


def _power(samples: Samples) -> NDArray[np.float64]:
    """Return |X|² of frames of 2048 every 512, so scaled that a frame's sum is the mean square of its samples."""
    fft, hop = 2048, 512
    phase = 2.0 * np.pi * np.arange(fft) / fft
    window = sum(weight * np.cos(order * phase) for order, weight in enumerate(_WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(samples, fft)[::hop]
    spectra = np.fft.rfft(frames * window, axis=1)
    scale = 2.0 / fft / float(np.sum(np.square(window)))
    return np.asarray((spectra.real**2 + spectra.imag**2) * scale)


def _log_power_db(stft: Stft, samples: Samples) -> NDArray[np.float64]:
    spectra = stft.forward(np.ascontiguousarray(samples))
    power = spectra.real.astype(np.float64) ** 2 + spectra.imag.astype(np.float64) ** 2
    return np.asarray(10.0 * np.log10(np.maximum(power, SMALLEST)))


def _decibels(power: float) -> float | None:
    return 10.0 * float(np.log10(power)) if power > _NOTHING else None


def _source(chosen_hz: float, learned: Learned) -> str:
    if chosen_hz:
        return "set by hand"
    if learned.cutoff_confidence < LEAST_CONFIDENCE:
        return "the end of its rate: no edge was found below it"
    return f"found with confidence {learned.cutoff_confidence:.2f}"


def _sentence(facts: Mapping[str, Any]) -> str:
    level, null = facts["generated_db"], facts["kept_null_db"]
    made = "nothing" if level is None else f"a band of {level:.1f} dBFS"
    kept = "has the very samples" if null is None else f"differs by {null:.0f} dB"
    return (
        f"{made} from {facts['generated_from_hz']:.0f} to {facts['generated_to_hz']:.0f} Hz was generated, not "
        f"recovered; below {facts['kept_up_to_hz']:.0f} Hz the result {kept} from the resampled recording "
        f"(log-spectral distance {facts['lsd_lf_db']:.2f} dB)"
    )
