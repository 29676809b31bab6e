"""Recordings low-passed at a known frequency, and left alone: what the cutoff finder is asked, and the truth.

The truth is the frequency at which the filter itself, fed with long white noise, is 6 dB down. Which cases can be
answered is decided by the clean source alone, by rules that were fixed before validation recordings were measured.
Two of them stood from the start; that of the 60 dB was added after trials on the training split.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import lru_cache, partial
from typing import Final

import numpy as np
import scipy.signal
import soxr
from numpy.typing import NDArray

from training.data import Recording, read_mono, usable_recordings
from training.quality.cases import Case, Material, Samples
from training.validation import Clip, rendered_piano

Doubles = NDArray[np.float64]

SECONDS: Final = 15.0  # longest excerpt
EXCERPT_AT: Final = 20.0  # seconds into long files
CUTOFFS_HZ: Final = tuple(float(f) for f in np.geomspace(1_500.0, 20_000.0, 40))
KINDS: Final = ("butterworth 8", "butterworth 12", "chebyshev 1", "elliptic", "gentle FIR", "resampled")
# None of these is drawn where the judge is taught (`training.band_edge.responses`).
UNSEEN_KINDS: Final = ("Hann FIR", "chebyshev 2, 4 both ways", "butterworth 5 both ways")
DECIMATED: Final = "decimate"
FACTORS: Final = (2, 4, 8)
LOWEST_DECIMATED_HZ: Final = 4_000  # rate
HISS_SNR_DB: Final = 30.0
PEAK_AT_MOST: Final = 0.7
HIGHEST_CORNER: Final = 0.45  # of the rate; nearer to its half the filters of the books can't be built
STOP_DB: Final = 30.0  # of the Chebyshev II, each way
# A Chebyshev II is built by where its stop band begins: cosh(acosh(sqrt(10^3 - 1)) / 4) above where it is 3 dB down.
STOP_AT: Final = math.cosh(math.acosh(math.sqrt(10.0 ** (STOP_DB / 10.0) - 1.0)) / 4.0)

# A case can be answered if the clean source, in the half octave under the edge,
ABOVE_NOISE_DB: Final = 10.0  # stands so far above 16-bit noise plus the hiss, and
UNDER_PEAK_DB: Final = 60.0  # lies no further under its peak (the manifest's definition of bandwidth), and
OWN_FALL_DB: Final = 20.0  # doesn't fall by more to the half octave above: that would be an edge of its own.
SIXTEEN_BIT_POWER: Final = 3.0 * 2.0**-30 / 12.0  # of rounding with triangular dither

LISTED: Final = (
    "speech_single/LJ003-0069", "speech_single/LJ003-0076", "speech_single/LJ003-0085", "music/librosa/3436",
    "music/librosa/Kevin_MacLeod_-_Vibe_Ace", "music/librosa/sorohanro", "music/sms-tools/cello-double-2",
    "music/sms-tools/orchestra", "music/sms-tools/singing-female", "music/sms-tools/speech-male",
    "music/sms-tools/tedeum2", "violin/",
)  # fmt: skip
ACTORS: Final = {"actor 13": "speech_multi/actor_13", "actor 14": "speech_multi/actor_14", "singer 06": "singing/"}


def programmes() -> list[Clip]:
    """Return speech, song, orchestra, jazz, violin, piano out of the validation split, at their own rates.

    The actors' clips of 2 s are strung together, as nobody asks for the band of 2 s.

    Raises
    ------
    NoRecordingsError
        If no validation recording can be used.
    """
    rows = usable_recordings("validation", "all")
    clips = [_excerpt(row.path, row) for row in rows if row.path.startswith(LISTED)]
    for name, start in ACTORS.items():
        own = [row for row in rows if row.path.startswith(start)]
        if own:
            clips.append(_excerpt(name, *own[:9]))
    return clips + rendered_piano()


def full_band_clips() -> list[Clip]:
    """Return the validation recordings that are lossless and in which nobody has found a wall, as they are."""
    rows = usable_recordings("validation", "all")
    return [_excerpt(row.path, row) for row in rows if row.path.endswith(".flac") and "wall" not in row.note]


def _excerpt(name: str, *rows: Recording) -> Clip:
    rate = rows[0].rate
    samples = np.concatenate([read_mono(row, rate) for row in rows])
    start = round(EXCERPT_AT * rate) if len(samples) > (EXCERPT_AT + SECONDS) * rate else 0
    return Clip(name, rows[0].set, rate, samples[start : start + round(SECONDS * rate)])


def filtered_cases(clips: list[Clip], each: int = 2, step: int = 1, kinds: Collection[str] = KINDS) -> list[Case]:
    """Return a case for every filter, cutoff and hiss or none, on `each` of the clips in turn that reach so high."""
    cases: list[Case] = []
    for number, hertz in enumerate(CUTOFFS_HZ[::step]):
        for kind in kinds:
            able = [clip for clip in clips if hertz * _reach(kind) < HIGHEST_CORNER * clip.rate]
            for hiss_snr_db in (None, HISS_SNR_DB):
                row = kind if hiss_snr_db is None else f"{kind}, hiss"
                damage = partial(low_pass_case, kind=kind, hertz=hertz, hiss_snr_db=hiss_snr_db)
                for turn in range(min(each, len(able))):
                    seed = len(cases)
                    clip = able[(seed * 7 + number + turn) % len(able)]
                    cases.append(Case(row, clip, damage, seed))
    return cases


def _reach(kind: str) -> float:
    """Return how far above its corner a filter must be built."""
    return STOP_AT if kind.startswith("chebyshev 2") else 1.0


def decimated_cases(clips: list[Clip]) -> list[Case]:
    """Return a case for every clip and factor, and hiss or none: as `scipy.signal.decimate` lowers its rate."""
    cases: list[Case] = []
    for clip in clips:
        for factor in FACTORS:
            if clip.rate // factor >= LOWEST_DECIMATED_HZ:
                for hiss_snr_db in (None, HISS_SNR_DB):
                    row = DECIMATED if hiss_snr_db is None else f"{DECIMATED}, hiss"
                    damage = partial(decimated_case, factor=factor, hiss_snr_db=hiss_snr_db)
                    cases.append(Case(row, clip, damage, len(cases)))
    return cases


def decimated_case(clip: Clip, seed: int, factor: int, hiss_snr_db: float | None) -> Material:
    """Decimate a clip, zero phase, hiss over it, round to 16 bits; given at the lower rate. Facts as below.

    The filter is a Chebyshev of 8th order, forwards and backwards, 0.05 dB of ripple each, from 0.8 of half the lower
    rate: each way has lost half of the 6 dB at 0.855.
    """
    samples = _limited(clip)
    lower = scipy.signal.decimate(samples.astype(np.float64), factor, zero_phase=True)
    return _material(clip, samples, lower, clip.rate // factor, decimated_edge_hz(clip.rate, factor), seed, hiss_snr_db)


@lru_cache(maxsize=64)
def decimated_edge_hz(rate: int, factor: int) -> float:
    """Return where `scipy.signal.decimate` has lost 6 dB, by the response of its filter."""
    sections = scipy.signal.cheby1(8, 0.05, 0.8 / factor, output="sos")
    grid, response = scipy.signal.sosfreqz(sections, np.linspace(0.0, rate / 2.0 / factor, 20_000), fs=rate)
    return float(grid[np.flatnonzero(np.square(np.abs(response)) < 0.5)[0]])


def low_pass_case(clip: Clip, seed: int, kind: str, hertz: float, hiss_snr_db: float | None) -> Material:
    """Low-pass a clip, hiss over it, round to 16 bits.

    Facts: `cutoff_hz`, the truth; `answerable`; `over_noise_db`, the programme in the third of an octave under the
    edge over hiss and rounding.
    """
    samples = _limited(clip)
    filtered, true_hz = low_passed(samples, clip.rate, kind, hertz), edge_hz(kind, clip.rate, hertz)
    return _material(clip, samples, filtered, clip.rate, true_hz, seed, hiss_snr_db)


def _limited(clip: Clip) -> Samples:
    gain = min(1.0, PEAK_AT_MOST / max(float(np.abs(clip.samples).max()), 1e-9))
    return np.asarray(clip.samples * np.float32(gain), dtype=np.float32)


def _material(
    clip: Clip, clean: Samples, filtered: Doubles, rate: int, true_hz: float, seed: int, hiss_snr_db: float | None
) -> Material:
    hiss_power = 0.0
    if hiss_snr_db is not None:
        hiss_power = float(np.mean(np.square(filtered))) / 10.0 ** (hiss_snr_db / 10.0)
    hiss = math.sqrt(hiss_power) * np.random.default_rng((seed, 1)).standard_normal(len(filtered))
    noise = (SIXTEEN_BIT_POWER + hiss_power) / (rate / 2.0)
    under = _mean_density(filtered, rate, true_hz / 2.0 ** (1.0 / 3.0), true_hz)
    facts = {
        "cutoff_hz": true_hz,
        "answerable": is_answerable(clean, clip.rate, true_hz, noise),
        "over_noise_db": 10.0 * math.log10(under / noise + 1e-30),
    }
    target = clean if rate == clip.rate else np.asarray(filtered, dtype=np.float32)
    return Material(rounded(filtered + hiss, seed), target, rate, facts=facts)


def is_answerable(clean: Samples, rate: int, true_hz: float, noise_density: float) -> bool:
    """Whether the clean source has sound where the edge shall be found; see the constants above."""
    under = _mean_density(clean, rate, true_hz / math.sqrt(2.0), true_hz)
    over = _mean_density(clean, rate, true_hz, min(true_hz * math.sqrt(2.0), rate / 2.0))
    peak = float(_density(clean, rate)[1].max())
    return bool(
        under > noise_density * 10.0 ** (ABOVE_NOISE_DB / 10.0)
        and under > peak / 10.0 ** (UNDER_PEAK_DB / 10.0)
        and under < over * 10.0 ** (OWN_FALL_DB / 10.0)
    )


def low_passed(samples: Samples, rate: int, kind: str, hertz: float) -> Doubles:
    """Return `samples` through one of `KINDS` or `UNSEEN_KINDS`; same length.

    Parameters
    ----------
    hertz
        The corner, whatever that means to the filter.
    """
    if kind == "Hann FIR":
        # From pass to stop half an octave.
        taps = math.ceil(3.1 * rate / ((2.0**0.25 - 2.0**-0.25) * hertz)) | 1
        response = scipy.signal.firwin(taps, hertz, window="hann", fs=rate)
        return np.asarray(scipy.signal.oaconvolve(samples, response, mode="same"))
    if kind == "gentle FIR":
        # Hamming; from pass to stop a quarter of the corner: gentle for a wall, steep for nature.
        taps = math.ceil(3.3 * rate / (0.25 * hertz)) | 1
        return np.asarray(scipy.signal.oaconvolve(samples, scipy.signal.firwin(taps, hertz, fs=rate), mode="same"))
    if kind == "resampled":
        low = soxr.resample(samples, rate, 2.0 * hertz, quality="VHQ")
        high = np.asarray(soxr.resample(low, 2.0 * hertz, rate, quality="VHQ"), dtype=np.float64)
        return np.pad(high, (0, max(0, len(samples) - len(high))))[: len(samples)]
    sections = _sections(kind, rate, hertz)
    if kind.endswith("both ways"):
        return np.asarray(scipy.signal.sosfiltfilt(sections, samples.astype(np.float64)), dtype=np.float64)
    return np.asarray(scipy.signal.sosfilt(sections, samples.astype(np.float64)), dtype=np.float64)


def _sections(kind: str, rate: int, hertz: float) -> Doubles:
    if kind == "chebyshev 1":
        return np.asarray(scipy.signal.cheby1(8, 1.0, hertz, fs=rate, output="sos"))
    if kind == "elliptic":
        return np.asarray(scipy.signal.ellip(8, 1.0, 60.0, hertz, fs=rate, output="sos"))
    if kind == "chebyshev 2, 4 both ways":
        return np.asarray(scipy.signal.cheby2(4, STOP_DB, STOP_AT * hertz, fs=rate, output="sos"))
    name, _, order = kind.removesuffix(" both ways").partition(" ")
    if name != "butterworth":
        raise ValueError(f"there is no filter {kind!r}: choose from {', '.join((*KINDS, *UNSEEN_KINDS))}")
    return np.asarray(scipy.signal.butter(int(order), hertz, fs=rate, output="sos"))


@lru_cache(maxsize=2048)
def edge_hz(kind: str, rate: int, hertz: float) -> float:
    """Return where a filter is 6 dB under the top of its passband, by its response to 5 s of white noise."""
    noise = np.random.default_rng(5).standard_normal(5 * rate).astype(np.float32)
    grid, before = _density(noise, rate, 8192)
    gain_db = 10.0 * np.log10(_density(low_passed(noise, rate, kind, hertz), rate, 8192)[1] / before + 1e-30)
    passband = gain_db[(grid > 0.1 * hertz) & (grid < 0.9 * hertz)]
    wanted = float(np.quantile(passband, 0.9)) - 20.0 * math.log10(2.0)
    first = int(np.flatnonzero((gain_db < wanted) & (grid > 0.7 * hertz))[0])
    share = (gain_db[first - 1] - wanted) / (gain_db[first - 1] - gain_db[first])
    return float(grid[first - 1] + share * grid[1])


def rounded(samples: Doubles, seed: int) -> Samples:
    """Return samples rounded to 16 bits with triangular dither, as a file holds them."""
    rng = np.random.default_rng((seed, 2))
    dither = rng.random(len(samples)) - rng.random(len(samples))
    return np.asarray(np.round(np.clip(samples, -1.0, 1.0) * 32768.0 + dither) / 32768.0, dtype=np.float32)


def _density(samples: Samples | Doubles, rate: int, fft: int = 4096) -> tuple[Doubles, Doubles]:
    grid, power = scipy.signal.welch(samples.astype(np.float64), rate, "hann", min(fft, len(samples)))
    return np.asarray(grid), np.asarray(power)


def _mean_density(samples: Samples | Doubles, rate: int, low_hz: float, high_hz: float) -> float:
    grid, power = _density(samples, rate)
    inside = power[(grid >= low_hz) & (grid < high_hz)]
    return float(inside.mean()) if len(inside) else 0.0
