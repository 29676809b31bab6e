"""A file and the card that names it change places together, whatever comes in between."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from export import placing

NAME = "weights.onnx"


def card_naming(content: bytes) -> bytes:
    return f'[files."{NAME}"]\nsha256 = "{hashlib.sha256(content).hexdigest()}"\n'.encode()


OLD = {NAME: b"old", "card.toml": card_naming(b"old")}
NEW = {NAME: b"new", "card.toml": card_naming(b"new")}


def fill(folder: Path, contents: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def export_into(folder: Path) -> None:
    with placing.waiting(folder, NAME) as places:
        for place, content in zip(places, NEW.values(), strict=True):
            placing.write_whole(place, content)
        placing.swap(folder, NAME)


@pytest.fixture
def no_links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows no second names for a file."""

    def refuses(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    if request.param:
        monkeypatch.setattr(Path, "hardlink_to", refuses)


EACH_FILE_SYSTEM = pytest.mark.parametrize("no_links", [False, True], ids=["links", "no links"], indirect=True)


@EACH_FILE_SYSTEM
@pytest.mark.usefixtures("no_links")
@pytest.mark.parametrize("before", [{}, {NAME: b"of no card"}, OLD], ids=["a new room", "no card", "a full room"])
@pytest.mark.parametrize("renamed", [NAME, "card.toml"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_ctrl_c_leaves_the_room_as_it_was_or_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, renamed: str, before: dict[str, bytes]
) -> None:
    room, rename = fill(tmp_path / "room", before), Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        is_it = Path(target).name == renamed and self.name.endswith(".new")
        if is_it and moment == "before":
            raise KeyboardInterrupt
        done = rename(self, target)
        if is_it:
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            export_into(room)
    assert contents(room) == (NEW if (renamed, moment) == ("card.toml", "after") else before)


def test_a_second_ctrl_c_while_taking_back_is_mended_by_the_next_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, rename = fill(tmp_path / "room", OLD), Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if Path(target).name == "card.toml" or self.name.endswith(".old"):
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            export_into(room)
    assert contents(room)[NAME] == b"new", "taking back was interrupted, too"
    with placing.waiting(room, NAME):
        assert contents(room) == OLD


@EACH_FILE_SYSTEM
@pytest.mark.usefixtures("no_links")
@pytest.mark.parametrize("before", [{}, OLD], ids=["a new room", "a full room"])
def test_an_export_leaves_the_new_file_and_its_card_alone(tmp_path: Path, before: dict[str, bytes]) -> None:
    room = fill(tmp_path / "room", before)
    export_into(room)
    assert contents(room) == NEW
