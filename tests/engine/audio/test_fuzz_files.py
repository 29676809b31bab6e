"""Damaged files never crash the program: they open as far as they make sense, or give a sentence."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.audio.files import open_signal, read_info
from engine.errors import ShellacError
from engine.settings import Settings

KINDS = [
    ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("RF64", "PCM_24"), ("AIFF", "PCM_16"), ("CAF", "PCM_16"),
    ("CAF", "ALAC_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"),
]  # fmt: skip


@cache
def healthy(container: str, subtype: str) -> bytes:
    wave = 0.3 * np.sin(np.arange(3000) * 0.05).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound"
        soundfile.write(path, np.stack([wave, wave], axis=1), 48000, subtype=subtype, format=container)
        return path.read_bytes()


@cache
def healthy_m4a() -> bytes:
    av = pytest.importorskip("av")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.m4a"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=48000)
            stream.layout = "mono"
            for start in range(0, 8192, 1024):
                wave = 0.3 * np.sin(np.arange(start, start + 1024) * 0.05).astype(np.float32)[None]
                frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
                frame.rate, frame.pts = 48000, start
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path.read_bytes()


def try_to_open(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        path.write_bytes(data)
        for attempt in (read_info, lambda p: open_signal(p, Settings(cache_folder=Path(folder)))):
            try:
                found = attempt(path)
            except ShellacError:  # anything else fails the test
                continue
            if hasattr(found, "read"):
                samples = found.read(0, min(found.frames, 100_000))
                assert np.isfinite(samples).all()
                assert samples.shape[1] == found.channels >= 1
                found.close()


@pytest.mark.parametrize(("container", "subtype"), KINDS)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_damaged_file_opens_or_says_why(container: str, subtype: str, data: st.DataObject) -> None:
    content = bytearray(healthy(container, subtype))
    cut = data.draw(st.integers(0, len(content)), label="cut")
    # Damage in the first bytes meets the header, where it does most harm.
    places = st.one_of(st.integers(0, 120), st.integers(0, len(content) - 1))
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6), label="flips"):
        content[min(place, len(content) - 1)] = value
    try_to_open(bytes(content[:cut] if data.draw(st.booleans(), label="truncated") else content))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from(
        [b"RIFF\xff\xff\0\0WAVE", b"FORM\0\0\0\1AIFF", b"caff\0\1\0\0", b"fLaC", b"OggS", b"ID3\4", b"\xff\xfb\x90"]
    ),
    st.binary(max_size=600),
)
def test_noise_behind_a_true_beginning_opens_or_says_why(beginning: bytes, noise: bytes) -> None:
    try_to_open(beginning + noise)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=6), st.floats(0.1, 1))
def test_a_damaged_m4a_opens_or_says_why(flips: list[tuple[int, int]], share: float) -> None:
    content = bytearray(healthy_m4a())
    for place, value in flips:
        content[-1 - place % len(content)] = value  # the tables stand at the end
    content[:12] = healthy_m4a()[:12]
    try_to_open(bytes(content[: int(share * len(content))]) if share < 0.5 else bytes(content))
