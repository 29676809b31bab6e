"""A render from the cache is the render, and the cache never grows over its limit."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.notes import cache
from training.notes.cache import cached, cached_fluidsynth, render_cache
from training.notes.fluidsynth import library_version, render
from training.notes.note import Note, NoteList
from training.packing import presets
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


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The soundfonts that were rendered with, each render being noise; FluidSynth needn't be there."""
    fonts: list[Path] = []

    def noise(notes: NoteList, program: int, seconds: float, rate: int, soundfont: Path, **_: object) -> np.ndarray:
        fonts.append(soundfont)
        return Counted()()

    monkeypatch.setattr(cache, "render", noise)
    monkeypatch.setattr(cache, "library_version", lambda: "2.3.1")
    return fonts


def test_another_soundfont_of_the_same_name_size_and_time_is_another_sound(
    tmp_path: Path, rendered: list[Path]
) -> None:
    font, other = tmp_path / "font.sf2", tmp_path / "other.sf2"
    for path, content in ((font, b"one"), (other, b"two")):
        path.write_bytes(content)
        os.utime(path, ns=(10**18, 10**18))
    for _ in range(2):
        cached_fluidsynth(NOTES, 40, 1.0, soundfont=font)
    assert len(rendered) == 1
    other.replace(font)
    cached_fluidsynth(NOTES, 40, 1.0, soundfont=font)
    assert len(rendered) == 2


def test_another_fluidsynth_is_another_sound(
    tmp_path: Path, rendered: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "font.sf2").write_bytes(b"one")
    for version in ("2.3.1", "2.4.0", "2.3.1"):
        monkeypatch.setattr(cache, "library_version", lambda version=version: version)
        cached_fluidsynth(NOTES, 40, 1.0, soundfont=tmp_path / "font.sf2")
    assert len(rendered) == 2


@pytest.mark.usefixtures("fluid")
def test_the_version_is_that_of_the_library() -> None:
    if not shutil.which("fluidsynth"):
        pytest.skip("FluidSynth's program, which says its version, isn't here")
    said = subprocess.run(["fluidsynth", "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert f"FluidSynth runtime version {library_version()}" in said


def test_packed_notes_go_through_the_cache_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for level in (0.5, 0.25):  # packed anew, with another sound under the same list
        soundfile.write(tmp_path / "a.flac", level * np.sin(0.06 * np.arange(44_100 * 4)), 44_100)
        list_ = "path,program,pitch,velocity,held_seconds,is_struck\na.flac,40,69,0.5,3.0,0\n"
        (tmp_path / "presets.csv").write_text(list_, encoding="utf-8")
        monkeypatch.setenv("SHELLAC_PRESETS", str(tmp_path))
        presets.presets_of.cache_clear()
        presets._held.cache_clear()
        truth = presets.play(tmp_path, NOTES, 40, 1.0, 44_100)
        for _ in range(2):
            np.testing.assert_allclose(cached_fluidsynth(NOTES, 40, 1.0), truth, atol=1e-4)


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


def test_a_file_that_another_process_takes_away_meanwhile_is_no_full_disk(tmp_path: Path) -> None:
    (tmp_path / "x.4711.part").symlink_to(tmp_path / "gone")  # listed, and not there when it is asked for its size
    make = Counted()
    for _ in range(2):
        cached("x", make, 44_100, folder=tmp_path)
    assert make.calls == 1


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
