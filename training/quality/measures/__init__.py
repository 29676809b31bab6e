"""Every figure of merit by name. None comes from a loss: what trains a network doesn't judge it."""

from __future__ import annotations

from typing import Final

from training.quality.measures import bandwidth, events, listening, spectra, speed, waveform
from training.quality.measures.base import CAP_DB, Measure, NotMeasurableError
from training.quality.measures.speed import SpeedCurve

ALL: Final[tuple[Measure, ...]] = (
    *waveform.MEASURES,
    *spectra.MEASURES,
    *bandwidth.MEASURES,
    *listening.MEASURES,
    *events.MEASURES,
    *speed.MEASURES,
)
MEASURES: Final = {measure.name: measure for measure in ALL}

__all__ = ["ALL", "CAP_DB", "MEASURES", "Measure", "NotMeasurableError", "SpeedCurve", "named"]


def named(*names: str) -> tuple[Measure, ...]:
    """Return measures by their names.

    Raises
    ------
    ValueError
        If there is none of a name.
    """
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        raise ValueError(f"there is no measure {unknown[0]!r}: choose from {', '.join(MEASURES)}")
    return tuple(MEASURES[name] for name in names)
