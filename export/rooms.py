"""What each room's network takes and gives, and how it is tried out: the part of the card that isn't measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.audio.stft import Stft, torch_compatible_frames
from engine.inference.profile_features import STATISTICS, profile_features
from models.denoiser.network import Denoiser
from models.noise_profile.network import NoiseProfile
from training.data import RATE, Samples, read_mono, recordings
from training.recipes.denoiser import features_of

BINS: Final = 1025


@dataclass(frozen=True)
class Port:
    """One input or output; a shape entry of "frames" is any length."""

    name: str
    shape: tuple[int | str, ...]
    meaning: str


@dataclass(frozen=True)
class Room:
    """A network as the export sees it."""

    name: str
    task: str
    build: Callable[[], nn.Module]
    given: Port
    answer: Port
    prepare: Callable[[Samples], Tensor]  # audio at 44.1 kHz to an input
    normalisation: str
    context_frames: int
    free_axis: int | None = None

    def example(self) -> Tensor:
        """An input of the right shape for tracing."""
        shape = [200 if isinstance(size, str) else size for size in self.given.shape]
        return torch.zeros(shape)


def trial_audio() -> dict[str, Samples]:
    """Noise, near-silence (the last bit of 20) and music, 20 s each; tones stand in where the data are missing."""
    rng = np.random.default_rng(5)
    audio = {
        "noise": 0.1 * rng.standard_normal(20 * RATE, dtype=np.float32),
        "silence": (1e-6 * rng.choice((-1.0, 1.0), 20 * RATE)).astype(np.float32),
    }
    try:
        row = next(row for row in recordings("validation") if "Vibe_Ace" in row.path)
        audio["music"] = read_mono(row)[10 * RATE : 30 * RATE]
    except (FileNotFoundError, StopIteration):
        audio["music"] = _stand_in()
    return audio


def _stand_in() -> Samples:
    """Held tones over a little noise, where no recording is at hand."""
    time = np.arange(20 * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * f * time) * np.exp(-(time % 0.7) * 3) for f in (220.0, 331.0, 1777.0))
    return (0.1 * tones + 0.001 * np.random.default_rng(6).standard_normal(len(time))).astype(np.float32)


def statistics_of(samples: Samples) -> Tensor:
    """(1, 36, 1025) statistics of audio."""
    return torch.from_numpy(profile_features(_frames(samples), RATE)[0])[None]


def denoiser_features(samples: Samples) -> Tensor:
    """(1, 2050, frames) features of audio with a flat profile 20 dB under its level."""
    spectra = _frames(samples)
    level = torch.tensor([float((spectra.real**2 + spectra.imag**2).mean())])
    profile = (0.01 * level)[:, None].expand(1, BINS)
    return features_of(torch.from_numpy(spectra.T.copy())[None], profile, level)


def _frames(samples: Samples) -> NDArray[np.complex64]:
    return torch_compatible_frames(samples, Stft())


NOISE_PROFILE: Final = Room(
    name="noise_profile",
    task="steady noise of a recording, per frequency, with its doubt",
    build=NoiseProfile,
    given=Port(
        "statistics", (1, STATISTICS, BINS), "engine.inference.profile_features.profile_features of at most 20 s"
    ),
    answer=Port(
        "estimate", (1, 2, BINS), "mu and ln(margin) of ln(noise power / level); profile = level * exp(mu - margin)"
    ),
    prepare=statistics_of,
    normalisation="power relative to the mean power of the sounding frames of the window",
    context_frames=0,
)
DENOISER: Final = Room(
    name="denoiser",
    task="removal of steady noise from music, given a noise profile",
    build=Denoiser,
    given=Port(
        "features", (1, 2 * BINS, "frames"), "ln(power / level + 1e-9), then ln(power / profile) limited to -7..25"
    ),
    answer=Port("gain", (1, BINS, "frames"), "gain of every bin, 0 to 1, without a floor"),
    prepare=denoiser_features,
    normalisation="power relative to the level and to the noise profile of the recording",
    context_frames=28,
    free_axis=2,
)
ROOMS: Final = {room.name: room for room in (NOISE_PROFILE, DENOISER)}
