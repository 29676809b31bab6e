"""Full-band sound to learn a missing band from, each with the frequency up to which it may serve as a target.

Recordings and renders of our own phrases. An encoder's wall, or half of a file's rate, ends what it can teach; a slope
with which instruments fade by nature does not. Nothing of the validation split comes in here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from training.data import RATE, Recording, Samples, cached_mono, has_development_data, usable_recordings
from training.data.licences import Source as LicencedSource
from training.data.own import own_folder
from training.data.walls import find_wall
from training.notes import fluidsynth
from training.notes.cache import cached, cached_fluidsynth
from training.notes.composer import compose
from training.notes.pieces import render_piece
from training.notes.player import sample_players

# Of the manifest. Surface noise is no programme.
TRAINED_SETS: Final = (
    "speech_single", "speech_multi", "singing", "music", "violin", "piano_samples", "violin_samples",
)  # fmt: skip
FLUID: Final = LicencedSource("FluidR3 GM", "MIT", "Frank Wen")  # the soundfont
PLAYED: Final = 20  # renders on recorded piano and violin
SYNTHESISED: Final = 60  # renders on FluidSynth's instruments
RENDER_SECONDS: Final = 8.0
MOST_NOTES: Final = 120  # of a synthesised render: every note takes a channel of its own, and of those few are free
KINDS: Final = ("chorale", "counterpoint", "chords", "arpeggio", "melody", "scale")  # of pieces

_VOICE_SETS: Final = ("speech_multi", "singing")
_VOICE_NOTES: Final = ("reader", "song with")  # not "song": whales sing
# The set "music" holds voices too, and of these the manifest has no more to say than what the file is called.
_VOICE_NAMES: Final = (
    "speech", "singing", "soprano", "nessundorma", "vignesh", "carnatic", "female-voice", "tibetan",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One recording, or one of our own renders."""

    kind: str  # speech, voices, music, notes, renders
    recording: Recording | None = None
    render: int = -1  # its number; even the seed follows from it

    @property
    def samples(self) -> Samples:
        """The sound at its own rate, mono, shape (samples,), read-only."""
        return cached_mono(self.recording, self.recording.rate) if self.recording else rendered(self.render)

    @property
    def rate(self) -> int:
        """Hz."""
        return self.recording.rate if self.recording else RATE

    @property
    def is_limited_by_rate(self) -> bool:
        """Whether nothing but its rate ends its band."""
        return facts_of(self).wall_hz >= 0.5 * self.rate


@dataclass(frozen=True)
class Facts:
    """What is measured of a source once."""

    rms: float  # of its active frames
    wall_hz: float  # half of the rate where there is no wall


@cache
def facts_of(source: Source) -> Facts:
    """Measure level and wall of a source."""
    samples = source.samples
    wall = find_wall(samples, source.rate)
    return Facts(active_rms(samples), wall.begins_hz if wall else source.rate / 2.0)


def active_rms(samples: Samples) -> float:
    """RMS of the stretches of 2048 samples above -60 dBFS; of all of them where none is.

    The product's level is another: stretches of 50 ms within 40 dB of the loud ones, of the recording as it was given
    (`engine.tools.upsample.learned`). Of ten training recordings as they are both gains agree within 0.3 dB (mean of
    the differences' size 0.07). The product knows the low band only: of the same ten at 8 kHz it gives 0 to 0.5 dB
    more, and 6 dB more of a bird's whistle. Of a recording 20 dB quieter its gain is 0.1 to 1.2 dB higher, 6 to 7 dB of
    dying notes, because a fixed threshold takes their quiet ends for pauses. Training draws levels with a deviation of
    2.5 dB; what lies farther off it hasn't heard often.
    """
    count = max(1, len(samples) // 2048)
    blocks = np.asarray(samples[: count * 2048], dtype=np.float32).reshape(count, -1)
    power = np.square(blocks).mean(axis=1)
    active = power > 1e-6
    return float(np.sqrt((power[active] if active.any() else power).mean()))


@lru_cache(maxsize=4)
def sources(licences: str = "clean", folder: Path | None = None) -> dict[str, tuple[Source, ...]]:
    """Return what may be trained on, by kind; kinds without any are absent.

    Raises
    ------
    NoRecordingsError
        If there is no recording.
    """
    rows: list[Recording] = []
    if has_development_data() or folder is None:
        rows += usable_recordings("train", licences, sets=TRAINED_SETS)
    if folder is not None:
        rows += [stretch.recording for stretch in own_folder(folder, licences).music_in("train")]
    found: dict[str, list[Source]] = {}
    for row in dict.fromkeys(rows):
        found.setdefault(kind_of(row), []).append(Source(kind_of(row), row))
    if has_development_data():
        count = PLAYED + (SYNTHESISED if fluidsynth.is_available() else 0)
        found["renders"] = [Source("renders", render=number) for number in range(count)]
    return {kind: tuple(some) for kind, some in found.items()}


def kind_of(row: Recording) -> str:
    """What a recording counts as; the single speaker stands apart from all other voices.

    Set and note of the manifest decide, and the name of the file where the set is none of voices and the note silent.
    """
    if row.set in ("piano_samples", "violin_samples"):
        return "notes"
    if row.set == "speech_single":
        return "speech"
    said = row.set in _VOICE_SETS or any(words in row.note for words in _VOICE_NOTES)
    return "voices" if said or any(name in Path(row.path).name for name in _VOICE_NAMES) else "music"


@cache
def rendered(number: int) -> Samples:
    """Return one of our own pieces, mono at 44.1 kHz, shape (samples,)."""
    rng = np.random.default_rng((48, number))
    if number < PLAYED:
        content = json.dumps(["bwe", 1, number, RENDER_SECONDS])
        return cached(content, lambda: _played(rng), RATE).reshape(-1)
    program = int(rng.integers(0, 104))  # what follows are effects
    voices, low = int(rng.integers(1, 5)), int(rng.integers(36, 56))
    notes = compose(rng, str(rng.choice(KINDS)), RENDER_SECONDS, voices, low, low + 36)[:MOST_NOTES]
    sound: Samples = cached_fluidsynth(notes, program, RENDER_SECONDS).mean(axis=1)
    return sound


def _played(rng: np.random.Generator) -> Samples:
    return render_piece(rng, sample_players("piano"), sample_players("violin"), RENDER_SECONDS)
