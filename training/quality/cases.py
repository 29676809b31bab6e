"""What is measured: a clean recording, one kind of damage done to it, and the row of the table it counts for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import ArraySignal, Signal
from training.validation import Clip, read_only

Samples = NDArray[np.float32]  # (frames,) or (frames, channels)
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Material:
    """What a contender is given, and the truth it is held against: copies of their own that nobody can write to.

    Parameters
    ----------
    given
        The damaged recording, at `given_rate`.
    target
        What a perfect answer would be, at `rate`.
    facts
        What is known about the damage, for the measures that need it: `clicks` (shape (clicks, 2): first frame and the
        one after the last), `cutoff_hz`, `speed_cents` (a `SpeedCurve`).
    inputs
        Other recordings a tool takes, by the name the tool gives them.
    """

    given: Samples
    target: Samples
    rate: int  # Hz, of the target and of every answer
    given_rate: int = 0  # Hz; 0: the same
    facts: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Signal] = field(default_factory=dict)
    _once: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        # A contender that works in place would change what the others are given, and where both are one, the truth.
        object.__setattr__(self, "given", read_only(self.given))
        object.__setattr__(self, "target", read_only(self.target))

    def once(self, key: object, make: Callable[[], T]) -> T:
        """Return what `make` gives, computed once per material: several contenders and measures share it."""
        if key not in self._once:
            self._once[key] = make()
        return cast(T, self._once[key])

    @property
    def signal(self) -> Signal:
        """The damaged recording as the product reads it."""
        rate = self.given_rate or self.rate
        return self.once("signal", lambda: ArraySignal(columns(self.given).copy(), rate))


@dataclass(frozen=True, eq=False)
class Case:
    """One measurement to be made. Holds the clean clip only; the damage is done where it is measured, from the seed."""

    kind: str  # the row of the table: "white 5 dB"
    clip: Clip
    damage: Callable[[Clip, int], Material]  # a function of a module or a `partial` of one: it travels to a process
    seed: int = 0

    def material(self) -> Material:
        """Do the damage: the same bits however often and in whatever process."""
        return self.damage(self.clip, self.seed)


def undamaged(clip: Clip, seed: int) -> Material:
    """Give the clean clip itself: what a tool should leave alone."""
    return Material(clip.samples, clip.samples, clip.rate)


def columns(samples: Samples) -> Samples:
    """Return samples as float32 of shape (frames, channels)."""
    return np.ascontiguousarray(samples, dtype=np.float32).reshape(len(samples), -1)
