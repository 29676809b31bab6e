"""Keys, chords and the progressions that lead from one to the next: what the composer must not get wrong.

The rules are those of common-practice harmony as any textbook has them (e.g. Aldwell and Schachter, *Harmony and Voice
Leading*): functional progressions, cadences at phrase ends, a raised leading tone over the dominant in minor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

Cadence = Literal["half", "authentic", "deceptive"]

MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)
MINOR: Final = (0, 2, 3, 5, 7, 8, 10)  # natural; the dominant raises the seventh
LEADING: Final = 11  # semitones above the tonic
# From each degree (0 = I) the degrees it usually leads to; those named twice are twice as likely.
NEXT: Final = {
    0: (0, 1, 2, 3, 3, 4, 4, 5),
    1: (4, 4, 6),
    2: (5, 5, 3),
    3: (0, 1, 4, 4, 6),
    4: (0, 0, 0, 5),
    5: (1, 3, 3, 4),
    6: (0,),
}
CADENCES: Final[dict[Cadence, tuple[tuple[int, ...], ...]]] = {
    "half": ((0, 4), (1, 4), (3, 4), (5, 4)),
    "authentic": ((3, 4, 0), (1, 4, 0)),
    "deceptive": ((3, 4, 5), (1, 4, 5)),
}


@dataclass(frozen=True)
class Key:
    """A tonic and a mode."""

    tonic: int  # pitch class, 0 = C
    is_minor: bool

    @property
    def scale(self) -> tuple[int, ...]:
        """The seven pitch classes by degree; natural in minor."""
        return tuple((self.tonic + step) % 12 for step in (MINOR if self.is_minor else MAJOR))

    @property
    def pitch_classes(self) -> frozenset[int]:
        """Every pitch class a piece in this key may use: the scale and the leading tone."""
        return frozenset((*self.scale, (self.tonic + LEADING) % 12))

    @property
    def leading_tone(self) -> int:
        """The pitch class a semitone under the tonic."""
        return (self.tonic + LEADING) % 12

    def lattice(self, low: int, high: int, *, raised: bool = False) -> list[int]:
        """The pitches of the scale in [low, high] from below; `raised` takes the leading tone in minor."""
        seventh = self.scale[6]
        classes = {self.leading_tone if raised and pitch == seventh else pitch for pitch in self.scale}
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]


@dataclass(frozen=True)
class Chord:
    """A triad or seventh chord on a degree of a key."""

    key: Key
    degree: int  # 0 = I
    has_seventh: bool = False

    @property
    def is_dominant(self) -> bool:
        """Whether it holds the leading tone and wants to go home."""
        return self.degree in (4, 6)

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Root, third, fifth and perhaps seventh."""
        scale = self.key.scale
        steps = (0, 2, 4, 6) if self.has_seventh else (0, 2, 4)
        classes = [scale[(self.degree + step) % 7] for step in steps]
        if self.is_dominant and self.key.is_minor:
            classes = [self.key.leading_tone if pitch == scale[6] else pitch for pitch in classes]
        return tuple(classes)

    @property
    def root(self) -> int:
        """The pitch class of the root."""
        return self.pitch_classes[0]


def random_key(rng: np.random.Generator) -> Key:
    """Any of the 24."""
    return Key(int(rng.integers(12)), bool(rng.random() < 0.45))


def progression(
    rng: np.random.Generator, key: Key, chords: int, cadence: Cadence, *, sevenths: float = 0.2
) -> tuple[Chord, ...]:
    """Draw `chords` chords that end in a cadence (in its last ones where there are too few for the whole)."""
    ending = CADENCES[cadence][int(rng.integers(len(CADENCES[cadence])))][-chords:]
    degrees = [0]
    while len(degrees) < chords - len(ending):
        degrees.append(int(rng.choice(NEXT[degrees[-1]])))
    degrees = [*degrees[: chords - len(ending)], *ending]
    drawn = []
    for place, degree in enumerate(degrees):
        resolves = place + 1 < chords and degree in (1, 4)
        drawn.append(Chord(key, degree, bool(resolves and rng.random() < sevenths)))
    return tuple(drawn)
