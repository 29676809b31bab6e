"""Several processes that share one run: `torchrun --nproc-per-node 2 -m training RECIPE`.

The processes, their meeting and the averaging of gradients are torch's (torchrun and DistributedDataParallel). Here
stands only what is ours: each process takes its part of every batch, all decide alike, and the first one writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from training.recipe import Batch, Settings, TrainingError

# The others wait while the first builds items, which can take long; torch would give them up after 10 minutes (NCCL).
PATIENCE: Final = timedelta(hours=6)


@contextmanager
def joined(settings: Settings) -> Iterator[Settings]:
    """Join the processes that torchrun started, if it did; yield the settings with this process's place among them."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1 or not dist.is_torchelastic_launched():
        yield settings
        return
    on_gpu = settings.device.startswith("cuda")
    device = f"cuda:{os.environ['LOCAL_RANK']}" if on_gpu else settings.device
    if on_gpu:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield replace(settings, device=device, processes=processes, rank=dist.get_rank())
    finally:
        dist.destroy_process_group()


def wrapped(objective: nn.Module, settings: Settings, *, has_unused: bool) -> nn.Module:
    """Let the gradients of a module be averaged over all processes; alone, a process needs nothing.

    `has_unused`: some steps leave some weights without gradient (phases, an adversary).
    """
    if settings.processes == 1:
        return objective
    return DistributedDataParallel(objective, find_unused_parameters=has_unused)


def part(batch: Batch, settings: Settings) -> Batch:
    """Cut out this process's share of a batch, along the first axis of every tensor.

    Raises
    ------
    TrainingError
        If the batch can't be shared equally.
    """
    if settings.processes == 1:
        return batch
    counts = {name: len(value) if value.ndim else None for name, value in batch.items()}
    if single := [name for name, count in counts.items() if count is None]:
        raise TrainingError(
            f"{single[0]!r} in a batch is one number for all its items and can't be shared by {settings.processes} "
            "processes: let the recipe repeat it for every item"
        )
    if len(set(counts.values())) != 1:
        raise TrainingError(
            f"the entries of a batch hold different numbers of items ({counts}) and can't be shared by "
            f"{settings.processes} processes: let the recipe yield one row per item everywhere"
        )
    mine = share(next(count for count in counts.values() if count is not None), settings)
    return {name: value[mine] for name, value in batch.items()}


def share(count: int, settings: Settings) -> slice:
    """Which of a batch's `count` items are this process's.

    Raises
    ------
    TrainingError
        If they can't be shared equally: the average of the parts would not be that of the whole.
    """
    if count % settings.processes:
        raise TrainingError(
            f"a batch of {count} items can't be shared equally by {settings.processes} processes: start a number of "
            "processes that divides the batch"
        )
    size = count // settings.processes
    return slice(settings.rank * size, (settings.rank + 1) * size)


def averaged(values: Sequence[float], settings: Settings) -> list[float]:
    """Average numbers over all processes, so that all log and decide the same."""
    if settings.processes == 1:
        return list(values)
    tensor = torch.tensor(values, dtype=torch.float64, device=settings.device)
    dist.all_reduce(tensor)
    return [float(value) / settings.processes for value in tensor.tolist()]


def of_the_first(value: int, settings: Settings) -> int:
    """Return the number that the first process has."""
    if settings.processes == 1:
        return value
    tensor = torch.tensor([value], dtype=torch.int64, device=settings.device)
    dist.broadcast(tensor, src=0)
    return int(tensor.item())


def gathered(value: Any, settings: Settings) -> list[Any]:
    """Return what every process has, in their order."""
    if settings.processes == 1:
        return [value]
    everything: list[Any] = [None] * settings.processes
    dist.all_gather_object(everything, value)
    return everything


def wait(settings: Settings) -> None:
    """Go on when all processes have come here."""
    if settings.processes > 1:
        dist.barrier()
