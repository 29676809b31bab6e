"""How many seconds of music each way of making it gives in a second of processor time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np

from training.notes.cache import cached_fluidsynth
from training.notes.composer import compose_score
from training.notes.fluidsynth import render
from training.notes.instruments import INSTRUMENTS
from training.notes.note import NoteList
from training.notes.performance import perform
from training.notes.player import layered_player, sample_players

PIECE_S: Final = 20.0
REPEATS: Final = 3


def _piece(seed: int, low: int = 48, high: int = 84) -> NoteList:
    rng = np.random.default_rng(seed)
    return perform(rng, compose_score(rng, "chorale", PIECE_S, 4, low, high).notes).notes


def _ways() -> Iterator[tuple[str, Callable[[], object]]]:
    notes = _piece(1)
    yield "compose and perform", partial(_piece, 2)
    for instrument in INSTRUMENTS:
        own = _piece(1, max(instrument.low, 36), min(instrument.high, 96))
        yield f"FluidSynth {instrument.name}", partial(render, own, instrument.program, PIECE_S)
    yield "FluidSynth, from the cache", partial(cached_fluidsynth, notes, 0, PIECE_S)
    for name in ("piano", "violin"):
        yield f"recorded {name}, layered", partial(layered_player(name).play, notes, PIECE_S)
    yield "recorded piano, plain", partial(sample_players("piano")[1].play, notes, PIECE_S, 0.3)


def speeds() -> Iterator[tuple[str, float]]:
    """Time four voices of 20 s, the best of three after a first call; yields a name and a factor of real time."""
    for name, work in _ways():
        work()
        taken = []
        for _ in range(REPEATS):
            started = time.process_time()
            work()
            taken.append(time.process_time() - started)
        yield name, PIECE_S / min(taken)
