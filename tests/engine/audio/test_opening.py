"""Whatever lies on somebody's disk opens with its true length, or gives one clear sentence."""

from __future__ import annotations

import builtins
import os
import shutil
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine.audio.files import OPEN_SUFFIXES, open_signal, read_info
from engine.audio.signal import Signal
from engine.errors import (
    Cancelled,
    InputError,
    MissingFileError,
    NonFiniteError,
    OutputError,
    UnreadableFileError,
    UnsupportedFormatError,
)
from engine.settings import Settings

LOSSLESS = [
    ("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"),
    ("RF64", "PCM_24"), ("W64", "PCM_16"), ("AIFF", "PCM_16"), ("AIFF", "PCM_24"), ("AIFF", "FLOAT"),
    ("CAF", "PCM_24"), ("CAF", "ALAC_16"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("AU", "PCM_16"),
]  # fmt: skip
LOSSY = [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]


def steps_of_8_bits(frames: int, channels: int, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return noise that every lossless format holds exactly."""
    whole = np.random.default_rng(seed).integers(-128, 128, (frames, channels))
    return (whole / 128).astype(np.float32)


def tone(frames: int, rate: int, channels: int = 1) -> np.ndarray[Any, np.dtype[np.float32]]:
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(frames) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def wav(path: Path, samples: Any, rate: int = 44100, subtype: str = "PCM_16", container: str = "WAV") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype, format=container)
    return path


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS)
def test_every_lossless_format_gives_the_samples_that_are_in_it(tmp_path: Path, container: str, subtype: str) -> None:
    given = steps_of_8_bits(10_001, 2)
    signal = open_signal(wav(tmp_path / "sound", given, 48000, subtype, container))
    assert isinstance(signal, Signal)
    assert (signal.rate, signal.channels, signal.frames) == (48000, 2, 10_001)
    assert (signal.info.container, signal.info.subtype, signal.info.note) == (container, subtype, "")
    assert np.array_equal(signal.read(0, 10_001), given)
    assert np.array_equal(signal.read(4321, 4322), given[4321:4322])
    assert signal.read(7, 7).shape == (0, 2)
    signal.close()


@pytest.mark.parametrize(("container", "subtype"), LOSSY)
@pytest.mark.parametrize("frames", [1, 4801, 100_000])
def test_lossy_formats_have_the_length_of_what_was_encoded(
    tmp_path: Path, container: str, subtype: str, frames: int
) -> None:
    given = tone(frames, 48000, 2)
    signal = open_signal(wav(tmp_path / "sound", given, 48000, subtype, container))
    assert signal.frames == frames
    assert signal.read(0, frames).shape == (frames, 2)
    if frames == 100_000:
        heard = signal.read(20_000, 80_000)
        assert np.abs(heard - given[20_000:80_000]).max() < 0.05, "no delay: a shifted tone would differ by 0.5"


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 88200, 96000, 176400, 192000])
@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_24"), ("FLAC", "PCM_24"), ("OGG", "VORBIS")])
def test_rates_from_8_to_192_khz(tmp_path: Path, rate: int, container: str, subtype: str) -> None:
    signal = open_signal(wav(tmp_path / "sound", tone(5000, rate), rate, subtype, container))
    assert (signal.rate, signal.frames) == (rate, 5000)
    signal.close()


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("CAF", "PCM_16")])
def test_one_to_eight_channels(tmp_path: Path, channels: int, container: str, subtype: str) -> None:
    given = steps_of_8_bits(3000, channels)
    signal = open_signal(wav(tmp_path / "sound", given, 44100, subtype, container))
    assert np.array_equal(signal.read(0, 3000), given)
    signal.close()


@pytest.mark.parametrize("container", ["WAV", "RF64", "AIFF", "CAF", "W64", "AU"])
def test_all_sixteen_bit_values_are_read_as_libsndfile_converts_them(tmp_path: Path, container: str) -> None:
    path = tmp_path / f"every.{container.lower()}"
    every = np.arange(-32_768, 32_768, dtype=np.int16)
    soundfile.write(path, np.stack([every, every[::-1]], axis=1), 44_100, "PCM_16", format=container)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    signal = open_signal(path)
    assert np.array_equal(signal.read(0, signal.frames), expected)
    assert np.array_equal(signal.read(301, 40_007), expected[301:40_007])


def test_what_is_read_cannot_be_changed(tmp_path: Path) -> None:
    signal = open_signal(wav(tmp_path / "a.wav", tone(100, 44100)))
    with pytest.raises(ValueError):
        signal.read(0, 10)[0] = 1
    with pytest.raises(ValueError):
        signal.read(0, 101)
    with pytest.raises(ValueError):
        signal.read(-1, 3)
    signal.close()


@pytest.mark.parametrize("container", ["WAV", "AIFF", "CAF", "RF64", "OGG"])
def test_a_recording_of_zero_frames_opens(tmp_path: Path, container: str) -> None:
    subtype = "VORBIS" if container == "OGG" else "PCM_16"
    signal = open_signal(wav(tmp_path / "sound", np.zeros((0, 1), np.float32), 44100, subtype, container))
    assert signal.frames == 0
    assert signal.read(0, 0).shape == (0, 1)
    signal.close()


@pytest.mark.parametrize("really", ["WAV", "FLAC", "OGG", "AIFF", "MP3"])
def test_a_mis_named_file_opens_and_says_what_it_is(tmp_path: Path, really: str) -> None:
    subtype = {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}.get(really, "PCM_16")
    ending = ".mp3" if really != "MP3" else ".wav"
    signal = open_signal(wav(tmp_path / f"song{ending}", tone(5000, 44100), 44100, subtype, really))
    assert signal.info.container == really
    assert f"really a {really}" in signal.info.note or f"really an {really}" in signal.info.note
    assert ending in signal.info.note
    signal.close()


@pytest.mark.parametrize("suffix", OPEN_SUFFIXES)
def test_text_under_any_name_is_refused_in_one_sentence(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"note{suffix}"
    path.write_text("Dear mother, the gramophone has arrived safely. " * 50)
    with pytest.raises(UnreadableFileError, match=f"note{suffix} is no sound file"):
        open_signal(path)


def test_an_empty_file_a_folder_and_a_missing_file_each_say_so(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(UnreadableFileError, match=r"empty\.wav is empty \(0 bytes\)"):
        open_signal(tmp_path / "empty.wav")
    with pytest.raises(MissingFileError, match="is a folder"):
        open_signal(tmp_path)
    with pytest.raises(MissingFileError, match="there is no file"):
        read_info(tmp_path / "gone.wav")
    with pytest.raises(MissingFileError):
        open_signal(tmp_path / "empty.wav" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = wav(tmp_path / "secret.wav", tone(10, 44100))
    path.chmod(0)
    with pytest.raises(MissingFileError, match="may not be read"):
        open_signal(path)


def test_zero_channels_are_refused_by_name(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", tone(100, 44100))
    data = bytearray(path.read_bytes())
    data[22:24] = b"\0\0"
    path.write_bytes(data)
    with pytest.raises(UnreadableFileError, match="0 channels"):
        open_signal(path)


@pytest.mark.parametrize(("container", "subtype"), [*LOSSLESS, *LOSSY])
def test_a_truncated_file_opens_as_far_as_it_goes_and_says_so(tmp_path: Path, container: str, subtype: str) -> None:
    rate, frames = 48000, 120_000
    given = tone(frames, rate, 2)
    given[:, 1] = steps_of_8_bits(frames, 1)[:, 0]  # so that it doesn't compress away
    path = wav(tmp_path / "sound", given, rate, subtype, container)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    signal = open_signal(path)
    assert signal.info.is_truncated
    assert "breaks off" in signal.info.note
    assert frames * 0.3 < signal.frames < frames * 0.6
    heard = signal.read(0, signal.frames)
    # The halves of 8-bit steps, and what lossy coding leaves of a tone.
    assert np.abs(heard[4000:-4000, 0] - given[4000 : signal.frames - 4000, 0]).max() < 0.2
    signal.close()


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_a_wav_whose_length_was_never_written_is_read_to_its_end(tmp_path: Path, length: int) -> None:
    given = steps_of_8_bits(5000, 1)
    path = wav(tmp_path / "stream.wav", given)
    data = bytearray(path.read_bytes())
    assert data[36:40] == b"data"
    data[4:8] = data[40:44] = struct.pack("<I", length)
    path.write_bytes(data)
    signal = open_signal(path)
    assert signal.frames == 5000
    assert np.array_equal(signal.read(0, 5000), given)
    signal.close()


def test_a_flac_that_does_not_know_its_length_is_decoded_to_its_end(tmp_path: Path) -> None:
    given = steps_of_8_bits(50_000, 1)
    path = wav(tmp_path / "stream.flac", given, 44100, "PCM_16", "FLAC")
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the 36 bits of the total in STREAMINFO; libsndfile then says SF_COUNT_MAX
    data[22:26] = bytes(4)
    path.write_bytes(data)
    assert soundfile.info(path).frames > 1 << 60
    signal = open_signal(path)
    assert np.array_equal(signal.read(0, signal.frames), given)
    assert not signal.info.is_truncated


def nan_file(path: Path, frames: int, *faults: tuple[int, int, int], subtype: str = "FLOAT") -> tuple[Path, Any]:
    """Write a ramp with NaN in (start, stop, channel) and return the sound ramp too."""
    ramp = np.linspace(-0.5, 0.5, frames, dtype=np.float32)
    samples = np.stack([ramp, -ramp], axis=1)
    broken = samples.copy()
    for i, (start, stop, channel) in enumerate(faults):
        broken[start:stop, channel] = (np.nan, np.inf, -np.inf)[i % 3]
    return wav(path, broken, 48000, subtype), samples


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_runs_of_nan_up_to_10_ms_are_bridged_and_listed(tmp_path: Path, subtype: str) -> None:
    path, ramp = nan_file(
        tmp_path / "a.wav", 300_000, (1000, 1480, 0), (262_100, 262_200, 1), (500, 501, 1), subtype=subtype
    )
    signal = open_signal(path)
    assert np.abs(signal.read(0, 300_000) - ramp).max() < 1e-6, "a bridged ramp is the ramp again"
    assert [tuple(r.span) for r in signal.repairs] == [(500, 501), (1000, 1480), (262_100, 262_200)]
    assert [r.channels for r in signal.repairs] == [(1,), (0,), (1,)]
    whole = signal.read(0, 300_000)
    for start, stop in [(1100, 1200), (0, 1001), (1479, 1481), (262_144, 262_150), (500, 501)]:
        assert np.array_equal(signal.read(start, stop), whole[start:stop])
    signal.close()


def test_faults_at_both_ends_are_bridged_to_silence(tmp_path: Path) -> None:
    path, _ = nan_file(tmp_path / "a.wav", 5000, (0, 10, 0), (4990, 5000, 1))
    signal = open_signal(path)
    heard = signal.read(0, 5000)
    assert np.isfinite(heard).all()
    assert [tuple(r.span) for r in signal.repairs] == [(0, 10), (4990, 5000)]
    signal.close()


@pytest.mark.parametrize("start", [0, 1000, 261_900, 299_519])
def test_a_longer_run_refuses_the_file_and_says_where(tmp_path: Path, start: int) -> None:
    path, _ = nan_file(tmp_path / "bad.wav", 300_000, (start, start + 481, 0))
    with pytest.raises(NonFiniteError, match=r"bad\.wav has samples that are no numbers"):
        open_signal(path)


def test_a_float_file_too_large_to_search_at_once_never_gives_a_nan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.audio.opening.SCAN_AT_ONCE_BYTES", 0)
    path, ramp = nan_file(tmp_path / "a.wav", 20_000, (1000, 1100, 0), (10_000, 11_000, 1))
    signal = open_signal(path)
    assert np.abs(signal.read(0, 9000) - ramp[:9000]).max() < 1e-6
    with pytest.raises(NonFiniteError):
        signal.read(10_500, 10_501)
    with pytest.raises(NonFiniteError):
        signal.scan()
    with pytest.raises(NonFiniteError):
        open_signal(path, thorough=True)
    signal.close()


def test_absurd_values_count_as_faults(tmp_path: Path) -> None:
    samples = np.zeros((1000, 1), np.float64)
    samples[500] = 1e300  # infinite in float32
    samples[600] = 1e30
    signal = open_signal(wav(tmp_path / "a.wav", samples, 44100, "DOUBLE"))
    assert np.array_equal(signal.read(0, 1000), np.zeros((1000, 1)))
    assert len(signal.repairs) == 2
    signal.close()


def test_a_compressed_file_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wav(tmp_path / "a.flac", steps_of_8_bits(9000, 2), 44100, "PCM_16", "FLAC")
    settings = Settings(cache_folder=tmp_path / "cache")
    first = open_signal(path, settings).read(0, 9000)
    copy = tmp_path / "copy.flac"
    shutil.copy(path, copy)
    monkeypatch.setattr("engine.audio.opening._next_block", lambda file: pytest.fail("decoded again"))
    assert np.array_equal(open_signal(path, settings).read(0, 9000), first)
    assert np.array_equal(open_signal(copy, settings).read(0, 9000), first), "a copy is the same recording"


def test_the_decoded_copies_stay_under_their_limit_and_the_oldest_leaves(tmp_path: Path) -> None:
    settings = Settings(cache_folder=tmp_path / "cache", decoded_limit_bytes=100_000)
    opened = []
    for i in range(4):
        path = wav(tmp_path / f"{i}.flac", steps_of_8_bits(10_000, 1, seed=i), 44100, "PCM_16", "FLAC")
        opened.append(open_signal(path, settings))
        for age, facts in enumerate(sorted((tmp_path / "cache" / "decoded").glob("*.json"), key=os.path.getmtime)):
            os.utime(facts, (1000 + 10 * i + age, 1000 + 10 * i + age))
    kept = sum(p.stat().st_size for p in (tmp_path / "cache" / "decoded").glob("*.f32"))
    assert 0 < kept <= 100_000
    for i, signal in enumerate(opened):
        assert np.array_equal(signal.read(0, 10_000), steps_of_8_bits(10_000, 1, seed=i)), "an open one stays readable"


@pytest.mark.parametrize("harm", ["facts", "samples", "gone"])
def test_a_damaged_decoded_copy_is_made_again(tmp_path: Path, harm: str) -> None:
    given = steps_of_8_bits(9000, 1)
    path = wav(tmp_path / "a.flac", given, 44100, "PCM_16", "FLAC")
    settings = Settings(cache_folder=tmp_path / "cache")
    open_signal(path, settings)
    facts, samples = (next((tmp_path / "cache" / "decoded").glob(f"*.{end}")) for end in ("json", "f32"))
    if harm == "facts":
        facts.write_text('{"frames": ')
    elif harm == "samples":
        samples.write_bytes(samples.read_bytes()[:-4])
    else:
        samples.unlink()
    assert np.array_equal(open_signal(path, settings).read(0, 9000), given)


def test_a_cancelled_decoding_leaves_nothing(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.flac", steps_of_8_bits(9000, 1), 44100, "PCM_16", "FLAC")

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        open_signal(path, Settings(cache_folder=tmp_path / "cache"), check=stop)
    assert not list((tmp_path / "cache" / "decoded").iterdir())


def test_a_full_disk_is_said_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wav(tmp_path / "a.flac", steps_of_8_bits(90_000, 1), 44100, "PCM_16", "FLAC")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage._replace(free=1000))
    with pytest.raises(OutputError, match=r"decoding needs 0\.4 MB .*, 0\.0 MB are free: free some space"):
        open_signal(path)


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.flac", steps_of_8_bits(9000, 1), 44100, "PCM_16", "FLAC")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="can't be kept"):
        open_signal(path, Settings(cache_folder=tmp_path / "file"))


def test_a_file_that_vanishes_or_shrinks_while_open_is_a_sentence(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", tone(50_000, 44100))
    signal = open_signal(path)
    os.truncate(path, 1000)
    with pytest.raises(MissingFileError, match="can't be read any more"):
        signal.read(40_000, 50_000)
    path.unlink()
    with pytest.raises(MissingFileError):
        signal.read(40_000, 50_000)
    signal.close()


def test_several_threads_read_the_same_file_at_once(tmp_path: Path) -> None:
    given = steps_of_8_bits(200_000, 2)
    signal = open_signal(wav(tmp_path / "a.wav", given))
    wrong: list[int] = []

    def read(seed: int) -> None:
        for start in np.random.default_rng(seed).integers(0, 190_000, 200).tolist():
            if not np.array_equal(signal.read(start, start + 5000), given[start : start + 5000]):
                wrong.append(start)

    threads = [threading.Thread(target=read, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    signal.close()


def test_the_fingerprint_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", steps_of_8_bits(900_000, 1))
    print_ = open_signal(path).fingerprint
    shutil.copy(path, tmp_path / "b.wav")
    os.utime(tmp_path / "b.wav", (5, 5))
    assert open_signal(tmp_path / "b.wav").fingerprint == print_
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert open_signal(path).fingerprint != print_


def test_tags_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    with soundfile.SoundFile(path, "w", 44100, 1, "PCM_16") as file:
        file.title, file.artist = "Der Lindenbaum", "Dvořák"
        file.write(tone(100, 44100))
    assert dict(read_info(path).tags) == {"title": "Der Lindenbaum", "artist": "Dvořák"}


def m4a(path: Path, samples: Any, rate: int) -> Path:
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate)
        stream.layout = "stereo"
        container.metadata["title"] = "Märchen"
        for start in range(0, len(samples), 1024):
            planes = np.ascontiguousarray(samples[start : start + 1024].T)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
            frame.rate, frame.pts = rate, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("frames", [4801, 132_300])
def test_m4a_has_its_exact_length_and_no_delay(tmp_path: Path, frames: int) -> None:
    given = tone(frames, 44100, 2)
    path = m4a(tmp_path / "a.m4a", given, 44100)
    signal = open_signal(path)
    assert (signal.frames, signal.rate, signal.channels) == (frames, 44100, 2)
    assert (signal.info.container, signal.info.subtype, signal.info.tags["title"]) == ("M4A", "AAC", "Märchen")
    assert np.abs(signal.read(2000, frames - 2000) - given[2000:-2000]).max() < 0.05
    path.rename(tmp_path / "a.wav")
    assert "really an M4A" in open_signal(tmp_path / "a.wav").info.note


def test_a_truncated_m4a_and_a_broken_one_are_sentences(tmp_path: Path) -> None:
    path = m4a(tmp_path / "a.m4a", tone(50_000, 44100, 2), 44100)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"a\.m4a"):
        open_signal(path)


def test_without_the_extra_codecs_m4a_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(500))
    real = builtins.__import__

    def without_av(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(UnsupportedFormatError, match=r"needs the extra `codecs`.*pip install 'shellac\[codecs\]'"):
        open_signal(path)


def test_real_recordings_open(development_data: Path) -> None:
    files = [p for p in sorted(development_data.rglob("*")) if p.suffix in (".mp3", ".ogg", ".opus")]
    for path in {p.suffix: p for p in files}.values():
        signal = open_signal(path)
        assert signal.frames > 0.2 * signal.rate
        assert not signal.info.is_truncated, path
        assert float(np.abs(signal.read(0, signal.frames)).max()) > 0.01
