"""A person's own hiss and music, out of one folder.

`FOLDER/noise` holds noise alone, of any length from half a second on, at any rate, in any number of channels;
`FOLDER/music` holds recordings clean enough to be a target. Files that lie beside these two folders are transfers as
they come: of each, the passages of noise alone are found (lead-in, pauses, run-out). A `manifest.csv` in FOLDER takes
the place of all this: rows whose set is "noise" are noise, all others music. Its splits and licences count as those of
the development data do.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import scipy.signal

from training.data.auditing import Audit, audit, report
from training.data.decoded import RATE, Samples, cached_mono
from training.data.licences import licence_class
from training.data.manifest import NoRecordingsError, Recording, read_manifest, recordings, scan
from training.data.splits import SPLITS, VALIDATION_SHARE
from training.errors import TrainingError

SHORTEST_SECONDS: Final = 0.5  # of noise alone
NOISE: Final = "own_noise"
MUSIC: Final = "own_music"
TRANSFER: Final = "own_transfer"
_BLOCK: Final = round(0.05 * RATE)
_SILENT: Final = 1e-5  # RMS; -100 dBFS: digital silence and dither, no hiss
_SPREAD_DB: Final = 4.0  # of 50 ms blocks of hiss around their level: four standard deviations of coloured noise
_TONE_DB: Final = 15.0  # by which a partial sticks out of the smooth spectrum under it


@dataclass(frozen=True)
class Stretch:
    """A part of a recording, in samples of its decoded copy (44.1 kHz, mono); `end` -1: to its end."""

    recording: Recording
    begin: int = 0
    end: int = -1

    def samples(self) -> Samples:
        """The sound, read-only, shape (samples,)."""
        whole = cached_mono(self.recording)
        return whole[self.begin :] if self.end < 0 else whole[self.begin : self.end]

    @property
    def frames(self) -> int:
        """The length in samples."""
        return len(self.samples())


@dataclass(frozen=True)
class OwnFolder:
    """What was found in a folder, divided so that nothing is heard in both splits.

    But for noise that is one passage of less than a second: both splits hear it, and that is said.
    """

    folder: Path
    noise: tuple[tuple[Stretch, ...], tuple[Stretch, ...]]  # (train, validation)
    music: tuple[tuple[Stretch, ...], tuple[Stretch, ...]]
    left_out: Audit

    def noise_in(self, split: str) -> tuple[Stretch, ...]:
        """The noise of a split."""
        return self.noise[SPLITS.index(split)]

    def music_in(self, split: str) -> tuple[Stretch, ...]:
        """The music of a split."""
        return self.music[SPLITS.index(split)]

    def rows(self) -> tuple[Recording, ...]:
        """The recordings that are used, each once."""
        return tuple(dict.fromkeys(row for split in SPLITS for row in self.rows_in(split)))

    def rows_in(self, split: str) -> tuple[Recording, ...]:
        """The recordings of which a split hears at least a part, each once."""
        stretches = (*self.noise_in(split), *self.music_in(split))
        return tuple(dict.fromkeys(stretch.recording for stretch in stretches))

    def listing_digest(self) -> str:
        """What follows from the folder's contents: other files, another digest."""
        digest = hashlib.sha256()
        for row in sorted(self.rows(), key=lambda row: (row.set, row.path)):
            facts = row.file.stat()
            line = f"{row.set} {row.path} {row.split} {row.licence} {facts.st_size} {facts.st_mtime_ns}\n"
            digest.update(line.encode())
        return digest.hexdigest()[:8]


@lru_cache(maxsize=4)
def own_folder(folder: Path, licences: str = "clean") -> OwnFolder:
    """Read a folder; what can't be used is printed with a count.

    Parameters
    ----------
    folder
        Where it lies.
    licences
        "clean" or "all"; where a manifest states none, a recording is the person's own, and clean.

    Raises
    ------
    NoRecordingsError
        If nothing in it can be used.
    TrainingError
        If its manifest holds an unknown licence, one that wants its author named without naming him, or a piece in
        both splits.
    """
    rows = _rows(folder, licences)
    checked = audit(rows)
    good, bad = list(checked.good), list(checked.bad)
    noise, music = list[Stretch](), list[Stretch]()
    for row in good:
        found = [Stretch(row)] if row.set != TRANSFER else list(noise_passages(row))
        reason = _unfit(row, found)
        if reason:
            bad.append((row, reason))
        else:
            (music if row.set == MUSIC else noise).extend(found)
    left = {id(row) for row, _ in bad}
    left_out = Audit(tuple(row for row in good if id(row) not in left), tuple(bad))
    report(left_out)
    if not noise and not music:
        _refuse_unclean(folder, licences, rows)
        raise NoRecordingsError(
            f"nothing in {folder} can be used ({len(rows)} recordings found): put noise alone (0.5 s or longer) into "
            f"{folder / 'noise'}, clean recordings into {folder / 'music'}, or transfers with a lead-in beside them"
        )
    divided = _divided(noise)
    if noise and not divided[1]:
        _say_shared(folder, noise[0])
        divided = (divided[0], divided[0])
    return OwnFolder(folder, divided, _divided(music), left_out)


def noise_passages(row: Recording) -> Iterator[Stretch]:
    """Find where a transfer holds noise alone: 0.5 s or more near its lowest level, and without partials."""
    samples = np.asarray(cached_mono(row))
    count = len(samples) // _BLOCK
    if count * _BLOCK < SHORTEST_SECONDS * RATE:
        return
    high = scipy.signal.sosfilt(_HIGH_PASS, samples[: count * _BLOCK]).reshape(count, _BLOCK)
    rms = np.sqrt(np.mean(high.astype(np.float64) ** 2, axis=1))
    sounding = rms > _SILENT
    if not sounding.any():
        return
    floor = np.percentile(rms[sounding], 5.0)
    quiet = sounding & (rms < floor * 10.0 ** (_SPREAD_DB / 20.0))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    for begin, end in edges.reshape(-1, 2) * _BLOCK:
        stretch = Stretch(row, int(begin), int(end))
        if end - begin >= SHORTEST_SECONDS * RATE and not is_tonal(samples[begin:end]):
            yield stretch


def is_tonal(samples: Samples) -> bool:
    """Whether partials stick out of the spectrum above 300 Hz (below it, hum is part of the noise)."""
    hertz, power = scipy.signal.welch(samples, RATE, nperseg=4096)
    level = 10.0 * np.log10(power + 1e-20)
    smooth = scipy.ndimage.median_filter(level, size=41, mode="nearest")
    return bool((level - smooth)[(hertz > 300.0) & (hertz < 12_000.0)].max() > _TONE_DB)


_HIGH_PASS: Final = scipy.signal.butter(2, 100.0, "highpass", fs=RATE, output="sos")  # rumble isn't what is judged


def _rows(folder: Path, licences: str) -> tuple[Recording, ...]:
    if (folder / "manifest.csv").is_file():
        return tuple(
            replace(row, set=NOISE if row.set in ("noise", "surface_noise", NOISE) else MUSIC)
            for row in map(_named, (row for split in SPLITS for row in recordings(split, licences, folder)))
        )
    if not folder.is_dir():
        raise NoRecordingsError(f"there is no folder {folder}: name one that holds noise/ or music/")
    rows: list[Recording] = []
    for row in scan(folder):
        top = Path(row.path).parts[0].lower()
        rows.append(replace(row, set={"noise": NOISE, "music": MUSIC}.get(top, TRANSFER)))
    return tuple(rows)


def _named(row: Recording) -> Recording:
    if licence_class(row.licence, row.path).must_name_authors and not row.source:
        raise TrainingError(
            f"{row.path} stands under {row.licence}, which wants its author named, and the manifest names none: fill "
            "in its source_repository"
        )
    return row


def _refuse_unclean(folder: Path, licences: str, rows: Sequence[Recording]) -> None:
    listed = len(read_manifest(folder)) if licences == "clean" and not rows else 0
    if listed:
        raise NoRecordingsError(
            f"all {listed} recordings of {folder} stand under licences that keep weights from being sold: take "
            "--data all, or add recordings of your own"
        )


def _unfit(row: Recording, found: Sequence[Stretch]) -> str:
    if not found:
        return f"{row.path} holds no passage of noise alone (0.5 s or longer): cut one out and put it into noise/"
    if row.set == TRANSFER:
        return ""
    samples = found[0].samples()
    if row.set == NOISE and len(samples) < SHORTEST_SECONDS * RATE:
        return f"{row.path} lasts {len(samples) / RATE:.2f} s: noise must last 0.5 s or longer"
    if float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) < _SILENT:
        return f"{row.path} is silent: replace it"
    return ""


def _say_shared(folder: Path, noise: Stretch) -> None:
    if multiprocessing.parent_process() is None:
        print(
            f"the only noise in {folder} lasts {noise.frames / RATE:.2f} s, too short to be divided: validation hears "
            "the noise that is trained on; add another recording of it, or one of a second",
            file=sys.stderr, flush=True,
        )  # fmt: skip


def _divided(stretches: list[Stretch]) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """By the split of the recordings; where all are in one, the end of each is for validation."""
    sides = tuple(tuple(s for s in stretches if s.recording.split == split) for split in SPLITS)
    if not stretches or all(sides):
        return sides[0], sides[1]
    parts = [_cut(stretch) for stretch in stretches]
    train, validation = tuple(part[0] for part in parts), tuple(part[1] for part in parts if part[1])
    if validation or len(stretches) < 2:
        return train, validation
    return train[:-1], train[-1:]  # each too short to be cut: the last is for validation


def _cut(stretch: Stretch) -> tuple[Stretch, Stretch | None]:
    """Divide what lasts a second or more; neither part is shorter than the shortest noise."""
    frames, shortest = stretch.frames, round(SHORTEST_SECONDS * RATE)
    if frames < 2 * shortest:
        return stretch, None
    kept = min(round((1.0 - VALIDATION_SHARE) * frames), frames - shortest)
    middle, end = stretch.begin + kept, stretch.begin + frames
    return Stretch(stretch.recording, stretch.begin, middle), Stretch(stretch.recording, middle, end)
