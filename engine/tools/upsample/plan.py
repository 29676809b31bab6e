"""What a recording's rate and the knobs decide before anybody listens: the rate of the result, and which network works.

Everything that can be refused is refused here, in a sentence, before any work is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.audio.signal import Format, resampled_frames
from engine.errors import InputError, UsageError
from engine.tools.tool import Params
from engine.tools.upsample.knobs import AUTO, NO_FACTOR

FULL_RATES: Final = (44_100, 48_000)  # what bwe48 was trained at
SPEECH_RATE: Final = 16_000  # the fastest that bwe16 works at, and the only one that the films give
SPEECH_RATES: Final = (8_000, 11_025, 12_000, SPEECH_RATE)  # what bwe16 was trained at, four fifths of it at the last
LOWEST_TRAINED_HZ: Final = {"bwe48": 1_500.0, "bwe16": 800.0}  # of the cutoffs in their training
HIGHEST_TRAINED: Final = 0.9  # of half the rate at which a frame network works: up to there the cutoffs of its training
FILMS: Final = ("afilm", "tfilm")
FACTORS: Final = (2, 4, 8)
WEIGHTS: Final = "weights.onnx"


@dataclass(frozen=True)
class Plan:
    """How one recording is raised."""

    model: str  # room of the network
    file: str  # its ONNX file
    rate: int  # of the result, Hz
    work_rate: int  # at which the network works, Hz; nothing above half of it is invented
    factor: int  # the films' own, else 1

    @property
    def is_film(self) -> bool:
        return self.model in FILMS


def plan(given_rate: int, params: Params) -> Plan:
    """Return what is to be done with a recording of this rate.

    Raises
    ------
    UsageError
        If the result would have a lower rate, or both a rate and a factor are asked for.
    InputError
        If the network that is asked for can't work on this recording.
    """
    model = str(params["model"])
    rate = _wanted_rate(given_rate, model, params)
    if rate < given_rate:
        raise UsageError(
            f"{rate} Hz is below the recording's {given_rate} Hz",
            "upsample raises the rate; use resample in writing (--rate of the other commands)",
        )
    if model in FILMS:
        return _film(model, given_rate, rate)
    if model == AUTO:
        model = "bwe16" if rate <= SPEECH_RATE else "bwe48"
    return Plan(model, WEIGHTS, rate, _work_rate(model, rate), 1)


def planned_format(given: Format, params: Params) -> Format:
    """Return the shape of the result: its length is frames * rate / given rate, rounded, half up.

    Raises
    ------
    UsageError, InputError
        As `plan`.
    """
    rate = plan(given.rate, params).rate
    return Format(rate, given.channels, resampled_frames(given.frames, given.rate, rate))


def _wanted_rate(given_rate: int, model: str, params: Params) -> int:
    rate, factor = int(params["rate_hz"]), str(params["factor"])
    if rate and factor != NO_FACTOR:
        raise UsageError(f"a rate ({rate} Hz) and a factor ({factor}) can't both be had", "give one of them")
    if rate:
        return rate
    if factor != NO_FACTOR:
        return given_rate * int(factor)
    if model in FILMS or model == "bwe16":
        return max(given_rate, SPEECH_RATE)
    return given_rate if given_rate >= FULL_RATES[0] else FULL_RATES[1]


def _film(model: str, given_rate: int, rate: int) -> Plan:
    """Return the plan for a network that makes 16 kHz of 8, 4 or 2 kHz and knows nothing else."""
    fitting = next((factor for factor in FACTORS if given_rate * factor == SPEECH_RATE), 0)
    if not fitting:
        raise InputError(
            f"{model} makes {SPEECH_RATE} Hz of 8000, 4000 or 2000 Hz, and the recording has {given_rate} Hz",
            "use --model auto",
        )
    if rate != SPEECH_RATE:
        raise InputError(
            f"{model} makes {SPEECH_RATE} Hz of {given_rate} Hz, not {rate} Hz",
            f"use --factor {fitting}, or --model auto",
        )
    return Plan(model, f"x{fitting}.onnx", rate, SPEECH_RATE, fitting)


def _work_rate(model: str, rate: int) -> int:
    """Return the rate at which a frame network works; where it isn't the result's, the band it made is resampled."""
    if model == "bwe16":
        return rate if rate in SPEECH_RATES else SPEECH_RATE
    return rate if rate in FULL_RATES else FULL_RATES[1]
