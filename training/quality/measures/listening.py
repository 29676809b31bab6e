"""ViSQOL: what listeners would say, predicted from a similarity of auditory spectrograms.

M. Chinen et al., "ViSQOL v3", QoMEX 2020. The package `visqol-python` brings its models in its wheel.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.quality.cases import Material, Samples, columns
from training.quality.contenders import Answer
from training.quality.measures.base import Measure, NotMeasurableError

AUDIO_RATE: Final = 48_000
SPEECH_RATE: Final = 16_000
SHORTEST_S: Final = 1.0  # a patch of either mode with room to be aligned


def visqol_audio(material: Material, answer: Answer) -> float:
    """MOS-LQO of ViSQOL v3 for music and general sound."""
    return _mos(material, answer, "audio", AUDIO_RATE)


def visqol_speech(material: Material, answer: Answer) -> float:
    """MOS-LQO of ViSQOL v3 for speech."""
    return _mos(material, answer, "speech", SPEECH_RATE)


def _mos(material: Material, answer: Answer, mode: str, rate: int) -> float:
    if len(material.target) < SHORTEST_S * material.rate:
        raise NotMeasurableError(f"under {SHORTEST_S:g} s ViSQOL has too little to compare")
    if not np.any(material.target) or not np.any(answer.samples):
        raise NotMeasurableError("ViSQOL can't compare silence")
    target = material.once(("mono", rate), lambda: _mono(material.target, material.rate, rate))
    result = _api(mode).measure_from_arrays(target, _mono(answer.samples, answer.rate, rate), rate)
    return float(result.moslqo)


def _mono(samples: Samples, rate: int, wanted: int) -> NDArray[np.float64]:
    import soxr

    mono = columns(samples).mean(axis=1, dtype=np.float64)
    return mono if rate == wanted else np.asarray(soxr.resample(mono, rate, wanted, quality="VHQ"))


@cache
def _api(mode: str) -> Any:
    from numba import set_num_threads
    from visqol import VisqolApi

    # Cases are measured in one process per core already. Not by the environment: numba refuses a number that changes.
    set_num_threads(1)
    api = VisqolApi()
    api.create(mode=mode, use_lattice_model=False)  # named, so that the figure doesn't depend on what is installed
    return api


MEASURES: Final = (
    Measure(
        "ViSQOL audio", "MOS-LQO", "higher",
        "ViSQOL v3 (visqol-python 3.8), audio mode, support vector model, mono at 48 kHz; 1 to about 4.73. "
        "Aligns by itself and is deaf to level.", visqol_audio,
    ),
    Measure(
        "ViSQOL speech", "MOS-LQO", "higher",
        "ViSQOL v3 (visqol-python 3.8), speech mode, polynomial mapping (not the lattice), mono at 16 kHz; 1 to 5. "
        "Aligns by itself and is deaf to level.", visqol_speech,
    ),
)  # fmt: skip
