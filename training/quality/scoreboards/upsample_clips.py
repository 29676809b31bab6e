"""Recordings that Upsample is measured on: the validation split, each up to its own wall.

A lossy encoder, a filter or a lower rate takes the top of the spectrum away, and nothing can be compared there. A
natural roll-off is no wall: it is part of the truth, and judged to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from training import validation
from training.data import Recording, cached_mono, read_manifest, usable_recordings
from training.data.resampling import resampled
from training.data.walls import find_wall
from training.validation import Clip

SECONDS: Final = 10.0  # longest excerpt
EXCERPT_AT: Final = 20.0  # seconds into long files, past the fade-in
CYMBALS: Final = "music/librosa/admiralbob77_-_Choice_-_Drum-bass.hq.ogg"  # no validation file has any


def speech_of_one() -> list[Clip]:
    """Sentences of the speaker that was trained on, at 16 kHz; they themselves are unseen."""
    return [_clip(row, 16_000) for row in _usable("speech_single")]


def speech_of_others() -> list[Clip]:
    """Two actors, a reader and a speaker from other corpora, at 16 kHz."""
    rows = [*_usable("speech_multi")[::4], *_readers()]
    return [_clip(row, 16_000) for row in rows]


def speech_full_band() -> list[Clip]:
    """Speech and song stored at 48 kHz, by actors that were not trained on."""
    return [_clip(row, 48_000) for row in (*_usable("speech_multi"), *_usable("singing")) if row.rate == 48_000]


def music(rate: int) -> list[Clip]:
    """Music, violin and rendered piano at 44.1 or 48 kHz, excerpts of up to 10 s."""
    readers = {row.path for row in _readers()}
    rows = [row for row in (*_usable("music"), *_usable("violin")) if row.path not in readers]
    return [_clip(row, rate) for row in rows] + [_at(clip, rate) for clip in validation.rendered_piano()]


def cymbals(rate: int) -> list[Clip]:
    """Drums and bass under a non-commercial licence: of the training split, which clean weights never saw."""
    return [_clip(row, rate) for row in read_manifest() if row.path == CYMBALS]


def _readers() -> list[Recording]:
    return [row for row in _usable("music") if "reader" in row.note or "speech" in row.path]


def _usable(name: str) -> list[Recording]:
    return [row for row in usable_recordings("validation", "all") if row.set == name]


def _clip(row: Recording, rate: int) -> Clip:
    samples = cached_mono(row, rate)
    start = round(EXCERPT_AT * rate) if len(samples) > (EXCERPT_AT + SECONDS) * rate else 0
    return Clip(row.path, validation.kind_of(row), rate, samples[start : start + round(SECONDS * rate)])


def _at(clip: Clip, rate: int) -> Clip:
    return Clip(clip.name, clip.kind, rate, resampled(clip.samples, clip.rate, rate))


def with_room_above(clips: Sequence[Clip], cutoff_hz: float) -> list[Clip]:
    """Return the clips that hold something to be measured above a cutoff: a fifth of an octave below their wall."""
    return [clip for clip in clips if valid_hz(clip) >= 1.15 * cutoff_hz]


def valid_hz(clip: Clip) -> float:
    """Return up to where a clip can be compared: half its rate, or where its own wall begins."""
    wall = find_wall(clip.samples, clip.rate)
    return wall.begins_hz if wall else clip.rate / 2.0
