"""Builds the training items of the denoising networks once, so that the loop never waits for them.

An item is 5 to 20 s of music with its noise, kept apart as 16-bit samples, and the statistics of the mix from which
the noise-profile network estimates. `python -m training.items --count N --workers W` adds items; each follows from its
number alone. `python -m training` builds them itself where there are none.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from engine.audio.stft import Stft, torch_compatible_frames
from engine.inference.profile_features import profile_features, sounding_frames
from training import degradations
from training.data import RATE, Recording, Samples, cached_mono, recordings, runs_folder
from training.rendering import SamplePlayer, ensemble, render_piece, sample_players

STFT: Final = Stft()
VALIDATION_ITEMS: Final = 80
TRAIN_ITEMS: Final = 6400
DENSE_ITEMS: Final = 700
CLEAN_SHARE: Final = 0.17
DENSE_FROM: Final = 10_000  # items numbered from here on hold full orchestras in halls, half of them clean
CLEAN_DROP: Final = float(np.log(1e-3))  # the target of a clean item lies 30 dB under the base statistic
PCM: Final = np.float32(32767.0)
_NATURE: Final = ("rain", "agua-fluyendo", "gust", "whispering")


@dataclass(frozen=True)
class Item:
    """One training item; `features` and `target` describe the mix of `clean` and `noise`."""

    clean: Samples  # (samples,)
    noise: Samples  # (samples,); zeros for a clean item
    features: NDArray[np.float32]  # (36, 1025)
    target: NDArray[np.float32]  # (1025,) natural log of noise power relative to the level
    level: float
    snr_db: float  # inf for a clean item


def item_folder(split: str, licences: str = "clean") -> Path:
    """Where the items of a split lie; training items with non-commercial material lie apart.

    Validation items are the same whatever was trained on, so that runs can be compared.
    """
    is_apart = licences != "clean" and split == "train"
    folder = runs_folder() / "cache" / "items" / (f"{split}-{licences}" if is_apart else split)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@lru_cache(maxsize=1)
def _instruments() -> tuple[list[SamplePlayer], list[SamplePlayer]]:
    return sample_players("piano"), sample_players("violin")


@lru_cache(maxsize=4)
def _pools(split: str, licences: str) -> dict[str, list[Recording]]:
    rows = recordings(split, licences)
    music = [row for row in rows if row.set == "music"]
    return {
        "long": [row for row in music if row.seconds > 60],
        "short": [row for row in music if row.seconds <= 60],
        "nature": [row for row in music if any(name in row.path for name in _NATURE)],
        "violin": [row for row in rows if row.set == "violin"],
        "speech": [row for row in rows if row.set in ("speech_single", "speech_multi", "singing")],
        "notes": [row for row in rows if row.set in ("piano_samples", "violin_samples")],
    }


def _excerpt(rng: np.random.Generator, pool: list[Recording], frames: int) -> Samples:
    """Cut one excerpt, or join several short recordings with small gaps; shape (frames,)."""
    parts: list[Samples] = []
    while sum(map(len, parts)) < frames:
        source = cached_mono(pool[rng.integers(len(pool))])
        start = int(rng.integers(0, max(1, len(source) - frames)))
        part = np.array(source[start : start + frames], dtype=np.float32)
        part *= np.float32(0.3 / max(float(np.abs(part).max()), 1e-4) * rng.uniform(0.5, 1.0))
        fade = np.linspace(0.0, 1.0, min(400, len(part) // 4), dtype=np.float32)
        part[: len(fade)] *= fade
        part[len(part) - len(fade) :] *= fade[::-1]
        gap = np.zeros(round(rng.choice((0.0, 0.0, rng.uniform(0.0, 0.5))) * RATE), dtype=np.float32)
        parts += [part, gap]
    return np.concatenate(parts)[:frames]


def _source(rng: np.random.Generator, split: str, frames: int, licences: str) -> Samples:
    pools = _pools(split, licences)
    if split == "train" and rng.random() < 0.40:
        return render_piece(rng, *_instruments(), frames / RATE + 0.1)[:frames]
    name = str(rng.choice(("long", "short", "violin", "speech", "notes"), p=(0.28, 0.32, 0.19, 0.14, 0.07)))
    return _excerpt(rng, pools[name] or pools["short"], frames)


def clean_music(rng: np.random.Generator, split: str, seconds: float, licences: str) -> Samples:
    """Draw a clean excerpt with its augmentations, shape (seconds * RATE,), peak 0.7."""
    frames = round(seconds * RATE)
    speed = rng.uniform(0.8, 1.25) if split == "train" and rng.random() < 0.5 else 1.0
    wanted = round(frames * speed) + 64
    music = _source(rng, split, wanted, licences)
    layers = int(rng.choice((0, 1, 2, 4), p=(0.70, 0.18, 0.07, 0.05)))
    for _ in range(layers):
        music = music + np.float32(rng.uniform(0.2, 1.0)) * _source(rng, split, wanted, licences)
    if split == "train" and rng.random() < 0.3:
        music = degradations.reverberant(rng, music, RATE)
    if split == "train" and rng.random() < 0.08:
        music = music + np.float32(rng.uniform(0.1, 0.8)) * degradations.noise_percussion(rng, wanted, RATE)
    if speed != 1.0:
        music = np.asarray(soxr.resample(music, RATE * speed, RATE, quality="MQ"), dtype=np.float32)
    music = degradations.old_chain(rng, music[:frames], RATE)
    music = np.pad(music, (0, frames - len(music)))
    return music * np.float32(0.7 / max(float(np.abs(music).max()), 1e-6))


def dense_music(rng: np.random.Generator, seconds: float, licences: str) -> Samples:
    """String sections, choirs of excerpts, and a hall around them: no gaps, in time or in frequency. Peak 0.7."""
    frames = round(seconds * RATE)
    speed = rng.uniform(0.7, 1.3)
    wanted = round(frames * speed) + 64
    _, violin = _instruments()
    music = np.zeros(wanted, dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.5:
            layer = violin[0].play(ensemble(rng, wanted / RATE + 0.1), wanted / RATE + 0.1, 0.2)[:wanted]
        else:
            layer = _source(rng, "train", wanted, licences)
        music = music + np.float32(rng.uniform(0.3, 1.0)) * layer
    if rng.random() < 0.4:
        music = music + np.float32(rng.uniform(0.05, 0.4)) * degradations.noise_percussion(rng, wanted, RATE)
    if rng.random() < 0.85:
        music = degradations.reverberant(rng, music, RATE)
    music = np.asarray(soxr.resample(music, RATE * speed, RATE, quality="MQ"), dtype=np.float32)[:frames]
    music = degradations.old_chain(rng, np.pad(music, (0, frames - len(music))), RATE)
    return music * np.float32(0.7 / max(float(np.abs(music).max()), 1e-6))


def _clean_only(rng: np.random.Generator, split: str, seconds: float, licences: str) -> Samples:
    """Music for a clean item: now and then rain, water or waves, which must survive."""
    frames, chance = round(seconds * RATE), rng.random()
    if split == "train" and chance < 0.08:
        return _excerpt(rng, _pools(split, licences)["nature"], frames)
    if split == "train" and chance < 0.14:
        return degradations.noise_percussion(rng, frames, RATE)
    return clean_music(rng, split, seconds, licences)


def surface_hiss(rng: np.random.Generator, frames: int) -> Samples:
    """Recorded vinyl hiss, looped at random places, RMS 1."""
    rows = [row for row in recordings("train") if row.path.endswith("vinyl_hiss.ogg")]
    return degradations.looped(rng, np.asarray(cached_mono(rows[0])), frames)


def noise_for(rng: np.random.Generator, split: str, music: Samples, snr_db: float) -> Samples:
    """Draw a noise at this signal-to-noise ratio (over the whole item)."""
    frames = len(music)
    if split == "train" and rng.random() < 0.1:
        noise = degradations.filtered(surface_hiss(rng, frames), degradations.random_hiss_shape(rng), RATE)
        noise /= np.float32(max(float(noise.std()), 1e-9))
    else:
        noise = degradations.hiss(rng, frames, RATE, degradations.random_hiss_shape(rng))
    if rng.random() < 0.2:
        share = np.float32(10.0 ** (rng.uniform(-15.0, -1.0) / 20.0))
        noise = noise + share * degradations.crackle(rng, frames, RATE, 10.0 ** rng.uniform(0.7, 2.3))
    if rng.random() < 0.2:
        noise = noise * degradations.drift(rng, frames, rng.uniform(1.0, 8.0))
    gain = np.sqrt(float(np.mean(music**2)) / 10.0 ** (snr_db / 10.0) / max(float(np.mean(noise**2)), 1e-20))
    return noise * np.float32(gain)


def build_item(split: str, number: int, licences: str = "clean") -> Item:
    """Build the item of this number; the same number gives the same item."""
    rng = np.random.default_rng((number, 0 if split == "train" else 1))
    seconds = rng.uniform(5.0, 20.0) if split == "train" else rng.uniform(5.0, 15.0)
    dense = split == "train" and number >= DENSE_FROM
    if rng.random() < (0.5 if dense else CLEAN_SHARE):
        snr_db = np.inf
        music = dense_music(rng, seconds, licences) if dense else _clean_only(rng, split, seconds, licences)
        noise = np.zeros_like(music)
    else:
        snr_db = rng.uniform(-2.0, 35.0)
        music = dense_music(rng, seconds, licences) if dense else clean_music(rng, split, seconds, licences)
        noise = noise_for(rng, split, music, snr_db)
        if rng.random() < 0.1:  # the transfer was band-limited after the hiss came in
            shape = degradations.band_limits(20.0, rng.uniform(4000.0, 15_000.0), 60.0)
            music, noise = (degradations.filtered(part, shape, RATE) for part in (music, noise))
    scale = 0.9 / max(float(np.abs(music + noise).max()), 1e-9) * 10.0 ** rng.uniform(-1.0, 0.0)
    music, noise = (np.round(part * np.float32(scale) * PCM) for part in (music, noise))
    if rng.random() < 0.12:  # digital silence at both ends
        edge = int(rng.uniform(0.05, 1.0) * RATE)
        music[:edge] = noise[:edge] = music[-edge:] = noise[-edge:] = 0.0
    return describe(music / PCM, noise / PCM, snr_db)


def describe(clean: Samples, noise: Samples, snr_db: float) -> Item:
    """Add statistics, target and level to a pair."""
    spectra = torch_compatible_frames(clean + noise, STFT)
    features, level = profile_features(spectra, RATE, STFT.hop)
    if np.isinf(snr_db):
        target = features[0] + CLEAN_DROP
    else:
        part = torch_compatible_frames(noise, STFT)[sounding_frames(spectra.real**2 + spectra.imag**2)]
        power = (part.real**2 + part.imag**2).mean(axis=0) / np.float32(level)
        target = np.log(np.convolve(np.pad(power, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid") + 1e-12)
    return Item(clean, noise, features, target.astype(np.float32), level, float(snr_db))


def save_item(item: Item, path: Path) -> None:
    """Write an item; a half-written file never carries the final name."""
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    pcm = np.stack([item.clean, item.noise])
    with unfinished.open("wb") as file:
        np.savez(
            file,
            pcm=np.clip(np.round(pcm * PCM), -32768, 32767).astype(np.int16),
            features=item.features.astype(np.float16),
            target=item.target.astype(np.float16),
            level=np.float64(item.level),
            snr_db=np.float64(item.snr_db),
        )
    unfinished.replace(path)


def load_item(path: Path) -> Item:
    """Read an item back."""
    with np.load(path, allow_pickle=False) as file:
        pcm = file["pcm"].astype(np.float32) / PCM
        return Item(
            pcm[0],
            pcm[1],
            file["features"].astype(np.float32),
            file["target"].astype(np.float32),
            float(file["level"]),
            float(file["snr_db"]),
        )


def _item_path(split: str, number: int, licences: str) -> Path:
    return item_folder(split, licences) / f"{number:06d}.npz"


def _build(job: tuple[str, int, str]) -> None:
    try:
        save_item(build_item(*job), _item_path(*job))
    except ValueError:  # too few sounding frames: this number stays without an item
        return


def build_items(split: str, numbers: range, workers: int, licences: str = "clean") -> None:
    """Build the items of these numbers that don't exist yet, in parallel."""
    licences = "clean" if split == "validation" else licences
    jobs = [(split, n, licences) for n in numbers if not _item_path(split, n, licences).exists()]
    if not jobs:
        return
    print(f"building {len(jobs)} of {len(numbers)} {split} items first (once)", flush=True)
    if workers == 1:
        for job in jobs:
            _build(job)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for _ in pool.imap_unordered(_build, jobs, chunksize=4):
            pass


def build_missing(licences: str, workers: int) -> None:
    """Build what the recipes train on and isn't there yet: about 20 minutes and 17 GB on two cores from nothing."""
    build_items("validation", range(VALIDATION_ITEMS), workers, licences)
    build_items("train", range(TRAIN_ITEMS), workers, licences)
    build_items("train", range(DENSE_FROM, DENSE_FROM + DENSE_ITEMS), workers, licences)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.items", description="Build training items.")
    parser.add_argument("--split", choices=("train", "validation"), default="train")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=2400)
    parser.add_argument("--workers", type=int, default=max(1, os.cpu_count() or 1))
    parser.add_argument("--data", choices=("clean", "all"), default="clean", help="licences to build from")
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.count)
    build_items(arguments.split, numbers, arguments.workers, arguments.data)


if __name__ == "__main__":
    main()
