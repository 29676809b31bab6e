"""How likely the band ends at each frequency, as a small network judges the traits of a recording's bands.

Five convolutions over log frequency, two octaves to each side, and their answer for each band: an edge here, and how
wide; for the whole: none. Its numbers lie beside this file. They were taught with recordings of clean licence
through random low-passes (`python -m training.band_edge`), and are small enough that numpy is all it takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

JUDGE: Final = Path(__file__).with_name("band_edge.json")
CONFIDENT: Final = 0.3  # an edge less probable than this is none
# Added to the log odds of none: a false edge costs sound that is there. Of training recordings held out it spares
# half of the false edges, and costs 0.2 % of the true ones.
CAUTION: Final = 1.0
DILATIONS: Final = (1, 2, 4, 8, 16)  # bands
LOWEST_EDGE_OCTAVE: Final = float(np.log2(700.0))
TOGETHER: Final = 3  # bands to each side, 4 %: the answer is their centre of gravity
# The part from 1 to 6 dB of a fall from 1 to 20 dB, in octaves. 0.42 is the median of the filters that the judge was
# taught with (`training.band_edge.responses`). Butterworth filters have 0.41, steep Chebyshev and elliptic ones 0.27,
# walls and bells 0.5, Bessel's 0.66: at 6 kHz the width comes out 71 Hz too large for a Chebyshev filter of the first
# kind, 94 Hz too small for a bell (medians).
SHOULDER_SHARE: Final = 0.42
WIDTHS: Final = (-14.0, 2.0)  # log2 octaves: no filter falls faster or slower, and an answer beyond is none
NEAR: Final = 8  # bands to each side, 12 %: answers that differ by less are one


@dataclass(frozen=True)
class BandEdge:
    """The likeliest low-pass."""

    hertz: float  # where it is 6 dB down
    width_hz: float  # below `hertz`: from 1 dB to 6 dB down
    confidence: float  # 0 to 1: the probability that it is there, within 12 %


def likeliest_edge(octaves: Doubles, traits: Floats) -> BandEdge | None:
    """Return the likeliest edge, however unlikely, or None where the bands leave no room for one.

    Parameters
    ----------
    octaves
        log2 of the bands' frequencies in Hz, `PER_OCTAVE` of them per octave, shape (bands,).
    traits
        Of the bands, see `band_traits`, shape (traits, bands).
    """
    return told(octaves, *judged(traits)) if (octaves > LOWEST_EDGE_OCTAVE).any() else None


def told(octaves: Doubles, none: float, edges: Doubles, widths: Doubles) -> BandEdge:
    """Return the likeliest edge out of the network's answers, see `judged`."""
    can_end = octaves > LOWEST_EDGE_OCTAVE
    none += CAUTION
    edges = np.where(can_end, edges, -np.inf)
    top = max(none, float(edges.max()))
    share = np.exp(edges - top)
    share /= share.sum() + np.exp(none - top)
    around = np.convolve(share, np.ones(2 * TOGETHER + 1), mode="full")[TOGETHER:-TOGETHER]
    best = int(around.argmax())
    core = slice(max(0, best - TOGETHER), best + TOGETHER + 1)
    weights = share[core] / max(float(share[core].sum()), 1e-300)
    octave, width = float(weights @ octaves[core]), 2.0 ** float(weights @ np.clip(widths[core], *WIDTHS))
    confidence = float(share[max(0, best - NEAR) : best + NEAR + 1].sum())
    width_hz = 2.0**octave - 2.0 ** (octave - SHOULDER_SHARE * width)
    return BandEdge(2.0**octave, width_hz, min(confidence, 1.0))


def judged(traits: Floats) -> tuple[float, Doubles, Doubles]:
    """Return the network's answers: log odds of no edge, of one at each band, and log2 of octaves from 1 to 20 dB.

    Parameters
    ----------
    traits
        Shape (traits, bands).
    """
    layers = _layers()
    hidden = _padded_convolution(np.pad(traits, ((0, 1), (0, 0)), constant_values=1.0), "0", layers, 1)
    for number, dilation in enumerate(DILATIONS[1:], 1):
        hidden = hidden + _padded_convolution(hidden, str(number), layers, dilation)
    out = layers["out.weight"] @ hidden + layers["out.bias"][:, None]
    pooled = np.concatenate([hidden.mean(axis=1), hidden.max(axis=1)])
    none = float((layers["none.weight"] @ pooled + layers["none.bias"])[0])
    return none, np.asarray(out[0], dtype=np.float64), np.asarray(out[1], dtype=np.float64)


def _padded_convolution(rows: Floats, name: str, layers: Mapping[str, Floats], dilation: int) -> Floats:
    """Return a convolution of the same length, and no less than 0, shape (channels out, bands)."""
    weight, bias = layers[f"{name}.weight"], layers[f"{name}.bias"]  # (out, in, taps)
    taps, bands = weight.shape[2], rows.shape[1]
    reach = dilation * (taps // 2)
    padded = np.pad(rows, ((0, 0), (reach, reach)))
    out = np.repeat(bias[:, None], bands, axis=1)
    for tap in range(taps):
        out = out + weight[:, :, tap] @ padded[:, tap * dilation : tap * dilation + bands]
    return np.asarray(np.maximum(out, 0.0), dtype=np.float32)


@lru_cache(maxsize=1)
def _layers() -> Mapping[str, Floats]:
    stored = json.loads(JUDGE.read_text(encoding="utf-8"))["layers"]
    layers = {name: np.array(row["values"], dtype=np.float32).reshape(row["shape"]) for name, row in stored.items()}
    for values in layers.values():
        values.setflags(write=False)  # handed out again and again
    return MappingProxyType(layers)
