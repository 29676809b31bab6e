"""A recipe is small JSON: it comes back as it was, and nonsense is refused with a sentence."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ProjectError, ShellacError
from engine.session.recipe import NetworkRef, Recipe, Scope, Step, describe_change, describe_scope

FULL = Recipe(
    (
        Step("restore", {"engine": "classical", "floor_db": -12.5, "denoise": True, "hum_harmonics": 7}, id="a"),
        Step(
            "align",
            scope=Scope(1.5, 20.0, 300.0, 8000.0, (0,), 25.0),
            enabled=False,
            mix=0.25,
            inputs={"reference": "/music/other take.flac"},
            networks=(NetworkRef("denoiser", "ab12"),),
            id="b",
        ),
    )
)

values = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text())
times = st.one_of(st.none(), st.floats(0, 1e9))
scopes = st.builds(
    Scope, times, times, st.one_of(st.none(), st.floats(0, 1e7)), st.one_of(st.none(), st.floats(0, 1e7)),
    st.one_of(st.none(), st.lists(st.integers(0, 1023)).map(tuple)), st.floats(0, 60_000),
)  # fmt: skip
steps = st.builds(
    Step, st.text(), st.dictionaries(st.text(), values), scopes, st.booleans(), st.floats(0, 1),
    st.dictionaries(st.text(), st.text()), st.lists(st.builds(NetworkRef, st.text(), st.text())).map(tuple),
    st.uuids().map(str),
)  # fmt: skip
recipes = st.builds(Recipe, st.lists(steps, max_size=5, unique_by=lambda step: step.id).map(tuple))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=20,
)


def test_a_recipe_comes_back_as_it_was() -> None:
    assert Recipe.loads(FULL.dumps()) == FULL


@given(recipes)
def test_any_recipe_comes_back_as_it_was(recipe: Recipe) -> None:
    assert Recipe.loads(recipe.dumps()) == recipe


def test_equal_recipes_are_equal_texts() -> None:
    other = Step("a", {"x": 1, "y": 2})
    assert Recipe((other,)).dumps() == Recipe((replace(other, params={"y": 2, "x": 1}),)).dumps()


def test_what_this_version_does_not_know_survives() -> None:
    data = FULL.to_json()
    data["from_the_future"] = {"deep": [1, 2]}
    data["steps"][0]["colour"] = "violet"
    data["steps"][0]["tool"] = "a tool nobody has"
    again = json.loads(Recipe.from_json(data).dumps())
    assert again["from_the_future"] == {"deep": [1, 2]}
    assert again["steps"][0]["colour"] == "violet"
    assert again["steps"][0]["tool"] == "a tool nobody has"


def test_a_recipe_written_by_hand_needs_only_tools() -> None:
    recipe = Recipe.loads('{"shellac_recipe": 1, "steps": [{"tool": "restore"}, {"tool": "age"}]}')
    assert [step.tool for step in recipe.steps] == ["restore", "age"]
    assert len({step.id for step in recipe.steps}) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shellac_recipe": 2}, "newer"),
        ({"shellac_recipe": "1"}, "no Shellac recipe"),
        ({"steps": {}}, "steps"),
        ({"steps": [3]}, "step"),
        ({"steps": [{}]}, "tool"),
        ({"steps": [{"tool": "x", "mix": 1.5}]}, "mix"),
        ({"steps": [{"tool": "x", "mix": "wet"}]}, "mix"),
        ({"steps": [{"tool": "x", "enabled": 1}]}, "enabled"),
        ({"steps": [{"tool": "x", "params": {"a": None}}]}, "params"),
        ({"steps": [{"tool": "x", "inputs": {"a": 3}}]}, "inputs"),
        ({"steps": [{"tool": "x", "scope": {"start_s": -1}}]}, "start_s"),
        ({"steps": [{"tool": "x", "scope": {"channels": [-1]}}]}, "channels"),
        ({"steps": [{"tool": "x"}] * 1001}, "1001 steps"),
    ],
)
def test_nonsense_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        Recipe.from_json(Recipe().to_json() | change)


NOT_A_NUMBER = '{"shellac_recipe": 1, "steps": [{"tool": "x", "mix": NaN}]}'


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", NOT_A_NUMBER, "[" * 100_000])
def test_what_is_no_recipe_is_said(text: str) -> None:
    with pytest.raises(ProjectError):
        Recipe.loads(text)


@given(json_values)
def test_any_json_loads_or_is_refused_with_a_sentence(data: Any) -> None:
    for whole in (data, {"shellac_recipe": 1, "steps": data}, {"shellac_recipe": 1, "steps": [data]}):
        with contextlib.suppress(ShellacError):
            Recipe.loads(json.dumps(whole))


@given(st.sampled_from(sorted(Step("x").to_json())), json_values)
def test_any_field_of_a_step_loads_or_is_refused_with_a_sentence(name: str, value: Any) -> None:
    with contextlib.suppress(ShellacError):
        Recipe.loads(json.dumps({"shellac_recipe": 1, "steps": [Step("x").to_json() | {name: value}]}))


@given(st.binary())
def test_any_bytes_load_or_are_refused(data: bytes) -> None:
    with pytest.raises(ProjectError):
        Recipe.loads(data)


def test_devices_are_added_replaced_moved_and_removed() -> None:
    recipe = Recipe().insert(Step("a", id="1")).insert(Step("b", id="2")).insert(Step("c", id="3"), 0)
    assert [step.tool for step in recipe.steps] == ["c", "a", "b"]
    assert [step.tool for step in recipe.move("2", 0).steps] == ["b", "c", "a"]
    assert [step.tool for step in recipe.move("3", 99).steps] == ["a", "b", "c"]
    assert [step.tool for step in recipe.remove("1").steps] == ["c", "b"]
    changed = recipe.replace_step("1", Step("z", id="another"))
    assert [(step.tool, step.id) for step in changed.steps] == [("c", "3"), ("z", "1"), ("b", "2")]
    assert len(recipe.steps) == 3
    with pytest.raises(KeyError):
        recipe.remove("9")


def test_a_device_that_is_duplicated_gets_an_identity_of_its_own() -> None:
    recipe = Recipe().insert(Step("a", id="1"))
    twice = recipe.insert(recipe.steps[0])
    assert twice.steps[1].id not in ("", "1")


A = Step("restore", {"floor_db": -18.0}, id="1")
B = Step("age", id="2")


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ((), (A,), "Add Restore"),
        ((A, B), (B,), "Remove Restore"),
        ((A, B), (B, A), "Move Age"),
        ((A,), (replace(A, enabled=False),), "Restore: off"),
        ((A,), (replace(A, mix=0.5),), "Restore: mix 50 %"),
        ((A,), (replace(A, params={"floor_db": -12.0}),), "Restore: floor db -12"),
        ((A,), (replace(A, params={"floor_db": -18.0, "denoise": False}),), "Restore: denoise off"),
        ((A,), (replace(A, params={"floor_db": -12.0, "denoise": False}),), "Restore: settings"),
        ((A,), (replace(A, scope=Scope(12.3, 15.1, 300.0, 8000.0)),), "Restore: scope 12.3–15.1 s, 300–8000 Hz"),
        ((A, B), (replace(A, mix=0.5), replace(B, mix=0.5)), "Change rack"),
        ((A,), (A,), "No change"),
    ],
)
def test_history_names_say_what_changed(old: Any, new: Any, name: str) -> None:
    assert describe_change(Recipe(old), Recipe(new)) == name


def test_a_scope_reads_as_words() -> None:
    assert describe_scope(Scope()) == "whole track"
    assert describe_scope(Scope(start_s=3.0, channels=(0,))) == "3–end, channels 1"
