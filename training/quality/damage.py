"""The damage that restoration is measured on, drawn from a seed; what was done is stated with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training import validation
from training.data import Samples
from training.quality.cases import Material
from training.validation import Clip

CLICKS_PER_S: Final = 5.0
CLICKS_AT_DB: Final = {"medium": 24.0, "strong": 15.5}  # SNR of the clicked recording
HISSES: Final[dict[str, Callable[[Clip, int], Samples]]] = {
    "white": validation.white_hiss,
    "coloured": validation.coloured_hiss,
    "with crackle": validation.hiss_with_crackle,
}


def hissed(clip: Clip, seed: int, hiss: str, at_db: float) -> Material:
    """Add a kind of hiss at a signal-to-noise ratio."""
    return Material(validation.mixed(clip, HISSES[hiss](clip, seed), at_db), clip.samples, clip.rate)


def clicked(clip: Clip, seed: int, at_db: float, hiss_db: float | None = None) -> Material:
    """Add five clicks a second of 0.05 to 1 ms at a signal-to-noise ratio; with `hiss_db`, white hiss as well.

    The hiss belongs to the target: it is the clicks that should go. The material lists them.
    """
    damage, bursts = clicks(np.random.default_rng(seed), len(clip.samples), clip.rate, CLICKS_PER_S)
    wanted = 10.0 ** (at_db / 10.0)
    scale = np.sqrt(np.mean(clip.samples**2) / wanted / max(float(np.mean(damage**2)), 1e-20))
    target = clip.samples
    if hiss_db is not None:
        target = validation.mixed(clip, validation.white_hiss(clip, seed + 1), hiss_db)
    return Material(target + np.float32(scale) * damage, target, clip.rate, facts={"clicks": bursts})


def clicks(rng: np.random.Generator, frames: int, rate: int, per_second: float) -> tuple[Samples, NDArray[np.int64]]:
    """Draw decaying oscillations of 0.05 to 1 ms with a log-normal spread of 5 dB.

    Returns
    -------
    samples
        Shape (frames,).
    bursts
        First frame of each and the one after its last, shape (clicks, 2).
    """
    out = np.zeros(frames + rate // 100, dtype=np.float32)
    bursts = []
    for at in np.sort(rng.integers(0, frames, rng.poisson(per_second * frames / rate))):
        seconds = 10.0 ** rng.uniform(np.log10(5e-5), -3.0)
        moments = np.arange(max(2, round(seconds * rate))) / rate
        wave = np.exp(-4.0 * moments / seconds) * np.cos(2 * np.pi * rng.uniform(0.5, 4.0) * moments / seconds)
        out[at : at + len(wave)] += (rng.choice((-1.0, 1.0)) * 10.0 ** (rng.normal(0.0, 0.25)) * wave).astype("f4")
        bursts.append((int(at), min(int(at) + len(wave), frames)))
    return out[:frames], np.array(bursts, dtype=np.int64).reshape(-1, 2)
