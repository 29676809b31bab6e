"""The chunk store is a cache: bounded, shared by processes, and never trusted blindly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.audio.signal import Span
from engine.errors import OutputError
from engine.session.store import Chunk, ChunkStore

SPAN = Span(0, 1000)


def chunk(value: float) -> Chunk:
    return Chunk(np.full((1000, 2), value, dtype=np.float32), {"reasons": ["just so"]})


def test_a_chunk_comes_back_as_it_was(tmp_path: Path) -> None:
    ChunkStore(tmp_path, 1 << 20).shelf("ab").put(SPAN, chunk(0.5))
    shelf = ChunkStore(tmp_path, 1 << 20).shelf("ab")
    found = shelf.get(SPAN)
    assert found is not None
    assert np.array_equal(found.samples, chunk(0.5).samples)
    assert found.notes == shelf.notes(SPAN) == {"reasons": ["just so"]}
    assert shelf.present() == {SPAN}
    assert not found.samples.flags.writeable


@pytest.mark.parametrize("shape", [(0, 1), (1, 8), (3, 7)])
def test_odd_shapes_come_back_too(tmp_path: Path, shape: tuple[int, int]) -> None:
    ChunkStore(tmp_path, 1 << 20).shelf("ab").put(SPAN, Chunk(np.zeros(shape, np.float32), {}))
    found = ChunkStore(tmp_path, 1 << 20).shelf("ab").get(SPAN)
    assert found is not None
    assert found.samples.shape == shape


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    """Ten chunks of 8 kB into 50 kB: the first five are old, of these one was used meanwhile."""
    store = ChunkStore(tmp_path, 50_000, memory_bytes=0)
    for number in range(5):
        store.shelf(f"{number:02d}").put(SPAN, chunk(number))
    for age, path in enumerate(sorted(tmp_path.rglob("*.chunk"))):
        os.utime(path, (age, age))
    fresh = ChunkStore(tmp_path, 50_000, memory_bytes=0)
    assert fresh.shelf("00").get(SPAN) is not None
    for number in range(5, 8):
        fresh.shelf(f"{number:02d}").put(SPAN, chunk(number))
    kept = {path.parent.name for path in tmp_path.rglob("*.chunk")}
    assert fresh.size_bytes() <= 50_000
    assert "00" in kept
    assert "01" not in kept
    assert "07" in kept


def test_the_limit_holds_over_many_writes(tmp_path: Path) -> None:
    store = ChunkStore(tmp_path, 40_000)
    for number in range(60):
        store.shelf(f"{number:02d}").put(SPAN, chunk(number))
        assert store.size_bytes() <= 40_000 + 8_200


def test_a_removed_chunk_is_no_longer_present(tmp_path: Path) -> None:
    store = ChunkStore(tmp_path, 1 << 20)
    shelf = store.shelf("ab")
    shelf.put(SPAN, chunk(1))
    store.clear()
    assert shelf.present() == set()
    assert shelf.get(SPAN) is None


def test_files_of_others_are_no_chunks(tmp_path: Path) -> None:
    shelf = ChunkStore(tmp_path, 1 << 20).shelf("ab")
    shelf.put(SPAN, chunk(1))
    for name in ("x-y.chunk", "1-2", ".part", "-5-3.chunk"):
        (shelf.folder / name).write_bytes(b"")
    assert ChunkStore(tmp_path, 1 << 20).shelf("ab").present() == {SPAN}


def test_several_processes_share_a_folder(tmp_path: Path) -> None:
    """Three programs write and read the same chunks under a limit that makes them remove each other's."""
    program = """
import sys
import numpy as np
from pathlib import Path
from engine.audio.signal import Span
from engine.session.store import Chunk, ChunkStore
store = ChunkStore(Path(sys.argv[1]), 100_000, memory_bytes=0)
generator = np.random.default_rng(int(sys.argv[2]))
for _ in range(300):
    number = int(generator.integers(20))
    shelf = store.shelf(f"{number:02d}")
    found = shelf.get(Span(0, 1000))
    if found is None:
        shelf.put(Span(0, 1000), Chunk(np.full((1000, 2), number, np.float32), {}))
    else:
        assert found.samples.shape == (1000, 2) and (found.samples == number).all(), "another chunk's samples"
"""
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(seed)], stderr=subprocess.PIPE, text=True)
        for seed in range(3)
    ]
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in running]
    assert [code for _, code in ended] == [0, 0, 0], ended


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(OutputError, match="cache"):
        ChunkStore(blocked, 1 << 20).shelf("ab").put(SPAN, chunk(1))
