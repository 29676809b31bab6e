"""The judge of band edges: its traits tell programme from floor, its answer is a probability, its numbers are there."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.measure.band_edge import CAUTION, JUDGE, _layers, judged, likeliest_edge, told
from engine.measure.band_traits import PER_OCTAVE, TRAITS, band_octaves, band_traits, band_weights


def powers(octaves: np.ndarray, edge_octave: float, seed: int = 0, frames: int = 300) -> np.ndarray:
    """Noise in bands that rises and falls in all alike, steeply down from an edge on, over a floor that doesn't."""
    rng = np.random.default_rng(seed)
    loud = 10.0 ** rng.uniform(-3.0, 0.0, (frames, 1))
    level = 10.0 ** (-0.6 * (octaves - octaves[0]) - 15.0 * np.maximum(0.0, octaves - edge_octave))
    programme, floor = (rng.gamma(4.0, 0.25, (frames, len(octaves))) for _ in range(2))
    return np.asarray(loud * level * programme + 1e-8 * floor, dtype=np.float32)


def test_the_last_band_ends_at_half_the_rate() -> None:
    octaves = band_octaves(44_100)
    np.testing.assert_allclose(np.diff(octaves), 1.0 / PER_OCTAVE)
    assert 2.0 ** (octaves[-1] + 0.5 / PER_OCTAVE) == pytest.approx(22_050.0)
    assert len(band_octaves(400)) == 0


def test_bands_of_white_noise_have_the_power_of_its_bins() -> None:
    octaves = band_octaves(16_000)
    weights = band_weights(octaves, np.arange(513) * (16_000 / 1024))
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, rtol=1e-5)
    centres = np.arange(513) * (16_000 / 1024) @ weights
    np.testing.assert_allclose(centres[:-1], 2.0 ** octaves[:-1], atol=16_000 / 1024)


@pytest.mark.parametrize("edge_hz", [1_200.0, 3_000.0, 9_000.0])
def test_an_edge_is_judged_where_it_is(edge_hz: float) -> None:
    octaves = band_octaves(32_000)
    # 6 dB of a fall of 150 dB per octave are a 25th of an octave.
    edge = likeliest_edge(octaves, band_traits(powers(octaves, np.log2(edge_hz) - 0.04)))
    assert edge is not None
    assert edge.hertz == pytest.approx(edge_hz, rel=0.05)
    assert 0.5 < edge.confidence <= 1.0
    # From 1 to 6 dB down are 0.033 octaves, or 2.3 % of the edge; a band has 1.5 %, a bin up to 1 %.
    assert 0.015 * edge_hz < edge.width_hz < 0.07 * edge_hz


def test_no_answer_of_the_network_gives_a_width_beyond_the_edge() -> None:
    octaves = band_octaves(16_000)
    edges = np.where(np.arange(len(octaves)) == 200, 20.0, 0.0)
    for width in (-1e9, -40.0, 40.0, 1e9, np.inf):
        edge = told(octaves, -20.0, edges, np.full(len(octaves), width))
        assert np.isfinite([edge.hertz, edge.width_hz, edge.confidence]).all()
        assert 0.0 < edge.width_hz < edge.hertz


def test_nobody_can_change_the_judge_s_numbers() -> None:
    with pytest.raises(ValueError, match="read-only"):
        _layers()["0.weight"][0] = 0.0
    with pytest.raises(TypeError):
        _layers()["0.weight"] = np.zeros(1)  # type: ignore[index]


def test_gain_changes_no_trait() -> None:
    octaves = band_octaves(16_000)
    plain = powers(octaves, 11.0)
    np.testing.assert_allclose(band_traits(plain * np.float32(1e-4)), band_traits(plain), atol=1e-3)


def test_what_follows_the_programme_is_told_from_what_doesn_t() -> None:
    octaves = band_octaves(16_000)
    traits = band_traits(powers(octaves, 11.0))
    programme, floor = (octaves > 9.0) & (octaves < 10.8), octaves > 12.0
    follows, agrees = traits[5], traits[6]
    assert follows[programme].min() > 1.0  # 10 dB
    assert abs(follows[floor]).max() < 0.15
    assert agrees[programme].min() > 1.6
    assert abs(agrees[floor]).max() < 0.6


def test_the_mass_of_all_answers_is_one() -> None:
    octaves = band_octaves(16_000)
    bands = len(octaves)
    raised = np.where(np.arange(bands) == 150, np.log(3.0), 0.0)
    allowed = int((octaves > np.log2(700.0)).sum())
    one = told(octaves, -CAUTION, raised, np.full(bands, -3.0))
    assert one.confidence == pytest.approx((16.0 + 3.0) / (allowed + 2.0 + 1.0), rel=1e-6)
    sure = told(octaves, -20.0, np.where(np.arange(bands) == 200, 20.0, 0.0), np.full(bands, -3.0))
    assert sure.confidence == pytest.approx(1.0, abs=1e-6)
    assert sure.hertz == pytest.approx(2.0 ** octaves[200], rel=1e-6)
    assert told(octaves, 20.0, np.zeros(bands), np.zeros(bands)).confidence < 1e-6


def test_bands_too_low_for_an_edge_have_none() -> None:
    octaves = band_octaves(1_200)
    assert likeliest_edge(octaves, np.zeros((TRAITS, len(octaves)), dtype=np.float32)) is None


def test_the_judge_s_numbers_say_where_they_come_from_and_fit_its_traits() -> None:
    stored = json.loads(JUDGE.read_text(encoding="utf-8"))
    assert "python -m training.band_edge" in stored["command"]
    assert stored["data"]
    assert stored["layers"]["0.weight"]["shape"][1] == TRAITS + 1
    none, edges, widths = judged(np.zeros((TRAITS, 50), dtype=np.float32))
    assert np.isfinite([none, *edges, *widths]).all()
    assert len(edges) == len(widths) == 50
