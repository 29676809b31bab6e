"""Measures of click removal against a list of the clicks that were put in."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.quality.cases import Material, columns
from training.quality.contenders import Answer
from training.quality.measures.base import Measure, NotMeasurableError
from training.validation import snr_db

Bursts = NDArray[np.int64]  # (clicks, 2): first frame and the one after the last

TOLERANCE_S: Final = 0.001  # a click found this far beside its place is found


def recall(material: Material, answer: Answer) -> float:
    """The share of the true clicks that a found one overlaps or comes within 1 ms of."""
    truth = _bursts(material.facts, "the material lists no clicks")
    if len(truth) == 0:
        raise NotMeasurableError("there is no click to be found")
    return 100.0 * float(np.mean(hit(truth, _bursts(answer.facts, "the contender lists no clicks"), _reach(material))))


def precision(material: Material, answer: Answer) -> float:
    """The share of the found clicks that overlap a true one or come within 1 ms of it."""
    found = _bursts(answer.facts, "the contender lists no clicks")
    if len(found) == 0:
        raise NotMeasurableError("no click was found")
    return 100.0 * float(np.mean(hit(found, _bursts(material.facts, "the material lists no clicks"), _reach(material))))


def clicked_snr(material: Material, answer: Answer) -> float:
    """SNR over the samples that a true click covers, all others left out."""
    truth = _bursts(material.facts, "the material lists no clicks")
    covered = np.zeros(len(material.target), dtype=bool)
    for start, stop in truth:
        covered[start:stop] = True
    target = columns(material.target)[covered]
    if not np.any(target):
        raise NotMeasurableError("no sounding sample is covered by a click")
    return snr_db(target, columns(answer.samples)[covered])


def hit(some: Bursts, others: Bursts, reach: int) -> NDArray[np.bool_]:
    """Return for each of `some` whether at most `reach` frames lie between it and one of `others`."""
    if len(others) == 0:
        return np.zeros(len(some), dtype=bool)
    order = np.argsort(others[:, 0], kind="stable")
    starts = others[order, 0]
    furthest = np.maximum.accumulate(others[order, 1])  # bursts may overlap, so a later start may end earlier
    # Of those that start early enough, does the one that lasts longest reach this burst?
    last = np.searchsorted(starts, some[:, 1] + reach, side="right") - 1
    return np.asarray((last >= 0) & (furthest[np.maximum(last, 0)] >= some[:, 0] - reach))


def _bursts(facts: object, reason: str) -> Bursts:
    if not hasattr(facts, "get") or facts.get("clicks") is None:
        raise NotMeasurableError(reason)
    return np.asarray(facts.get("clicks"), dtype=np.int64).reshape(-1, 2)


def _reach(material: Material) -> int:
    return round(TOLERANCE_S * material.rate)


MEASURES: Final = (
    Measure("click recall", "%", "higher", str(recall.__doc__), recall),
    Measure("click precision", "%", "higher", str(precision.__doc__), precision),
    Measure("clicked SNR", "dB", "higher", str(clicked_snr.__doc__), clicked_snr),
)
