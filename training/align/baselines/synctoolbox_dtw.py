"""synctoolbox where it is installed: pitch chroma and DLNCO onsets, multi-resolution DTW, as its demo has it.

Mueller, Ozer, Krause, Praetzlich, Driedger, *Sync Toolbox* (JOSS 2021); Ewert, Mueller, Grosche, *High resolution audio
synchronization using chroma onset features* (2009). The package is MIT-licensed and optional.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, Final

import numpy as np

from training.align.baselines.spectral import at_own_rate
from training.align.pair import Answer, Samples

RATE: Final = 22_050
FEATURES_HZ: Final = 50  # its own setting: 20 ms
WEIGHTS: Final = (1.5, 1.5, 2.0)
THRESHOLD: Final = 10**6


def missing() -> str:
    """Say why it can't run here, or nothing."""
    return "" if importlib.util.find_spec("synctoolbox") else "not installed: not run"


def synctoolbox_dtw(reference: Samples, target: Samples, rate: int) -> Answer:
    """Its demo of audio against audio: tuning, chroma and DLNCO at 50 Hz, `sync_via_mrmsdtw`, strictly monotone."""
    chroma, utils = _module("feature.chroma"), _module("dtw.utils")
    chromas, onsets = zip(*(_features(at_own_rate(sound, rate)) for sound in (reference, target)), strict=True)
    # Chroma a second apart say by how many semitones the two differ.
    coarse = [chroma.quantized_chroma_to_CENS(each, 201, 50, FEATURES_HZ)[0] for each in chromas]
    shift = utils.compute_optimal_chroma_shift(*coarse)
    path = _module("dtw.mrmsdtw").sync_via_mrmsdtw(
        f_chroma1=chromas[0],
        f_onset1=onsets[0],
        f_chroma2=utils.shift_chroma_vectors(chromas[1], shift),
        f_onset2=utils.shift_chroma_vectors(onsets[1], shift),
        input_feature_rate=FEATURES_HZ,
        step_weights=np.array(WEIGHTS),
        threshold_rec=THRESHOLD,
        verbose=False,
    )
    knots = np.asarray(utils.make_path_strictly_monotonic(path), dtype=np.float64) / FEATURES_HZ
    return Answer(knots[0], knots[1])


def _features(sound: Samples) -> tuple[Any, Any]:
    tuning = _module("feature.utils").estimate_tuning(sound, RATE)
    settings = {"Fs": RATE, "tuning_offset": tuning, "verbose": False}
    pitch = _module("feature.pitch").audio_to_pitch_features(f_audio=sound, feature_rate=FEATURES_HZ, **settings)
    chroma = _module("feature.chroma")
    quantised = chroma.quantize_chroma(f_chroma=chroma.pitch_to_chroma(f_pitch=pitch))
    peaks = _module("feature.pitch_onset").audio_to_pitch_onset_features(f_audio=sound, **settings)
    onsets = _module("feature.dlnco").pitch_onset_features_to_DLNCO(
        f_peaks=peaks, feature_rate=FEATURES_HZ, feature_sequence_length=quantised.shape[1], visualize=False
    )
    return quantised, onsets


def _module(name: str) -> Any:
    return importlib.import_module(f"synctoolbox.{name}")
