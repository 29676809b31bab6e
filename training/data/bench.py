"""Whether batches are ready before the network wants them: `python -m training.data.bench [RECIPE ...]`.

Prints examples per second of the loader alone and of the network's training step alone, their ratio (1.5 at least),
and which share of a real run is spent waiting for a batch.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from training.data.loader import ahead
from training.errors import TrainingError
from training.recipe import Batch, Recipe, Settings
from training.recipes import find_recipe, names

FLOOR: Final = 1.5
_WARM: Final = 2  # steps or batches that don't count: the first ones allocate and open files


@dataclass(frozen=True)
class Pace:
    """Examples per second of both halves, and what is lost between them."""

    loader: float
    network: float
    waiting: float  # share of the time of a run, 0 to 1

    @property
    def ratio(self) -> float:
        """How much faster the loader is."""
        return self.loader / self.network


def loader_pace(batches: Iterator[Batch], seconds: float) -> float:
    """Examples per second that the loader makes when nobody else wants the machine."""
    for _ in range(_WARM):
        next(batches)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        count += _size(next(batches))
    return count / (time.perf_counter() - began)


class Steps:
    """Training steps without the loop's book-keeping: forward, backward, optimiser."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe, self.device = recipe, device
        self.model: nn.Module = recipe.build().to(device)
        self._optimiser = torch.optim.AdamW(self.model.parameters(), lr=1e-6)

    def take(self, batch: Batch) -> None:
        """Take one step."""
        self._optimiser.zero_grad(set_to_none=True)
        with torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16, enabled=self.recipe.bf16):
            loss = self.recipe.terms(self.model, batch, self.recipe.phases[0])["loss"]
        torch.autograd.backward(loss)
        self._optimiser.step()
        float(loss.detach())  # a GPU is waited for


def network_pace(steps: Steps, batch: Batch, seconds: float) -> float:
    """Examples per second that the network takes when its batch is always there."""
    for _ in range(_WARM):
        steps.take(batch)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        steps.take(batch)
        count += _size(batch)
    return count / (time.perf_counter() - began)


def measure(recipe: Recipe, settings: Settings, seconds: float) -> Pace:
    """Measure both halves, then both together.

    Raises
    ------
    TrainingError
        If there is nothing to train on.
    """
    if recipe.make_items:
        recipe.make_items(settings, os.cpu_count() or 1)
    steps = Steps(recipe, settings.device)
    with ahead(recipe.batches(settings, 0)) as batches:
        loader = loader_pace(batches, seconds)
        network = network_pace(steps, next(batches), seconds)
        waited, began = batches.waited_seconds, time.perf_counter()
        while time.perf_counter() - began < seconds:
            steps.take(next(batches))
        waiting = (batches.waited_seconds - waited) / (time.perf_counter() - began)
    return Pace(loader, network, waiting)


def _size(batch: Batch) -> int:
    return len(next(iter(batch.values())))


def main() -> None:
    """Run the command line; the exit code is 1 if a loader is too slow."""
    parser = argparse.ArgumentParser(prog="python -m training.data.bench", description=__doc__)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help=f"of {', '.join(names())}; all if none is named")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each of the three measurements")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    settings = Settings(steps=1, device=arguments.device)
    print(
        f"each recipe takes about {3 * arguments.seconds:.0f} s and what its start needs", file=sys.stderr, flush=True
    )
    print(f"{'recipe':<16}{'loader/s':>12}{'network/s':>12}{'ratio':>8}{'waiting':>9}")
    slowest = float("inf")
    for name in arguments.recipes or names():
        try:
            pace = measure(find_recipe(name), settings, arguments.seconds)
        except TrainingError as error:
            parser.exit(1, f"{error}\n")
        print(f"{name:<16}{pace.loader:12.1f}{pace.network:12.1f}{pace.ratio:8.1f}{pace.waiting:9.1%}", flush=True)
        slowest = min(slowest, pace.ratio)
    if slowest < FLOOR:
        parser.exit(1, f"a loader is less than {FLOOR} times as fast as its network\n")


if __name__ == "__main__":
    main()
