"""The old name of what has moved to `training.notes`; it goes when nobody imports it any more."""

from __future__ import annotations

from training.notes.note import Note
from training.notes.pieces import render_piece
from training.notes.player import SamplePlayer, sample_players
from training.notes.textures import arpeggios, chords, ensemble, melody, stride

__all__ = [
    "Note",
    "SamplePlayer",
    "arpeggios",
    "chords",
    "ensemble",
    "melody",
    "render_piece",
    "sample_players",
    "stride",
]
