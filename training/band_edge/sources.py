"""The recordings whose spectra are filtered, and up to where nobody has filtered them before.

Beside them stands noise made here: steady, in syllables, and a few tones, as no recording holds them and any may.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from training.data import Recording, Samples, read_mono, usable_recordings

Spectra = NDArray[np.complex64]

FFT: Final = 4096
SECONDS: Final = 14.0
SHORTEST_SECONDS: Final = 1.5
HELD_OUT_EACH: Final = 6
LONG_SECONDS: Final = 60.0  # from here on a recording gives three excerpts
UNDER_WALL: Final = 0.95  # of a wall that the manifest notes: so far up a recording is whole
UNDER_NYQUIST: Final = 0.9  # without one: converters have slopes of their own above it
SPEECH_WHOLE_HZ: Final = 14_400.0  # speech_single was resampled to 32 kHz
MADE: Final = 24
MADE_RATE, MADE_SECONDS = 44_100, 10.0
# Short recordings are strung together: set, how many each, how many strings at most.
STRUNG: Final = (("speech_single", 3, 36), ("piano_samples", 6, 20), ("violin_samples", 1, 29))


@dataclass(frozen=True)
class Source:
    """The spectra of a recording, and up to where nobody has filtered it."""

    name: str  # the path of its recording, or of the first of a string
    rate: int
    whole_hz: float
    spectra: Spectra  # (frames, FFT // 2 + 1)
    weight: float = 2.0  # how often it is drawn; single notes half as often
    rows: tuple[Recording, ...] = ()  # of the manifest, out of which it was taken; none for what is made here


def sources() -> list[Source]:
    """Return recordings of the training split that may be used for anything, and noise made here.

    Raises
    ------
    NoRecordingsError
        If no training recording can be used.
    """
    rows = [row for row in usable_recordings("train", "clean") if row.seconds > SHORTEST_SECONDS]
    found = [source for row in rows if row.set in ("music", "violin", "surface_noise") for source in _excerpts(row)]
    for name, each, at_most in STRUNG:
        own = [row for row in rows if row.set == name]
        count = len(own) // each
        strings = [own[first::count][:each] for first in range(count)]
        for string in strings[:: max(1, -(-count // at_most))]:
            samples = np.concatenate([read_mono(row, row.rate)[: round(SECONDS * row.rate)] for row in string])
            found.append(_source(string, samples[: round(SECONDS * string[0].rate)]))
    return found + [_made(seed) for seed in range(MADE)]


def held_out(found: Sequence[Source]) -> frozenset[str]:
    """Return the names of those to choose by: every so many-th recording, with all of its excerpts."""
    return frozenset(list(dict.fromkeys(source.name for source in found))[::HELD_OUT_EACH])


def _excerpts(row: Recording) -> list[Source]:
    samples, length = read_mono(row, row.rate), round(SECONDS * row.rate)
    pieces = 3 if row.seconds > LONG_SECONDS else 1
    starts = [(len(samples) - length) * piece // pieces if pieces > 1 else 0 for piece in range(pieces)]
    return [_source([row], samples[start : start + length]) for start in starts]


def _source(rows: list[Recording], samples: Samples) -> Source:
    rate = rows[0].rate
    walls = [float(khz) * 1000.0 for row in rows for khz in re.findall(r"wall near ([0-9.]+) kHz", row.note)]
    whole_hz = min([UNDER_WALL * wall for wall in walls] + [UNDER_NYQUIST * rate / 2.0])
    if rows[0].set == "speech_single":
        whole_hz = SPEECH_WHOLE_HZ
    weight = 1.0 if rows[0].set.endswith("_samples") else 2.0
    return Source(rows[0].path, rate, whole_hz, _spectra(samples), weight, tuple(rows))


def _spectra(samples: Samples) -> Spectra:
    """Return the spectra of half overlapping frames, of samples brought to an RMS of 1."""
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    padded = np.pad(samples / max(level, 1e-9), (0, max(0, 6 * FFT - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[:: FFT // 2]
    return np.asarray(np.fft.rfft(frames * np.hanning(FFT + 1)[:-1], axis=1), dtype=np.complex64)


def _made(seed: int) -> Source:
    """Return noise that falls by so many dB per octave, in syllables or, each third, steady; or, each eighth, tones."""
    rng, frames = np.random.default_rng((7, seed)), round(MADE_SECONDS * MADE_RATE)
    hertz = np.fft.rfftfreq(frames, 1.0 / MADE_RATE)
    fall = (np.maximum(hertz, 200.0) / 200.0) ** (rng.uniform(-15.0, 1.0) / 6.0206)
    sound = np.fft.irfft(np.fft.rfft(rng.standard_normal(frames)) * fall, frames)
    if seed % 8 == 7:
        places = 2.0 ** rng.uniform(np.log2(150.0), np.log2(8_000.0), int(rng.integers(1, 6)))
        tones = np.sin(2.0 * np.pi * places[:, None] * np.arange(frames) / MADE_RATE).sum(axis=0)
        sound = tones + 1e-6 * sound
    if seed % 3:
        beats = np.repeat(rng.uniform(-35.0, 0.0, round(6 * MADE_SECONDS)), MADE_RATE // 6)
        sections = scipy.signal.butter(2, 20.0, fs=MADE_RATE, output="sos")
        sound = sound[: len(beats)] * scipy.signal.sosfiltfilt(sections, 10.0 ** (beats / 20.0))
    return Source(f"made {seed}", MADE_RATE, 0.99 * MADE_RATE / 2.0, _spectra(np.asarray(sound, dtype=np.float32)))
