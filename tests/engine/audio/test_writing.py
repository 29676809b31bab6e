"""An export is exactly what was asked for, or there is no export at all."""

from __future__ import annotations

import os
import resource
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import soundfile

from engine.audio.files import WRITE_FORMATS, FileInfo, WriteOptions, open_signal, write
from engine.audio.signal import ArraySignal, Samples, SilentSignal
from engine.errors import Cancelled, OutputError, OutputExistsError, UnsupportedFormatError, UsageError

SUFFIXES = [".wav", ".rf64", ".flac", ".aiff", ".caf", ".ogg", ".opus", ".mp3"]
LOSSLESS = [".wav", ".rf64", ".flac", ".aiff", ".caf"]


def noise(frames: int, channels: int = 2, rate: int = 44100, level: float = 0.1) -> ArraySignal:
    samples = level * np.random.default_rng(3).standard_normal((frames, channels))
    return ArraySignal(np.clip(samples, -1, 1).astype(np.float32), rate)


def like(tmp_path: Path, container: str, subtype: str, **more: Any) -> FileInfo:
    return FileInfo(tmp_path / "source", container, subtype, 44100, 2, 0, 0, **more)


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("frames", [0, 1, 4801])
def test_lengths_are_exact(tmp_path: Path, suffix: str, frames: int) -> None:
    signal = noise(frames, 2, 48000)
    path = tmp_path / f"out{suffix}"
    if frames == 0 and suffix in (".opus", ".mp3"):
        with pytest.raises(UnsupportedFormatError, match="zero samples: choose WAV"):
            write(signal, path)
        assert left_in(tmp_path) == []
        return
    report = write(signal, path)
    opened = open_signal(path)
    assert (opened.frames, opened.rate, opened.channels) == (frames, 48000, 2)
    assert (report.frames, report.rate, report.channels) == (frames, 48000, 2)
    assert report.path == path
    opened.close()


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("bits", [16, 24])
def test_samples_that_fit_the_depth_come_back_bit_for_bit(tmp_path: Path, suffix: str, bits: int) -> None:
    whole = np.random.default_rng(5).integers(-(1 << (bits - 1)), 1 << (bits - 1), (70_000, 2))
    given = (whole / (1 << (bits - 1))).astype(np.float32)
    path = tmp_path / f"out{suffix}"
    write(ArraySignal(given, 44100), path, WriteOptions(subtype=f"PCM_{bits}"))
    assert np.array_equal(soundfile.read(path, dtype="int32")[0] >> (32 - bits), whole)


def test_fewer_bits_are_dithered_except_where_nothing_is_lost(tmp_path: Path) -> None:
    step = 2.0**-15
    given = np.full((50_000, 1), 0.25 * step, dtype=np.float32)  # a quarter of a step: plain rounding loses it
    given[10_000:20_000] = 7 * step
    given[20_000:30_000] = 0
    path = tmp_path / "out.wav"
    write(ArraySignal(given, 44100), path, WriteOptions(subtype="PCM_16"))
    got = soundfile.read(path, dtype="int16", always_2d=True)[0]
    assert np.all(got[10_000:20_000] == 7), "exact samples pass"
    assert np.all(got[20_000:30_000] == 0), "silence stays silent"
    dithered = np.concatenate([got[:10_000], got[30_000:]]).astype(float)
    assert abs(dithered.mean() - 0.25) < 0.03, "dither keeps what lies below a step, on average"
    # Error power of TPDF dither: 1/12 of rounding and 2/12 of the dither = 1/4 step squared, whatever the sound.
    assert abs(np.mean((dithered - 0.25) ** 2) - 0.25) < 0.02
    write(ArraySignal(given, 44100), path, WriteOptions(subtype="PCM_16", dither=False, force=True))
    assert np.all(soundfile.read(path, dtype="int16")[0][:10_000] == 0)


def test_the_same_export_is_the_same_samples(tmp_path: Path) -> None:
    for name in ("a.flac", "b.flac"):
        write(noise(9000), tmp_path / name, WriteOptions(subtype="PCM_16"))
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
def test_depth_follows_the_source(tmp_path: Path, subtype: str) -> None:
    report = write(noise(1000), tmp_path / "out.wav", like=like(tmp_path, "WAV", subtype))
    assert report.subtype == subtype == soundfile.info(tmp_path / "out.wav").subtype


def test_a_float_source_in_flac_becomes_24_bits_and_says_so(tmp_path: Path) -> None:
    report = write(noise(1000), tmp_path / "out.flac", like=like(tmp_path, "WAV", "FLOAT"))
    assert (report.subtype, report.note) == ("PCM_24", "FLAC has no FLOAT, so PCM_24 was taken")


def test_a_name_without_ending_takes_the_format_of_the_source(tmp_path: Path) -> None:
    assert write(noise(1000), tmp_path / "out", like=like(tmp_path, "FLAC", "PCM_16")).format == "FLAC"
    with pytest.raises(UsageError, match="give it an ending"):
        write(noise(1000), tmp_path / "bare")
    with pytest.raises(UnsupportedFormatError, match=r"\.xyz can't be written: choose WAV"):
        write(noise(1000), tmp_path / "out.xyz")


def test_opus_takes_the_nearest_rate_and_says_so(tmp_path: Path) -> None:
    report = write(noise(44100), tmp_path / "out.opus")
    assert (report.rate, report.frames) == (48000, 48000)
    assert report.note == "Opus has no 44100 Hz, so 48000 Hz were taken"


@pytest.mark.parametrize(("rate", "taken"), [(96000, 48000), (88200, 44100), (192000, 48000), (44100, 44100)])
def test_mp3_takes_the_nearest_rate(tmp_path: Path, rate: int, taken: int) -> None:
    assert write(noise(rate // 2, rate=rate), tmp_path / "out.mp3").rate == taken


@pytest.mark.parametrize("channels", range(1, 10))
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_channels_that_do_not_fit_are_refused_with_the_formats_that_hold_them(
    tmp_path: Path, suffix: str, channels: int
) -> None:
    most = {".mp3": 2, ".opus": 8, ".flac": 8}.get(suffix, 99)
    path = tmp_path / f"out{suffix}"
    if channels > most:
        with pytest.raises(
            UnsupportedFormatError, match=f"at most {most} channels and this has {channels}: choose WAV"
        ):
            write(noise(500, channels, 48000), path)
        assert left_in(tmp_path) == []
    else:
        assert write(noise(500, channels, 48000), path).channels == channels == soundfile.info(path).channels


def test_another_rate_keeps_pitch_and_length(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100).astype(np.float32)[:, None] * 0.5
    report = write(ArraySignal(tone, 44100), tmp_path / "out.wav", WriteOptions(rate=48000, subtype="FLOAT"))
    got = soundfile.read(tmp_path / "out.wav")[0]
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)
    assert report.frames == 48000
    assert np.abs(got - expected)[2000:-2000].max() < 1e-5


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tags_are_copied_with_their_accents(tmp_path: Path, suffix: str) -> None:
    tags = {"title": "Čarostřelec – Ouvertüre", "artist": "Caruso", "comment": "1908"}
    write(noise(5000, 2, 48000), tmp_path / f"out{suffix}", like=like(tmp_path, "WAV", "PCM_16", tags=tags))
    found = open_signal(tmp_path / f"out{suffix}").info.tags
    if suffix == ".aiff":  # its text chunks are ASCII
        assert found["artist"] == "Caruso"
    else:
        assert {name: found[name] for name in tags} == tags


def test_mp3_tags_are_utf8_as_the_standard_says(tmp_path: Path) -> None:
    write(noise(5000), tmp_path / "out.mp3", WriteOptions(tags={"title": "Größe"}))
    head = (tmp_path / "out.mp3").read_bytes()[:64]
    assert head.startswith(b"ID3\x04\x00\x00")
    assert b"TIT2\0\0\0\x08\0\0\x03" + "Größe".encode() in head


def test_nothing_is_replaced_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    path.write_text("precious")
    with pytest.raises(OutputExistsError, match="exists already"):
        write(noise(100), path)
    assert path.read_text() == "precious"
    write(noise(100), path, WriteOptions(force=True))
    assert open_signal(path).frames == 100


@pytest.mark.parametrize("way", ["same", "hard link", "symbolic link", "relative"])
def test_the_source_is_never_overwritten_under_any_name(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(noise(1000), tmp_path / "source.wav")
    before = (tmp_path / "source.wav").read_bytes()
    source = open_signal(tmp_path / "source.wav")
    target = tmp_path / "other.wav"
    if way == "same":
        target = tmp_path / "source.wav"
    elif way == "hard link":
        target.hardlink_to(source.path)
    elif way == "symbolic link":
        target.symlink_to(source.path)
    else:
        monkeypatch.chdir(tmp_path)
        target = Path("source.wav")
    for signal in (source, noise(1000)):
        with pytest.raises(OutputExistsError, match="source itself"):
            write(signal, target, WriteOptions(force=True), like=source.info)
    assert (tmp_path / "source.wav").read_bytes() == before
    source.close()


def test_a_cancelled_or_failed_export_leaves_nothing(tmp_path: Path) -> None:
    calls = iter(range(100))

    def stop_at_third() -> None:
        if next(calls) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        write(noise(500_000), tmp_path / "out.wav", check=stop_at_third)
    broken = np.zeros((1000, 1), np.float32)
    broken[500] = np.nan
    with pytest.raises(OutputError, match="no number"):
        write(ArraySignal(broken, 44100), tmp_path / "out.wav")
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_appears_during_the_export_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    """With links not even if it appears after the last look; on a disk without them, up to that look."""
    real = os.fsync

    def late(descriptor: int) -> None:
        real(descriptor)
        (tmp_path / "out.wav").write_text("KEEP")

    def no_links(*given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if has_links:
        monkeypatch.setattr(Path, "exists", lambda path: False)
    else:
        monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(os, "fsync", late)
    with pytest.raises(OutputExistsError, match="appeared"):
        write(noise(1000), tmp_path / "out.wav")
    assert left_in(tmp_path) == ["out.wav"]
    assert (tmp_path / "out.wav").read_text() == "KEEP"


def test_a_disk_without_links_gets_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    write(noise(1000), tmp_path / "out.wav")
    assert left_in(tmp_path) == ["out.wav"]
    assert soundfile.info(tmp_path / "out.wav").frames == 1000


def test_who_may_read_a_replaced_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    write(noise(10), path)
    path.chmod(0o640)
    write(noise(20), path, WriteOptions(force=True))
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_failed_export_keeps_the_file_it_was_to_replace(tmp_path: Path) -> None:
    (tmp_path / "out.wav").write_text("precious")

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        write(noise(500), tmp_path / "out.wav", WriteOptions(force=True), check=stop)
    assert (tmp_path / "out.wav").read_text() == "precious"
    assert left_in(tmp_path) == ["out.wav"]


@pytest.mark.parametrize("what", ["folder", "no folder"])
def test_impossible_places_are_sentences(tmp_path: Path, what: str) -> None:
    target = tmp_path if what == "folder" else tmp_path / "none" / "out.wav"
    with pytest.raises(OutputError, match="is a folder" if what == "folder" else "there is no folder"):
        write(noise(10), target)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="may not be written"):
        write(noise(10), tmp_path / "out.wav")
    tmp_path.chmod(0o700)


def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage._replace(free=1_200_000_000))
    with pytest.raises(OutputError, match=r"out\.wav needs 4\.1 GB and .* has 1\.2 GB free: free some space"):
        write(SilentSignal(48000, 2, 3 * 3600 * 48000), tmp_path / "out.wav", WriteOptions(subtype="FLOAT"))
    assert left_in(tmp_path) == []


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Let no file grow beyond 100 kB, which looks to a writer like a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".aiff", ".mp3"])
@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_fills_up_while_writing_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(OutputError, match=rf"out\{suffix} .*(free some space|check the disk)"):
        write(noise(2_000_000), tmp_path / f"out{suffix}", WriteOptions(tags={"title": "x"}))
    assert left_in(tmp_path) == []


@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_filled_up_is_called_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """libsndfile only says `System error.`; here the disk has room when it is first looked at, and then none."""
    usage = shutil.disk_usage(tmp_path)
    free = [usage.free]
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage._replace(free=free.pop() if free else 0))
    with pytest.raises(OutputError, match=r"out\.flac can't be written \(the disk is full; 0\.0 MB free"):
        write(noise(2_000_000), tmp_path / "out.flac")


def test_a_file_that_does_not_read_back_is_not_delivered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = soundfile.SoundFile.write

    def forgetful(self: Any, data: Any) -> None:
        real(self, data * 0 if len(data) < 65536 else data)

    monkeypatch.setattr(soundfile.SoundFile, "write", forgetful)
    with pytest.raises(OutputError, match="isn't what was written"):
        write(noise(100_000), tmp_path / "out.wav")
    assert left_in(tmp_path) == []


def test_above_4_gib_a_wav_becomes_rf64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.audio.writing.WAV_LIMIT_BYTES", 100_000)
    report = write(noise(20_000), tmp_path / "out.wav")
    assert (report.format, soundfile.info(tmp_path / "out.wav").format) == ("RF64", "RF64")
    assert "RF64" in report.note
    assert (tmp_path / "out.wav").read_bytes()[:4] == b"RF64"
    opened = open_signal(tmp_path / "out.wav")
    assert (opened.frames, opened.info.note) == (20_000, "")
    opened.close()
    assert write(noise(10_000), tmp_path / "small.wav").format == "WAV"


def test_the_limit_of_a_wav_lies_at_4_gib_and_aiff_refuses_more(tmp_path: Path) -> None:
    hours = SilentSignal(96000, 2, 96000 * 3600 * 2 + 96000 * 300)  # 2 h 05 at 96 kHz, 24 bits, stereo
    with pytest.raises(UnsupportedFormatError, match=r"AIFF ends at 4 GiB and this needs 4\.0 GiB: choose WAV"):
        write(hours, tmp_path / "out.aiff")
    assert hours.frames * 6 > 0xFFFFFFFF


def test_overs_are_clipped_counted_and_said(tmp_path: Path) -> None:
    loud = np.array([[0.5], [1.5], [-2.0], [1.0], [-1.0]], dtype=np.float32)
    report = write(ArraySignal(loud, 44100), tmp_path / "out.wav", WriteOptions(subtype="PCM_16", dither=False))
    assert (report.overs, report.peak) == (2, 2.0)
    assert "2 samples above full scale were clipped (peak +6.0 dBFS)" in report.note
    assert "--subtype FLOAT" in report.note
    assert "lower the level" not in report.note
    assert soundfile.read(tmp_path / "out.wav", dtype="int16")[0].tolist() == [16384, 32767, -32768, 32767, -32768]
    kept = write(ArraySignal(loud, 44100), tmp_path / "float.wav", WriteOptions(subtype="FLOAT"))
    assert "the float file keeps them" in kept.note
    assert np.array_equal(soundfile.read(tmp_path / "float.wav", dtype="float32", always_2d=True)[0], loud)


def test_loudness_is_normalised_as_an_independent_meter_reads_it(tmp_path: Path) -> None:
    quiet = noise(44100 * 5, 2, 44100, 0.01)
    report = write(quiet, tmp_path / "out.wav", WriteOptions(subtype="FLOAT", loudness_lufs=-23.0))
    got, rate = soundfile.read(tmp_path / "out.wav")
    meter = pyloudnorm.Meter(rate, filter_class="DeMan")
    assert abs(meter.integrated_loudness(got) + 23.0) < 0.05
    assert abs(report.gain_db - 20 * np.log10(got[100, 0] / quiet.samples[100, 0])) < 1e-3


def test_the_ceiling_wins_over_loudness_and_says_so(tmp_path: Path) -> None:
    samples = noise(44100 * 5, 1, 44100, 0.01).samples.copy()
    samples[40_000] = 0.5
    report = write(ArraySignal(samples, 44100), tmp_path / "out.wav", WriteOptions(loudness_lufs=-14.0))
    assert -1.5 < 20 * np.log10(report.peak) < -0.9
    assert "louder would exceed -1 dBTP" in report.note
    silent = write(SilentSignal(44100, 1, 44100), tmp_path / "silent.wav", WriteOptions(loudness_lufs=-14.0))
    assert silent.gain_db == 0
    assert "too quiet or too short" in silent.note


def test_every_format_of_the_table_can_be_written_with_every_depth_it_promises(tmp_path: Path) -> None:
    for suffix, chosen in WRITE_FORMATS.items():
        for subtype in chosen.subtypes:
            path = tmp_path / f"{subtype}{suffix}"
            report = write(noise(3000, 1, 48000), path, WriteOptions(subtype=subtype))
            assert (report.subtype, soundfile.info(path).subtype) == (subtype, subtype)
            assert open_signal(path).frames == 3000
    with pytest.raises(UnsupportedFormatError, match="FLAC can't hold FLOAT: choose PCM_24"):
        write(noise(10), tmp_path / "x.flac", WriteOptions(subtype="FLOAT"))


def test_progress_grows_and_names_the_file(tmp_path: Path) -> None:
    seen: list[tuple[float, str]] = []
    write(noise(300_000), tmp_path / "out.wav", progress=lambda f, t: seen.append((f, t)))
    assert [f for f, _ in seen] == sorted(f for f, _ in seen)
    assert seen[-1][1] == "writing out.wav"


def test_the_header_of_a_wav_is_true(tmp_path: Path) -> None:
    write(noise(1000, 1), tmp_path / "out.wav", WriteOptions(subtype="PCM_16"))
    data = (tmp_path / "out.wav").read_bytes()
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8


class Slow:
    """A Signal whose reads are counted, to see that writing streams."""

    rate, channels, frames = 44100, 1, 1_000_000

    def __init__(self) -> None:
        self.longest = 0

    def read(self, start: int, stop: int) -> Samples:
        self.longest = max(self.longest, stop - start)
        return np.zeros((stop - start, 1), dtype=np.float32)


def test_writing_never_asks_for_more_than_a_few_seconds_at_once(tmp_path: Path) -> None:
    signal = Slow()
    write(signal, tmp_path / "out.wav")
    assert signal.longest <= 3 * 44100
