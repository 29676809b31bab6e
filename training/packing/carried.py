"""What a pack carries besides recordings: code, packages that may be missing, weights that its data go through."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from training.data import REPOSITORY, data_folder, performances, runs_folder
from training.packing.needs import Needs
from training.packing.plan import PYTHON
from training.provenance import network_data
from training.recipe import TrainingError
from training.recipes import find_recipe
from training.rooms import PACKED, load_room_weights, room_folder, room_licences
from training.state import FILE, checkpoint, checkpoint_weights, run_folder

PACKAGES: Final = ("engine", "models", "training")
_SUFFIXES: Final = (".py", ".toml")
_PLATFORM: Final = "x86_64-manylinux_2_28"
_READERS: Final = ("soundfile", "cffi", "typing-extensions")  # the last two because soundfile wants them
_NOTE_READER: Final = "mido"


def copy_code(target: Path) -> None:
    """Copy the packages that training imports, without weights."""
    for package in PACKAGES:
        for path in (REPOSITORY / package).rglob("*"):
            if path.suffix in _SUFFIXES and "__pycache__" not in path.parts:
                _copy(path, target / path.relative_to(REPOSITORY))


def copy_recipes(target: Path) -> None:
    """Copy recipes of one's own, if SHELLAC_RECIPES names some."""
    named = os.environ.get("SHELLAC_RECIPES")
    for path in Path(named).glob("*.py") if named else ():
        _copy(path, target / path.name)


def copy_packages(target: Path, needs: Needs) -> None:
    """Copy the readers of recordings and notes as they are for Python 3.12 on 64-bit Linux; fetched once, then kept.

    Raises
    ------
    TrainingError
        If they can't be fetched.
    """
    wanted = [f"{name}=={version(name)}" for name in (*_READERS, *((_NOTE_READER,) if needs.note_lists else ()))]
    kept = runs_folder() / "cache" / "packages" / f"{PYTHON} {' '.join(wanted)}"
    if not kept.is_dir():
        unfinished = kept.with_name(f"{kept.name}.{os.getpid()}.tmp")
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:",
                   "--python-platform", _PLATFORM, "--python-version", PYTHON,
                   "--target", str(unfinished), *wanted]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            last = (done.stderr.strip().splitlines() or ["uv failed"])[-1]
            raise TrainingError(
                f"{', '.join(wanted)} for Python {PYTHON} can't be fetched ({last}): go online once, or leave them out "
                "with --no-packages where the other machine has them"
            )
        for path in [*unfinished.glob("bin"), *unfinished.rglob("__pycache__")]:
            shutil.rmtree(path)
        unfinished.replace(kept)
    shutil.copytree(kept, target, ignore=shutil.ignore_patterns(".lock"))


def copy_networks(target: Path, needs: Needs, licences: str, folder: Path | None) -> None:
    """Write the weights of other rooms that the recipe's data go through, in float16.

    They are taken where the recipe would find them: from their last run on these recordings, else from the room.
    """
    for name in needs.networks:
        weights, seen = trained_weights(name, licences, folder)
        halves = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
        room, file = place_of(name)
        place = target / "models" / room
        place.mkdir(parents=True, exist_ok=True)
        torch.save(halves, (place / file).with_suffix(PACKED))
        card = packed_card(room, file, seen, network_data(name, licences, folder))
        (place / "card.toml").write_text(card, encoding="utf-8")


def packed_card(room: str, file: str, seen: str, data: str) -> str:
    """Return what a card in a pack says: `seen` ("clean" or "all"), and the rows of `data` (JSON) if they are known."""
    lines = [f'room = "{room}"', f'trained_on = "{seen}"']
    if data:
        lines += ["", f'[files."{file}"]']
        for row in json.loads(data):
            # Words, numbers and lists of words are written alike in JSON and TOML.
            entries = {**row, "files": [file]}
            lines += ["", "[[data]]", *(f"{key} = {json.dumps(entries[key], ensure_ascii=False)}" for key in entries)]
    return "\n".join([*lines, ""])


def trained_weights(name: str, licences: str, folder: Path | None) -> tuple[dict[str, Tensor], str]:
    """Return a network's averaged weights, and what they were trained on ("clean" or "all")."""
    places = [run_folder(name, licences, folder) / FILE, run_folder(name, licences) / FILE]
    found = next((place for place in places if place.exists()), None)
    if found:
        return checkpoint_weights(found), str(checkpoint(found)["licences"])
    room, file = place_of(name)
    return load_room_weights(room, file), room_licences(room)


def place_of(name: str) -> tuple[str, str]:
    """Return room and file of a network: a room of one file, or the recipe that fills one file of several.

    Raises
    ------
    TrainingError
        If there is neither.
    """
    if room_folder(name).is_dir():
        return name, "weights.onnx"
    recipe = find_recipe(name)
    if recipe.room is None:
        raise TrainingError(f"the recipe {name} fills no room: its weights can't be taken along")
    room = recipe.room()
    return room.name, room.file


def copy_note_lists(target: Path, licences: str) -> int:
    """Copy performances as note lists, as far as the licences allow; how many files.

    Their rows are added to the manifest that is there.
    """
    import csv

    listed = {row.path for split in ("train", "validation") for row in performances(split, licences)}
    with (data_folder() / "manifest.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["path"] in listed]
    for row in rows:
        _copy(data_folder() / row["path"], target / row["path"])
    with (target / "manifest.csv").open("a", newline="", encoding="utf-8") as file:
        from training.packing.recordings import COLUMNS

        csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore").writerows(rows)
    return len(rows)


def copy_maps(target: Path) -> None:
    """Copy the map of the sampled piano, if its notes are packed."""
    source = data_folder() / "piano_samples"
    if (target / "piano_samples").is_dir():
        for path in [*source.glob("*.sfz"), *source.glob("Data/**/*")]:
            if path.is_file() and path.stat().st_size < 2**18:
                _copy(path, target / path.relative_to(data_folder()))


def room_exists(name: str) -> bool:
    """Whether there is a room for such a network."""
    try:
        return room_folder(place_of(name)[0]).is_dir()
    except TrainingError:
        return False


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
