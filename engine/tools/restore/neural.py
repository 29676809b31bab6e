"""The neural denoiser's gain: what the network of the room `denoiser` says about each frequency of each frame."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.settings import chosen
from engine.tools.tool import Job

Floats = NDArray[np.float32]

RATIO_RANGE: Final = (-7.0, 25.0)  # natural log of power over noise, as in training


def denoiser_gain(power: Floats, noise: Floats, level: float, job: Job) -> Floats:
    """Ask the network for a gain.

    Parameters
    ----------
    power
        |X|² of consecutive frames, shape (frames, bins); always the same number of frames.
    noise
        Expected |X|² of the noise, shape (1, bins) or (frames, bins).
    level
        Mean |X|² of what sounds in the whole recording.

    Returns
    -------
    Floats
        0 to 1, shape (frames, bins).
    """
    from engine.inference.network import network

    features = denoiser_features(power, noise, level)
    gain = network("denoiser", chosen()).run({"features": features}, job)["gain"][0]
    return np.asarray(np.clip(gain.T, 0.0, 1.0), dtype=np.float32)


def denoiser_features(power: Floats, noise: Floats, level: float) -> Floats:
    """Return what the network is told, shape (1, 2 * bins, frames): power over level, power over noise, both as ln."""
    log_power = np.log(power / np.float32(max(level, 1e-30)) + np.float32(1e-9))
    log_ratio = np.log((power + np.float32(1e-30)) / np.maximum(noise, np.float32(1e-30)))
    np.clip(log_ratio, *RATIO_RANGE, out=log_ratio)
    return np.concatenate([log_power, log_ratio], axis=1).T[None].astype(np.float32)
