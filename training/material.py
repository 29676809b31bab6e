"""Draws the music and the noise of which training items are made: recordings, rendered pieces, hiss of every colour.

Where a person names a folder, his own noise makes most of the hiss and his own music most of the music; the
development data, where they are at hand, keep the network from forgetting everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Final

import numpy as np
import scipy.signal

from training import degradations
from training.data import RATE, NoRecordingsError, Samples, cached_mono, has_development_data, usable_recordings
from training.data.own import OwnFolder, Stretch, own_folder
from training.data.resampling import resampled
from training.degradations import Shape
from training.notes.pieces import render_piece
from training.notes.player import SamplePlayer, sample_players
from training.notes.textures import ensemble

OWN_NOISE_SHARE: Final = 0.85  # of the noisy items of a folder with noise
OWN_MUSIC_SHARE: Final = 0.6  # of the excerpts, where there are development data as well
_LOOPED_FROM: Final = 3 * RATE  # a shorter noise is only drawn anew from its spectrum: a loop of it would beat
_NATURE: Final = ("rain", "agua-fluyendo", "gust", "whispering")

Pools = dict[str, list[Stretch]]


@dataclass(frozen=True)
class Origin:
    """Where the sound of an item comes from."""

    licences: str = "clean"  # of all recordings
    folder: Path | None = None  # a person's own recordings

    @property
    def own(self) -> OwnFolder | None:
        """What his folder holds."""
        return own_folder(self.folder, self.licences) if self.folder else None


def check(origin: Origin) -> None:
    """Refuse an origin that can't make an item.

    Raises
    ------
    NoRecordingsError
        If there is no music: neither development data nor any in the folder.
    """
    own = origin.own
    if own and not has_development_data():
        music = own.folder / "music"
        if not own.music_in("train"):
            raise NoRecordingsError(
                f"{own.folder} holds noise but no music, and there are no development data to stand in: put clean "
                f"recordings into {music}, or set SHELLAC_DATA"
            )
        if not own.music_in("validation"):
            raise NoRecordingsError(f"{music} is too short to keep a part for validation: add another recording")
    if not own and not has_development_data():
        usable_recordings("train", origin.licences)  # says what is missing


@lru_cache(maxsize=1)
def _instruments() -> tuple[list[SamplePlayer], list[SamplePlayer]]:
    return sample_players("piano"), sample_players("violin")


@lru_cache(maxsize=4)
def _pools(split: str, licences: str) -> Pools:
    rows = usable_recordings(split, licences)
    music = [row for row in rows if row.set == "music"]
    chosen = {
        "long": [row for row in music if row.seconds > 60],
        "short": [row for row in music if row.seconds <= 60],
        "nature": [row for row in music if any(name in row.path for name in _NATURE)],
        "violin": [row for row in rows if row.set == "violin"],
        "speech": [row for row in rows if row.set in ("speech_single", "speech_multi", "singing")],
        "notes": [row for row in rows if row.set in ("piano_samples", "violin_samples")],
    }
    return {name: [Stretch(row) for row in pool] for name, pool in chosen.items()}


def excerpt(rng: np.random.Generator, pool: Sequence[Stretch], frames: int) -> Samples:
    """Cut one excerpt, or join several short recordings with small gaps; shape (frames,)."""
    parts: list[Samples] = []
    while sum(map(len, parts)) < frames:
        source = pool[int(rng.integers(len(pool)))].samples()
        start = int(rng.integers(0, max(1, len(source) - frames)))
        part = np.array(source[start : start + frames], dtype=np.float32)
        part *= np.float32(0.3 / max(float(np.abs(part).max()), 1e-4) * rng.uniform(0.5, 1.0))
        fade = np.linspace(0.0, 1.0, min(400, len(part) // 4), dtype=np.float32)
        part[: len(fade)] *= fade
        part[len(part) - len(fade) :] *= fade[::-1]
        gap = np.zeros(round(rng.choice((0.0, 0.0, rng.uniform(0.0, 0.5))) * RATE), dtype=np.float32)
        parts += [part, gap]
    return np.concatenate(parts)[:frames]


def _source(rng: np.random.Generator, split: str, frames: int, origin: Origin) -> Samples:
    own = origin.own.music_in(split) if origin.own else ()
    if own and (not has_development_data() or rng.random() < OWN_MUSIC_SHARE):
        return excerpt(rng, own, frames)
    pools = _pools(split, origin.licences)
    if split == "train" and rng.random() < 0.40:
        return render_piece(rng, *_instruments(), frames / RATE + 0.1)[:frames]
    name = str(rng.choice(("long", "short", "violin", "speech", "notes"), p=(0.28, 0.32, 0.19, 0.14, 0.07)))
    return excerpt(rng, pools[name] or pools["short"], frames)


def clean_music(rng: np.random.Generator, split: str, seconds: float, origin: Origin) -> Samples:
    """Draw a clean excerpt with its augmentations, shape (seconds * RATE,), peak 0.7."""
    frames = round(seconds * RATE)
    speed = rng.uniform(0.8, 1.25) if split == "train" and rng.random() < 0.5 else 1.0
    wanted = round(frames * speed) + 64
    music = _source(rng, split, wanted, origin)
    layers = int(rng.choice((0, 1, 2, 4), p=(0.70, 0.18, 0.07, 0.05)))
    for _ in range(layers):
        music = music + np.float32(rng.uniform(0.2, 1.0)) * _source(rng, split, wanted, origin)
    if split == "train" and rng.random() < 0.3:
        music = degradations.reverberant(rng, music, RATE)
    if split == "train" and rng.random() < 0.08:
        music = music + np.float32(rng.uniform(0.1, 0.8)) * degradations.noise_percussion(rng, wanted, RATE)
    if speed != 1.0:
        music = resampled(music, RATE * speed, RATE, "MQ")
    music = degradations.old_chain(rng, music[:frames], RATE)
    music = np.pad(music, (0, frames - len(music)))
    return music * np.float32(0.7 / max(float(np.abs(music).max()), 1e-6))


def dense_music(rng: np.random.Generator, seconds: float, origin: Origin) -> Samples:
    """String sections, choirs of excerpts, and a hall around them: no gaps, in time or in frequency. Peak 0.7.

    Raises
    ------
    NoRecordingsError
        If the development data, whose violin plays the sections, are missing.
    """
    frames = round(seconds * RATE)
    speed = rng.uniform(0.7, 1.3)
    wanted = round(frames * speed) + 64
    _, violin = _instruments()
    music = np.zeros(wanted, dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.5:
            layer = violin[0].play(ensemble(rng, wanted / RATE + 0.1), wanted / RATE + 0.1, 0.2)[:wanted]
        else:
            layer = _source(rng, "train", wanted, origin)
        music = music + np.float32(rng.uniform(0.3, 1.0)) * layer
    if rng.random() < 0.4:
        music = music + np.float32(rng.uniform(0.05, 0.4)) * degradations.noise_percussion(rng, wanted, RATE)
    if rng.random() < 0.85:
        music = degradations.reverberant(rng, music, RATE)
    music = resampled(music, RATE * speed, RATE, "MQ")[:frames]
    music = degradations.old_chain(rng, np.pad(music, (0, frames - len(music))), RATE)
    return music * np.float32(0.7 / max(float(np.abs(music).max()), 1e-6))


def untouched_music(rng: np.random.Generator, split: str, seconds: float, origin: Origin) -> Samples:
    """Music for a clean item: now and then rain, water or waves, which must survive."""
    frames, chance = round(seconds * RATE), rng.random()
    if split == "train" and chance < 0.08 and has_development_data():
        return excerpt(rng, _pools(split, origin.licences)["nature"], frames)
    if split == "train" and chance < 0.14:
        return degradations.noise_percussion(rng, frames, RATE)
    return clean_music(rng, split, seconds, origin)


@lru_cache(maxsize=1)
def _surface() -> Samples | None:
    rows = usable_recordings("train", "clean", sets=("surface_noise",)) if has_development_data() else ()
    return next((np.asarray(cached_mono(row)) for row in rows if PurePath(row.path).stem == "vinyl_hiss"), None)


def noise_for(rng: np.random.Generator, split: str, music: Samples, snr_db: float, origin: Origin) -> Samples:
    """Draw a noise at this signal-to-noise ratio (over the whole item)."""
    frames = len(music)
    own = origin.own.noise_in(split) if origin.own else ()
    if own and rng.random() < OWN_NOISE_SHARE:
        noise = own_noise(rng, own, frames)
    else:
        noise = _any_noise(rng, split, frames)
    if rng.random() < 0.2:
        share = np.float32(10.0 ** (rng.uniform(-15.0, -1.0) / 20.0))
        noise = noise + share * degradations.crackle(rng, frames, RATE, 10.0 ** rng.uniform(0.7, 2.3))
    if rng.random() < 0.2:
        noise = noise * degradations.drift(rng, frames, rng.uniform(1.0, 8.0))
    gain = np.sqrt(float(np.mean(music**2)) / 10.0 ** (snr_db / 10.0) / max(float(np.mean(noise**2)), 1e-20))
    return noise * np.float32(gain)


def _any_noise(rng: np.random.Generator, split: str, frames: int) -> Samples:
    surface = _surface()
    if split == "train" and rng.random() < 0.1 and surface is not None:
        looped = degradations.looped(rng, surface, frames)
        noise = degradations.filtered(looped, degradations.random_hiss_shape(rng), RATE)
        return noise / np.float32(max(float(noise.std()), 1e-9))
    return degradations.hiss(rng, frames, RATE, degradations.random_hiss_shape(rng))


def own_noise(rng: np.random.Generator, pool: Sequence[Stretch], frames: int) -> Samples:
    """A person's own noise at any length, RMS 1: looped from random places, or drawn anew from its spectrum.

    Half of it is coloured a little (up to 2 dB an octave), as another disc of the same kind would be.
    """
    lengths = np.array([stretch.frames for stretch in pool], dtype=np.float64)
    stretch = pool[int(rng.choice(len(pool), p=lengths / lengths.sum()))]
    source = np.array(stretch.samples(), dtype=np.float32)
    source -= source.mean()
    if len(source) >= _LOOPED_FROM and rng.random() < 0.75:
        noise = degradations.looped(rng, source, frames)
    else:
        noise = degradations.hiss(rng, frames, RATE, colour_of(source))
    if rng.random() < 0.5:
        hertz = np.geomspace(20.0, RATE / 2.0, 12)
        tilt = rng.uniform(-2.0, 2.0) * np.log2(hertz / 1000.0)
        noise = degradations.filtered(noise, Shape(hertz, tilt), RATE)
    return noise / np.float32(max(float(noise.std()), 1e-12))


def colour_of(noise: Samples, rate: int = RATE) -> Shape:
    """Return the spectrum of a noise, averaged over a twelfth of an octave, as a gain curve with its peak at 0 dB.

    Welch's method (1967), so half a second is enough.
    """
    hertz, power = scipy.signal.welch(noise, rate, nperseg=min(4096, len(noise)))
    centres = np.geomspace(max(20.0, hertz[1]), hertz[-1], 121)
    step = (centres[1] / centres[0]) ** 0.5
    low = np.searchsorted(hertz, centres / step)
    high = np.maximum(np.searchsorted(hertz, centres * step, side="right"), low + 1)
    total = np.concatenate([[0.0], np.cumsum(power)])
    high = np.minimum(high, len(power))
    low = np.minimum(low, high - 1)
    gain = 10.0 * np.log10((total[high] - total[low]) / (high - low) + 1e-20)
    return Shape(centres, np.maximum(gain - gain.max(), -90.0))
