"""How real encoders take the upper band away for the scoreboard of Upsample: MP3 (LAME) and Opus, through libsndfile.

Unlike a filter, an encoder leaves a different top in every frame, and its own noise below. The target is the original.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import scipy.fft
import scipy.signal
import soundfile

from training.quality.cases import Material, Samples
from training.quality.contenders import Answer
from training.quality.measures.bandwidth import delay_frames
from training.quality.scoreboards.upsample_clips import valid_hz, with_room_above
from training.validation import Clip

ALIGNED: Final = 0.01  # frames: a decoder that is so near is on time
_FFT: Final = 4096
_PASSED: Final = 0.5  # of the amplitude: -6 dB
_ROUNDS: Final = 3  # the edge of the band over which a delay is taken moves a little with the delay


@dataclass(frozen=True)
class Codec:
    """An encoder's setting, in soundfile's words."""

    format: str
    subtype: str
    compression_level: float  # MP3: a tenth of LAME's V; Opus: 256 kbit/s at 0, 6 kbit/s a channel at 1
    bitrate_mode: Literal["VARIABLE"] | None
    shelf_hz: float  # of white noise: the highest that it lets through


# V7 ends at 15.2 kHz, V9 at 7.7 kHz; at 11 kbit/s Opus takes voices down to 8 kHz ("wideband").
CODECS: Final = {
    "mp3 V7": Codec("MP3", "MPEG_LAYER_III", 0.7, "VARIABLE", 15_200.0),
    "mp3 V9": Codec("MP3", "MPEG_LAYER_III", 0.9, "VARIABLE", 7_700.0),
    "opus 11k": Codec("OGG", "OPUS", 0.98, None, 8_000.0),
}


def coded(clip: Clip, seed: int, codec: str) -> Material:
    """Give a clip as an encoder leaves it, on the time of the original.

    MP3 comes back on time: LAME notes its delay of 1105 frames in the file, and libsndfile takes it away. Opus is a few
    frames off at low rates; that delay is measured over the kept band, to fractions of a frame, and taken away.
    The cutoff is that of this clip: the highest frequency at which half of its amplitude comes through.
    """
    given = through(clip.samples, clip.rate, CODECS[codec])
    highest_hz = valid_hz(clip)
    for _ in range(_ROUNDS):
        facts = {"cutoff_hz": passed_hz(clip.samples, given, clip.rate, highest_hz), "valid_hz": highest_hz}
        material = Material(given, clip.samples, clip.rate, given_rate=clip.rate, facts=facts)
        delay = delay_frames(material, Answer(given, clip.rate))
        if abs(delay) < ALIGNED:
            break
        given = earlier(given, delay)
    return material


def with_room(clips: Sequence[Clip], codec: str) -> list[Clip]:
    """Return the clips that hold something to be measured above the shelf of an encoder."""
    return with_room_above(clips, CODECS[codec].shelf_hz)


def through(samples: Samples, rate: int, codec: Codec) -> Samples:
    """Encode and decode; (samples,) of the same length.

    Raises
    ------
    ValueError
        If the decoder gives another rate or length.
    """
    file = io.BytesIO()
    soundfile.write(
        file, samples, rate, format=codec.format, subtype=codec.subtype,
        compression_level=codec.compression_level, bitrate_mode=codec.bitrate_mode,
    )  # fmt: skip
    file.seek(0)
    decoded, found = soundfile.read(file, dtype="float32")
    if (found, len(decoded)) != (rate, len(samples)):
        raise ValueError(f"{len(samples)} frames at {rate} Hz came back as {len(decoded)} at {found} Hz")
    return np.asarray(decoded, dtype=np.float32)


def passed_hz(target: Samples, given: Samples, rate: int, highest_hz: float) -> float:
    """Return the highest frequency, up to `highest_hz`, at which half of the amplitude comes through.

    What is in the given one and not of the target, such as the encoder's noise, falls out.
    """
    hertz, cross = scipy.signal.csd(target, given, fs=rate, nperseg=_FFT)
    _, power = scipy.signal.welch(target, fs=rate, nperseg=_FFT)
    return float(hertz[np.flatnonzero((np.abs(cross) >= _PASSED * power) & (hertz <= highest_hz))[-1]])


def earlier(samples: Samples, frames: float) -> Samples:
    """Return samples brought forward by a number of frames, a fraction included; zeros come in."""
    around = int(np.ceil(abs(frames))) + _FFT
    padded = np.pad(samples.astype(np.float64), around)
    spectrum = scipy.fft.rfft(padded)
    turns = 2.0 * np.pi * np.arange(len(spectrum)) / len(padded)
    moved = scipy.fft.irfft(spectrum * np.exp(1j * turns * frames), len(padded))
    return np.asarray(moved[around : around + len(samples)], dtype=np.float32)
