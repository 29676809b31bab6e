"""Signs that a finished chunk deserves a second look: what a device did to it that it hardly meant to do.

The marks never change a sample, with one exception: a chunk with NaN or infinity is replaced by what went in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engine.audio.signal import Samples, Span

NON_FINITE: Final = "not a number"
SILENCED: Final = "silence from sound"
CLIPPED: Final = "new clipping"
JUMPED: Final = "level jump"
OFFSET: Final = "DC"
SEAM: Final = "seam step"

_SOUND: Final = 10 ** (-50 / 20)  # RMS above which the input was sound
_SILENCE: Final = 10 ** (-100 / 20)  # peak under which the output is silence
_JUMP_DB: Final = 6.0
_LOUD: Final = 10 ** (-40 / 20)  # only what is louder than a usual noise floor may not change by 6 dB
_LOUD_S: Final = 0.4  # block length of the momentary loudness, EBU Tech 3341
_OFFSET: Final = 0.005  # new DC, share of full scale
_SEAM_FLOOR: Final = 0.01  # smaller steps are not heard as clicks
_SEAM_RATIO: Final = 4.0


@dataclass(frozen=True)
class SanityMark:
    """Something odd at a place of the result."""

    span: Span  # frames of the result
    reason: str
    step_id: str = ""


def reasons(dry: Samples, wet: Samples, rate: int) -> tuple[str, ...]:
    """Return what is odd about one finished chunk.

    Parameters
    ----------
    dry, wet
        What went into the device and what came out, finite, both of shape (frames, channels).
    rate
        Frames per second, Hz.
    """
    if not wet.size:
        return ()
    found = []
    dry_peak, wet_peak = float(np.abs(dry).max()), float(np.abs(wet).max())
    if wet_peak < _SILENCE and _rms(dry) > _SOUND:
        found.append(SILENCED)
    elif abs(_loudest_change_db(dry, wet, rate)) > _JUMP_DB:
        found.append(JUMPED)
    if wet_peak > 1.0 >= dry_peak:
        found.append(CLIPPED)
    new_offset = np.abs(wet.mean(axis=0, dtype=np.float64)) - np.abs(dry.mean(axis=0, dtype=np.float64))
    if float(new_offset.max()) > _OFFSET:
        found.append(OFFSET)
    return tuple(found)


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _loudest_change_db(dry: Samples, wet: Samples, rate: int) -> float:
    """Return by how many dB the loudest 0.4 s of the input changed, 0.0 where the input has only its noise floor."""
    size = min(len(dry), max(1, round(_LOUD_S * rate)))
    blocks = len(dry) // size
    shape = (blocks, size, dry.shape[1])
    power = np.square(dry[: blocks * size], dtype=np.float64).reshape(shape).mean(axis=(1, 2))
    loudest = int(np.argmax(power))
    if power[loudest] < _LOUD**2:
        return 0.0
    after = float(np.mean(np.square(wet[loudest * size : (loudest + 1) * size], dtype=np.float64)))
    return float(10.0 * np.log10(max(after, 1e-20) / power[loudest]))


def edges(dry: Samples, wet: Samples) -> dict[str, Any]:
    """Return the first and last two frames of a chunk, which tell later whether it fits its neighbours."""
    if len(wet) < 2:
        return {}
    return {name: x[[0, 1, -2, -1]].tolist() for name, x in (("dry", dry), ("wet", wet))}


def has_seam_step(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Return True if the result steps where two chunks meet and the input doesn't. Takes what `edges` gave."""
    if not left or not right:
        return False
    before, after = np.array(left["wet"]), np.array(right["wet"])
    dry_before, dry_after = np.array(left["dry"]), np.array(right["dry"])
    step = np.abs(after[0] - before[3])
    usual = np.maximum.reduce(
        [np.abs(before[3] - before[2]), np.abs(after[1] - after[0]), np.abs(dry_after[0] - dry_before[3])]
    )
    return bool(np.any(step > _SEAM_FLOOR + _SEAM_RATIO * usual))
