"""What a recipe says: which network, which examples, which losses, in which phases, and for which room.

A small file in `training/recipes/` makes one `RECIPE` (or several, `RECIPES`), found by their place; the loop does the
rest. Nothing here runs a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from training.errors import TrainingError as TrainingError
from training.packing.needs import Needs

if TYPE_CHECKING:
    from training.room import Room

Batch = dict[str, Tensor]
Terms = dict[str, Tensor]  # the entry "loss" is minimised, the others are logged
Option = float | bool | str


@dataclass(frozen=True)
class Phase:
    """A stretch of a curriculum; `options` are the recipe's own, e.g. degradations or weights."""

    name: str
    until: float  # share of all steps at which it ends, 0 to 1
    options: Mapping[str, Option] = field(default_factory=dict)


WHOLE_RUN: Final = Phase("whole run", 1.0)


@dataclass(frozen=True)
class Settings:
    """What the command line decides."""

    minutes: float = 20.0  # of training over all resumptions; becomes a number of steps once the pace is known
    steps: int | None = None  # the whole run in steps; then `minutes` plays no part and two runs are equal to the bit
    stop_after_minutes: float | None = None  # end this process (resumably) after so long
    device: str = "cpu"
    licences: str = "clean"  # "clean" or "all"
    folder: Path | None = None  # a user's own recordings beside the manifest's
    resume: bool = False
    from_room: bool = False
    rate_share: float = 0.1  # of the recipe's learning rate, for a run from a room: at all of it, that is lost first
    seed: int = 0
    checkpoint_minutes: float = 5.0
    log_steps: int = 20
    epoch_steps: int | None = None  # after so many steps, validate, save and draw; None: by the clock alone
    save_to: Path | None = None  # the run's folder; None: one of its name in runs/
    bf16: bool | None = None  # None: as the recipe says
    processes: int = 1  # that share one run, each with its part of every batch
    rank: int = 0  # of this process among them
    phase: Phase = WHOLE_RUN  # set by the loop, which asks for new batches when a phase begins


@dataclass(frozen=True)
class Adversary:
    """A discriminator with its own optimiser; it takes part only in phases whose option "adversarial" is true.

    What `Recipe.terms` returns under names that begin with "_" (e.g. "_estimate") isn't logged but stands in the batch
    of both functions, so that the generator runs once a step; the discriminator gets a detached copy. Each
    learns from the other as it was before the step, and they step together or, if anything isn't finite, not at all.
    """

    build: Callable[[], nn.Module]
    # (discriminator, generator without gradient, batch)
    discriminator_terms: Callable[[nn.Module, nn.Module, Batch], Terms]
    # (discriminator without gradient, generator, batch); its "loss" is added to the generator's
    generator_terms: Callable[[nn.Module, nn.Module, Batch], Terms]
    peak_rate: float = 2e-4
    betas: tuple[float, float] = (0.8, 0.99)


@dataclass(frozen=True)
class Example:
    """One validation example as a listener would judge it; all shape (samples,), float32."""

    name: str
    rate: int
    given: NDArray[np.float32]
    result: NDArray[np.float32]
    target: NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained."""

    name: str
    build: Callable[[], nn.Module]
    # Endless, from this step on; the step (with seed and phase) alone decides the content, never a global random state.
    batches: Callable[[Settings, int], Iterator[Batch]]
    terms: Callable[[nn.Module, Batch, Phase], Terms]
    validate: Callable[[nn.Module, Settings], dict[str, float]]
    room: Callable[[], Room] | None = None  # what the export needs; None: never exported
    examples: Callable[[nn.Module, Settings], list[Example]] | None = None  # a few, drawn as spectrograms
    prepare: Callable[[nn.Module, Settings], None] | None = None  # before the first step, e.g. input statistics
    make_items: Callable[[Settings, int], None] | None = None  # (settings, workers): builds missing cached items
    inputs: Callable[[Settings], str] | None = None  # a digest of what batches follow from: a resumed run is compared
    phases: tuple[Phase, ...] = (WHOLE_RUN,)
    adversary: Adversary | None = None
    losses: nn.Module | None = None  # losses with a state of their own (random resolutions): moved, saved, resumed
    parts_batches: bool = False  # `batches` yields only this process's part; else the loop cuts whole batches
    needs: Needs = field(default_factory=Needs)  # what `python -m training pack` takes along for it
    peak_rate: float = 5e-4
    weight_decay: float = 0.01
    warmup_steps: int = 50
    clip_norm: float = 1.0
    ema: float = 0.998
    bf16: bool = False


class CheckpointError(TrainingError):
    """A checkpoint that must not be used for this."""
