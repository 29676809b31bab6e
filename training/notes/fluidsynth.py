"""Renders note lists with FluidSynth and the FluidR3 soundfont: every General MIDI instrument, dry.

FluidSynth's library is driven through pyfluidsynth in this process: no MIDI file between, so an onset is at most half
of FluidSynth's block of 64 samples (0.73 ms) off. Both are looked for when something is first rendered.
"""

from __future__ import annotations

import ctypes
import importlib
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.data import Samples
from training.notes.note import NoteList, in_order

SOUNDFONTS: Final = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM2-2.sf2",
    "/opt/homebrew/share/soundfonts/FluidR3_GM.sf2",
)
LIBRARY_LINE: Final = "sudo apt-get install fluidsynth"
SOUNDFONT_LINE: Final = "sudo apt-get install fluid-soundfont-gm"
GAIN: Final = 0.5  # a loud note peaks near 0.2, so that a full chord of six stays under 1
BLOCK: Final = 64  # samples between two moments at which FluidSynth can start a note
# Each sounding note has one of its own, for its bend. Not 256: FluidSynth 2.3.1 crashes on channel 255.
CHANNELS: Final = 240
DRUMS: Final = 9  # the channel of percussion in every sixteen
BEND_RANGE: Final = 2.0  # semitones, FluidSynth's default
BEND_CENTRE: Final = 8192
VIBRATO_STEP: Final = 4  # blocks between two values of the bend: 5.8 ms
VIBRATO_RISE_S: Final = 0.2
POLYPHONY: Final = 1024  # voices; a stereo note has two, and releases ring on
SETTINGS: Final[Mapping[str, int | str]] = {
    "synth.reverb.active": 0,
    "synth.chorus.active": 0,
    "synth.cpu-cores": 1,
    "synth.dynamic-sample-loading": 1,
    "synth.polyphony": POLYPHONY,
    "synth.midi-bank-select": "gs",
}


@dataclass(frozen=True)
class Vibrato:
    """A pitch that swings, as strings and voices have it."""

    rate_hz: float = 5.8
    depth_cents: float = 15.0  # to each side, at most 150
    delay_s: float = 0.2  # after a note's onset


def soundfont_path(soundfont: Path | None = None) -> Path:
    """Return the soundfont: the one named, else SHELLAC_SOUNDFONT, else FluidR3 where the system has it.

    Raises
    ------
    TrainingError
        If it isn't there.
    """
    if not soundfont and (packed := packed_presets()):
        return packed / "presets.csv"
    named = str(soundfont) if soundfont else os.environ.get("SHELLAC_SOUNDFONT", "")
    for candidate in (named,) if named else SOUNDFONTS:
        if Path(candidate).is_file():
            return Path(candidate)
    if named:
        raise _error(f"there is no soundfont {named}: name an existing one, or none for FluidR3")
    raise _error(f"the FluidR3 soundfont is missing: install it with `{SOUNDFONT_LINE}`")


def packed_presets() -> Path | None:
    """Where recorded notes of the soundfont stand in for FluidSynth: SHELLAC_PRESETS, which a packed run sets."""
    named = os.environ.get("SHELLAC_PRESETS")
    return Path(named) if named else None


def library_version() -> str:
    """Return FluidSynth's own version, such as "2.3.4": another one may sound differently.

    Raises
    ------
    TrainingError
        If FluidSynth or its binding is missing.
    """
    numbers = [ctypes.c_int() for _ in range(3)]
    _binding().fluid_version(*numbers)
    return ".".join(str(number.value) for number in numbers)


def is_available() -> bool:
    """Whether notes can be rendered here."""
    from training.recipe import TrainingError

    if packed_presets():
        return True
    try:
        _binding()
        soundfont_path()
    except TrainingError:
        return False
    return True


def render(
    notes: NoteList,
    program: int,
    seconds: float,
    rate: int = 44_100,
    soundfont: Path | None = None,
    *,
    cents: float = 0.0,
    vibrato: Vibrato | None = None,
) -> Samples:
    """Render notes with one instrument, without reverberation and chorus.

    Parameters
    ----------
    notes
        In any order; what begins after `seconds` is left out.
    program
        General MIDI, counted from 0: 40 is the violin.
    seconds
        Length of the result; what rings on longer is cut.
    rate
        Hz, 8000 to 96,000.
    soundfont
        None: see `soundfont_path`.
    cents
        Tuning of the instrument, at most a semitone to each side.
    vibrato
        The same for all notes, each from its own onset; None: as the soundfont has it.

    Returns
    -------
    Samples
        Shape (round(seconds * rate), 2), at a fixed gain, not normalised; equal to the bit between runs of the same
        FluidSynth.

    Raises
    ------
    TrainingError
        If FluidSynth, its binding or the soundfont is missing, or the soundfont has no such program.
    ValueError
        If a parameter is out of range.
    """
    if not 0 <= program <= 127:
        raise ValueError(f"a General MIDI program is a number from 0 to 127, got {program}")
    if not 8000 <= rate <= 96_000:
        raise ValueError(f"FluidSynth renders at 8000 to 96,000 Hz, got {rate}")
    if abs(cents) > 100.0 or (vibrato and not 0.0 <= vibrato.depth_cents <= 50.0 * BEND_RANGE - 1.0):
        raise ValueError(f"the pitch can't be bent so far: {cents} cents and {vibrato}")
    if not soundfont and (packed := packed_presets()):
        from training.packing import presets

        return presets.play(packed, notes, program, seconds, rate, cents=cents, vibrato=vibrato)
    binding, path = _binding(), soundfont_path(soundfont)
    synth = binding.Synth(gain=GAIN, samplerate=rate, channels=CHANNELS, **SETTINGS)
    try:
        font = synth.sfload(str(path))
        if font < 0:
            raise _error(f"FluidSynth can't read the soundfont {path}: install it again with `{SOUNDFONT_LINE}`")
        if synth.program_select(0, font, 0, program) != 0:
            raise _error(f"the soundfont {path.name} has no program {program}: choose another one")
        return _played(synth, font, program, _events(notes, seconds, rate, cents, vibrato), round(seconds * rate))
    finally:
        synth.delete()


@dataclass(frozen=True, order=True)
class _Event:
    """Something that happens to a channel at a block; at the same block releases come first, then bends."""

    block: int
    kind: int  # 0 release, 1 bend, 2 strike
    channel: int
    pitch: int = 0
    value: int = 0  # velocity from 1 to 127, or bend from 0 to 16,383


def _events(notes: NoteList, seconds: float, rate: int, cents: float, vibrato: Vibrato | None) -> list[_Event]:
    events = []
    channels = [channel for channel in range(CHANNELS) if channel % 16 != DRUMS]
    for number, note in enumerate(in_order(notes)):
        if note.onset_s >= seconds:
            break
        channel = channels[number % len(channels)]
        start, stop = round(note.onset_s * rate / BLOCK), round(note.end_s * rate / BLOCK)
        stop = max(start + 1, stop)
        events.append(_Event(start, 1, channel, value=_bend(cents)))
        events.append(_Event(start, 2, channel, note.pitch, min(127, max(1, round(127 * note.velocity)))))
        events.append(_Event(stop, 0, channel, note.pitch))
        if vibrato:
            events += _swings(channel, start, stop, rate, cents, vibrato)
    return sorted(events)


def _swings(channel: int, start: int, stop: int, rate: int, cents: float, vibrato: Vibrato) -> Iterator[_Event]:
    for block in range(start + VIBRATO_STEP, stop, VIBRATO_STEP):
        since_s = (block - start) * BLOCK / rate - vibrato.delay_s
        if since_s > 0.0:
            depth = vibrato.depth_cents * min(1.0, since_s / VIBRATO_RISE_S)
            bent = cents + depth * math.sin(2.0 * math.pi * vibrato.rate_hz * since_s)
            yield _Event(block, 1, channel, value=_bend(bent))


def _bend(cents: float) -> int:
    return min(16_383, max(0, BEND_CENTRE + round(cents / (100.0 * BEND_RANGE) * BEND_CENTRE)))


def _played(synth: Any, font: int, program: int, events: list[_Event], frames: int) -> Samples:
    """Run through the events; shape (frames, 2)."""
    out = np.zeros((frames, 2), dtype=np.float32)
    done, ready = 0, set()
    for event in events:
        until = min(frames, event.block * BLOCK)
        done = _write(synth, out, done, until)
        if done >= frames:
            break
        if event.channel not in ready:
            synth.program_select(event.channel, font, 0, program)
            ready.add(event.channel)
        if event.kind == 0:
            synth.noteoff(event.channel, event.pitch)
        elif event.kind == 1:
            synth.pitch_bend(event.channel, event.value - BEND_CENTRE)
        else:
            synth.noteon(event.channel, event.pitch, event.value)
    _write(synth, out, done, frames)
    return out


def _write(synth: Any, out: Samples, start: int, stop: int) -> int:
    if stop > start and _write_float()(synth.synth, stop - start, out.ctypes.data, 2 * start, 2, out.ctypes.data,
                                       2 * start + 1, 2) != 0:  # fmt: skip
        raise RuntimeError(f"FluidSynth gave no sound from sample {start} to {stop}")
    return max(start, stop)


@lru_cache(maxsize=1)
def _binding() -> Any:
    try:
        return importlib.import_module("fluidsynth")
    except ImportError as error:
        # pyfluidsynth itself raises it when it finds no library.
        if "FluidSynth library" in str(error):
            raise _error(f"FluidSynth is missing: install it with `{LIBRARY_LINE}`") from error
        raise _error("the package pyfluidsynth is missing: run `make test` once, which installs it") from error


@lru_cache(maxsize=1)
def _write_float() -> Any:
    """FluidSynth's call for float samples; the binding has only the 16-bit one, which adds dither."""
    pointer, number = ctypes.c_void_p, ctypes.c_int
    arguments = (
        ("synth", pointer), ("len", number), ("lout", pointer), ("loff", number), ("lincr", number),
        ("rout", pointer), ("roff", number), ("rincr", number),
    )  # fmt: skip
    return _binding().cfunc("fluid_synth_write_float", number, *((name, kind, 1) for name, kind in arguments))


def _error(message: str) -> ValueError:
    from training.recipe import TrainingError  # here, because it brings torch, which no rendering process needs

    return TrainingError(message)
