"""Music as lists of notes: composed, performed, rendered, and never recorded.

A note list is a tuple of `Note`. `compose` writes one from a seed, `perform` plays it as people do and says what it
did, `SamplePlayer`, `LayeredPlayer` and `fluidsynth.render` make it sound, `cached` keeps the sound.
`python -m training.notes render --kind chorale --voices 4 --program 40 --seed 1 out.wav` lets you hear it.
Nothing here needs torch, and FluidSynth is looked for only when something is rendered with it.
"""

from __future__ import annotations

from training.notes.cache import cached, cached_fluidsynth
from training.notes.composer import KINDS, Score, compose, compose_score
from training.notes.instruments import BY_PROGRAM, INSTRUMENTS, Instrument
from training.notes.note import Note, NoteList
from training.notes.performance import Performance, Style, draw_style, perform, time_between, with_pedal
from training.notes.player import LayeredPlayer, SamplePlayer, layered_player, sample_players
from training.notes.timecurve import TimeCurve

__all__ = [
    "BY_PROGRAM",
    "INSTRUMENTS",
    "Instrument",
    "KINDS",
    "LayeredPlayer",
    "Note",
    "NoteList",
    "Performance",
    "SamplePlayer",
    "Score",
    "Style",
    "TimeCurve",
    "cached",
    "cached_fluidsynth",
    "compose",
    "compose_score",
    "draw_style",
    "layered_player",
    "perform",
    "sample_players",
    "time_between",
    "with_pedal",
]
