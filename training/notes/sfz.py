"""Reads the SFZ map of the sampled piano: which recording sounds for which key and velocity.

As much of the format (<https://sfzformat.com>) as that map uses for its plain notes: `#define`, `#include`, groups,
regions. The group of sympathetic resonance, pan and the filter of the softest layer are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.data import data_folder

MAP: Final = "piano_samples/Splendid Grand Piano.sfz"
_OPCODE: Final = re.compile(r"(\w+)=(.*?)(?=\s+\w+=|$)")


@dataclass(frozen=True)
class Region:
    """One recorded note and the keys and velocities it answers to."""

    sample: str  # path relative to the data folder
    low: int  # keys, MIDI numbers
    high: int
    root: int  # the key at which the recording sounds as it is
    low_velocity: int = 1  # 1 to 127
    high_velocity: int = 127
    tune_cents: float = 0.0
    volume_db: float = 0.0
    offset: int = 0  # samples to skip, at the recording's rate of 44.1 kHz
    release_s: float = 0.0  # beside the instrument's own


def read_regions(path: Path | None = None) -> list[Region]:
    """Return the regions of a map, default the sampled piano's.

    Raises
    ------
    OSError
        If the map or a file that it includes isn't there.
    """
    path = path or data_folder() / MAP
    defines: dict[str, str] = {}
    group: dict[str, str] = {}
    common: dict[str, str] = {}
    regions = []
    for header, opcodes in _sections(path, path.parent, defines):
        if header == "control":
            common |= opcodes
        elif header == "group":
            group = opcodes
        elif header == "region" and "locc64" not in group:  # the pedal's resonance isn't a note
            regions.append(_region({**common, **group, **opcodes}, path.parent))
    return regions


def _sections(path: Path, root: Path, defines: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Headers and their opcodes in order, includes inserted and definitions replaced."""
    sections: list[tuple[str, dict[str, str]]] = []
    for raw in path.read_text(encoding="utf-8", errors="replace").splitlines():
        line = raw.split("//")[0].strip() if "default_path" not in raw else raw.strip()
        if line.startswith("#define"):
            _, name, value = line.split(maxsplit=2)
            defines[name] = value
            continue
        for name in sorted(defines, key=len, reverse=True):
            line = line.replace(name, defines[name])
        if line.startswith("#include"):
            included = _sections(root / line.split('"')[1], root, defines)
            if included and included[0][0] == "":
                _, opcodes = included.pop(0)
                if sections:
                    sections[-1][1].update(opcodes)
            sections += included
            continue
        header = re.match(r"<(\w+)>", line)
        if header:
            sections.append((header[1], {}))
            line = line[header.end() :].strip()
        elif not sections:
            sections.append(("", {}))
        sections[-1][1].update({found[1]: found[2].strip() for found in _OPCODE.finditer(line)})
    return sections


def _region(opcodes: dict[str, str], folder: Path) -> Region:
    sample = (folder.name + "/" + opcodes.get("default_path", "") + opcodes["sample"]).replace("\\", "/")
    return Region(
        sample=sample,
        low=int(opcodes["lokey"]),
        high=int(opcodes["hikey"]),
        root=int(opcodes["pitch_keycenter"]),
        low_velocity=int(opcodes.get("lovel", "1")),
        high_velocity=int(opcodes.get("hivel", "127")),
        tune_cents=float(opcodes.get("tune", "0")),
        volume_db=float(opcodes.get("volume", "0")) + float(opcodes.get("group_volume", "0")),
        offset=int(opcodes.get("offset", "0")),
        release_s=float(opcodes.get("ampeg_release", "0")),
    )
