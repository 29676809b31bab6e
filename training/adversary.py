"""A discriminator beside the network: its own optimiser, its own steps, only in phases that ask for it.

Generative adversarial training (Goodfellow et al., 2014). Which terms both minimise is the recipe's matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from training.recipe import Adversary, Batch, Phase, Recipe, Settings


@dataclass
class Critic:
    """The discriminator in training."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0  # how often it has learned: its warm-up begins when its phase does


def critic_of(recipe: Recipe, settings: Settings) -> Critic | None:
    """Build the recipe's discriminator, if it has one."""
    if recipe.adversary is None:
        return None
    model = recipe.adversary.build().to(settings.device)
    optimiser = torch.optim.AdamW(
        model.parameters(),
        lr=recipe.adversary.peak_rate,
        betas=recipe.adversary.betas,
        weight_decay=recipe.weight_decay,
    )
    return Critic(model, optimiser)


def takes_part(phase: Phase) -> bool:
    """Whether the discriminator plays in this phase."""
    return bool(phase.options.get("adversarial", False))


def handed_on(terms: dict[str, torch.Tensor]) -> Batch:
    """What the generator's terms hand to the adversary: the entries whose names begin with "_"."""
    return {name: value for name, value in terms.items() if name.startswith("_")}


def detached(batch: Batch) -> Batch:
    """The same values without their history."""
    return {name: value.detach() for name, value in batch.items()}


@contextmanager
def held(model: nn.Module) -> Iterator[nn.Module]:
    """Inside, the weights of a network take no gradient; those that were frozen before stay frozen."""
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in weights:
        parameter.requires_grad_(False)
    try:
        yield model
    finally:
        for parameter in weights:
            parameter.requires_grad_(True)


class CriticObjective(nn.Module):
    """The discriminator with its terms, as one module with one forward pass: what a wrapper for processes needs."""

    def __init__(self, adversary: Adversary, model: nn.Module) -> None:
        super().__init__()
        self.adversary, self.model = adversary, model

    def forward(self, generator: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return what the discriminator minimises."""
        with held(generator):
            return self.adversary.discriminator_terms(self.model, generator, batch)
