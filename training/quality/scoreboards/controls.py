"""Whether the measures measure: copies of a recording with known faults, against what each measure must say of them.

Needs no development data: the recording is made here. Every expected figure follows from the fault by arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.quality.cases import Case, Material, Samples
from training.quality.contenders import Answer, Contender, blind, bound, untouched
from training.quality.harness import Round, measure_rounds
from training.quality.measures import ALL, CAP_DB, SpeedCurve, listening
from training.quality.report import missing, write_json
from training.quality.scoreboards import Options
from training.quality.table import Report
from training.validation import Clip

SUMMARY = "whether the measures say what they must of known faults"
NEEDS_DATA = False
RATE: Final = 44_100
SECONDS: Final = 4.0
CUTOFF_HZ: Final = 8_000.0
DELAY_FRAMES: Final = 44  # 1 ms
WOW_CENTS: Final = 5.0  # peak
WOW_HZ: Final = 1.3
CLICKS: Final = 20
Bursts = NDArray[np.int64]


@dataclass(frozen=True)
class Expectation:
    """What a measure must say of a control."""

    measure: str
    control: str
    value: float
    within: float
    because: str


EXPECTATIONS: Final = (
    Expectation("SNR", "truth", CAP_DB, 1e-6, "no error"),
    Expectation("SNR", "half volume", 20 * math.log10(2), 1e-3, "the error is half of the target"),
    Expectation("SNR", "noise at 20 dB", 20.0, 1e-3, "by construction"),
    Expectation("SNR", "silence", 0.0, 1e-6, "the error is the target"),
    Expectation("SNR", "reversed", -20 * math.log10(2), 1e-3, "the error is twice the target"),
    Expectation("SNR gain", "noise at 20 dB", 10.0, 1e-3, "it was 10 dB"),
    Expectation("SI-SDR", "half volume", CAP_DB, 0.0, "deaf to gain"),
    Expectation("SI-SDR", "noise at 20 dB", 20.0, 1e-3, "the noise is orthogonal to the target"),
    Expectation("SI-SDR", "reversed", CAP_DB, 0.0, "a gain of -1"),
    Expectation("touched", "half volume", 100.0, 0.1, "every sample that isn't 0"),
    Expectation("loudness deviation", "half volume", -20 * math.log10(2), 0.01, "-6.02 dB"),
    Expectation("loudness deviation", "reversed", 0.0, 1e-6, "polarity is not heard"),
    Expectation("true peak deviation", "half volume", -20 * math.log10(2), 0.01, "-6.02 dB"),
    Expectation("LSD", "truth", 0.0, 0.0, "no difference"),
    Expectation("LSD", "half volume", 0.0, 0.01, "both are levelled"),
    Expectation("LSD-LF log10", "highs at -20 dB", 0.0, 0.05, "only the highs were turned down"),
    Expectation("LSD-HF log10", "highs at -20 dB", 2.0, 0.05, "a hundredth of the power"),
    Expectation("LSD log10", "highs at -20 dB", 2 * math.sqrt(653 / 1025), 0.05, "of 1025 bins 653 changed"),
    Expectation("BWE LSD", "truth", 0.0, 0.0, "no difference"),
    Expectation("BWE LSD", "half volume", math.log10(4.0), 0.01, "a quarter of the power: no levelling by itself"),
    Expectation("BWE LSD-HF", "highs at -20 dB", 2.0, 0.05, "a hundredth of the power"),
    Expectation("BWE LSD-LF", "highs at -20 dB", 0.0, 0.02, "only the highs were turned down"),
    Expectation("seam", "half volume", -20 * math.log10(2), 0.01, "-6.02 dB"),
    Expectation("level bias", "highs at -20 dB", -20.0, 0.2, "by construction, less the floor"),
    Expectation("level bias", "truth", 0.0, 0.0, "no difference"),
    Expectation("seam by frame", "half volume", -20 * math.log10(2), 0.01, "-6.02 dB"),
    Expectation("level bias by frame", "highs at -20 dB", -20.0, 0.2, "by construction, less the floor"),
    Expectation("kept band", "as given", -CAP_DB, 0.0, "not a bit was touched"),
    Expectation("kept band", "given at half volume", -20 * math.log10(2), 1e-3, "half of it is missing"),
    Expectation("delay", "1 ms late", DELAY_FRAMES, 0.01, "by construction"),
    Expectation("delay", "truth", 0.0, 1e-6, "it is the same"),
    Expectation("cutoff error", "cutoff a tenth high", 10.0, 1e-6, "by construction"),
    Expectation("K-LSD natural log", "half volume", math.log(4.0), 0.01, "a quarter of the power"),
    Expectation("K-LSD natural log", "truth", 1e-4, 1e-6, "the 1e-8 under its root"),
    Expectation("MR-STFT", "truth", 0.0, 0.0, "no difference"),
    Expectation("MR-STFT", "half volume", 0.5 + math.log(2.0), 0.05, "0.5 and ln 2, less what lies under the floor"),
    Expectation("MR-STFT", "reversed", 0.0, 1e-6, "magnitudes only"),
    Expectation("ViSQOL audio", "truth", 4.73, 0.01, "the most its model gives"),
    Expectation("ViSQOL audio", "half volume", 4.73, 0.01, "deaf to gain"),
    Expectation("ViSQOL audio", "1 ms late", 4.73, 0.1, "it aligns first"),
    Expectation("ViSQOL speech", "truth", 5.0, 0.01, "the most it gives"),
    Expectation("click recall", "truth", 100.0, 0.0, "all are listed"),
    Expectation("click recall", "every second click", 50.0, 0.0, "half are listed"),
    Expectation("click precision", "every second click", 100.0, 0.0, "none is wrong"),
    Expectation("click precision", "twice the clicks", 50.0, 0.0, "half are wrong"),
    Expectation("clicked SNR", "noise at 20 dB", 20.0, 3.0, "the noise is everywhere; 20 clicks of 20 samples"),
    Expectation("wow left", "truth", 0.0, 1e-9, "the true curve"),
    Expectation("wow left", "flat curve", WOW_CENTS / math.sqrt(2), 0.05, "RMS of a sine"),
    Expectation("wow left", "curve 7 cents high", 0.0, 1e-9, "a constant speed is no wow"),
)  # fmt: skip


def run(options: Options) -> int:
    """Measure the controls and print what was expected beside what came out; 1 if one is off."""
    report = measure_rounds(rounds(), options.jobs, options.progress)
    print(f"{'measure':22}{'control':22}{'expected':>10}{'measured':>10}   why")
    wrong = 0
    for expected in EXPECTATIONS:
        value = measured(report, expected)
        is_met = value is not None and abs(value - expected.value) <= expected.within
        wrong += not is_met
        shown = "-" if value is None else f"{value:.3f}"
        print(
            f"{expected.measure:22}{expected.control:22}{expected.value:10.3f}{shown:>10}   "
            f"{'' if is_met else 'WRONG: '}{expected.because}"
        )
    delayed = report.cell("controls", "SNR", "1 ms late")
    if delayed:
        print(f"\na copy 1 ms late: SNR {delayed.mean:.2f} dB, which is why tools must not delay")
    if report.failures:
        print(missing(report))
    print(f"{len(EXPECTATIONS) - wrong} of {len(EXPECTATIONS)} as they must be, in {report.seconds:.0f} s")
    write_json(report.as_json(), options.json or options.out / "controls.json")
    return int(wrong > 0 or bool(report.failures))


def measured(report: Report, expected: Expectation) -> float | None:
    """Return what the measure said."""
    cell = report.cell("controls", expected.measure, expected.control)
    return cell.mean if cell else None


def rounds() -> list[Round]:
    """Return the controls, every measure on each but the slow ones, which hear only what is expected of them."""
    case = Case("controls", Clip("made", "music", RATE, recording()), _material, 1)
    quick = [measure for measure in ALL if measure not in listening.MEASURES]
    heard = {e.control for e in EXPECTATIONS if e.measure.startswith("ViSQOL")}
    return [
        Round([case], controls(), quick),
        Round([case], [control for control in controls() if control.name in heard], listening.MEASURES),
    ]


def recording(seed: int = 7) -> Samples:
    """Return noise that falls by 4.5 dB per octave and swells once a second, shape (frames,), peak 0.9."""
    frames = round(SECONDS * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(frames))
    hertz = np.fft.rfftfreq(frames, 1.0 / RATE)
    noise = np.fft.irfft(spectrum / np.maximum(hertz, 100.0) ** 0.75, frames)
    swell = 0.7 + 0.3 * np.sin(2.0 * np.pi * np.arange(frames) / RATE)
    samples = noise * swell
    return np.asarray(0.9 * samples / np.abs(samples).max(), dtype=np.float32)


def _material(clip: Clip, seed: int) -> Material:
    moments = np.linspace(0.0, SECONDS, 2000)
    truth = SpeedCurve(moments, WOW_CENTS * np.sin(2.0 * np.pi * WOW_HZ * moments))
    facts = {"clicks": _bursts(), "cutoff_hz": CUTOFF_HZ, "speed_cents": truth}
    return Material(_with_noise(clip.samples, 10.0), clip.samples, clip.rate, facts=facts)


def _bursts(offset: int = 0) -> Bursts:
    starts = np.linspace(0.1, 0.9, CLICKS) * SECONDS * RATE
    return np.stack([starts + offset, starts + offset + 20], axis=1).astype(np.int64)


def controls() -> list[Contender]:
    """Return the faults as contenders."""
    return [
        Contender("truth", "ceiling", _truth),
        bound("half volume", _half),
        bound("reversed", _reversed),
        bound("noise at 20 dB", _noisy),
        bound("1 ms late", _late),
        bound("highs at -20 dB", _dull),
        bound("silence", _silent),
        untouched("as given"),
        blind("given at half volume", "floor", _given_at_half),
        Contender("cutoff a tenth high", "ceiling", _tenth_high),
        Contender("every second click", "ceiling", _every_second),
        Contender("twice the clicks", "ceiling", _twice),
        Contender("flat curve", "ceiling", _flat),
        Contender("curve 7 cents high", "ceiling", _high),
    ]


def _truth(material: Material) -> Answer:
    return Answer(material.target, material.rate, material.facts)


def _half(given: Samples, target: Samples, rate: int) -> Samples:
    return target * np.float32(0.5)


def _given_at_half(given: Samples, rate: int) -> Samples:
    return given * np.float32(0.5)


def _tenth_high(material: Material) -> Answer:
    return Answer(material.target, material.rate, {"cutoff_hz": 1.1 * CUTOFF_HZ})


def _reversed(given: Samples, target: Samples, rate: int) -> Samples:
    return -target


def _silent(given: Samples, target: Samples, rate: int) -> Samples:
    return np.zeros_like(target)


def _noisy(given: Samples, target: Samples, rate: int) -> Samples:
    return _with_noise(target, 20.0)


def _with_noise(target: Samples, at_db: float) -> Samples:
    """Add noise orthogonal to the target at exactly this ratio."""
    y = target.astype(np.float64)
    noise = np.random.default_rng(3).standard_normal(len(y))
    noise -= y * (noise @ y) / (y @ y)
    noise *= math.sqrt((y @ y) / (noise @ noise) / 10.0 ** (at_db / 10.0))
    return np.asarray(y + noise, dtype=np.float32)


def _late(given: Samples, target: Samples, rate: int) -> Samples:
    return np.concatenate([np.zeros(DELAY_FRAMES, dtype=np.float32), target[:-DELAY_FRAMES]])


def _dull(given: Samples, target: Samples, rate: int) -> Samples:
    spectrum = np.fft.rfft(target.astype(np.float64))
    spectrum[np.fft.rfftfreq(len(target), 1.0 / rate) >= CUTOFF_HZ] *= 0.1
    return np.asarray(np.fft.irfft(spectrum, len(target)), dtype=np.float32)


def _every_second(material: Material) -> Answer:
    return Answer(material.target, material.rate, {"clicks": _bursts()[::2]})


def _twice(material: Material) -> Answer:
    everything: Sequence[Bursts] = (_bursts(), _bursts(offset=RATE // 20))
    return Answer(material.target, material.rate, {"clicks": np.concatenate(everything)})


def _flat(material: Material) -> Answer:
    return Answer(material.target, material.rate, {"speed_cents": SpeedCurve((0.0, SECONDS), (0.0, 0.0))})


def _high(material: Material) -> Answer:
    truth: SpeedCurve = material.facts["speed_cents"]
    return Answer(material.target, material.rate, {"speed_cents": SpeedCurve(truth.seconds, truth.cents + 7.0)})
