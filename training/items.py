"""Builds the training items of the denoising networks once, so that the loop never waits for them.

An item is 5 to 20 s of music with its noise, kept apart as 16-bit samples, and the statistics of the mix from which
the noise-profile network estimates. `python -m training.items --count N --workers W` adds items; each follows from its
number and its origin alone. `python -m training` builds those that a run needs.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import struct
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.stft import Stft, torch_compatible_frames
from engine.inference.profile_features import profile_features, sounding_frames
from training import degradations
from training.data import RATE, Samples, has_development_data, recordings, runs_folder
from training.data.decoded import full_disk
from training.errors import TrainingError
from training.material import Origin, check, clean_music, dense_music, noise_for, untouched_music
from training.telling import told

if TYPE_CHECKING:
    from training.recipe import Settings

STFT: Final = Stft()
BUILT_BY: Final = 2  # raise it with every change that makes other items of the same numbers; 1: those that don't say
VALIDATION_ITEMS: Final = 80
TRAIN_ITEMS: Final = 6400
DENSE_ITEMS: Final = 700
OWN_VALIDATION_ITEMS: Final = 24
FEWEST_ITEMS: Final = 160
ITEMS_A_MINUTE: Final = 320  # of training; two cores build 300 to 500 in a minute
OWN_ITEMS_A_MINUTE: Final = 32  # for one hiss few are enough, and the first step comes soon
STEPS_A_MINUTE: Final = 40  # of the denoiser on two cores: what a plan in steps means in minutes
CLEAN_SHARE: Final = 0.17
DENSE_FROM: Final = 10_000  # items numbered from here on hold full orchestras in halls, half of them clean
CLEAN_DROP: Final = float(np.log(1e-3))  # the target of a clean item lies 30 dB under the base statistic
PCM: Final = np.float32(32767.0)

LISTING: Final = "made-from.txt"  # beside items: the digest of the recordings they were made from

_NAME_LENGTH_AT: Final = 26  # bytes into a member's own header: lengths of name and extra field (APPNOTE 4.3.7)

Job = tuple[str, int, Origin]


@dataclass(frozen=True)
class Item:
    """One training item; `features` and `target` describe the mix of `clean` and `noise`."""

    clean: Samples  # (samples,)
    noise: Samples  # (samples,); zeros for a clean item
    features: NDArray[np.float32]  # (36, 1025)
    target: NDArray[np.float32]  # (1025,) natural log of noise power relative to the level
    level: float
    snr_db: float  # inf for a clean item


def item_folder(split: str, licences: str = "clean", folder: Path | None = None) -> Path:
    """Where the items of a split lie; training items with non-commercial material lie apart, and so do a folder's.

    Validation items are the same whatever was trained on, so that runs can be compared; those of a person's folder
    hold his hiss. Items that other development data made stay where they are, and a folder beside them takes the new.

    Raises
    ------
    TrainingError
        If a recording's licence is unknown, or a piece stands in both splits.
    """
    licences = _licences_of(split, licences, folder)
    base = runs_folder() / "cache" / "items"
    name = split if licences == "clean" else f"{split}-{licences}"
    place = (base / _own_name(folder, licences) if folder else base) / name
    if has_development_data():
        place = _made_from(place, data_digest(split, licences))
    place.mkdir(parents=True, exist_ok=True)
    return place


def _licences_of(split: str, licences: str, folder: Path | None) -> str:
    return "clean" if split == "validation" and not folder else licences


def data_digest(split: str, licences: str) -> str:
    """What follows from the development data of a split: other recordings, sizes or licences, another digest."""
    digest = hashlib.sha256()
    for row in sorted(recordings(split, licences), key=lambda row: row.path):
        size = row.file.stat().st_size if row.file.exists() else -1
        digest.update(f"{row.set} {row.path} {size} {row.licence} {row.split}\n".encode())
    return digest.hexdigest()[:8]


def _made_from(place: Path, digest: str) -> Path:
    """Return this folder if its items are of these data, else one beside it.

    A folder that doesn't say counts as of the data that lie there when it is first looked at.
    """
    listing = place / LISTING
    if not listing.exists():
        place.mkdir(parents=True, exist_ok=True)
        unfinished = listing.with_suffix(f".{os.getpid()}.tmp")
        unfinished.write_text(f"{digest}\n", encoding="utf-8")
        unfinished.replace(listing)
    return place if listing.read_text(encoding="utf-8").strip() == digest else place.with_name(f"{place.name}-{digest}")


def _own_name(folder: Path, licences: str) -> str:
    """Other recordings in a folder, or another way to build, make other items."""
    where = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    own = Origin(licences, folder).own
    assert own is not None
    kind = f"{BUILT_BY}{'d' if has_development_data() else ''}"
    return f"own-{where}-{own.listing_digest()}-{kind}"


def build_item(split: str, number: int, origin: Origin | str = "clean") -> Item:
    """Build the item of this number; the same number and origin (or choice of licences) give the same item.

    Raises
    ------
    ValueError
        If too little of it sounds: that number stays without an item.
    TrainingError
        If there is nothing to build it from.
    """
    origin = Origin(origin) if isinstance(origin, str) else origin
    rng = np.random.default_rng((number, 0 if split == "train" else 1))
    seconds = rng.uniform(5.0, 20.0) if split == "train" else rng.uniform(5.0, 15.0)
    dense = split == "train" and number >= DENSE_FROM
    if rng.random() < (0.5 if dense else CLEAN_SHARE):
        snr_db = np.inf
        music = dense_music(rng, seconds, origin) if dense else untouched_music(rng, split, seconds, origin)
        noise = np.zeros_like(music)
    else:
        snr_db = rng.uniform(-2.0, 35.0)
        music = dense_music(rng, seconds, origin) if dense else clean_music(rng, split, seconds, origin)
        noise = noise_for(rng, split, music, snr_db, origin)
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
    """Write an item; a half-written file never carries the final name.

    Raises
    ------
    TrainingError
        If the disk is full.
    """
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    pcm = np.stack([item.clean, item.noise])
    try:
        with unfinished.open("wb") as file:
            np.savez(
                file,
                pcm=np.clip(np.round(pcm * PCM), -32768, 32767).astype(np.int16),
                features=item.features.astype(np.float16),
                target=item.target.astype(np.float16),
                level=np.float64(item.level),
                snr_db=np.float64(item.snr_db),
                built_by=np.int64(BUILT_BY),
            )
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise full_disk(error, path) from error


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


def pcm_of(path: Path) -> NDArray[np.int16]:
    """Return music and noise of an item as they lie in the file, mapped: shape (2, samples), read-only.

    A crop of 3 s then costs the reading of 3 s, not of the whole item and its checksum.
    """
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("pcm.npy")
    with path.open("rb") as file:
        file.seek(member.header_offset + _NAME_LENGTH_AT)
        name, extra = struct.unpack("<HH", file.read(4))
        file.seek(name + extra, os.SEEK_CUR)
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
        return np.memmap(path, dtype, "r", file.tell(), shape)


def is_current(path: Path) -> bool:
    """Whether an item was built by the code as it is now."""
    with np.load(path, allow_pickle=False) as file:
        return "built_by" in file.files and int(file["built_by"]) == BUILT_BY


def _item_path(split: str, number: int, origin: Origin) -> Path:
    return item_folder(split, origin.licences, origin.folder) / f"{number:06d}.npz"


def _build(job: Job) -> None:
    try:
        item = build_item(*job)
    except TrainingError:
        raise
    except ValueError:  # too few sounding frames: this number stays without an item
        return
    save_item(item, _item_path(*job))


def build_items(split: str, numbers: range, workers: int, origin: Origin | str = "clean") -> None:
    """Build the items of these numbers that don't exist yet, in parallel.

    Raises
    ------
    TrainingError
        If there is nothing to build them from, or the disk is full; what is finished stays.
    """
    origin = Origin(origin) if isinstance(origin, str) else origin
    _run(_jobs(split, [numbers], origin), workers)


def _jobs(split: str, ranges: list[range], origin: Origin) -> list[Job]:
    """The items of these numbers that aren't there yet; validation items are from clean recordings, and a folder's."""
    origin = replace(origin, licences=_licences_of(split, origin.licences, origin.folder))
    place = item_folder(split, origin.licences, origin.folder)
    there = {path.name for path in place.glob("*.npz")}
    return [(split, n, origin) for numbers in ranges for n in numbers if f"{n:06d}.npz" not in there]


def _run(jobs: list[Job], workers: int) -> None:
    if not jobs:
        return
    for origin in {job[2] for job in jobs}:
        check(origin)
    print(f"building {len(jobs)} items first (once)", flush=True)
    if workers == 1:
        for job in told(jobs, len(jobs), "building items"):
            _build(job)
        return
    with multiprocessing.get_context("spawn").Pool(min(workers, len(jobs))) as pool:
        for _ in told(pool.imap_unordered(_build, jobs, chunksize=4), len(jobs), "building items"):
            pass


def numbers_for(settings: Settings) -> dict[str, list[range]]:
    """Which items a run sees, by split: all of them from 20 minutes on, fewer for a quick run or a single hiss.

    A plan in steps counts as the minutes that two cores take for it.
    """
    minutes = settings.minutes if settings.steps is None else settings.steps / STEPS_A_MINUTE
    rate = OWN_ITEMS_A_MINUTE if settings.folder else ITEMS_A_MINUTE
    count = min(TRAIN_ITEMS, max(FEWEST_ITEMS, round(rate * minutes)))
    dense = round(DENSE_ITEMS * count / TRAIN_ITEMS) if has_development_data() else 0
    validation = OWN_VALIDATION_ITEMS if settings.folder else VALIDATION_ITEMS
    return {"validation": [range(validation)], "train": [range(count), range(DENSE_FROM, DENSE_FROM + dense)]}


def make(settings: Settings, workers: int) -> None:
    """Build what a run sees and isn't there yet: from nothing, 20 minutes of training want 17 GB.

    Raises
    ------
    TrainingError
        If there is nothing to build it from, or the disk is full.
    """
    origin = Origin(settings.licences, settings.folder)
    _tell_of_other_data(settings)
    _run([job for split, ranges in numbers_for(settings).items() for job in _jobs(split, ranges, origin)], workers)
    found = paths("train", settings)
    older = sum(not is_current(path) for path in found)
    if older:
        print(
            f"{older} of {len(found)} training items were built by an earlier version of the code and are used as "
            "they are; `python -m training.items --rebuild` makes them anew",
            flush=True,
        )


def _tell_of_other_data(settings: Settings) -> None:
    place = item_folder("train", settings.licences, settings.folder)
    if has_development_data() and not any(place.glob("*.npz")) and not (place / LISTING).exists():
        print(
            "the recordings, or their licences, have changed since training items were made: those are left alone, and "
            f"others are made in {place}",
            flush=True,
        )


def paths(split: str, settings: Settings) -> list[Path]:
    """Return the items that a run sees, in the order of their numbers."""
    place = item_folder(split, settings.licences, settings.folder)
    wanted = [place / f"{number:06d}.npz" for numbers in numbers_for(settings)[split] for number in numbers]
    there = {path.name for path in place.glob("*.npz")}
    return [path for path in wanted if path.name in there]


def build_missing(licences: str, workers: int) -> None:
    """Build all items of the development data that aren't there yet."""
    build_items("validation", range(VALIDATION_ITEMS), workers, licences)
    build_items("train", range(TRAIN_ITEMS), workers, licences)
    build_items("train", range(DENSE_FROM, DENSE_FROM + DENSE_ITEMS), workers, licences)


def remove_older(split: str, numbers: range, origin: Origin) -> int:
    """Remove the items of these numbers that earlier code built; how many there were."""
    place = item_folder(split, origin.licences, origin.folder)
    found = [place / f"{number:06d}.npz" for number in numbers]
    older = [path for path in found if path.exists() and not is_current(path)]
    for path in older:
        path.unlink()
    return len(older)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.items", description="Build training items.")
    parser.add_argument("--split", choices=("train", "validation"), default="train")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=2400)
    parser.add_argument("--workers", type=int, default=max(1, os.cpu_count() or 1))
    parser.add_argument("--data", choices=("clean", "all"), default="clean", help="licences to build from")
    parser.add_argument("--folder", type=Path, help="your own recordings: noise/ and music/ in it")
    parser.add_argument("--rebuild", action="store_true", help="make anew what earlier code built")
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.count)
    origin = Origin(arguments.data, arguments.folder)
    try:
        if arguments.rebuild:
            print(f"{remove_older(arguments.split, numbers, origin)} items of earlier code removed", flush=True)
        build_items(arguments.split, numbers, arguments.workers, origin)
    except TrainingError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
