"""What a reader of restoration's figures has to know: what training and measuring share, and what was chosen here.

Derived from what the cards say of the training, and from the recordings that are measured.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from training import validation
from training.data import Recording, performances, recordings
from training.data.splits import ADMITTED, groups_of

WEIGHTS: Final = "weights.onnx"
OWN: Final = "own"  # how a card calls a person's own recordings


@dataclass(frozen=True)
class Seen:
    """What the weights of a room were trained on, as far as its card says."""

    licences: str  # "clean" or "all"
    sets: frozenset[str] | None  # of the development data; None: not known, so all of them
    own: int = 0  # a person's own recordings, which no list compares with anything


def remarks(rooms: Iterable[str]) -> list[str]:
    """Return the remarks that belong beside the figures of these rooms' weights as they lie there now."""
    from models.noise_profile.network import NoiseProfile  # here: the processes that measure need no torch

    seen = {room: seen_by(room) for room in rooms}
    trained = {row: None for one in seen.values() for row in _rows(one)}
    names = tuple(f"{name}.csv" for name in validation.RENDERED)
    played = [row for row in performances("validation", "all") if row.path.endswith(names)]
    measured = {"under hiss": [*validation.denoising_rows(), *played], "clean": validation.clean_rows()}
    lines = [*shared(trained, measured), *rendered(trained)]
    for room, one in seen.items():
        if one.own:
            lines.append(f"{room} was also trained on {_recordings(one.own)} of its owner, compared with none of these")
    caution = NoiseProfile().config.caution
    lines.append(
        f"the margin of noise_profile (caution = {caution:g}) was chosen on these validation clips, so the figures "
        "flatter it"
    )
    return lines


def shared(trained: Iterable[Recording], measured: Mapping[str, Sequence[Recording]]) -> list[str]:
    """Return a line for every piece, speaker or performer that was both trained on and measured.

    Parameters
    ----------
    measured
        The recordings by where they are measured: "clean", "under hiss".
    """
    learnt = _counted(trained)
    heard = {where: _counted(rows) for where, rows in measured.items()}
    lines = []
    for group in sorted(learnt):
        parts = [f"{counts[group]} {where}" for where, counts in heard.items() if group in counts]
        if parts:
            reason = ADMITTED.get(group, "admitted by nobody")
            lines.append(
                f"training and validation share the {group} (trained on {_recordings(learnt[group])}; measured: "
                f"{', '.join(parts)}): {reason}"
            )
    return lines


def rendered(trained: Iterable[Recording]) -> list[str]:
    """Return what the rendered clips share with training: the instrument, if it was trained on."""
    samples = sum(row.set == "piano_samples" for row in trained)
    if not samples:
        return []
    return [
        "the rendered piano of validation plays other pieces than training on the sampled piano of training "
        f"({_recordings(samples)})"
    ]


def seen_by(room: str) -> Seen:
    """Return what the card beside a room's weights says of their training; what it doesn't say counts as everything."""
    from training.rooms import room_folder, weights_sha256

    card = room_folder(room) / "card.toml"
    said = tomllib.loads(card.read_text(encoding="utf-8")) if card.is_file() else {}
    return seen_on(said, weights_sha256(room))


def seen_on(card: Mapping[str, Any], weights: str) -> Seen:
    """Return what a card says of the training of the weights with this SHA-256."""
    entry = card.get("files", {}).get(WEIGHTS, {})
    rows = [row for row in card.get("data", ()) if WEIGHTS in row.get("files", (WEIGHTS,))]
    if entry.get("sha256") != weights or not rows:
        return Seen("all", None)
    own = sum(int(row.get("recordings", 0)) for row in rows if row["name"] == OWN)
    sets = frozenset(row["name"] for row in rows) - {OWN}
    return Seen(str(entry.get("training", {}).get("licences", "all")), sets, own)


def _rows(seen: Seen) -> tuple[Recording, ...]:
    listed = (row for row in recordings("train", seen.licences) if seen.sets is None or row.set in seen.sets)
    return (*listed, *performances("train", seen.licences))


def _recordings(count: int) -> str:
    return f"{count} recording{'s' * (count != 1)}"


def _counted(rows: Iterable[Recording]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        for group in groups_of(row):
            counts[group] = counts.get(group, 0) + 1
    return counts
