"""Undo swaps one small value for another; a drag of a knob is one entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.session.history import History
from engine.session.recipe import Recipe, Step
from engine.session.session import Session, SourceRef, Track

EMPTY = Session((Track("side 1", SourceRef(Path("/music/side 1.wav"))),))


def with_gain(gain: float) -> Session:
    return EMPTY.with_recipe(0, Recipe((Step("gain", {"gain": gain}, id="1"),)))


def test_undo_and_redo_go_through_the_same_states() -> None:
    history = History(EMPTY)
    states = [with_gain(k) for k in range(3)]
    for k, state in enumerate(states):
        history.push(f"gain {k}", state)
    assert [history.undo() for _ in range(4)] == [states[1], states[0], EMPTY, EMPTY]
    assert not history.can_undo
    assert [history.redo() for _ in range(4)] == [*states, states[2]]
    assert not history.can_redo


def test_a_new_edit_after_undo_drops_what_could_be_redone() -> None:
    history = History(EMPTY)
    history.push("one", with_gain(1))
    history.push("two", with_gain(2))
    history.undo()
    history.push("three", with_gain(3))
    assert [entry.name for entry in history.entries] == ["Open", "one", "three"]
    assert history.current == with_gain(3)


def test_a_drag_is_one_entry() -> None:
    history = History(EMPTY)
    for k in range(100):
        history.push("gain", with_gain(k), gesture="drag 1")
    history.push("gain", with_gain(5), gesture="drag 2")
    assert len(history.entries) == 3
    assert history.undo() == with_gain(99)
    assert history.undo() == EMPTY


def test_a_click_on_an_entry_goes_there() -> None:
    history = History(EMPTY)
    for k in range(5):
        history.push(f"gain {k}", with_gain(k))
    assert history.go_to(2) == with_gain(1)
    assert history.index == 2
    assert history.can_redo
    with pytest.raises(IndexError):
        history.go_to(9)


def test_moving_the_cursor_is_no_entry() -> None:
    from dataclasses import replace

    history = History(EMPTY)
    history.push("gain", with_gain(1))
    history.replace_current(replace(history.current, cursor_s=7.0))
    assert len(history.entries) == 2
    assert history.current.cursor_s == 7.0
    assert history.undo() == EMPTY


def test_removing_a_track_keeps_the_heard_one_heard() -> None:
    tracks = tuple(Track(name, SourceRef(Path(name))) for name in "abc")
    session = Session(tracks, current=2)
    assert session.without_track(0).track == tracks[2]
    assert session.without_track(2).track == tracks[1]
    assert Session(tracks[:1]).without_track(0).track is None
