"""`shellac measure`: the figures of one recording, or of B against A, which is taken for the truth."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.audio.signal import Samples, Signal, blocks, check_span
from engine.cli import say
from engine.cli.progress import interruptibly, shown
from engine.cli.targets import check_target
from engine.errors import EmptyRecordingError, OutputError
from engine.settings import Settings
from engine.tools.tool import Job

if TYPE_CHECKING:
    from engine.audio.files import FileSignal

SEED_RATE = 16_000
WAVES, SPECTRA = "audio_comparison.png", "spectrogram_comparison.png"


@dataclass(frozen=True)
class Head:
    """The first frames of a Signal, its channels averaged where `is_mono`."""

    signal: Signal
    frames: int
    is_mono: bool = False

    @property
    def rate(self) -> int:
        return self.signal.rate

    @property
    def channels(self) -> int:
        return 1 if self.is_mono else self.signal.channels

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        samples = self.signal.read(start, stop)
        return samples.mean(axis=1, keepdims=True, dtype=np.float32) if self.is_mono else samples


def measure_command(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    if arguments.plots is not None:
        for name in (WAVES, SPECTRA):  # before the work, not after
            check_target(arguments.plots / name, arguments.force)
    with shown("Measure", arguments.quiet) as job:
        found = interruptibly(job, lambda: measure(arguments, job))
    if arguments.json:
        say.out_json(found)
    else:
        _print(found)
    return 0


def measure(arguments: argparse.Namespace, job: Job) -> dict[str, Any]:
    """Return the figures as JSON values.

    Raises
    ------
    InputError
        If a recording can't be read or is empty.
    """
    settings = Settings(threads=arguments.threads or Settings().threads)
    with ExitStack() as stack:
        a = _open(arguments.a, settings, job, stack)
        if arguments.b is None:
            if arguments.plots is not None:
                _plots(a, a, arguments.plots, job)
            return {"a": _one(a, job)}
        b = _open(arguments.b, settings, job, stack)
        out: dict[str, Any] = {"a": _one(a, job.part(0.1, 0.4)), "b": _one(b, job.part(0.4, 0.7))}
        if arguments.protocol == "seed":
            out["seed"] = seed_protocol(a, b, job.part(0.7, 0.9))
        else:
            out["b_against_a"] = _against(a, b)
        if arguments.plots is not None:
            _plots(a, b, arguments.plots, job.part(0.9, 1.0))
        return out


def _open(path: Path, settings: Settings, job: Job, stack: ExitStack) -> FileSignal:
    from engine.audio.files import open_signal

    signal = stack.enter_context(closing(open_signal(path, settings, job.check)))
    if signal.frames == 0:
        raise EmptyRecordingError(f"{path} is empty (0 frames of sound)", "choose a recording with sound in it")
    return signal


def _one(signal: FileSignal, job: Job) -> dict[str, Any]:
    from engine.measure import summary

    job.progress(0.0, signal.info.path.name)
    return {
        "file": str(signal.info.path),
        "rate": signal.rate,
        "channels": signal.channels,
        "frames": signal.frames,
        "seconds": signal.frames / signal.rate,
        "note": signal.info.note,
        **_plain(summary(signal)),
    }


def _against(a: Signal, b: Signal) -> dict[str, Any]:
    from engine.measure import compare

    first, second = same_format(a, b)
    return _plain(compare(first, second)) | {"compared_seconds": first.frames / first.rate}


def same_format(a: Signal, b: Signal, rate: int | None = None, is_mono: bool = False) -> tuple[Signal, Signal]:
    """Return both with one rate (A's by default), the shorter length, and mono where their channels differ."""
    from engine.audio.resample import ResampledSignal

    wanted = rate or a.rate
    signals: list[Signal] = [s if s.rate == wanted else ResampledSignal(s, wanted) for s in (a, b)]
    frames = min(signal.frames for signal in signals)
    mono = is_mono or a.channels != b.channels
    first, second = (Head(signal, frames, mono and signal.channels > 1) for signal in signals)
    return first, second


def seed_protocol(a: Signal, b: Signal, job: Job) -> dict[str, Any]:
    """Return SNR, MSE and correlation as the seed system measured them, beside controls that show what they are worth.

    16 kHz mono, shorter length, no alignment. The controls: silence, B at half volume, and B at the best gain, which
    with a correlation r reaches -10 log10(1 - r^2) dB (specs/restore.md §2).
    """
    first, second = same_format(a, b, SEED_RATE, is_mono=True)
    count = max(1, first.frames)
    aa = bb = ab = sum_a = sum_b = 0.0
    for block in blocks(first.frames, 1 << 18):
        job.progress(block.start / count, "seed protocol")
        x, y = (s.read(*block).astype(np.float64) for s in (first, second))
        aa, bb, ab = aa + float((x * x).sum()), bb + float((y * y).sum()), ab + float((x * y).sum())
        sum_a, sum_b = sum_a + float(x.sum()), sum_b + float(y.sum())
    spread = math.sqrt(max(0.0, aa - sum_a**2 / count) * max(0.0, bb - sum_b**2 / count))
    best = ab / bb if bb else 0.0

    def error(gain: float) -> float:
        return max(0.0, aa - 2 * gain * ab + gain * gain * bb)

    def snr_db(gain: float) -> float | None:
        left = error(gain)
        return 10 * math.log10(aa / left) if aa and left else None

    return {
        "snr_db": snr_db(1.0),
        "mse": error(1.0) / count,
        "correlation": (ab - sum_a * sum_b / count) / spread if spread else None,
        "controls": {
            "silence_snr_db": snr_db(0.0),
            "half_volume_snr_db": snr_db(0.5),
            "best_gain": best,
            "best_gain_snr_db": snr_db(best),
        },
    }


def _plots(a: Signal, b: Signal, folder: Path, job: Job) -> None:
    from engine.session.picture import before_after

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {folder} can't be made ({error.strerror})", "choose another place") from error
    names = ("A", "B")
    before_after(a, b, folder / WAVES, "Waveforms", names, "waveforms", job.part(0.0, 0.5))
    before_after(a, b, folder / SPECTRA, "Spectrograms", names, "spectrograms", job.part(0.5, 1.0))


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures that JSON can hold: what isn't finite becomes null."""
    out: dict[str, Any] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            out[name] = _plain(value)
        elif isinstance(value, (float, np.floating)):
            out[name] = float(value) if math.isfinite(value) else None
        elif isinstance(value, (np.integer, np.bool_)):
            out[name] = value.item()
        elif isinstance(value, (list, tuple, np.ndarray)):
            out[name] = [_plain({"": entry})[""] for entry in value]
        else:
            out[name] = value
    return out


def _print(found: Mapping[str, Any]) -> None:
    for part, figures in found.items():
        say.out(f"{part.replace('_', ' ')}:")
        say.out(say.table([(name.replace("_", " "), _spell(value)) for name, value in _flat(figures) if value != ""]))


def _flat(figures: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in figures.items():
        rows += _flat(value, f"{before}{name} ") if isinstance(value, Mapping) else [(before + name, value)]
    return rows


def _spell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(_spell(entry) for entry in value)
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) >= 0.01 or value == 0 else f"{value:.3e}"
    return str(value)
