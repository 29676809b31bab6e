"""One step: the terms, the gradients, the weights; and nothing at all if anything in it wasn't finite."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from training import distributed
from training.adversary import Critic, CriticObjective, detached, handed_on, held, takes_part
from training.precision import compute_in_bf16
from training.recipe import Adversary, Batch, Phase, Recipe, Settings, Terms, TrainingError
from training.schedule import learning_rate
from training.state import State, update_average

SKIPPED_LIMIT: Final = 50  # steps in a row that aren't finite: then nothing mends itself


class Objective(nn.Module):
    """A network with its recipe's terms, as one module with one forward pass: what a wrapper for processes needs."""

    def __init__(self, recipe: Recipe, model: nn.Module) -> None:
        super().__init__()
        self.terms, self.model = recipe.terms, model

    def forward(self, batch: Batch, phase: Phase) -> Terms:
        """Return the recipe's terms."""
        return self.terms(self.model, batch, phase)


@dataclass(frozen=True)
class Trainer:
    """What takes the steps of a run; all that must be kept of it lies in `state`."""

    recipe: Recipe
    settings: Settings
    state: State
    objective: nn.Module
    critic_objective: nn.Module | None = None


def trainer_of(recipe: Recipe, settings: Settings, state: State, *, use_bf16: bool = False) -> Trainer:
    """Put together what takes the steps."""
    if use_bf16:
        for network in (state.model, *([state.critic.model] if state.critic else [])):
            compute_in_bf16(network, settings.device)
    has_unused = len(recipe.phases) > 1 or recipe.adversary is not None
    objective = distributed.wrapped(Objective(recipe, state.model), settings, has_unused=has_unused)
    if recipe.adversary is None or state.critic is None:
        return Trainer(recipe, settings, state, objective)
    critic = CriticObjective(recipe.adversary, state.critic.model)
    return Trainer(recipe, settings, state, objective, distributed.wrapped(critic, settings, has_unused=has_unused))


def take_step(trainer: Trainer, batch: Batch, phase: Phase) -> dict[str, float]:
    """Take one step and return its figures, averaged over all processes.

    Raises
    ------
    TrainingError
        If so many steps in a row weren't finite that the run can't recover.
    """
    recipe, state = trainer.recipe, trainer.state
    critic = state.critic if takes_part(phase) else None
    before = [(buffer, buffer.clone()) for buffer in kept_buffers(state)]
    terms = trainer.objective(batch, phase)
    handed = handed_on(terms)
    logged = {name: value for name, value in terms.items() if name not in handed}
    is_finite = True
    if recipe.adversary and critic:
        learned, is_finite = judge(trainer, recipe.adversary, critic, batch | detached(handed))
        with held(critic.model):
            added = recipe.adversary.generator_terms(critic.model, state.model, batch | handed)
        logged["loss"] = terms["loss"] + added["loss"]
        logged |= {f"generator {name}": value for name, value in added.items()}
        logged |= {f"discriminator {name}": value for name, value in learned.items()}
    rate = state.rate_share * learning_rate(recipe, state.step, state.steps)
    figures = descend(state.optimiser, state.model, logged, rate, trainer)
    is_finite = is_finite and is_sound(figures)
    if is_finite:
        advance(state, critic, recipe.ema)
    else:
        put_back(before)
    state.step += 1
    count_skipped(state, is_finite=is_finite)
    return figures


def advance(state: State, critic: Critic | None, decay: float) -> None:
    """Let the network and, where it takes part, the discriminator follow their gradients."""
    state.optimiser.step()
    if critic:
        critic.optimiser.step()
        critic.step += 1
    update_average(state, decay)


def kept_buffers(state: State) -> Iterator[Tensor]:
    """What forward passes change of all that is kept: running statistics and counters."""
    for network in (state.model, state.critic and state.critic.model, state.losses):
        buffers = dict(network.named_buffers()) if network else {}
        if network and buffers:
            kept = network.state_dict(keep_vars=True)
            yield from (buffer for name, buffer in buffers.items() if name in kept)


@torch.no_grad()
def put_back(before: list[tuple[Tensor, Tensor]]) -> None:
    """Take back what a forward pass did: one value that isn't a number stays in a running mean for ever."""
    for buffer, value in before:
        buffer.copy_(value)


def judge(trainer: Trainer, adversary: Adversary, critic: Critic, batch: Batch) -> tuple[Terms, bool]:
    """Give the discriminator its gradients; return its terms, and whether they were finite."""
    assert trainer.critic_objective is not None
    state = trainer.state
    terms = trainer.critic_objective(state.model, batch)
    rate = learning_rate(trainer.recipe, state.step, state.steps, adversary.peak_rate, critic.step)
    is_finite = is_sound(descend(critic.optimiser, critic.model, terms, rate, trainer))
    return detached(terms), is_finite


def descend(
    optimiser: torch.optim.Optimizer, model: nn.Module, terms: Terms, rate: float, trainer: Trainer
) -> dict[str, float]:
    """Give a network its clipped gradients; return terms and gradient norm, averaged over all processes."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(terms["loss"])
    norm = nn.utils.clip_grad_norm_(model.parameters(), trainer.recipe.clip_norm)
    figures = {**terms, "norm": norm}
    # One transfer for all of them: each would make a GPU wait.
    values: list[float] = torch.stack([_number(value) for value in figures.values()]).tolist()
    return dict(zip(figures, distributed.averaged(values, trainer.settings), strict=True))


def is_sound(figures: dict[str, float]) -> bool:
    """Whether a step may change weights."""
    return math.isfinite(figures["loss"]) and math.isfinite(figures["norm"])


def count_skipped(state: State, *, is_finite: bool) -> None:
    """Keep count of steps that changed nothing.

    Raises
    ------
    TrainingError
        If there have been too many in a row.
    """
    state.skipped += not is_finite
    state.skipped_in_a_row = 0 if is_finite else state.skipped_in_a_row + 1
    if state.skipped_in_a_row >= SKIPPED_LIMIT:
        raise TrainingError(
            f"{state.skipped_in_a_row} steps in a row gave no finite loss or gradient (the last: step {state.step}), "
            "and none of them changed a weight: lower the recipe's peak_rate or look at its data and losses; the last "
            "checkpoint is kept"
        )


def _number(value: Tensor) -> Tensor:
    return value.detach().float().reshape(())
