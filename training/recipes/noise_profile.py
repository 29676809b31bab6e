"""Trains the noise-profile network on the statistics of whole items.

Laplace loss on log power, weighted by noise power: what is strong costs the most when it is missed. A clean item's
target lies 30 dB under its base statistic.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.audio.stft import Stft, torch_compatible_frames
from engine.inference.profile_features import STATISTICS, profile_features
from models.noise_profile.network import NoiseProfile
from training import items
from training.data import RATE, Samples
from training.data.loader import picks_at
from training.figures import restore_figures
from training.inputs import files_digest
from training.losses.laplace import laplace_loss
from training.packing.needs import Needs
from training.recipe import WHOLE_RUN, Batch, Phase, Recipe, Settings
from training.room import Inputs, Port, Room
from training.trials import trials_of

BATCH: Final = 16
BINS: Final = 1025
WINDOW_SECONDS: Final = 20.0  # of recording that one answer stands for
# Of the manifest: what items hold.
TRAINED_SETS: Final = (
    "music", "violin", "speech_single", "speech_multi", "singing", "piano_samples", "violin_samples", "surface_noise",
)  # fmt: skip
# How a pack's budget is shared: music is what excerpts are mostly cut from, and the most varied.
PACKED_SHARES: Final = {"music": 3.0, "violin": 1.5, "surface_noise": 100.0}
DECIBELS: Final = 10.0 / np.log(10.0)


class Statistics:
    """Features and targets of a split in memory, in the order of the items' numbers."""

    def __init__(self, split: str, settings: Settings) -> None:
        self.features: list[NDArray[np.float16]] = []
        self.targets: list[NDArray[np.float16]] = []
        self.snr_db: list[float] = []
        self.is_dense: list[bool] = []
        for path in items.paths(split, settings):
            with np.load(path, allow_pickle=False) as file:
                self.features.append(file["features"])
                self.targets.append(file["target"])
                self.snr_db.append(float(file["snr_db"]))
            self.is_dense.append(int(path.stem) >= items.DENSE_FROM)

    def batch(self, picks: NDArray[np.int64], device: str) -> Batch:
        """Stack some items."""
        features = np.stack([self.features[i] for i in picks]).astype(np.float32)
        target = np.stack([self.targets[i] for i in picks]).astype(np.float32)
        clean = np.isinf([self.snr_db[i] for i in picks])
        return {
            "features": torch.from_numpy(features).to(device),
            "target": torch.from_numpy(target).to(device),
            "clean": torch.from_numpy(clean).to(device),
        }


def batches(settings: Settings, step: int) -> Iterator[Batch]:
    """Yield shuffled batches for ever; dense music, the hardest to tell from noise, comes three times a round."""
    store = Statistics("train", settings)
    dense = np.flatnonzero(store.is_dense)
    round_of_items = np.concatenate([np.arange(len(store.features)), dense, dense])
    for now in itertools.count(step):
        yield store.batch(picks_at(round_of_items, BATCH, settings.seed, now), settings.device)


def inputs(settings: Settings) -> str:
    """What the batches follow from, besides seed and step."""
    return files_digest(items.paths("train", settings))


def bin_weight(target: Tensor, clean: Tensor) -> Tensor:
    """Weights with mean 1: proportional to noise power with a floor of a fifth; even for clean items."""
    power = (target - target.amax(dim=1, keepdim=True)).exp()
    weight = 0.8 * power / power.mean(dim=1, keepdim=True) + 0.2
    return torch.where(clean[:, None], torch.ones_like(weight), weight.clamp(max=30.0))


def terms(model: nn.Module, batch: Batch, _phase: Phase) -> dict[str, Tensor]:
    """Return the loss and the mean error in decibels."""
    assert isinstance(model, NoiseProfile)
    estimate = model(batch["features"]).float()
    mu, log_scale = estimate[:, 0], estimate[:, 1] - math.log(model.config.caution)
    weight = bin_weight(batch["target"], batch["clean"])
    loss = laplace_loss(mu, log_scale, batch["target"], weight).mean()
    noisy = (~batch["clean"]).float()
    error = ((mu - batch["target"]).abs().mean(dim=1) * noisy).sum() / noisy.sum().clamp(min=1.0)
    return {"loss": loss, "error_db": error * DECIBELS}


@torch.no_grad()
def validate(model: nn.Module, settings: Settings) -> dict[str, float]:
    """Loss, error by SNR range, and how far under the base the profile of the worst clean item stays."""
    store = Statistics("validation", settings)
    batch = store.batch(np.arange(len(store.features)), settings.device)
    estimate = model(batch["features"])
    mu, profile = estimate[:, 0], estimate[:, 0] - estimate[:, 1].exp()
    snr = np.array(store.snr_db)
    error = ((mu - batch["target"]).abs().mean(dim=1) * DECIBELS).cpu().numpy()
    clean = np.isinf(snr)
    under = ((profile - batch["features"][:, 0]).mean(dim=1) * DECIBELS).cpu().numpy()
    ranges = {"under 12 dB": snr < 12, "12-24 dB": (snr >= 12) & (snr < 24), "over 24 dB": (snr >= 24) & ~clean}
    figures = {f"error_db, {name}": float(error[mask].mean()) for name, mask in ranges.items() if mask.any()}
    if clean.any():
        figures |= {"clean under base": float(under[clean].mean()), "clean worst": float(under[clean].max())}
    return figures | {"loss": float(terms(model, batch, WHOLE_RUN)["loss"])}


def prepare(model: nn.Module, settings: Settings) -> None:
    """Measure mean and deviation of every statistic once."""
    assert isinstance(model, NoiseProfile)
    features = torch.from_numpy(np.stack(Statistics("train", settings).features[:600]).astype(np.float32))
    relative = model.relative(features)
    model.input_mean.copy_(relative.mean(dim=(0, 2))[:, None])
    model.input_deviation.copy_(relative.std(dim=(0, 2))[:, None].clamp(min=1e-3))


def statistics_of(samples: Samples) -> Inputs:
    """(1, 36, 1025) statistics of audio at 44.1 kHz."""
    return (torch.from_numpy(profile_features(torch_compatible_frames(samples, Stft()), RATE)[0])[None],)


def room() -> Room:
    """What the host gives this network and gets from it."""
    return Room(
        name="noise_profile",
        task="steady noise of a recording, per frequency, with its doubt",
        given=(
            Port(
                "statistics",
                (1, STATISTICS, BINS),
                "engine.inference.profile_features.profile_features of at most 20 s",
            ),
        ),
        answer=(
            Port(
                "estimate",
                (1, 2, BINS),
                "mu and ln(margin) of ln(noise power / level); profile = level * exp(mu - margin)",
            ),
        ),
        trials=lambda: trials_of(statistics_of),
        seconds=lambda _: WINDOW_SECONDS,
        normalisation="power relative to the mean power of the sounding frames of the window",
        sample_rates_hz=(44_100, 48_000),
        trained_sets=TRAINED_SETS,
        figures=restore_figures("noise_profile"),
        tool="restore",
        stft={"fft": 2048, "hop": 512, "window": "hann"},
    )


RECIPE: Final = Recipe(
    name="noise_profile",
    build=NoiseProfile,
    batches=batches,
    terms=terms,
    validate=validate,
    room=room,
    prepare=prepare,
    make_items=items.make,
    inputs=inputs,
    peak_rate=2e-3,
    warmup_steps=100,
    ema=0.998,
    needs=Needs(sets=TRAINED_SETS, weights=PACKED_SHARES),
)
