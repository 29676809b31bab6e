"""What is open: tracks with their recipes, and where the user is. One frozen value; every change makes a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.session.recipe import Recipe, Scope


@dataclass(frozen=True)
class SourceRef:
    """A recording on disk and how to recognise it."""

    path: Path
    fingerprint: str = ""  # of its content; empty = not known yet
    frames: int = 0
    rate: int = 0  # Hz
    channels: int = 0


@dataclass(frozen=True)
class Track:
    """One recording and what is done to it."""

    name: str
    source: SourceRef
    recipe: Recipe = field(default_factory=Recipe)
    extra: Mapping[str, Any] = field(default_factory=dict)  # fields of the file that this version doesn't know


@dataclass(frozen=True)
class Session:
    """All tracks, which of them is heard, and the marks the user set. Independent of any window."""

    tracks: tuple[Track, ...] = ()
    current: int = 0
    selection: Scope | None = None
    loop: tuple[float, float] | None = None  # seconds
    cursor_s: float = 0.0
    extra: Mapping[str, Any] = field(default_factory=dict)  # fields of the file that this version doesn't know

    @property
    def track(self) -> Track | None:
        """The track that is heard."""
        return self.tracks[self.current] if 0 <= self.current < len(self.tracks) else None

    def with_recipe(self, index: int, recipe: Recipe) -> Session:
        """Return a session in which track `index` has another recipe."""
        return self.with_track(index, replace(self.tracks[index], recipe=recipe))

    def with_track(self, index: int, track: Track) -> Session:
        """Return a session with another track at `index`; one past the end adds it."""
        return replace(self, tracks=(*self.tracks[:index], track, *self.tracks[index + 1 :]))

    def without_track(self, index: int) -> Session:
        """Return a session without track `index`; the one heard stays the same where it can."""
        tracks = self.tracks[:index] + self.tracks[index + 1 :]
        current = self.current - (1 if index < self.current else 0)
        return replace(self, tracks=tracks, current=max(0, min(current, len(tracks) - 1)))
