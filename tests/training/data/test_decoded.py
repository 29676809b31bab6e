"""A decoded copy is the recording at the rate and width asked for, and never that of an earlier file."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from scipy.signal import resample_poly

from tests.training.data.recordings_on_disk import tone, write
from training.data import resampling
from training.data.decoded import UnreadableError, cached, cached_mono, read_header, read_mono, read_stereo
from training.data.manifest import Recording
from training.errors import TrainingError


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))


def recording(path: Path, rate: int = 44_100) -> Recording:
    return Recording(path.name, "own", "train", rate, 1.0, "own", "", 20_000.0, "", folder=path.parent)


def test_mono_is_the_mean_of_the_channels_at_the_rate_asked_for(tmp_path: Path) -> None:
    left, right = tone(1.0, 440.0, 48_000), tone(1.0, 1000.0, 48_000)
    row = recording(write(tmp_path / "two.flac", np.stack([left, right], axis=1), 48_000), 48_000)
    np.testing.assert_allclose(read_mono(row, 48_000), (left + right) / 2, atol=4e-5)  # a 16-bit step is 3e-5
    mono = read_mono(row, 22_050)
    assert mono.shape == (22_050,)
    # Another library's resampling; both are flat here, apart from the edges.
    other = resample_poly((left + right) / 2, 147, 320)
    np.testing.assert_allclose(mono[500:-500], other[500:-500], atol=2e-3)


def test_stereo_of_a_mono_file_is_the_same_twice_and_of_four_channels_the_first_two(tmp_path: Path) -> None:
    one = recording(write(tmp_path / "one.wav", tone(0.2)))
    np.testing.assert_array_equal(*read_stereo(one).T)
    four = np.stack([tone(0.2, hertz) for hertz in (200.0, 300.0, 400.0, 500.0)], axis=1)
    stereo = read_stereo(recording(write(tmp_path / "four.wav", four)))
    np.testing.assert_allclose(stereo, four[:, :2], atol=4e-5)


def test_the_cached_copy_equals_the_decoded_one_and_cant_be_written_to(tmp_path: Path) -> None:
    row = recording(write(tmp_path / "a.wav", tone(0.5)))
    np.testing.assert_array_equal(cached_mono(row, 16_000), read_mono(row, 16_000))
    np.testing.assert_array_equal(cached(row, 16_000, 2), read_stereo(row, 16_000))
    with pytest.raises(ValueError, match="read-only"):
        cached_mono(row)[0] = 1.0


def test_a_changed_file_is_decoded_again_and_its_old_copy_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "a [1].wav", tone(0.5))
    before = np.array(cached_mono(recording(path)))
    write(path, -tone(0.5))  # as long as before
    np.testing.assert_allclose(cached_mono(recording(path)), -before, atol=4e-5)
    assert len(list((tmp_path / "runs" / "cache" / "decoded").iterdir())) == 1


def test_other_sound_of_the_same_size_and_time_is_decoded_too(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(3.0))
    before, facts = np.array(cached_mono(recording(path))), path.stat()
    other = write(tmp_path / "other.wav", np.append(tone(3.0)[:-500], np.zeros(500)))
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert other.stat().st_size == facts.st_size
    other.replace(path)
    after = cached_mono(recording(path))
    np.testing.assert_array_equal(after[:-500], before[:-500])
    assert not after[-500:].any()


def test_a_copy_of_one_resampler_is_never_taken_for_that_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("soxr")
    row = recording(write(tmp_path / "a.wav", tone(0.5, rate=48_000), 48_000), 48_000)
    with_soxr = np.array(cached_mono(row))
    monkeypatch.setattr(resampling, "has_soxr", lambda: False)
    without = np.array(cached_mono(row))
    np.testing.assert_array_equal(without, read_mono(row))
    assert not np.array_equal(without, with_soxr)


def test_files_of_one_name_in_two_folders_are_kept_apart(tmp_path: Path) -> None:
    rows = [recording(write(tmp_path / place / "a.wav", tone(0.2, hertz))) for place, hertz in (("x", 300), ("y", 500))]
    copies = [np.array(cached_mono(row)) for row in rows]
    assert np.abs(copies[0] - copies[1]).max() > 0.1


def test_what_cant_be_read_is_said_with_its_name(tmp_path: Path) -> None:
    good = write(tmp_path / "good.flac", tone(3.0) + 0.1 * np.random.default_rng(0).standard_normal(3 * 44_100))
    cut = tmp_path / "cut.flac"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    text = tmp_path / "text.wav"
    text.write_text("no audio")
    for path, said in (
        (tmp_path / "none.wav", "none.wav is missing: put it back"),
        (text, "text.wav can't be read as audio"),
        (cut, "cut.flac is"),
        (write(tmp_path / "empty.wav", np.zeros(0)), "empty.wav is empty"),
    ):
        with pytest.raises(UnreadableError, match=said):
            read_mono(recording(path))


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "nan.wav"
    soundfile.write(path, np.array([0.0, np.nan, 0.5]), 44_100, subtype="FLOAT")
    with pytest.raises(UnreadableError, match="no numbers"):
        read_mono(recording(path))


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = recording(write(tmp_path / "a.wav", tone(0.5)))

    def full(file: Any, array: Any) -> NoReturn:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(np, "save", full)
        with pytest.raises(TrainingError, match="is full: what was finished is kept; make room"):
            cached_mono(row)
    assert not list((tmp_path / "runs" / "cache" / "decoded").iterdir())
    assert len(cached_mono(row)) == 22_050


def test_a_header_says_rate_channels_and_length(tmp_path: Path) -> None:
    header = read_header(write(tmp_path / "a.wav", np.zeros((4800, 2)), 48_000))
    assert (header.rate, header.channels, header.seconds) == (48_000, 2, 0.1)
