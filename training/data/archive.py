"""Reads archives of patches: random batches that follow from seed and step alone, whoever made the archive.

Our own (see `training.data.patches`) say what they were cut from. Others are taken as they are: every dataset of
the same number of patches, of shape (patches, length) or (patches, length, 1), such as `data` and `label`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from training.data.loader import picks_at
from training.errors import TrainingError

FORMAT: Final = "shellac patches 1"
_BLOCK: Final = 4096  # patches that `verify` reads at once


@dataclass(frozen=True)
class PatchArchive:
    """An archive that is whole; nothing stays open between two reads, so threads and processes may share it."""

    path: Path
    attributes: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]  # of each dataset, patches first
    offsets: Mapping[str, tuple[int, str]]  # of contiguous datasets: place in the file in bytes, and dtype

    @classmethod
    def open(cls, path: Path, maker: str = "") -> PatchArchive:
        """Read what an archive holds.

        Parameters
        ----------
        path
            Where it should lie.
        maker
            The module and the words that make it, for who has none; by default those that cut sound alone.

        Raises
        ------
        TrainingError
            If it is missing, cut off, damaged or holds no patches.
        """
        if not path.is_file():
            raise TrainingError(
                f"there is no archive {path}: make it with python -m {maker or f'training.data.patches {path}'}"
            )
        try:
            with h5py.File(path, "r") as file:
                attributes = {name: _plain(value) for name, value in file.attrs.items()}
                found = {name: item for name, item in file.items() if _is_array(item)}
                shapes = {name: tuple(item.shape) for name, item in found.items()}
                offsets = {name: place for name, item in found.items() if (place := _place(item))}
        except (OSError, RuntimeError, KeyError) as error:
            raise TrainingError(f"{path} is cut off or damaged ({error}): remove it and make it again") from error
        if len({shape[0] for shape in shapes.values()}) != 1 or max(map(len, shapes.values())) < 2:
            raise TrainingError(
                f"{path} holds no patches: datasets of shape (patches, length) and one number of patches are wanted, "
                f"found {shapes or 'none'}"
            )
        return cls(path, attributes, shapes, offsets)

    def __len__(self) -> int:
        return next(iter(self.shapes.values()))[0]

    @property
    def is_ours(self) -> bool:
        """Whether its attributes say what it was cut from."""
        return self.attributes.get("format") == FORMAT

    def expect(self, **wanted: object) -> None:
        """Refuse an archive that was cut otherwise, e.g. `expect(rate=16_000, split="train")`; see `is_ours`.

        Raises
        ------
        TrainingError
            If an attribute differs or, in an archive made elsewhere, isn't stated.
        """
        for name, value in wanted.items():
            stated = self.attributes.get(name, "not stated")
            if stated != value:
                raise TrainingError(f"{self.path}: its {name} is {stated}, this needs {value}: cut another archive")

    def read(self, name: str, picks: NDArray[np.int64] | Sequence[int]) -> NDArray[Any]:
        """Return some patches of one dataset in the order asked for; a last axis of 1 is dropped.

        Raises
        ------
        TrainingError
            If there is no such dataset.
        """
        if name not in self.shapes:
            raise TrainingError(f"{self.path} has no dataset {name!r}, but {', '.join(self.shapes)}")
        index = np.asarray(picks, dtype=np.int64)
        if name in self.offsets:
            offset, dtype = self.offsets[name]
            chosen = np.array(np.memmap(self.path, dtype, "r", offset, self.shapes[name])[index])
        else:
            unique, back = np.unique(index, return_inverse=True)
            with h5py.File(self.path, "r") as file:
                chosen = np.asarray(file[name][unique])[back]  # HDF5 reads rising indices only
        return chosen[..., 0] if chosen.ndim == 3 and chosen.shape[2] == 1 else chosen

    def batch(self, seed: int, step: int, size: int, names: Sequence[str] = ("data",)) -> dict[str, NDArray[Any]]:
        """Return the `size` patches of one step by dataset, in the order of `picks_at`.

        Raises
        ------
        TrainingError
            If there are fewer patches than one batch holds.
        """
        picks = picks_at(np.arange(len(self)), size, seed, step)
        return {name: self.read(name, picks) for name in names}

    def verify(self) -> None:
        """Compare the contents with the digests that were written with them.

        Raises
        ------
        TrainingError
            If they differ, or it was made elsewhere and has none.
        """
        with h5py.File(self.path, "r") as file:
            for name, shape in self.shapes.items():
                digest = hashlib.sha256()
                for first in range(0, shape[0], _BLOCK):
                    digest.update(np.ascontiguousarray(file[name][first : first + _BLOCK]).tobytes())
                if file[name].attrs.get("sha256", "") != digest.hexdigest():
                    raise TrainingError(f"{self.path}: {name!r} isn't what was written: remove it and make it again")

    def describe(self) -> str:
        """One line for a person."""
        first = next(name for name, shape in self.shapes.items() if len(shape) > 1)
        stated = ", ".join(f"{name} {self.attributes[name]}" for name in ("rate", "split", "licence") if self.is_ours)
        return f"{self.path}: {len(self)} patches of {self.shapes[first][1]} samples{', ' if stated else ''}{stated}"


def _is_array(item: object) -> bool:
    return isinstance(item, h5py.Dataset) and item.ndim > 0 and item.dtype.kind in "fiu"


def _place(dataset: h5py.Dataset) -> tuple[int, str] | None:
    """Where a contiguous dataset lies, so that it can be mapped; others are read through HDF5."""
    offset = dataset.id.get_offset() if dataset.chunks is None else None
    return (int(offset), dataset.dtype.str) if offset is not None else None


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
