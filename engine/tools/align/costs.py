"""How unlike two moments are: pitch by cosine, onsets by distance, for blocks of frames at a time.

cost = (1 - cosine of the signed, centred spectrum) + distance of the folded onsets + distance of the band onsets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.tools.align.features import EVERY, Features, Floats, onset_vectors, pitch_vectors

PITCH_WEIGHT, ONSET_WEIGHT, BAND_WEIGHT = 1.0, 1.0, 1.0


@dataclass(frozen=True, eq=False)
class Costs:
    """The cost of any reference frame against any target frame, on a grid of `every` frames of 10 ms."""

    reference: Features
    target: Features
    bins: float = 0.0  # by how many thirds of a semitone the target is higher
    every: int = EVERY
    weights: tuple[float, float, float] = (PITCH_WEIGHT, ONSET_WEIGHT, BAND_WEIGHT)

    @cached_property
    def rows(self) -> int:
        """Frames of the reference."""
        return -(-self.reference.frames // self.every)

    @cached_property
    def columns(self) -> int:
        """Frames of the target."""
        return -(-self.target.frames // self.every)

    def block(self, rows: tuple[int, int], columns: tuple[int, int]) -> Floats:
        """Return the costs of frames rows[0]..rows[1]-1 against columns[0]..columns[1]-1; about 0 to 4."""
        a = self._vectors(self.reference, *rows, 0.0)
        b = self._vectors(self.target, *columns, self.bins)
        pitch, onset, band = self.weights
        out = pitch * (1.0 - a[0] @ b[0].T)
        out += onset * _distance(a[1], b[1])
        out += band * _distance(a[2], b[2])
        return np.asarray(out, dtype=np.float32)

    def _vectors(self, features: Features, first: int, stop: int, bins: float) -> tuple[Floats, Floats, Floats]:
        if self.every == 1:
            low, high = first // EVERY, min(len(features.spectrum), (stop - 1) // EVERY + 2)
            pitch = _between(pitch_vectors(features, low, high, bins), first - low * EVERY, stop - first)
            return (
                pitch,
                onset_vectors(features, first, stop, bins),
                features.band_onsets[first:stop].astype(np.float32),
            )
        step = self.every // EVERY
        around = step // 2  # of the 20 ms frames that lie within a frame of this grid
        low, high = max(0, first * step - around), min(len(features.spectrum), (stop - 1) * step + around + 1)
        pitch = _gathered(pitch_vectors(features, low, high, bins), first * step - low, stop - first, step, np.mean)
        if step > 1:
            pitch /= np.linalg.norm(pitch, axis=1, keepdims=True) + np.float32(1e-3)
        around = self.every // 2
        low, high = max(0, first * self.every - around), min(features.frames, (stop - 1) * self.every + around + 1)
        place = (first * self.every - low, stop - first, self.every, np.max)
        onsets = _gathered(onset_vectors(features, low, high, bins), *place)
        bands = _gathered(features.band_onsets[low:high].astype(np.float32), *place)
        return pitch, onsets, bands


def _gathered(rows: Floats, first: int, count: int, step: int, how: Callable[..., Floats]) -> Floats:
    """Take together the `step` rows around each of `count` rows, the first of them at row `first`."""
    if step == 1:
        return rows
    before = step // 2 - first
    padded = np.pad(rows, ((max(0, before), 0), (0, 0)), mode="edge")
    needed = count * step
    padded = np.pad(padded, ((0, max(0, needed - len(padded))), (0, 0)), mode="edge")[:needed]
    return how(padded.reshape(count, step, -1), axis=1)


def _between(vectors: Floats, offset: int, count: int) -> Floats:
    """Read vectors every 20 ms at every 10 ms, unit length again."""
    places = (offset + np.arange(count)) / EVERY
    whole = np.minimum(places.astype(np.int64), len(vectors) - 1)
    after = np.minimum(whole + 1, len(vectors) - 1)
    part = (places - whole).astype(np.float32)[:, None]
    mixed: Floats = (1.0 - part) * vectors[whole] + part * vectors[after]
    return np.asarray(mixed / (np.linalg.norm(mixed, axis=1, keepdims=True) + np.float32(1e-3)))


def _distance(a: Floats, b: Floats) -> NDArray[np.float32]:
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2.0 * (a @ b.T)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0, dtype=np.float32)))
