"""Makes the demo's two recordings again: `python -m engine.demo.make RECORDING.mp3 [FOLDER]`.

RECORDING is John Garner's BWV 1002, movement 7, as named in ATTRIBUTION.md. The aged recording is the clean one (as
written, after rounding to 16 bits) through Age with the values below.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from engine.audio.signal import ArraySignal, Samples, Span
from engine.tools.age import AGE
from engine.tools.age.knobs import PRESETS
from engine.tools.tool import Analysis, Value, complete

START_S: Final = 0.8  # the room before the first note lets the hiss be heard alone
SECONDS: Final = 24.0
FADE_S: Final = 0.6
RATE: Final = 44_100

# A transfer of a worn disc that Restore can do something about: no wow, no distortion, bandwidth nearly kept.
AGED: Final[dict[str, Value]] = {
    **PRESETS["Noisy transfer"],
    "seed": 1914,
    "hiss_level": 0.009,
    "clicks_level": 0.2,
}


def clean_from(recording: Path) -> Samples:
    """Return the excerpt in mono, faded out, on the steps of 16 bits; shape (frames, 1)."""
    samples, rate = soundfile.read(recording, dtype="float32", always_2d=True)
    if rate != RATE:
        raise SystemExit(f"{recording} has {rate} Hz instead of {RATE}: is it the right recording?")
    first = round(START_S * rate)
    mono = samples[first : first + round(SECONDS * rate)].mean(axis=1, keepdims=True)
    fade = round(FADE_S * rate)
    mono[-fade:] *= np.cos(np.linspace(0.0, np.pi / 2, fade, dtype=np.float32))[:, None] ** 2
    return _rounded(mono)


def aged_from(clean: Samples) -> Samples:
    """Return the excerpt through Age, on the steps of 16 bits."""
    signal = ArraySignal(clean, RATE)
    aged = AGE.render(signal, complete(AGE, AGED), Analysis(), {}, Span(0, signal.frames))
    if np.abs(aged).max() >= 1.0:
        raise SystemExit("the aged recording clips: lower clicks_level or take another seed")
    return _rounded(aged)


def _rounded(samples: Samples) -> Samples:
    return np.asarray(np.rint(samples * 32768.0) / 32768.0, dtype=np.float32)


def main(recording: Path, folder: Path) -> None:
    """Write `clean.flac` and `aged.flac` into `folder`."""
    clean = clean_from(recording)
    for name, samples in (("clean", clean), ("aged", aged_from(clean))):
        soundfile.write(folder / f"{name}.flac", samples, RATE, subtype="PCM_16", compression_level=1.0)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit("usage: python -m engine.demo.make RECORDING.mp3 [FOLDER]")
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent)
