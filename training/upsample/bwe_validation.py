"""Fixed crops of the validation split on which the bandwidth networks are judged while they train.

Speech of the trained speaker, of others, and music, each brought down to lower rates and back. The flat tail (the
network's answer left out) and plain interpolation stand beside every figure. Non-commercial recordings may be measured.

Level, edge, cross-fade and the filter behind them are the product's own, so that a log judges what is shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import ArraySignal
from engine.audio.stft import Stft, torch_compatible_frames
from engine.inference.band_features import Edge, generated, residual
from engine.tools.tool import NO_JOB
from engine.tools.upsample.band import band_filter
from engine.tools.upsample.bwe import PASSES, stft_of
from engine.tools.upsample.edge import edge_of, fade_of
from engine.tools.upsample.learned import learn
from engine.tools.upsample.plan import SPEECH_RATE, WEIGHTS, Plan
from training.data import Recording, Samples, cached_mono, has_development_data, usable_recordings
from training.data.resampling import resampled
from training.data.walls import PASSED, find_wall

SECONDS: Final = 2.2
LUFS: Final = -25.0  # of the targets where they are compared
LSD_STFT: Final = Stft(2048, 512)  # of the log-spectral distance, whatever the network's
SEAM_HZ: Final = 300.0  # above the cutoff begin the bands whose level is compared
BAND_HZ: Final = 500.0
_MUSIC: Final = ("Vibe_Ace", "orchestra.flac", "cello-double-2", "tedeum2", "mridangam", "bwv1002_mov7")


@dataclass(frozen=True)
class Case:
    """One crop that came from a lower rate; both (samples,) at `rate`, at the level that the host sets."""

    name: str  # of the row of the log: who, and from which rate
    title: str
    rate: int
    target: Samples
    given: Samples
    edge: Edge  # that the network is told
    fade: Edge  # over which given and generated band are cross-faded
    valid_hz: float
    gain: float  # to -25 LUFS

    @property
    def spectra(self) -> NDArray[np.complex64]:
        """What the network is told of."""
        return torch_compatible_frames(self.given, self.stft)

    @property
    def stft(self) -> Stft:
        """The network's own frames, which follow from the rate."""
        return stft_of(plan_of(self.rate))

    def completed(self, answer: NDArray[np.float32]) -> Samples:
        """The sound with the band that an answer describes; shape (samples,)."""
        spectra = self.spectra
        made = generated(spectra, answer, self.rate, self.edge, self.stft, PASSES)
        added = self.stft.inverse(residual(spectra, made, self.rate, self.fade))
        start = self.stft.fft // 2
        added = np.pad(added, (0, max(0, start + len(self.given) - len(added))))
        kept = band_filter(self.rate, self.fade, 0.0, False)
        return self.given + kept.convolve(added[start : start + len(self.given)])

    def lsd(self, result: Samples) -> float:
        """Log-spectral distance in powers of ten, of the bins up to the target's wall."""
        last = round(self.valid_hz / (self.rate / LSD_STFT.fft)) + 1
        target, found = (log_power(x * np.float32(self.gain))[:, :last] for x in (self.target, result))
        return float(np.sqrt(np.square(target - found).mean(axis=1)).mean())

    def bias_db(self, result: Samples) -> float:
        """How much louder than the target the generated band is: mean over sounding frames and bands of 500 Hz."""
        bin_hz = self.rate / LSD_STFT.fft
        first, width = round((self.edge.cutoff_hz + SEAM_HZ) / bin_hz), round(BAND_HZ / bin_hz)
        edges = np.arange(first, round(self.valid_hz / bin_hz) + 1, width)
        if len(edges) < 2:
            return float("nan")
        powers = [10.0 ** log_power(x * np.float32(self.gain)) for x in (result, self.target)]
        frames = powers[1].sum(axis=1)
        sounding = frames >= 1e-5 * frames.max()
        levels = [np.log10(np.add.reduceat(power[sounding, : edges[-1]], edges[:-1], axis=1)) for power in powers]
        return float(10.0 * (levels[0] - levels[1]).mean())

    @property
    def no_answer(self) -> NDArray[np.float32]:
        """The answer that leaves the flat tail as it is."""
        return np.zeros((1, self.stft.bins, 1 + len(self.given) // self.stft.hop), dtype=np.float32)


def log_power(samples: Samples) -> NDArray[np.float64]:
    """log10(max(power, 1e-8)) of the frames; shape (frames, bins)."""
    spectra = torch_compatible_frames(samples, LSD_STFT)
    return np.asarray(np.log10(np.maximum(spectra.real**2 + spectra.imag**2, 1e-8)))


@lru_cache(maxsize=2)
def controls(rate: int) -> dict[str, float]:
    """LSD of sinc and of the flat tail, by row, averaged over its crops."""
    found: dict[str, list[float]] = {}
    for case in validation_cases(rate):
        found.setdefault(f"{case.name} sinc", []).append(case.lsd(case.given))
        found.setdefault(f"{case.name} flat", []).append(case.lsd(case.completed(case.no_answer)))
    return {name: float(np.mean(values)) for name, values in found.items()}


@lru_cache(maxsize=2)
def validation_cases(rate: int) -> tuple[Case, ...]:
    """Return the crops at 48 or 16 kHz, always the same; none without the development data."""
    if not has_development_data():
        return ()
    rows = usable_recordings("validation", "all")
    one = [row for row in rows if row.set == "speech_single"][:30:6]
    others = [row for row in rows if row.set == "speech_multi"]
    others = others[:: max(1, len(others) // 5)][:5] + [row for row in rows if row.path.endswith("speech-male.flac")]
    music = [row for row in rows if any(name in row.path for name in _MUSIC)]
    groups = {"one": one, "others": others, "music": music}
    lower = {"one": (24, 12, 8), "others": (24, 16, 12, 8), "music": (24, 8)}
    if rate <= 16_000:
        others += [row for row in rows if "3436-172162" in row.path]
        groups, lower = {"one": one, "others": others}, {"one": (8, 4, 2), "others": (8, 4, 2)}
    found = []
    for group, listed in groups.items():
        for row in listed:
            found += [case for kilohertz in lower[group] if (case := case_of(row, group, rate, kilohertz))]
    return tuple(found)


def case_of(row: Recording, group: str, rate: int, kilohertz: int) -> Case | None:
    """Cut the middle out of a recording and bring it down; None if nothing above the edge could be compared."""
    import pyloudnorm

    whole = np.asarray(cached_mono(row, rate))
    start = max(0, (len(whole) - round(SECONDS * rate)) // 2)
    target = whole[start : start + round(SECONDS * rate)]
    low = resampled(target, rate, 1000 * kilohertz)
    given = np.pad(resampled(low, 1000 * kilohertz, rate), (0, 64))[: len(target)]
    learned = learn(ArraySignal(low[:, None], 1000 * kilohertz), NO_JOB)
    edge, gain = edge_of(plan_of(rate), 1000 * kilohertz, learned, 0.0), np.float32(learned.gain)
    if edge is None:
        return None
    wall = find_wall(np.asarray(cached_mono(row, row.rate)), row.rate)
    own_hz = wall.begins_hz if wall else row.rate / 2.0
    valid_hz = min(rate / 2.0, own_hz, PASSED * row.rate / 2.0 if row.rate < rate else rate / 2.0)
    loudness = pyloudnorm.Meter(rate).integrated_loudness((target * gain).astype(np.float64))
    if valid_hz < 1.15 * edge.cutoff_hz or not np.isfinite(loudness):
        return None
    name = f"{group} {kilohertz}k"
    return Case(name, f"{row.file.stem} from {kilohertz} kHz", rate, target * gain, given * gain, edge,
                fade_of(edge, learned), valid_hz, float(10.0 ** ((LUFS - loudness) / 20.0)))  # fmt: skip


def plan_of(rate: int) -> Plan:
    """How the product raises a recording to this rate with the bandwidth network that belongs to it."""
    return Plan("bwe16" if rate <= SPEECH_RATE else "bwe48", WEIGHTS, rate, rate, 1)
