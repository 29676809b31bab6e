"""What a recipe must have at hand on a machine where nothing is installed: a recipe states it, packing brings it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Needs:
    """What goes into the pack of one recipe; the default is all recordings as the restoring networks read them."""

    rate: int = 44_100  # Hz, at which training reads recordings
    channels: int = 1  # that it reads: 2 keeps stereo recordings as they are
    sets: tuple[str, ...] | None = None  # of the manifest; None: all, (): no recordings
    # How the budget is shared: a set of weight 2 gets twice the bytes of one of weight 1, as long as it has them.
    weights: Mapping[str, float] = field(default_factory=dict)
    networks: tuple[str, ...] = ()  # rooms whose weights this recipe's data go through
    programs: tuple[int, ...] = ()  # General MIDI, from 0: FluidR3 instruments that are played while training
    note_lists: bool = False  # performances of the manifest, as far as the licences allow
