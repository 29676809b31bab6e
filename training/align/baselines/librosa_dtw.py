"""librosa's own way: chroma features and `librosa.sequence.dtw`, as its gallery synchronises two recordings."""

from __future__ import annotations

from typing import Final

import numpy as np

from training.align.baselines.dtw import path_answer
from training.align.baselines.spectral import RATE, at_own_rate
from training.align.pair import Answer, Samples

HOP: Final = 1024  # 46 ms; the gallery's 100 ms would be coarser still, and 23 ms take 4 GB for five minutes


def chroma_dtw(reference: Samples, target: Samples, rate: int) -> Answer:
    """Chroma by constant-Q transform, cosine distance, all steps weighted alike."""
    import librosa

    chroma = [
        librosa.feature.chroma_cqt(y=at_own_rate(sound, rate), sr=RATE, hop_length=HOP) + 1e-6
        for sound in (reference, target)
    ]
    _, path = librosa.sequence.dtw(X=chroma[0], Y=chroma[1], metric="cosine")
    return path_answer(np.asarray(path[::-1], dtype=np.int64), HOP / RATE, HOP / RATE)
