"""What may never stand in training and in validation at once: a piece, a speaker, a performer's session.

The development data come with their splits, and the few overlaps that their README admits are listed here with it. A
user's folder without splits is divided by piece: a hash decides, so that a recording that is added later moves none of
the others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from training.data.manifest import Recording

SPLITS: Final = ("train", "validation")
VALIDATION_SHARE: Final = 0.2  # of the pieces of a user's folder
# Overlaps of the development data, each with the reason for which it may stay.
ADMITTED: Final[Mapping[str, str]] = {
    "speaker speech_single": "one speaker is all there is; the sentences differ",
    "speaker actor_06": "sings in the validation of `singing` and speaks in the training of `speech_multi` (README)",
    "performer john-garner": "another movement each; the set has three performers for seven movements",
    "performer oliver-colbentson": "another movement each; the set has three performers for seven movements",
    "piece music/sms-tools/cello-double": "two takes of a few notes: no two seconds of one occur in the other",
    "piece music/sms-tools/tedeum": "two recordings: no second of one occurs in the other",
    "piece music/sms-tools/speech-male": "different recordings in spite of the name (README)",
}


def piece_of(path: str) -> str:
    """Return the piece that a file name speaks of: folder and stem up to its last number, in lower case.

    "Aida/side 2 take 13.wav" and "Aida/side 2 take 14.wav" are of one piece; "tone.wav" is its own.
    """
    pure = PurePath(path)
    before = re.sub(r"[ _.\-#(]*\d+\D*$", "", pure.stem)
    return str(pure.with_name(before or pure.stem)).lower()


def groups_of(row: Recording) -> tuple[str, ...]:
    """Return what of this recording must not occur in the other split, as "kind name"."""
    if row.piece or row.speaker:
        return tuple(f"{kind} {name}" for kind, name in (("piece", row.piece), ("speaker", row.speaker)) if name)
    parts = PurePath(row.path).parts
    if row.set in ("speech_multi", "singing"):
        return tuple(f"speaker {part}" for part in parts if part.startswith("actor_"))
    if row.set == "speech_single":
        return ("speaker speech_single", f"piece {row.path}")
    if row.set == "violin":
        performer, _, movement = PurePath(row.path).stem.partition("_")
        return (f"performer {performer}", f"piece {movement}")
    if row.source == "librosa/data" or row.set in ("piano_samples", "violin_samples", "performances"):
        return (f"piece {row.path}",)
    # Names with __ and seven characters are other versions of a sound in the history of its repository.
    return (f"piece {piece_of(re.sub('__[0-9a-f]{7}(?=[.])', '', row.path))}",)


def overlaps(rows: Iterable[Recording]) -> dict[str, tuple[str, ...]]:
    """Return what stands in more than one split and isn't admitted, with the paths."""
    paths: dict[str, dict[str, str]] = {}
    for row in rows:
        for group in groups_of(row):
            paths.setdefault(group, {}).setdefault(row.split, row.path)
    return {group: tuple(by.values()) for group, by in paths.items() if len(by) > 1 and group not in ADMITTED}


def pieces_of(paths: Sequence[str], named: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Return the piece of each file of a folder: by its name in `named`, else by that of the file.

    Where the rule of `piece_of` makes one piece of all of them ("track 01" to "track 20"), each file is a piece.
    """
    pieces = {path: named.get(path) or piece_of(path) for path in paths}
    if len(set(pieces.values())) < 2 and not named:
        pieces = {path: path.lower() for path in paths}
    return pieces


def split_by_piece(paths: Sequence[str], named: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Divide the files of a folder by `pieces_of`; the split of each path.

    Two pieces or more always leave one in each split; a single piece is for training.
    """
    pieces = pieces_of(paths, named)
    shares = {piece: _share(piece) for piece in pieces.values()}
    validation = {piece for piece, share in shares.items() if share < VALIDATION_SHARE}
    if len(shares) > 1 and not validation:
        validation = {min(shares, key=shares.__getitem__)}
    if len(shares) > 1 and len(validation) == len(shares):
        validation.discard(max(shares, key=shares.__getitem__))
    if len(shares) < 2:
        validation = set()
    return {path: "validation" if pieces[path] in validation else "train" for path in paths}


def _share(piece: str) -> float:
    """A number from 0 to 1 that follows from the name alone."""
    return int.from_bytes(hashlib.sha256(piece.encode()).digest()[:8], "big") / 2.0**64
