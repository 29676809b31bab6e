"""Fills a room from a checkpoint: trace, round, compare with torch, measure; then file and card change places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.inference.card import AS_WRITTEN
from export import card as cards
from export import placing
from export.cost import gmac_per_second, quicker, speed, speed_table
from export.errors import ExportError
from export.licences import Row
from export.onnx_file import file_bytes, rounded
from export.parity import check_parity, check_shapes, differences, runtime_answers, torch_answers
from training.recipe import Recipe
from training.recipes import all_recipes
from training.room import Inputs, Room
from training.rooms import load_file_weights
from training.state import checkpoint, checkpoint_weights

Trials = Mapping[str, Inputs]


@dataclass(frozen=True)
class Furnished:
    """What an export has left in a room."""

    path: Path
    megabytes: float
    difference: float  # largest, between ONNX and torch
    missing_figures: str  # why the card carries no figures of validation; "": it does


def recipes_for(name: str) -> tuple[Recipe, ...]:
    """Return the recipe of that name, else those that fill the room of that name.

    Raises
    ------
    ExportError
        If there is neither.
    """
    with_room = {recipe.name: recipe for recipe in all_recipes().values() if recipe.room}
    if name in with_room:
        return (with_room[name],)
    found = tuple(recipe for recipe in with_room.values() if room_of(recipe).name == name)
    if found:
        return found
    raise ExportError(f"no recipe with a room and no room is called {name!r}: choose one of {', '.join(with_room)}")


def room_of(recipe: Recipe) -> Room:
    """The room that a recipe fills."""
    if recipe.room is None:
        raise ExportError(f"the recipe {recipe.name} names no room: give it room=")
    return recipe.room()


def trials_of(room: Room) -> Trials:
    """What a room is tried out with.

    Raises
    ------
    ExportError
        If there is nothing.
    """
    trials = room.trials()
    if not trials:
        raise ExportError(f"the room {room.name} has no trials: without any, nobody knows what its file computes")
    return trials


def furnish(recipe: Recipe, run: Path, models: Path) -> Furnished:
    """Put the averaged weights of a checkpoint into a room below `models`.

    Raises
    ------
    TrainingError
        If the checkpoint or the file is not fit for the room, which then is as it was.
    """
    room, content = room_of(recipe), checkpoint(run)
    if content.get("recipe", recipe.name) != recipe.name:
        raise ExportError(f"{run} is of the recipe {content['recipe']}, not of {recipe.name}: give the right one")
    training, data = cards.training_of(recipe, content), cards.data_of(room, content)
    model, trials = recipe.build().eval(), trials_of(room)
    _load(model, content["average"], f"{run} is of another network than the recipe {recipe.name}")
    learned = torch_answers(model, trials)
    model.load_state_dict(rounded(model, content["average"]))
    exact = torch_answers(model, trials)
    with placing.waiting(models / room.name, room.file) as (weights, _):
        placing.write_whole(weights, file_bytes(model, room, next(iter(trials.values()))))
        rounding = max(differences(learned, exact).values())
        return _verify_and_place(recipe, room, model, trials, weights, training, data, rounding)


def renew_card(recipe: Recipe, run: Path, models: Path) -> Furnished:
    """Measure the weights that lie in a room again and write its card anew.

    Where the checkpoint they came from still lies at `run`, what rounding did to them is measured again, too.

    Raises
    ------
    TrainingError
        If there are none, or the card is of others.
    """
    room = room_of(recipe)
    folder = models / room.name
    path, before = folder / room.file, cards.read_card(folder / cards.CARD)
    model = recipe.build().eval()
    training = cards.training_on_card(before, room, path)
    state = load_file_weights(path)
    _load(model, state, f"{path} is of another network than the recipe {recipe.name}")
    data, trials = cards.data_on_card(before, room), trials_of(room)
    rounding = _rounding_again(recipe, run, state, trials)
    if rounding is None:
        rounding = cards.rounding_on_card(before, room)
    with placing.waiting(folder, room.file):
        return _verify_and_place(recipe, room, model, trials, path, training, data, rounding)


def _rounding_again(recipe: Recipe, run: Path, state: Mapping[str, Tensor], trials: Trials) -> float | None:
    """Largest difference between learned and rounded weights, if the checkpoint is the one that `state` came from."""
    if not run.exists():
        return None
    learned, model = checkpoint_weights(run), recipe.build().eval()
    weights = {name for name, _ in model.named_parameters()}
    same = learned.keys() == state.keys() and all(
        torch.equal(learned[name].half().float(), state[name]) for name in weights
    )
    if not same:
        return None
    model.load_state_dict(learned)
    answers = torch_answers(model, trials)
    model.load_state_dict(dict(state))
    return max(differences(answers, torch_answers(model, trials)).values())


def _verify_and_place(
    recipe: Recipe, room: Room, model: nn.Module, trials: Trials, weights: Path, training: cards.Training,
    data: list[Row], rounding: float | None,
) -> Furnished:  # fmt: skip
    """Compare the file with torch; if it is right as it will be run, write the card and put both in place."""
    wanted, answers = torch_answers(model, trials), runtime_answers(room, weights, trials)
    check_shapes(room, trials, answers)
    check_parity(room, wanted, answers)
    taken = speed(room, weights, trials)
    optimise = quicker(taken)
    if optimise != AS_WRITTEN:
        answers = runtime_answers(room, weights, trials, optimise)
        check_parity(room, wanted, answers)
    found = differences(wanted, answers)
    measured = cards.Measured(
        weights.read_bytes(),
        found,
        rounding,
        gmac_per_second(room, model, trials),
        optimise,
        speed_table(room, weights, trials, taken, optimise),
    )
    folder, trial = weights.parent, next(iter(trials.values()))
    before = cards.read_card(folder / cards.CARD)
    text = cards.card_text(recipe, room, model, trial, measured, training, data, before)
    placing.write_whole(placing.beside(folder / cards.CARD), text.encode())
    placing.swap(folder, room.file)
    missing = str(cards.read_card(folder / cards.CARD)["figures"].get("missing", ""))
    return Furnished(folder / room.file, len(measured.content) / 1e6, max(found.values()), missing)


def _load(model: nn.Module, state: Mapping[str, Tensor], otherwise: str) -> None:
    """Load every weight by name and shape."""
    try:
        model.load_state_dict(dict(state))
    except RuntimeError as error:
        said = " ".join(str(error).split())[:200]
        raise ExportError(f"{otherwise} ({said}): go back to the code it was trained with, or train anew") from error
