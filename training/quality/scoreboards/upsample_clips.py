"""Recordings that Upsample is measured on: the validation split, each up to its own wall.

A lossy encoder or a rate takes the top of the spectrum away, and nothing can be compared there. A natural roll-off is
no wall: it is part of the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.audio.stft import torch_compatible_frames
from training import validation
from training.data import Recording, cached_mono, read_manifest, usable_recordings
from training.data.resampling import resampled
from training.quality.measures.bandwidth import ACTIVE_DB, LUFS, STFT
from training.quality.measures.base import NotMeasurableError
from training.quality.measures.waveform import lufs
from training.validation import Clip

SECONDS: Final = 10.0  # longest excerpt
EXCERPT_AT: Final = 20.0  # seconds into long files, past the fade-in
EMPTY_DB: Final = -70.0  # 10 log10 |S|² at -25 LUFS: 10 dB over the floor of the log-spectral distance
SMOOTH_HZ: Final = 200.0
STEEP_DB: Final = 3.0  # per SMOOTH_HZ, on the slope of a wall
SLOPE_HZ: Final = 1500.0  # a wall's slope is no longer
PASSED: Final = 0.95  # of a rate's Nyquist frequency, before the slope of its anti-aliasing filter
CYMBALS: Final = "music/librosa/admiralbob77_-_Choice_-_Drum-bass.hq.ogg"  # no validation file has any


def speech_of_one() -> list[Clip]:
    """Sentences of the speaker that was trained on, at 16 kHz; they themselves are unseen."""
    return [_clip(row, 16_000) for row in _usable("speech_single")]


def speech_of_others() -> list[Clip]:
    """Two actors, a reader and a speaker from other corpora, at 16 kHz."""
    rows = [*_usable("speech_multi")[::4], *_readers()]
    return [_clip(row, 16_000) for row in rows]


def speech_full_band() -> list[Clip]:
    """Speech and song stored at 48 kHz, by actors that were not trained on."""
    return [_clip(row, 48_000) for row in (*_usable("speech_multi"), *_usable("singing")) if row.rate == 48_000]


def music(rate: int) -> list[Clip]:
    """Music, violin and rendered piano at 44.1 or 48 kHz, excerpts of up to 10 s."""
    readers = {row.path for row in _readers()}
    rows = [row for row in (*_usable("music"), *_usable("violin")) if row.path not in readers]
    return [_clip(row, rate) for row in rows] + [_at(clip, rate) for clip in validation.rendered_piano()]


def cymbals(rate: int) -> list[Clip]:
    """Drums and bass under a non-commercial licence: of the training split, which clean weights never saw."""
    return [_clip(row, rate) for row in read_manifest() if row.path == CYMBALS]


def _readers() -> list[Recording]:
    return [row for row in _usable("music") if "reader" in row.note or "speech" in row.path]


def _usable(name: str) -> list[Recording]:
    return [row for row in usable_recordings("validation", "all") if row.set == name]


def _clip(row: Recording, rate: int) -> Clip:
    samples = cached_mono(row, rate)
    start = round(EXCERPT_AT * rate) if len(samples) > (EXCERPT_AT + SECONDS) * rate else 0
    return Clip(row.path, validation.kind_of(row), rate, samples[start : start + round(SECONDS * rate)])


def _at(clip: Clip, rate: int) -> Clip:
    return Clip(clip.name, clip.kind, rate, resampled(clip.samples, clip.rate, rate))


def with_room_above(clips: Sequence[Clip], cutoff_hz: float) -> list[Clip]:
    """Return the clips that hold something to be measured above a cutoff: a fifth of an octave below their wall."""
    return [clip for clip in clips if valid_hz(clip) >= 1.15 * cutoff_hz]


def valid_hz(clip: Clip) -> float:
    """Return up to where a clip can be compared: half its rate, or its own wall.

    A wall is where the median level falls for good under what the log-spectral distance can see, followed down its
    steep slope to where that begins: a lossy encoder leaves the top out of most frames, not of all. What was resampled
    from a lower rate ends before that one's filter.
    """
    try:
        gain = 10.0 ** ((LUFS - lufs(clip.samples, clip.rate)) / 20.0)
    except NotMeasurableError:
        return clip.rate / 2.0
    return wall_hz(levels_db(clip.samples * np.float32(gain)), clip.rate)


def levels_db(samples: np.ndarray) -> np.ndarray:
    """Return the median power of each bin over the frames that sound, in dB, not under -80; shape (bins,)."""
    spectra = torch_compatible_frames(np.ascontiguousarray(samples, dtype=np.float32), STFT)
    inside = spectra[2:-2] if len(spectra) > 4 else spectra  # a clip that was cut has every frequency at its ends
    power = inside.real**2 + inside.imag**2
    whole = power.sum(axis=1)
    sounding = power[whole >= whole.max() * 10.0 ** (-ACTIVE_DB / 10.0)]
    return np.asarray(10.0 * np.log10(np.maximum(np.median(sounding, axis=0), 1e-8)))


def wall_hz(levels: np.ndarray, rate: int) -> float:
    """Return where levels (dB, by bin) break off, half the rate if they don't."""
    step = rate / STFT.fft
    width = max(1, round(SMOOTH_HZ / step))
    smooth = np.convolve(np.pad(levels, width // 2, mode="edge"), np.ones(width) / width, mode="valid")
    sounding = np.flatnonzero(smooth > EMPTY_DB)
    if not len(sounding) or sounding[-1] * step >= 0.97 * rate / 2.0:
        return rate / 2.0
    top = int(sounding[-1])
    last = max(width, top - round(SLOPE_HZ / step))
    while top > last and smooth[top - width] - smooth[top] > STEEP_DB:
        top -= width
    return top * step
