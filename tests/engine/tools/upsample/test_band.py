"""The filter of the generated band lets nothing through below the cross-fade, and tilts as it says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.inference.band_features import Edge
from engine.tools.upsample.band import GUARD_HZ, band_filter

Doubles = NDArray[np.float64]

EDGES = [(48_000, 11_400.0), (48_000, 3_500.0), (44_100, 16_000.0), (16_000, 3_800.0), (8_000, 1_000.0)]


def response_db(rate: int, edge: Edge, tilt_db: float, crosses: bool, hertz: Doubles) -> Doubles:
    fir = band_filter(rate, edge, tilt_db, crosses)
    gain = np.abs(fir.response(np.atleast_1d(np.asarray(hertz, dtype=np.float64)), rate))
    return 20 * np.log10(np.maximum(gain, 1e-12))


@pytest.mark.parametrize(("rate", "cutoff_hz"), EDGES)
@pytest.mark.parametrize("tilt_db", [-6.0, 0.0, 6.0])
def test_below_the_cross_fade_nothing_is_left(rate: int, cutoff_hz: float, tilt_db: float) -> None:
    width = min(500.0, 0.15 * cutoff_hz)
    edge = Edge(cutoff_hz, width)
    kept = np.linspace(0.0, cutoff_hz - width - GUARD_HZ, 500)
    # 100 dB, with 10 dB to spare for the loudest of tilts.
    assert response_db(rate, edge, tilt_db, False, kept).max() < -100.0
    assert response_db(rate, edge, tilt_db, True, kept).max() < -100.0


@pytest.mark.parametrize(("rate", "cutoff_hz"), EDGES)
def test_without_a_tilt_the_band_passes_as_it_is(rate: int, cutoff_hz: float) -> None:
    edge = Edge(cutoff_hz, min(500.0, 0.15 * cutoff_hz))
    band = np.linspace(cutoff_hz, rate / 2, 300)
    assert np.abs(response_db(rate, edge, 0.0, False, band)).max() < 0.01
    assert np.abs(response_db(rate, edge, 0.0, True, band[5:])).max() < 0.01 + 6.1 * (band[5] < cutoff_hz)


@pytest.mark.parametrize("tilt_db", [-6.0, -1.5, 6.0])
def test_an_octave_higher_the_level_is_changed_by_the_tilt(tilt_db: float) -> None:
    edge = Edge(5_000.0, 500.0)
    gains = response_db(48_000, edge, tilt_db, False, np.array([5_050.0, 10_000.0, 20_000.0]))
    assert gains == pytest.approx([0.0, tilt_db, 2 * tilt_db], abs=0.15)


def test_the_filter_delays_nothing() -> None:
    fir = band_filter(48_000, Edge(5_000.0, 500.0), 3.0, True)
    assert np.allclose(fir.taps, fir.taps[::-1])
    assert fir.before == fir.after
