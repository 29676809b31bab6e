"""A render from the cache is the render, and the cache never grows over its limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.notes import cache
from training.notes.cache import cached, cached_fluidsynth, render_cache
from training.notes.fluidsynth import render
from training.notes.note import Note
from training.recipe import TrainingError

NOTES = (Note(0.0, 0.5, 69), Note(0.3, 0.4, 72))


class Counted:
    """A renderer of noise that knows how often it was asked."""

    def __init__(self, shape: tuple[int, ...] = (2000, 2), level: float = 0.1) -> None:
        self.calls = 0
        self.sound = (level * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)

    def __call__(self) -> np.ndarray:
        self.calls += 1
        return self.sound


@pytest.mark.parametrize("shape", [(2000,), (2000, 1), (2000, 2)])
@pytest.mark.parametrize("level", [1e-4, 0.1, 5.0])
def test_a_hit_equals_the_miss_to_the_bit_and_the_render_to_16_bits(shape: tuple[int, ...], level: float) -> None:
    make = Counted(shape, level)
    miss, hit = (cached("x", make, 44_100) for _ in range(2))
    assert make.calls == 1
    assert hit.shape == shape
    assert hit.dtype == np.float32
    np.testing.assert_array_equal(hit, miss)
    # Full scale is the next power of two above the peak: half a step of 2 * peak / 32767 at most.
    assert np.abs(miss - make.sound).max() <= 2.0 * np.abs(make.sound).max() / 32_767 * 0.51


@pytest.mark.usefixtures("fluid")
def test_fluidsynth_through_the_cache_is_fluidsynth() -> None:
    direct = render(NOTES, 40, 1.0)
    first, second = (cached_fluidsynth(NOTES, 40, 1.0) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert 10 * np.log10(np.mean(direct**2) / np.mean((first - direct) ** 2)) > 65.0
    assert len(list(render_cache().iterdir())) == 1
    cached_fluidsynth(NOTES, 41, 1.0)
    cached_fluidsynth(NOTES[:1], 40, 1.0)
    cached_fluidsynth(NOTES, 40, 1.0, cents=5.0)
    assert len(list(render_cache().iterdir())) == 4


def test_other_content_is_another_sound() -> None:
    make = Counted()
    cached("one", make, 44_100)
    cached("other", make, 44_100)
    assert make.calls == 2


@pytest.mark.parametrize("damage", [b"", b"fLaC", b"not a sound at all"])
def test_a_damaged_file_is_made_again(damage: bytes) -> None:
    make = Counted()
    whole = cached("x", make, 44_100)
    (path,) = render_cache().iterdir()
    path.write_bytes(damage)
    np.testing.assert_array_equal(cached("x", make, 44_100), whole)
    assert make.calls == 2
    np.testing.assert_array_equal(cached("x", make, 44_100), whole)
    assert make.calls == 2


def test_a_truncated_file_is_made_again() -> None:
    make = Counted((60_000, 2))
    whole = cached("x", make, 44_100)
    (path,) = render_cache().iterdir()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    np.testing.assert_array_equal(cached("x", make, 44_100), whole)
    assert make.calls == 2


def test_silence_and_nothing_are_kept_too() -> None:
    for frames in (0, 100):
        sound = cached(f"{frames}", lambda frames=frames: np.zeros((frames, 2), dtype=np.float32), 44_100)
        assert sound.shape == (frames, 2)
        assert not sound.any()


def test_the_oldest_render_goes_when_the_folder_is_full(tmp_path: Path) -> None:
    import os

    folder, limit = tmp_path / "renders", 60_000  # seven of about 8 kB fit
    for number in range(20):
        cached(f"{number}", Counted(), 44_100, folder=folder, limit_bytes=limit)
        for path in folder.iterdir():
            os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - 10**9))
    assert sum(path.stat().st_size for path in folder.iterdir()) <= limit
    last = Counted()
    cached("19", last, 44_100, folder=folder, limit_bytes=limit)
    assert last.calls == 0
    first = Counted()
    cached("0", first, 44_100, folder=folder, limit_bytes=limit)
    assert first.calls == 1


def test_a_disk_that_refuses_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"can't be kept in .*file/renders"):
        cached("x", Counted(), 44_100, folder=tmp_path / "file" / "renders")


def test_an_interrupted_write_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.soundfile.SoundFile, "write", no_space)
    with pytest.raises(TrainingError, match="No space left"):
        cached("x", Counted(), 44_100)
    assert not list(render_cache().iterdir())
