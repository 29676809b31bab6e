"""A map for other programs: a table, JSON, labels for Audacity, a layer for Sonic Visualiser. Chosen by the ending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Final
from xml.sax.saxutils import quoteattr

from engine.audio.signal import Format
from engine.errors import UsageError
from engine.tools.align.result import Alignment, Segment

_WORDS: Final[Mapping[str, str]] = {
    "match": "match",
    "missing": "missing in the target",
    "extra": "only in the target",
    "jump": "the target jumps",
}


def to_csv(alignment: Alignment, reference: Format) -> str:
    """Return the columns reference_s,target_s,confidence, to be interpolated linearly: the best monotone chain."""
    return alignment.time_map().to_csv()


def to_json(alignment: Alignment, reference: Format) -> str:
    """Return everything that is known, jumps back included; `Alignment.loads` reads it."""
    return alignment.dumps()


def to_audacity(alignment: Alignment, reference: Format) -> str:
    """Return a label track on the reference's time: one region for each segment, one point for each cut or jump."""
    lines = []
    for segment in alignment.segments:
        start, stop = segment.reference_s
        lines.append(f"{start:.6f}\t{stop:.6f}\t{_label(segment)}")
    return "".join(line + "\n" for line in lines)


def to_sonic_visualiser(alignment: Alignment, reference: Format) -> str:
    """Return a Time Values layer on the reference: at each knot the target's time in seconds."""
    map_ = alignment.time_map()
    frames = [round(moment * reference.rate) for moment in map_.source_s.tolist()]
    # One value at a frame: of two knots within one, the later stands.
    points = dict(zip(frames, map_.target_s.tolist(), strict=True))
    low, high = min(points.values()), max(points.values())
    model = (
        f'<model id="1" name="" sampleRate="{reference.rate}" start="{min(points)}" end="{max(points) + 1}" '
        f'type="sparse" dimensions="2" resolution="1" notifyOnAdd="true" dataset="0" '
        f'minimum="{low:.9f}" maximum="{high:.9f}" units="s"/>'
    )
    rows = "".join(
        f'      <point frame="{frame}" value="{value:.9f}" label=""/>\n' for frame, value in sorted(points.items())
    )
    name = quoteattr("Target time")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE sonic-visualiser>\n<sv>\n  <data>\n'
        f'    {model}\n    <dataset id="0" dimensions="2">\n{rows}    </dataset>\n  </data>\n  <display>\n'
        f'    <layer id="2" type="timevalues" name={name} model="1" plotStyle="3"/>\n  </display>\n</sv>\n'
    )


WRITERS: Final[Mapping[str, Callable[[Alignment, Format], str]]] = {
    ".csv": to_csv,
    ".json": to_json,
    ".txt": to_audacity,
    ".svl": to_sonic_visualiser,
}
ENDINGS: Final = ".csv (table), .json (all there is), .txt (Audacity labels) or .svl (Sonic Visualiser layer)"


def writer_of(name: PurePath) -> Callable[[Alignment, Format], str]:
    """Return what writes a map under that name. Raises UsageError if its ending says nothing we write."""
    writer = WRITERS.get(name.suffix.lower())
    if writer is None:
        raise UsageError(f"a map can't be called {name.name!r}", f"end its name in {ENDINGS}")
    return writer


def _label(segment: Segment) -> str:
    word = _WORDS[segment.kind]
    start, stop = segment.target_s
    if segment.kind == "match":
        return f"{word} {100 * segment.confidence:.0f} %"
    if segment.kind == "extra":
        return f"{stop - start:.2f} s {word}"
    return f"{word} {start:.2f} to {stop:.2f} s" if segment.kind == "jump" else word
