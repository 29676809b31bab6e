"""Networks of a few weights that use everything the loop can do, so that whole runs take a second."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.data.loader import picks_at
from training.losses import RandomResolutionSTFTLoss
from training.recipe import Adversary, Batch, Example, Phase, Recipe, Settings, Terms

POINTS = np.random.default_rng(0).standard_normal((96, 8)).astype(np.float32)
TRUTH = np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32)


def batches(settings: Settings, step: int) -> Iterator[Batch]:
    shift = float(settings.phase.options.get("shift", 0.0))
    for now in itertools.count(step):
        picks = picks_at(np.arange(len(POINTS)), 16, settings.seed, now)
        time.sleep(float(os.environ.get("TOY_STEP_SECONDS", "0")))
        yield {"x": torch.from_numpy(POINTS[picks]) + shift, "y": torch.from_numpy(POINTS[picks] @ TRUTH)}


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))


def forgetful_network() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 4))


def terms(model: nn.Module, batch: Batch, phase: Phase) -> Terms:
    estimate = model(batch["x"])
    error = estimate - batch["y"]
    loss = error.abs().mean() if phase.options.get("distance") == "L1" else error.square().mean()
    return {"loss": loss, "mse": error.square().mean(), "_estimate": estimate}


def noisy_terms(model: nn.Module, batch: Batch, phase: Phase) -> Terms:
    """Draw from every random state a recipe may draw from."""
    noise = float(np.random.normal()) + float(torch.randn(()))
    return terms(model, batch | {"x": batch["x"] + 0.01 * noise}, phase)


@torch.no_grad()
def validate(model: nn.Module, settings: Settings) -> dict[str, float]:
    torch.randn(7)  # a validation may draw as it likes
    np.random.normal()
    error = model(torch.from_numpy(POINTS)) - torch.from_numpy(POINTS @ TRUTH)
    return {"loss": float(error.square().mean()), "mse": float(error.square().mean())}


def judge() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))


def judged(discriminator: nn.Module, generator: nn.Module, batch: Batch) -> Terms:
    assert not any(weight.requires_grad for weight in generator.parameters())
    real, fake = discriminator(batch["y"]), discriminator(batch["_estimate"])
    return {"loss": (real - 1.0).square().mean() + fake.square().mean()}


def deceived(discriminator: nn.Module, generator: nn.Module, batch: Batch) -> Terms:
    assert not any(weight.requires_grad for weight in discriminator.parameters())
    return {"loss": 0.1 * (discriminator(batch["_estimate"]) - 1.0).square().mean()}


def examples(model: nn.Module, settings: Settings) -> list[Example]:
    tone = np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000).astype(np.float32)
    hiss = 0.1 * np.random.default_rng(0).standard_normal(8000, dtype=np.float32)
    return [Example("a tone / in hiss", 8000, tone + hiss, tone + 0.3 * hiss, tone)]


def random_states(_settings: Settings, _workers: int) -> None:
    np.random.seed(int(time.time()))  # what building items draws must not reach the training
    torch.manual_seed(int(time.time()))


def recipe(name: str, **changes: object) -> Recipe:
    values: dict[str, object] = {
        "name": name, "build": network, "batches": batches, "terms": terms, "validate": validate,
        "peak_rate": 0.01, "warmup_steps": 5, "ema": 0.9, "make_items": random_states,
    }  # fmt: skip
    return Recipe(**(values | changes))  # type: ignore[arg-type]


DRAWING_LOSS = RandomResolutionSTFTLoss(max_fft_size=64)


def tones(settings: Settings, step: int) -> Iterator[Batch]:
    for now in itertools.count(step):
        time.sleep(float(os.environ.get("TOY_STEP_SECONDS", "0")))
        x = torch.randn(4, 1, 200, generator=torch.Generator().manual_seed(settings.seed + now))
        yield {"x": x, "y": x.roll(1, -1)}


def drawn_terms(model: nn.Module, batch: Batch, phase: Phase) -> Terms:
    return {"loss": DRAWING_LOSS(model(batch["x"]), batch["y"])}


@torch.no_grad()
def drawn_validation(model: nn.Module, settings: Settings) -> dict[str, float]:
    batch = next(tones(settings, 10**6))
    return {"loss": float(DRAWING_LOSS(model(batch["x"]), batch["y"]))}


def batches_with_holes(settings: Settings, step: int) -> Iterator[Batch]:
    """Two batches in which one item, always in the second half, holds no number."""
    for now, batch in enumerate(batches(settings, step), step):
        if now in (12, 13):
            batch["x"][12, 0] = torch.nan
        yield batch


RECIPES = (
    recipe("toy_plain", examples=examples),
    recipe("toy_dropout", build=forgetful_network, terms=noisy_terms),
    recipe(
        "toy_phases",
        phases=(Phase("near", 0.3, {"distance": "L1"}), Phase("shifted", 0.7, {"shift": 0.5}), Phase("far", 1.0)),
    ),
    recipe(
        "toy_adversary",
        build=forgetful_network,
        phases=(Phase("alone", 0.4), Phase("judged", 1.0, {"adversarial": True})),
        adversary=Adversary(judge, judged, deceived, peak_rate=0.005),
    ),
    recipe("toy_random", build=lambda: nn.Conv1d(1, 1, 9, padding=4), batches=tones, terms=drawn_terms,
           validate=drawn_validation, losses=DRAWING_LOSS),
    recipe("toy_holes", batches=batches_with_holes),
    recipe("toy_holes_judged", batches=batches_with_holes, phases=(Phase("judged", 1.0, {"adversarial": True}),),
           adversary=Adversary(judge, judged, deceived)),
    recipe("toy_pair", phases=(Phase("alone", 0.5), Phase("judged", 1.0, {"adversarial": True})),
           adversary=Adversary(judge, judged, deceived)),
)  # fmt: skip


def weights(path: Path) -> dict[str, Tensor]:
    content: dict[str, Tensor] = torch.load(path, weights_only=True)["model"]
    return content
