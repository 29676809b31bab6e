"""Spec+DTW and MFCC+DTW: what most papers compare with. Features by librosa at 22,050 Hz, frames of 2048, hop 512."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.align.baselines.dtw import Features, cosine_cost, euclidean_cost, path_answer, warping_path
from training.align.pair import Answer, Samples
from training.data.resampling import resampled

RATE: Final = 22_050
HOP, FRAME = 512, 2048  # librosa's defaults: 23.2 ms
MELS, COEFFICIENTS = 128, 20


def mel_dtw(reference: Samples, target: Samples, rate: int) -> Answer:
    """Log-mel spectra, cosine distance."""
    path = warping_path(log_mel(reference, rate), log_mel(target, rate), cosine_cost)
    return path_answer(path, HOP / RATE, HOP / RATE)


def mfcc_dtw(reference: Samples, target: Samples, rate: int) -> Answer:
    """Twenty cepstral coefficients, Euclidean distance."""
    path = warping_path(mfcc(reference, rate), mfcc(target, rate), euclidean_cost)
    return path_answer(path, HOP / RATE, HOP / RATE)


def log_mel(sound: Samples, rate: int) -> Features:
    """Decibels, to 80 under the recording's peak, less each band's mean over the recording; shape (frames, 128).

    Of eight ways to take the logarithm this one aligns best (without the mean it errs 1.1 to 2 times as far), and
    a peer is measured at its best.
    """
    import librosa

    mel = librosa.feature.melspectrogram(y=at_own_rate(sound, rate), sr=RATE, n_fft=FRAME, hop_length=HOP, n_mels=MELS)
    decibels = librosa.power_to_db(mel, ref=np.max, top_db=80.0)
    return _rows(decibels - decibels.mean(axis=1, keepdims=True))


def mfcc(sound: Samples, rate: int) -> Features:
    """Cepstral coefficients, shape (frames, 20)."""
    import librosa

    own = at_own_rate(sound, rate)
    return _rows(librosa.feature.mfcc(y=own, sr=RATE, n_mfcc=COEFFICIENTS, n_fft=FRAME, hop_length=HOP))


def _rows(table: NDArray[Any]) -> Features:
    return np.ascontiguousarray(table.T, dtype=np.float32)


def at_own_rate(sound: Samples, rate: int) -> Samples:
    """Bring a recording to the 22,050 Hz at which most of the field works."""
    return sound if rate == RATE else np.asarray(resampled(sound, rate, RATE, "HQ"), dtype=np.float32)
