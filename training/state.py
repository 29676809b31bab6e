"""Everything a run needs to go on as if it had never stopped, and the file it survives in.

A checkpoint holds tensors, numbers and words only (it is read with weights_only, so it can hold no code) and is written
whole or not at all: whatever happens, the last good one stays.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from training import randomness
from training.adversary import Critic, critic_of
from training.data import runs_folder
from training.distributed import gathered
from training.recipe import CheckpointError, Recipe, Settings, TrainingError
from training.schedule import check_phases
from training.writing import write_whole as write_whole

Row = dict[str, float | str]
FILE: Final = "checkpoint.pt"
_KERNEL_LAYERS: Final = (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)


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
    rows: list[Row] = field(default_factory=list)
    recipe: str = ""
    loss_mode: str = ""  # of the losses it trains on: "safe", "parity" or "own"; "" before the first step
    folder: str = ""  # which own recordings took part, as JSON; "": none
    data: str = ""  # what the weights have seen, as rows of a card in JSON; "": nobody can tell
    inputs: str = ""  # what its batches follow from, as the recipe's digest
    is_bf16: bool | None = None  # whether the networks compute in bfloat16; None: nobody can tell
    trained_until: str = ""  # the day of the last step, ISO
    steps: int | None = None  # of the whole run; None until the pace is known, then never changed
    rate_share: float = 1.0  # of the recipe's learning rate; less where it began with shipped weights
    asked_minutes: float = 0.0
    asked_steps: int | None = None
    skipped_in_a_row: int = 0
    critic: Critic | None = None
    losses: nn.Module | None = None  # that have a state of their own
    randomness: list[dict[str, Tensor]] = field(default_factory=list)  # of every process, when it was saved


def start(recipe: Recipe, settings: Settings) -> State:
    """Build what is trained, with fresh weights.

    Raises
    ------
    TrainingError
        If the licences are unknown or the recipe's phases make no curriculum.
    """
    if settings.licences not in ("clean", "all"):
        raise TrainingError(f'licences must be "clean" or "all", got {settings.licences!r}: take one of these')
    check_phases(recipe)
    randomness.seed_everything(settings.seed)
    model = recipe.build().to(settings.device).train()
    losses = recipe.losses.to(settings.device) if recipe.losses else None
    return State(
        model,
        frozen_copy(model),
        optimiser_of(recipe, model),
        settings.licences,
        settings.seed,
        [machine(settings)],
        recipe=recipe.name,
        steps=settings.steps,
        asked_minutes=settings.minutes,
        asked_steps=settings.steps,
        critic=critic_of(recipe, settings),
        losses=losses,
    )


def optimiser_of(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, 2019); biases, scales and other vectors don't decay."""
    kernels = {id(layer.weight) for layer in model.modules() if isinstance(layer, _KERNEL_LAYERS)}
    weights = list(model.parameters())
    # Scales may have axes of length 1 to be multiplied by, as a kernel to or from one channel has.
    is_kernel = [id(p) in kernels or p.numel() > max(p.shape, default=1) for p in weights]
    decayed = [p for p, kernel in zip(weights, is_kernel, strict=True) if kernel]
    plain = [p for p, kernel in zip(weights, is_kernel, strict=True) if not kernel]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.peak_rate, betas=(0.9, 0.98))


def machine(settings: Settings) -> str:
    """What a run computes on, in words."""
    where = settings.device if settings.device != "cpu" else f"cpu, {torch.get_num_threads()} threads"
    return where if settings.processes == 1 else f"{settings.processes} x {where.split(':')[0]}"


def run_folder(name: str, licences: str, folder: Path | None = None) -> Path:
    """Where the run of a recipe lies; runs that see non-commercial or a user's own recordings lie apart."""
    apart = ([] if licences == "clean" else [licences]) + ([] if folder is None else ["own", folder.resolve().name])
    return runs_folder() / "-".join([name, *apart])


def frozen_copy(model: nn.Module) -> nn.Module:
    """Return a copy that takes no gradients."""
    return copy.deepcopy(model).requires_grad_(False).eval()


@torch.no_grad()
def update_average(state: State, decay: float) -> None:
    """Move the averaged weights towards the current ones, faster at the beginning; counters are taken over."""
    decay = min(decay, (1.0 + state.step) / (10.0 + state.step))
    for average, current in zip(state.average.parameters(), state.model.parameters(), strict=True):
        average.lerp_(current, 1.0 - decay)
    for counted, counter in zip(state.average.buffers(), state.model.buffers(), strict=True):
        counted.copy_(counter)


def fingerprint(weights: Mapping[str, Tensor]) -> str:
    """What tells one network from another: SHA-256 of the names and shapes of its weights."""
    lines = (f"{name} {tuple(tensor.shape)} {tensor.dtype}\n" for name, tensor in sorted(weights.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def content_of(state: State) -> dict[str, Any]:
    """What a checkpoint holds."""
    weights = state.model.state_dict()
    return {
        "model": weights,
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "critic": state.critic and state.critic.model.state_dict(),
        "critic_optimiser": state.critic and state.critic.optimiser.state_dict(),
        "critic_step": state.critic.step if state.critic else 0,
        "losses": state.losses and state.losses.state_dict(),
        "randomness": state.randomness or [randomness.random_states()],
        "recipe": state.recipe,
        "fingerprint": fingerprint(weights),
        "loss_mode": state.loss_mode,
        "licences": state.licences,
        "folder": state.folder,
        "data": state.data,
        "trained_until": state.trained_until,
        "inputs": state.inputs,
        "is_bf16": state.is_bf16,
        "seed": state.seed,
        "machines": json.dumps(state.machines),
        "steps": state.steps,
        "rate_share": state.rate_share,
        "asked_minutes": state.asked_minutes,
        "asked_steps": state.asked_steps,
        "step": state.step,
        "seconds": state.seconds,
        "skipped": state.skipped,
        "skipped_in_a_row": state.skipped_in_a_row,
        "rows": json.dumps(state.rows),
    }


def save(state: State, path: Path) -> None:
    """Write a checkpoint; the old one stays until the new one is complete.

    Raises
    ------
    TrainingError
        If the disk doesn't take it.
    """
    buffer = io.BytesIO()  # in memory first: torch's own writer turns a full disk into a riddle
    torch.save(content_of(state), buffer)
    write_whole(path, buffer.getbuffer(), "the last good checkpoint is kept: make room, then go on with --resume")


def keep_randomness(state: State, settings: Settings) -> None:
    """Take down the random states of all processes; all have to call this."""
    state.randomness = gathered(randomness.random_states(), settings)


def checkpoint(path: Path) -> dict[str, Any]:
    """Read a whole checkpoint.

    Raises
    ------
    CheckpointError
        If there is none, it is damaged, or it is from before checkpoints said what they were trained on: there is no
        safe guess.
    """
    content = _read(path)
    if "licences" not in content:
        raise CheckpointError(
            f"{path} doesn't say what it was trained on: move it away, then train anew or begin with --from-room"
        )
    return content


def checkpoint_weights(path: Path) -> dict[str, Tensor]:
    """Return the averaged weights of a checkpoint.

    Raises
    ------
    CheckpointError
        If there is none, or it is damaged.
    """
    weights: dict[str, Tensor] = _read(path)["average"]
    return weights


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise CheckpointError(f"there is no checkpoint {path}: train first")
    damaged = f"{path} is damaged or no checkpoint: move it away and train anew"
    if not zipfile.is_zipfile(path):
        raise CheckpointError(damaged)
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{path} holds more than weights, and what else it holds isn't opened") from error
    except (RuntimeError, EOFError, LookupError, ValueError) as error:
        raise CheckpointError(damaged) from error
    if not isinstance(content, dict) or "average" not in content:
        raise CheckpointError(f"{path} is no checkpoint of a training run: give another file")
    return content


def load(state: State, path: Path) -> None:
    """Restore a checkpoint into a fresh state.

    Raises
    ------
    CheckpointError
        If it is of another network, recipe, seed, number of steps or other recordings, from before runs were planned
        in steps, or from code that grouped weights otherwise.
    """
    content = checkpoint(path)
    _refuse_foreign(state, content, path)
    state.model.load_state_dict(content["model"])
    state.average.load_state_dict(content["average"])
    try:
        state.optimiser.load_state_dict(content["optimiser"])
    except ValueError as error:
        raise CheckpointError(
            f"{path} groups the weights of {state.recipe} otherwise than the code does now: go on with the code it was "
            "begun with, or begin anew"
        ) from error
    if state.critic:
        state.critic.model.load_state_dict(content["critic"])
        state.critic.optimiser.load_state_dict(content["critic_optimiser"])
        state.critic.step = content["critic_step"]
    if state.losses:
        state.losses.load_state_dict(content["losses"])
    for name in ("step", "seconds", "skipped", "skipped_in_a_row", "steps", "asked_minutes", "asked_steps"):
        setattr(state, name, content[name])
    state.inputs, state.is_bf16 = content.get("inputs", ""), content.get("is_bf16")
    state.loss_mode, state.rate_share = content["loss_mode"], content.get("rate_share", 1.0)
    state.data, state.trained_until = content.get("data", ""), content.get("trained_until", "")
    state.rows, state.randomness = json.loads(content["rows"]), content["randomness"]
    state.machines = list(dict.fromkeys([*json.loads(content["machines"]), *state.machines]))


def _refuse_foreign(state: State, content: Mapping[str, Any], path: Path) -> None:
    """Say in one sentence why this checkpoint isn't gone on with, if it must not be."""
    if "steps" not in content:
        raise CheckpointError(
            f"{path} is from before runs were planned in steps and can't be resumed: begin anew, or with --from-room"
        )
    if content["recipe"] != state.recipe:
        raise CheckpointError(
            f"{path} is of the recipe {content['recipe']}, not of {state.recipe}: give the one it was begun with"
        )
    if content["fingerprint"] != fingerprint(state.model.state_dict()) or bool(content["critic"]) != bool(state.critic):
        raise CheckpointError(
            f"{path} holds another network than {state.recipe} builds now ({_difference(state, content)}): go on with "
            "the code it was begun with, or begin anew"
        )
    if (content["licences"], content["seed"]) != (state.licences, state.seed):
        raise CheckpointError(
            f"{path} was trained on {content['licences']} data with seed {content['seed']}, this run asks for "
            f"{state.licences} data with seed {state.seed}: resume it as it was begun, or begin anew"
        )
    if content["folder"] != state.folder:
        raise CheckpointError(
            f"{path} was trained with other recordings of one's own ({content['folder'] or 'none'}) than lie there "
            f"now ({state.folder or 'none'}): resume it as it was begun, or begin anew"
        )
    if state.asked_steps is not None and content["steps"] not in (None, state.asked_steps):
        raise CheckpointError(
            f"{path} was planned for {content['steps']} steps, this run asks for {state.asked_steps}, and the learning "
            "rate follows the plan: resume it without --steps, or begin anew"
        )


def _difference(state: State, content: Mapping[str, Any]) -> str:
    here = {name: tuple(tensor.shape) for name, tensor in state.model.state_dict().items()}
    there = {name: tuple(tensor.shape) for name, tensor in content["model"].items()}
    odd = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    return f"{len(odd)} weights differ, the first is {odd[0]}" if odd else "types or the discriminator differ"
