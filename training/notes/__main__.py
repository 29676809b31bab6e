"""`python -m training.notes`: compose something and listen to it.

render  one piece as WAV (and MIDI with --midi)
list    the kinds of pieces and the instruments
speed   how fast each way of making sound is here
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from training.data import RATE, Samples
from training.notes import midi
from training.notes.cache import cached_fluidsynth
from training.notes.composer import KINDS, compose_score
from training.notes.fluidsynth import Vibrato
from training.notes.instruments import BY_PROGRAM, INSTRUMENTS
from training.notes.note import NoteList, end_s
from training.notes.performance import perform
from training.notes.player import layered_player

TAIL_S: Final = 1.5  # after the last note
PLAYERS: Final = ("fluidsynth", "piano", "vsco_piano", "violin")


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.notes", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the kinds of pieces and the instruments")
    commands.add_parser("speed", help="how fast each way of making sound is here")
    render = commands.add_parser("render", help="compose, perform and write one piece")
    render.add_argument("output", type=Path, help="a WAV or FLAC file")
    render.add_argument("--kind", choices=KINDS, default="chorale")
    render.add_argument("--voices", type=int, default=4, help="1 to 6")
    render.add_argument("--program", type=int, default=0, help="General MIDI, counted from 0")
    render.add_argument("--player", choices=PLAYERS, default="fluidsynth", help="FluidR3, or our recorded notes")
    render.add_argument("--seconds", type=float, default=20.0)
    render.add_argument("--seed", type=int, default=0)
    render.add_argument("--strict", action="store_true", help="as written: one tempo, chords together")
    render.add_argument("--vibrato", type=float, default=0.0, help="cents to each side (FluidSynth only)")
    render.add_argument("--midi", type=Path, help="write the notes as MIDI too")
    return parser.parse_args(arguments)


def _sound(options: argparse.Namespace, notes: NoteList, seconds: float) -> Samples:
    if options.player != "fluidsynth":
        return layered_player(options.player).play(notes, seconds)
    vibrato = Vibrato(depth_cents=options.vibrato) if options.vibrato else None
    return cached_fluidsynth(notes, options.program, seconds, RATE, vibrato=vibrato)


def _render(options: argparse.Namespace) -> None:
    instrument = BY_PROGRAM.get(options.program)
    low, high = (instrument.low, instrument.high) if instrument else (36, 96)
    if instrument and instrument.name == "piano":
        low, high = 33, 93  # where music mostly is
    rng = np.random.default_rng(options.seed)
    score = compose_score(rng, options.kind, options.seconds, options.voices, low, high)
    notes = score.notes if options.strict else perform(rng, score.notes, None, score.phrase_starts_s).notes
    sound = _sound(options, notes, end_s(notes) + TAIL_S)
    soundfile.write(options.output, sound / max(1.0, float(np.abs(sound).max(initial=0.0))), RATE)
    if options.midi:
        midi.write(notes, options.midi, options.program)
    print(f"{options.output}: {len(notes)} notes, {len(sound) / RATE:.1f} s, peak {np.abs(sound).max(initial=0.0):.2f}")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _arguments(arguments)
    if options.command == "list":
        print("kinds:      ", ", ".join(KINDS))
        for instrument in INSTRUMENTS:
            print(f"program {instrument.program:3d}: {instrument.name}, pitches {instrument.low} to {instrument.high}")
        print("players:    ", ", ".join(PLAYERS))
        return 0
    try:
        if options.command == "speed":
            from training.notes.speed import speeds

            for name, factor in speeds():
                print(f"{name:28s}{factor:7.0f} x real time of one core")
        else:
            _render(options)
    except (ValueError, OSError) as error:
        print(f"training.notes: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
