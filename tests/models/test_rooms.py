"""Promises that every room keeps, whatever its network does: found by its card, tried out through the engine."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

from numpy.typing import NDArray  # noqa: E402
from torch import nn  # noqa: E402

from engine.inference.card import BUDGET_MB, Card, rooms, weights_path  # noqa: E402
from engine.inference.network import Network  # noqa: E402
from engine.settings import Settings  # noqa: E402
from export.parity import LIMIT, limit_of  # noqa: E402
from training.data import REPOSITORY  # noqa: E402
from training.recipe import Recipe  # noqa: E402
from training.recipes import all_recipes  # noqa: E402
from training.room import Room  # noqa: E402
from training.rooms import load_file_weights  # noqa: E402

Arrays = dict[str, NDArray[Any]]
CARDS = rooms()
FILES = [(card, file.name) for card in CARDS.values() for file in card.files]
EACH_FILE = pytest.mark.parametrize(("card", "name"), FILES, ids=[f"{card.room}/{name}" for card, name in FILES])
TYPES = {"float32": np.float32, "bool": np.bool_, "int64": np.int64}


def facts(card: Card, name: str) -> Mapping[str, Any]:
    return card.file(name).facts


def network(card: Card, name: str) -> Network:
    return Network(card.room, Settings(threads=2), name)


def recipe_of(card: Card, name: str) -> tuple[Recipe, Room]:
    """The recipe that fills this file, which there has to be exactly one of."""
    pairs = [(recipe, recipe.room()) for recipe in all_recipes().values() if recipe.room]
    (found,) = [(recipe, room) for recipe, room in pairs if (room.name, room.file) == (card.room, name)]
    return found


def lengths(card: Card, name: str) -> list[dict[str, int]]:
    """Three lengths of every free axis: the least, some more, and a long one."""
    axes = facts(card, name).get("axes", {})
    long = {word: 301 if axis["multiple"] == 1 else 7 for word, axis in axes.items()}
    return [
        {word: axis["smallest"] + extra[word] * axis["multiple"] for word, axis in axes.items()}
        for extra in (dict.fromkeys(axes, 0), dict.fromkeys(axes, 5), long)
    ]


def inputs(card: Card, name: str, sizes: Mapping[str, int], fill: Callable[[tuple[int, ...]], Any]) -> Arrays:
    ports = facts(card, name)["input"]
    shapes = {port["name"]: tuple(sizes.get(size, size) for size in port["shape"]) for port in ports}
    return {port["name"]: np.asarray(fill(shapes[port["name"]])).astype(TYPES[port["dtype"]]) for port in ports}


def noise(amount: float) -> Callable[[tuple[int, ...]], NDArray[np.float64]]:
    return lambda shape: amount * np.random.default_rng(7).standard_normal(shape)


def test_there_are_rooms_and_all_their_cards_can_be_read() -> None:
    from engine.inference.card import room_names

    assert FILES
    assert tuple(CARDS) == room_names()


@EACH_FILE
def test_a_file_is_the_one_its_card_names(card: Card, name: str) -> None:
    content = weights_path(card, name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == card.file(name).sha256
    assert len(content) == facts(card, name)["bytes"]


@EACH_FILE
def test_ports_are_those_on_the_card(card: Card, name: str) -> None:
    loaded = network(card, name)
    assert loaded.inputs == {port["name"]: tuple(port["shape"]) for port in facts(card, name)["input"]}
    assert loaded.outputs == tuple(port["name"] for port in facts(card, name)["output"])


@EACH_FILE
def test_any_length_gives_the_shapes_on_the_card(card: Card, name: str) -> None:
    loaded = network(card, name)
    for sizes in lengths(card, name):
        found = loaded.run(inputs(card, name, sizes, noise(1.0)))
        for port in facts(card, name)["output"]:
            known = [sizes.get(size, size) for size in port["shape"]]
            shape = found[port["name"]].shape
            assert len(shape) == len(known)
            assert all(have == want for have, want in zip(shape, known, strict=True) if isinstance(want, int))
            assert np.isfinite(found[port["name"]]).all()


@EACH_FILE
def test_silence_and_near_silence_give_finite_answers(card: Card, name: str) -> None:
    loaded, sizes = network(card, name), lengths(card, name)[1]
    for fill in (np.zeros, noise(1e-7), noise(1e-30)):
        assert all(np.isfinite(array).all() for array in loaded.run(inputs(card, name, sizes, fill)).values())
    _, room = recipe_of(card, name)
    silent = {trial: given for trial, given in room.trials().items() if "silence" in trial}
    assert silent, "a room is tried out with silence, too"
    for given in silent.values():
        feed = {port.name: tensor.numpy() for port, tensor in zip(room.given, given, strict=True)}
        assert all(np.isfinite(array).all() for array in loaded.run(feed).values())


@EACH_FILE
def test_the_same_input_gives_the_same_bits(card: Card, name: str) -> None:
    given = inputs(card, name, lengths(card, name)[2], noise(1.0))
    first, second = network(card, name), network(card, name)
    answers = [first.run(given), first.run(given), second.run(given)]
    for one, other in itertools.pairwise(answers):
        assert all(one[port].tobytes() == other[port].tobytes() for port in one)


@EACH_FILE
def test_weights_come_back_into_the_network_and_it_agrees_with_the_file(card: Card, name: str) -> None:
    recipe, room = recipe_of(card, name)
    model: nn.Module = recipe.build().eval()
    model.load_state_dict(load_file_weights(weights_path(card, name)))  # strict: every name, every shape
    trial, given = next(iter(room.trials().items()))
    with torch.no_grad():
        wanted = model(*given)
    feed = {port.name: tensor.numpy() for port, tensor in zip(room.given, given, strict=True)}
    found = network(card, name).run(feed)
    for port, right in zip(room.answer, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
        limit = limit_of([right.numpy()])
        np.testing.assert_allclose(found[port.name], right.numpy(), rtol=0.0, atol=limit, err_msg=trial)
    assert facts(card, name)["size"]["parameters"] == sum(parameter.numel() for parameter in model.parameters())


@EACH_FILE
def test_every_weight_is_stored_as_float16(card: Card, name: str) -> None:
    recipe, _ = recipe_of(card, name)
    stored = {tensor.name: tensor for tensor in onnx.load(weights_path(card, name)).graph.initializer}
    model = recipe.build()
    for weight, _ in model.named_parameters():
        assert stored.pop(f"{weight}.half").data_type == onnx.TensorProto.FLOAT16
    buffers = {title.removesuffix(".half") for title in stored} & {title for title, _ in model.named_buffers()}
    rest = [tensor for title, tensor in stored.items() if title.removesuffix(".half") not in buffers]
    assert sum(len(tensor.raw_data) for tensor in rest) < 10_000, "constants beside weights and buffers"


@EACH_FILE
def test_a_file_names_no_place_of_the_machine_it_was_made_on(card: Card, name: str) -> None:
    content = weights_path(card, name).read_bytes()
    here = f"{REPOSITORY.parent}/".encode()
    for mark in (here, b"/home/", b"/tmp/", b"/usr/", b"site-packages", b".py", b"C:\\"):
        assert mark not in content


@EACH_FILE
def test_a_card_says_what_a_doubting_user_asks(card: Card, name: str) -> None:
    entry = facts(card, name)
    assert entry["parity"]["maximum"] == max(entry["parity"]["cases"].values()) <= LIMIT
    assert len(entry["parity"]["cases"]) >= 3
    file = card.file(name)
    assert file.gmac_per_audio_second
    assert all(file.real_time_factors)
    assert entry["optimise"] in entry["speed"]["optimise"]
    assert entry["training"]["licences"] in ("clean", "all")
    assert entry["training"]["steps"] > 0
    assert card.facts["opset"] == 20
    assert card.licence
    assert card.task
    assert card.attribution
    assert card.facts["figures"]["command"].startswith("python -m ")


@pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
def test_what_was_measured_was_measured_with_these_weights(card: Card) -> None:
    figures = card.facts["figures"]
    assert "missing" not in figures
    measured, there = figures.get("networks", {}), {file.name: file.sha256 for file in card.files}
    if card.room in measured:  # rooms that are measured together name each other
        assert measured[card.room] in there.values()
    elif measured:
        assert dict(measured) == there


@pytest.mark.parametrize("card", [card for card in CARDS.values() if card.tool == "upsample"], ids=lambda c: c.room)
def test_what_was_measured_of_upsample_would_be_measured_alike_today(card: Card) -> None:
    from training.quality.scoreboards.upsample_cards import measured_by

    # Other definitions, another version of the tool or another judge of edges: python -m training.quality upsample.
    assert card.facts["figures"].get("measured_by") == measured_by()


@pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
def test_shipped_weights_saw_clean_recordings_only(card: Card) -> None:
    assert card.facts["trained_on"] == "clean"
    assert not any("NC" in licence for licence in card.data_licences)


@pytest.mark.parametrize("tool", BUDGET_MB)
def test_the_networks_of_a_tool_fit_its_budget(tool: str) -> None:
    used = sum(weights_path(card, file.name).stat().st_size for card in CARDS.values() if card.tool == tool
               for file in card.files)  # fmt: skip
    assert used <= BUDGET_MB[tool] * 1e6


@pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
def test_every_shipped_room_counts_in_some_budget(card: Card) -> None:
    assert card.tool in BUDGET_MB
