"""The one training loop: plain functions over a State, driven by a recipe.

A run lives in `runs/<recipe>/` (`runs/<recipe>-all/` where non-commercial recordings take part): `checkpoint.pt` (read
back with weights_only, so it can hold no code), `log.csv` and `training_loss.png`. It can be stopped at any moment and
resumed: which items a step sees follows from the seed and the number of the step alone.
"""

from __future__ import annotations

import copy
import csv
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.data import runs_folder
from training.recipe import WHOLE_RUN, Batch, CheckpointError, Phase, Recipe, Settings, Terms
from training.rooms import load_room_weights, room_licences

__all__ = ["Batch", "CheckpointError", "Phase", "Recipe", "Settings", "Terms"]


@dataclass
class State:
    """Everything that a resumed run needs, and nothing else."""

    model: nn.Module
    average: nn.Module  # exponential moving average of the weights: what is validated and exported
    optimiser: torch.optim.Optimizer
    licences: str  # of everything the weights have seen: "clean" or "all"
    seed: int
    machines: list[str]  # what it ran on, e.g. "cpu, 2 threads"; one entry each
    step: int = 0
    seconds: float = 0.0  # spent training, over all resumptions
    skipped: int = 0  # steps whose loss or gradient was not finite
    rows: list[dict[str, float]] = field(default_factory=list)


def start(recipe: Recipe, settings: Settings) -> State:
    """Make a fresh state."""
    torch.manual_seed(settings.seed)
    model = recipe.build().to(settings.device)
    if recipe.prepare:
        recipe.prepare(model, settings)
    decayed = [p for p in model.parameters() if p.numel() > max(p.shape)]
    plain = [p for p in model.parameters() if p.numel() == max(p.shape)]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.peak_rate, betas=(0.9, 0.98))
    return State(model, frozen_copy(model), optimiser, settings.licences, settings.seed, [machine(settings)])


def machine(settings: Settings) -> str:
    """What a run computes on, in words."""
    return settings.device if settings.device != "cpu" else f"cpu, {torch.get_num_threads()} threads"


def run_folder(name: str, licences: str) -> Path:
    """Where the run of a recipe lies; runs that see non-commercial recordings lie apart."""
    return runs_folder() / (name if licences == "clean" else f"{name}-{licences}")


def shuffled(indices: NDArray[np.int64], size: int, seed: int, step: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield (step, `size` picks) for ever, from this step on; every pass over `indices` has its own order.

    The order follows from seed and number of the pass, the place in it from the step.

    Raises
    ------
    ValueError
        If there are fewer indices than one batch holds.
    """
    steps = len(indices) // size
    if not steps:
        raise ValueError(f"{len(indices)} training items don't fill a batch of {size}: build more (training.items)")
    while True:
        number, first = divmod(step, steps)
        order = np.random.default_rng((seed, number)).permutation(indices)
        for place in range(first, steps):
            yield step, order[place * size : (place + 1) * size]
            step += 1


def frozen_copy(model: nn.Module) -> nn.Module:
    """Return a copy that takes no gradients."""
    return copy.deepcopy(model).requires_grad_(False).eval()


def learning_rate(recipe: Recipe, step: int, progress: float) -> float:
    """Linear warm-up by steps, then a cosine over the minutes of the run down to 2 % of the peak."""
    warm = min(1.0, (step + 1) / recipe.warmup_steps)
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
    return recipe.peak_rate * warm * (0.02 + 0.98 * cosine)


def train_step(recipe: Recipe, state: State, batch: Batch, rate: float, use_bf16: bool) -> dict[str, float]:
    """Take one step; a step that isn't finite changes nothing and is counted."""
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    state.optimiser.zero_grad(set_to_none=True)
    device = next(state.model.parameters()).device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=use_bf16):
        terms = recipe.terms(state.model, batch, WHOLE_RUN)
    torch.autograd.backward(terms["loss"])
    norm = nn.utils.clip_grad_norm_(state.model.parameters(), recipe.clip_norm)
    if bool(torch.isfinite(norm)) and bool(torch.isfinite(terms["loss"])):
        state.optimiser.step()
        update_average(state, recipe.ema)
    else:
        state.skipped += 1
    state.step += 1
    return {name: float(value.detach()) for name, value in terms.items()} | {"norm": float(norm)}


@torch.no_grad()
def update_average(state: State, decay: float) -> None:
    """Move the averaged weights towards the current ones; faster at the beginning."""
    decay = min(decay, (1.0 + state.step) / (10.0 + state.step))
    for average, current in zip(state.average.parameters(), state.model.parameters(), strict=True):
        average.lerp_(current, 1.0 - decay)


def save(state: State, path: Path) -> None:
    """Write a checkpoint; the old one stays until the new one is complete."""
    unfinished = path.with_suffix(".tmp")
    content = {
        "model": state.model.state_dict(),
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "torch_rng": torch.get_rng_state(),
        "licences": state.licences,
        "seed": state.seed,
        "machines": json.dumps(state.machines),
        "step": state.step,
        "seconds": state.seconds,
        "skipped": state.skipped,
        "rows": json.dumps(state.rows),
    }
    torch.save(content, unfinished)
    unfinished.replace(path)


def load(state: State, path: Path) -> None:
    """Restore a checkpoint into a fresh state.

    Raises
    ------
    CheckpointError
        If it doesn't say what it was trained on, or was trained on other licences or with another seed.
    """
    content = checkpoint(path)
    if content["licences"] != state.licences or content["seed"] != state.seed:
        raise CheckpointError(
            f"{path} was trained on {content['licences']} data with seed {content['seed']}, this run asks for "
            f"{state.licences} data with seed {state.seed}: resume it as it was begun, or begin anew"
        )
    state.model.load_state_dict(content["model"])
    state.average.load_state_dict(content["average"])
    state.optimiser.load_state_dict(content["optimiser"])
    torch.set_rng_state(content["torch_rng"])
    state.step, state.seconds, state.skipped = content["step"], content["seconds"], content["skipped"]
    state.rows = json.loads(content["rows"])
    state.machines = list(dict.fromkeys([*json.loads(content["machines"]), *state.machines]))


def checkpoint(path: Path) -> dict[str, Any]:
    """Read a whole checkpoint.

    Raises
    ------
    CheckpointError
        If it is from before checkpoints said what they were trained on: there is no safe guess.
    """
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if "licences" not in content:
        raise CheckpointError(
            f"{path} doesn't say what it was trained on: move it away, then train anew or begin with --from-room"
        )
    return content


def checkpoint_weights(path: Path) -> dict[str, Tensor]:
    """Return the averaged weights of a checkpoint."""
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)["average"]
    return weights


def write_log(state: State, folder: Path) -> None:
    """Write log.csv and the picture of the losses."""
    names = sorted({name for row in state.rows for name in row})
    with (folder / "log.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(state.rows)
    draw_losses(state.rows, folder / "training_loss.png")


def draw_losses(rows: list[dict[str, float]], path: Path) -> None:
    """Draw every logged figure over the minutes of the run."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = sorted({name for row in rows for name in row} - {"step", "minutes", "rate", "norm"})
    figure, axes = pyplot.subplots(len(names), 1, figsize=(8, 2.2 * len(names)), sharex=True, squeeze=False)
    for axis, name in zip(axes[:, 0], names, strict=True):
        points = [(row["minutes"], row[name]) for row in rows if name in row]
        axis.plot(*zip(*points, strict=True), linewidth=1.0)
        axis.set_ylabel(name, fontsize=8)
    axes[-1, 0].set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def run(recipe: Recipe, settings: Settings) -> Path:
    """Train for the given minutes (over all resumptions) and return the checkpoint's path."""
    folder = run_folder(recipe.name, settings.licences)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "checkpoint.pt"
    state = start(recipe, settings)
    if settings.resume and path.exists():
        load(state, path)
    elif settings.from_room:
        load_room(recipe, state)
    use_bf16 = recipe.bf16 if settings.bf16 is None else settings.bf16
    train_until(recipe, settings, state, folder, use_bf16)
    finish(recipe, settings, state, folder)
    return path


def load_room(recipe: Recipe, state: State) -> None:
    """Begin from the weights that are shipped in the room.

    Raises
    ------
    CheckpointError
        If those were trained on more than this run may see.
    """
    if state.licences == "clean" and room_licences(recipe.name) != "clean":
        raise CheckpointError(
            f"the weights in the room {recipe.name} were trained on non-commercial recordings: take --data all"
        )
    weights = load_room_weights(recipe.name)
    state.model.load_state_dict(weights)
    state.average.load_state_dict(weights)


def train_until(recipe: Recipe, settings: Settings, state: State, folder: Path, use_bf16: bool) -> None:
    """Step until the minutes are over, logging and saving on the way."""
    batches = recipe.batches(settings, state.step)
    budget, saved = settings.minutes * 60.0, time.monotonic()
    sums: dict[str, float] = {}
    count = 0
    while state.seconds < budget:
        began = time.monotonic()
        rate = learning_rate(recipe, state.step, state.seconds / budget)
        figures = train_step(recipe, state, next(batches), rate, use_bf16)
        state.seconds += time.monotonic() - began
        sums = {name: sums.get(name, 0.0) + value for name, value in figures.items()}
        count += 1
        if count == settings.log_steps:
            row = {name: round(value / count, 5) for name, value in sums.items()}
            row |= {"step": state.step, "minutes": round(state.seconds / 60.0, 3), "rate": round(rate, 7)}
            state.rows.append(row)
            print(" ".join(f"{name} {value:.5g}" for name, value in row.items()), flush=True)
            sums, count = {}, 0
        if time.monotonic() - saved > settings.checkpoint_minutes * 60.0:
            finish(recipe, settings, state, folder)
            saved = time.monotonic()


def finish(recipe: Recipe, settings: Settings, state: State, folder: Path) -> None:
    """Validate the averaged weights, log, save."""
    began = time.monotonic()
    figures = {f"validation {name}": value for name, value in recipe.validate(state.average, settings).items()}
    row = {"step": float(state.step), "minutes": round(state.seconds / 60.0, 3)} | figures
    state.rows.append(row)
    state.seconds += time.monotonic() - began
    print(" ".join(f"{name} {value:.5g}" for name, value in row.items()), flush=True)
    save(state, folder / "checkpoint.pt")
    write_log(state, folder)
