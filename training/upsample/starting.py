"""What a network for a higher factor, or of another kind, begins with: the weights of one that has learned already.

AFiLM and TFiLM share their convolutions. What differs is the sequence network behind every scale, and a fresh one
answers otherwise than the one that was learned with: the convolutions after it take up the difference of their means.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from models.blocks import BlockScale, FilmNetwork
from training.data.archive import PatchArchive
from training.recipe import CheckpointError, Recipe, Settings, TrainingError
from training.recipes import find_recipe
from training.rooms import load_room_weights, room_licences
from training.state import FILE, checkpoint, run_folder

PATCHES = 16  # on which the means are measured


def learned(start: str, settings: Settings) -> nn.Module:
    """Return a network as its last run left it, else as its room holds it, in eval mode.

    Raises
    ------
    TrainingError
        If there is neither.
    CheckpointError
        If that network has seen more than this run may, or its checkpoint doesn't say what it has seen.
    """
    recipe: Recipe = find_recipe(start)
    model = recipe.build().eval()
    run = run_folder(start, settings.licences) / FILE
    if run.exists():
        content = checkpoint(run)
        weights, seen = content["average"], content["licences"]
    else:
        room, _, factor = start.rpartition("_")
        try:
            weights, seen = load_room_weights(room, f"{factor}.onnx"), room_licences(room)
        except (TrainingError, FileNotFoundError) as error:
            raise TrainingError(f"there are no weights of {start} to begin with: train {start} first") from error
    if settings.licences == "clean" and seen != "clean":
        raise CheckpointError(
            f"the weights of {start} here were trained on non-commercial recordings, and this run would begin with "
            f"them: train {start} on clean data first, or take --data all"
        )
    model.load_state_dict(weights)
    return model


def take_over(model: FilmNetwork, source: FilmNetwork, samples: Tensor) -> None:
    """Give `model` what `source` has learned.

    Parameters
    ----------
    model
        Of the same sizes as `source`; its sequence networks may be of another kind, and then stay as they are.
    samples
        What both are given to measure the means of their scales; shape (batch, 1, samples).
    """
    if type(model) is type(source):
        model.load_state_dict(source.state_dict())
        return
    kept = {name: value for name, value in source.state_dict().items() if ".sequence." not in name}
    model.load_state_dict(kept, strict=False)
    wanted, found = mean_scales(source, samples), mean_scales(model, samples)
    ratios = [one / other for one, other in zip(wanted, found, strict=True)]
    with torch.no_grad():
        for kernel, ratio in after_scales(model, ratios):
            kernel.mul_(ratio.to(kernel)[None, :, None, None])


def after_scales(model: FilmNetwork, ratios: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the kernels that hear scaled channels, and the ratio of each of these; order as of `mean_scales`."""
    levels = len(model.down)
    down, middle, up = ratios[:levels], ratios[levels], ratios[levels + 1 :]
    kernels = {name: value for name, value in model.named_parameters() if name.endswith("weight")}
    for level in range(1, levels):
        yield kernels[f"down.{level}.plain.weight"], down[level - 1]
    yield kernels["middle.plain.weight"], down[-1]
    yield kernels[f"up.{levels - 1}.plain.weight"], middle
    for level in range(levels - 1):
        yield kernels[f"up.{level}.plain.weight"], torch.cat([up[level + 1], down[level + 1]])
    yield kernels["last.weight"], torch.cat([up[0], down[0]])


@torch.no_grad()
def mean_scales(model: FilmNetwork, samples: Tensor) -> list[Tensor]:
    """Mean scale of every channel of every block scale: down, middle, up, the first level first; (channels,) each."""
    heard: dict[nn.Module, Tensor] = {}

    def hear(sequence: nn.Module, _given: tuple[Tensor, ...], answer: Tensor) -> None:
        heard[sequence] = answer.float().mean(dim=(0, 1))

    scales = [module for module in model.modules() if isinstance(module, BlockScale)]
    hooks = [scale.sequence.register_forward_hook(hear) for scale in scales]
    was_training = model.training
    model.eval()(samples)
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    ordered = [*model.down_scale, model.middle_scale, *model.up_scale]
    return [heard[scale.sequence] for scale in ordered if isinstance(scale, BlockScale)]


def patches(archive: PatchArchive) -> Tensor:
    """The first patches of an archive's first pass, shape (batch, 1, samples)."""
    given = archive.batch(0, 0, min(PATCHES, len(archive)), ("data",))["data"].astype("float32")
    return torch.from_numpy(given)[:, None]
