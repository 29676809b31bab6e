"""Which recordings there are and what each may be used for: the development data, or a person's own folder.

The manifest decides: its splits are never mixed, and its licences separate what may go into weights that are sold
("clean") from what may only be measured or go into a second checkpoint ("all"). A folder without a manifest is read as
it lies: every recording in it, "own" as its licence, split by piece.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from training.data import licences as terms
from training.data.decoded import Header, UnreadableError, read_header
from training.data.places import data_folder
from training.data.splits import SPLITS, overlaps, pieces_of, split_by_piece
from training.errors import TrainingError

SUFFIXES: Final = frozenset({
    ".wav", ".wave", ".w64", ".rf64", ".bwf", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".flac", ".wv",
    ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".mp4", ".wma",
})  # fmt: skip


# What the development data call their sets; a part of them, as it travels in a pack, may lack some.
SETS: Final = (
    "music", "violin", "speech_single", "speech_multi", "singing", "piano_samples", "violin_samples", "surface_noise",
    "performances",
)  # fmt: skip


class NoRecordingsError(TrainingError, FileNotFoundError):
    """There is nothing to train on, or nothing of the kind that was asked for."""


@dataclass(frozen=True)
class Recording:
    """One row of the manifest, or one file of a folder without one."""

    path: str  # relative to its folder
    set: str  # speech_single, music, violin, piano_samples, ...; "own" out of a folder without a manifest
    split: str  # train or validation
    rate: int  # Hz, of the file; 0 for what is no audio
    seconds: float
    licence: str
    source: str  # where it is published, owner/name
    bandwidth_hz: float  # above it the file holds nothing
    note: str
    channels: int = 1
    folder: Path | None = None  # None: the development data
    piece: str = ""  # by the manifest, or by what a folder was divided by; else it follows from the path
    speaker: str = ""

    @property
    def identity(self) -> str:
        """What names it within its folder."""
        return self.path

    @property
    def file(self) -> Path:
        """Where it lies."""
        return (self.folder or data_folder()) / self.path

    @property
    def is_audio(self) -> bool:
        """Whether it can be decoded: the manifest also lists performances as MIDI."""
        return self.rate > 0

    @property
    def is_clean(self) -> bool:
        """Whether weights trained on it may be sold."""
        return terms.is_known(self.licence) and terms.licence_class(self.licence).is_clean and not self._is_marked

    @property
    def _is_marked(self) -> bool:
        return "NON-COMMERCIAL" in self.note


def read_manifest(folder: Path | None = None) -> tuple[Recording, ...]:
    """Return the audio of a folder, by its manifest.csv, or as it lies where there is none.

    Raises
    ------
    NoRecordingsError
        If there is no such folder.
    TrainingError
        If its manifest lacks a column or a number.
    """
    return tuple(row for row in _rows(folder) if row.is_audio)


def recordings(split: str, licences: str = "clean", folder: Path | None = None) -> tuple[Recording, ...]:
    """Return the recordings of one split as they are listed; `licences` is "clean" or "all".

    Whether the files are there and can be read is for `usable_recordings` to say.

    Raises
    ------
    TrainingError
        If a licence or the choice is unknown, or a piece or speaker stands in both splits.
    """
    return _chosen(read_manifest(folder), split, licences)


def performances(split: str, licences: str = "clean") -> tuple[Recording, ...]:
    """Return the rows of the development data that hold notes instead of sound.

    Those without a stated licence may be measured on, and are never in the training split.

    Raises
    ------
    TrainingError
        If the choice of licences is unknown.
    """
    terms.check_choice(licences)
    rows = [row for row in _rows(None) if not row.is_audio and row.split == split and row.set == "performances"]
    if split == "train":
        rows = [row for row in rows if terms.is_known(row.licence)]
    return tuple(row for row in rows if licences == "all" or row.is_clean)


def training_rows(licences: str, sets: Iterable[str]) -> tuple[Recording, ...]:
    """Return what weights of these sets of the development data may be trained on: recordings and note lists.

    Raises
    ------
    NoRecordingsError
        If they hold nothing at all under these licences.
    TrainingError
        If a set is known neither here nor to the manifest, or a licence or the choice is unknown.
    """
    wanted = frozenset(sets)
    unknown = wanted - {*SETS, *(row.set for row in _rows(None))}
    if unknown:
        raise TrainingError(
            f"there is no set {', '.join(sorted(unknown))} in {data_folder()}: correct the name in the room, or list "
            "its recordings in manifest.csv"
        )
    rows = [*recordings("train", licences), *performances("train", licences)]
    found = tuple(row for row in rows if row.set in wanted)
    if not found:
        hint = 'take --data "all", or add recordings' if licences == "clean" else "add recordings"
        raise NoRecordingsError(
            f"{', '.join(sorted(wanted))} in {data_folder()} hold nothing to train on ({licences} licences): {hint}"
        )
    return found


def _chosen(rows: tuple[Recording, ...], split: str, licences: str) -> tuple[Recording, ...]:
    terms.check_choice(licences)
    for row in rows:
        if row.split == split:
            terms.licence_class(row.licence, row.path)
    shared = overlaps(rows)
    if shared:
        group, paths = next(iter(shared.items()))
        count = "a piece or speaker stands" if len(shared) == 1 else f"{len(shared)} pieces or speakers stand"
        raise TrainingError(
            f"{count} in both splits, {'first ' if len(shared) > 1 else ''}{group} ({', '.join(paths)}): "
            "give each one split in manifest.csv"
        )
    return tuple(row for row in rows if row.split == split and (licences == "all" or row.is_clean))


def _rows(folder: Path | None) -> tuple[Recording, ...]:
    place = folder or data_folder()
    manifest = place / "manifest.csv"
    if manifest.is_file():
        return _listed(manifest, folder)
    if folder is None:
        raise NoRecordingsError(
            f"no development data in {place} (manifest.csv is missing): set SHELLAC_DATA to their folder, or train on "
            "your own recordings with --folder"
        )
    if not place.is_dir():
        raise NoRecordingsError(f"there is no folder {place}: name one that holds recordings")
    return scan(place)


def _listed(manifest: Path, folder: Path | None) -> tuple[Recording, ...]:
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            rows = list(table)
            columns = table.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"{manifest} can't be read ({error}): save it as CSV in UTF-8") from error
    if "path" not in columns:
        raise TrainingError(f'{manifest} has no column "path": write one row per recording, "path,split,licence" first')
    read = tuple(_row(values, folder, f"{manifest}, line {number}") for number, values in enumerate(rows, 2))
    if "split" in columns:
        return read
    paths, named = [row.path for row in read], {row.path: row.speaker or row.piece for row in read}
    named = {path: name for path, name in named.items() if name}
    splits, pieces = split_by_piece(paths, named), pieces_of(paths, named)
    return tuple(
        replace(row, split=splits[row.path], piece=row.piece or ("" if row.speaker else pieces[row.path]))
        for row in read
    )


def _row(values: Mapping[str, str | None], folder: Path | None, where: str) -> Recording:
    cell = {name: (value or "").strip() for name, value in values.items() if name and not isinstance(value, list)}
    path = cell.get("path", "")
    if not path:
        raise TrainingError(f"{where}: the path is missing")
    split = cell.get("split", "train")
    if split not in SPLITS:
        raise TrainingError(f"{where}: the split is {split!r}, not train or validation")
    seconds = _number(cell.get("seconds", ""), where, "seconds")
    rate, channels = (int(_number(cell.get(name, ""), where, name)) for name in ("sample_rate", "channels"))
    # What a person lists is sound; the development data list notes too, without a rate.
    if not (rate and seconds and channels) and (folder or rate):
        header = _header_of(path, folder or data_folder())
        rate, seconds, channels = rate or header.rate, seconds or header.seconds, channels or header.channels
    return Recording(
        path=path,
        set=cell.get("set") or "own",
        split=split,
        rate=rate,
        seconds=seconds,
        licence=cell.get("licence") or terms.OWN,
        source=cell.get("source_repository", ""),
        bandwidth_hz=_number(cell.get("bandwidth_hz", ""), where, "bandwidth_hz") or rate / 2.0,
        note=cell.get("note", ""),
        channels=channels or 1,
        folder=folder,
        piece=cell.get("piece", ""),
        speaker=cell.get("speaker", ""),
    )


def _number(text: str, where: str, column: str) -> float:
    try:
        number = float(text or 0.0)
    except ValueError as error:
        raise TrainingError(f"{where}: {column} is {text!r}, not a number") from error
    if not 0.0 <= number < math.inf:
        raise TrainingError(f"{where}: {column} is {text!r}, not a number of 0 or more")
    return number


def _header_of(path: str, folder: Path) -> Header:
    try:
        return read_header(folder / path)
    except UnreadableError:
        return Header(rate=1, channels=1, frames=0)  # the audit finds it again, and says why


def scan(folder: Path, name: str = terms.OWN) -> tuple[Recording, ...]:
    """Return every file under a folder that is a recording by its name; `name` becomes their set.

    What can't be read stays in the list with a length of 0, so that the audit can name it.
    """
    paths = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    splits, pieces = split_by_piece(paths), pieces_of(paths)
    rows = []
    for path in paths:
        header = _header_of(path, folder)
        rows.append(
            Recording(
                path=path,
                set=name,
                split=splits[path],
                rate=header.rate,
                seconds=header.seconds,
                licence=terms.OWN,
                source="",
                bandwidth_hz=header.rate / 2.0,
                note="",
                channels=header.channels,
                folder=folder,
                piece=pieces[path],
            )
        )
    return tuple(rows)
