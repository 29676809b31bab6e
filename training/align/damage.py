"""What happens to a target after it was played: noise at a given ratio, and the chain of a 78 rpm disc."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import scipy.fft

from engine.audio.signal import ArraySignal, Span
from engine.tools.age import EFFECTS, stems
from engine.tools.tool import Value
from training.align.pair import Pair, Samples
from training.data import RATE, read_manifest
from training.data.decoded import cached_mono
from training.degradations import looped

# Wow stays out of the chain: the curve of the pair has it, in closed form.
DISC: Final[dict[str, Value]] = {
    "distortion": True, "drive": 2.0, "band": True, "low_pass_hz": 4500.0, "high_pass_hz": 250.0, "phase": "linear",
    "wow": False, "hiss": False, "crackle": True, "crackle_per_s": 20.0, "clicks": True, "clicks_per_s": 1.0,
    "clicks_level": 0.25, "scratches_per_s": 0.0,
}  # fmt: skip
# Everybody analyses at 22 to 24 kHz: white noise at 0 dB up to 22 kHz would reach them at +3 dB only.
HEARD_HZ: Final = 11_025.0
RECORDED: Final = ("surface_noise/vinyl_hiss.ogg", "music/sms-tools/rain.flac", "music/sms-tools/ocean.flac")


def heard_power(sound: Samples, rate: int) -> float:
    """Return the mean square of what lies below `HEARD_HZ`."""
    size = scipy.fft.next_fast_len(len(sound), real=True)
    power = np.square(np.abs(scipy.fft.rfft(sound, size))).astype(np.float64)
    kept = np.arange(len(power)) * (rate / size) <= HEARD_HZ
    # Each bin stands for its negative frequency too; that 0 Hz has none doesn't matter to sound.
    return float(2.0 * power[kept].sum() / size / len(sound))


def with_noise(sound: Samples, noise: Samples, snr_db: float, rate: int) -> Samples:
    """Add noise at a ratio of mean powers over the whole length, below `HEARD_HZ`."""
    ratio = heard_power(sound, rate) / heard_power(noise, rate)
    return (sound + np.float32(np.sqrt(ratio / 10.0 ** (snr_db / 10.0))) * noise).astype(np.float32)


def white(pair: Pair, snr_db: float, seed: int) -> Pair:
    """Put white noise on the target."""
    noise = np.random.default_rng(seed).standard_normal(len(pair.target), dtype=np.float32)
    return replace(pair, name=f"{pair.name} white", target=with_noise(pair.target, noise, snr_db, pair.rate))


def recorded(pair: Pair, snr_db: float, seed: int, path: str) -> Pair:
    """Put a recorded noise on the target, looped with crossfades."""
    row = next(row for row in read_manifest() if row.path == path)
    noise = looped(np.random.default_rng(seed), cached_mono(row), len(pair.target))
    short = path.rpartition("/")[2].partition(".")[0]
    return replace(pair, name=f"{pair.name} {short}", target=with_noise(pair.target, noise, snr_db, pair.rate))


def on_disc(pair: Pair, seed: int, hiss_db: float = 10.0) -> Pair:
    """Send the target through the chain of a disc: 250 to 4500 Hz, bent, crackling, hissing.

    Its filters are linear-phase and its speed even, so the truth stays as it is.
    """
    # The chain's clicks and its bend are set against full scale: as loud as a transfer would be.
    loud = (0.5 / max(float(np.abs(pair.target).max()), 1e-9)) * pair.target
    switches = dict.fromkeys(EFFECTS, False)
    signal = ArraySignal(loud.astype(np.float32)[:, None], pair.rate)
    worn = stems(signal, {**switches, **DISC, "seed": seed}, Span(0, len(loud)))[EFFECTS[-1]][:, 0]
    noise = np.random.default_rng(seed).standard_normal(len(worn), dtype=np.float32)
    return replace(pair, name=f"{pair.name} disc", target=with_noise(worn, noise, hiss_db, pair.rate))


def noise_alone(seconds: float, seed: int) -> Samples:
    """Return white noise, RMS 0.1."""
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE), dtype=np.float32)
