"""How near a raised recording comes to the original: SNR without a floor, LSD, and K-LSD for AFiLM's own tables.

LSD and K-LSD are different measures with different scales; neither is ever compared with the other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.loudness import integrated_lufs
from engine.audio.signal import ArraySignal
from engine.audio.stft import Stft, torch_compatible_frames
from engine.measure import differences
from engine.measure.differences import LSD_LUFS, LSD_SMALLEST
from training.data import Samples

STFT: Final = Stft()


def snr_db(target: Samples, estimate: Samples) -> float:
    """10 log10(sum y^2 / sum (y - x)^2): infinite for equality, minus infinite for a silent target, NaN for both."""
    return differences.snr_db(target, estimate) if np.any(target) or np.any(estimate) else np.nan


def lsd(target: Samples, estimate: Samples, rate: int) -> float:
    """Log-spectral distance: log10 of power not under 1e-8, RMS over frequency, mean over time.

    One gain, that of the target, sets both to -25 LUFS: the floor makes the distance fall with the level.
    """
    gain = _gain(target, rate)
    y, x = (np.log10(np.maximum(power, LSD_SMALLEST)) for power in (_power(target, gain), _power(estimate, gain)))
    return float(np.sqrt(((y - x) ** 2).mean(axis=1)).mean())


def k_lsd(target: Samples, estimate: Samples) -> float:
    """The distance in AFiLM's tables (Kuleshov et al., 2017): ln(power + 1e-8), RMS over time, mean over frequency."""
    y, x = (np.log(_power(samples, 1.0) + LSD_SMALLEST) for samples in (target, estimate))
    return float(np.sqrt(((y - x) ** 2).mean(axis=0)).mean())


def scores(target: Samples, estimate: Samples, rate: int) -> dict[str, float]:
    """All three, for mono of shape (samples,) at `rate` in Hz."""
    return {
        "snr_db": snr_db(target, estimate),
        "lsd": lsd(target, estimate, rate),
        "k_lsd": k_lsd(target, estimate),
    }


def _gain(target: Samples, rate: int) -> float:
    loudness = integrated_lufs(ArraySignal(np.array(target, dtype=np.float32)[:, None], rate))
    return float(10.0 ** ((LSD_LUFS - loudness) / 20.0)) if np.isfinite(loudness) else 1.0


def _power(samples: Samples, gain: float) -> NDArray[np.float64]:
    spectra = torch_compatible_frames((samples * np.float32(gain)).astype(np.float32), STFT)
    return np.asarray(spectra.real.astype(np.float64) ** 2 + spectra.imag.astype(np.float64) ** 2)
