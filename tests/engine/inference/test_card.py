"""Rooms are found by their cards, and a file that isn't the one the card names is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import NetworkError
from engine.inference.card import load_card, room_names, rooms, verify, weights_path


def test_rooms_are_found_by_their_cards(make_room: Any) -> None:
    folder = make_room("one")
    make_room("two")
    (folder / "no room").mkdir()
    assert list(rooms(folder)) == ["one", "two"]
    card = load_card("one", folder)
    assert (card.task, card.licence, card.data_licences) == ("twice as loud", "CC0-1.0", ("made up (CC0-1.0)",))
    assert weights_path(card).is_file()


def test_the_short_form_of_a_card_with_one_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "card.toml").write_text('task = "t"\nfile = "w.onnx"\nsha256 = "ABC"\n')
    assert load_card("room", tmp_path).file("w.onnx").sha256 == "abc"


def test_finding_rooms_imports_no_torch() -> None:
    program = "from engine.inference.card import rooms; rooms(); import sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", room_names())
def test_every_shipped_room_is_intact(name: str) -> None:
    verify(load_card(name))


def test_a_right_file_is_verified(make_room: Any) -> None:
    verify(load_card("doubling", make_room()))


def test_a_wrong_hash_is_said_with_the_room_and_what_to_do(make_room: Any) -> None:
    card = load_card("doubling", make_room(sha256="0" * 64))
    with pytest.raises(NetworkError, match=r"weights.onnx of network 'doubling' is not the file.*install"):
        verify(card)


def test_a_file_that_changes_after_it_was_verified_is_noticed(make_room: Any) -> None:
    card = load_card("doubling", make_room())
    verify(card)
    path = weights_path(card)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    os.utime(path, ns=(1, 1))
    with pytest.raises(NetworkError):
        verify(card)


def test_a_missing_file_is_said(make_room: Any) -> None:
    card = load_card("doubling", make_room())
    weights_path(card).unlink()
    with pytest.raises(NetworkError, match="missing"):
        verify(card)


@pytest.mark.parametrize("text", ["", "task = ", "task = 1\n[files]\n", "\xff", '[files."w.onnx"]\nbytes = 3\n'])
def test_a_card_that_cannot_be_understood_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "card.toml").write_text(text, encoding="latin-1")
    with pytest.raises(NetworkError, match="'room'"):
        load_card("room", tmp_path)
    assert rooms(tmp_path) == {}


def test_a_room_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="'nobody' is not installed"):
        load_card("nobody", tmp_path)
