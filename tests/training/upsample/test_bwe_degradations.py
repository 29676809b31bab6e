"""How test and training recordings lose their upper band, held against filter theory."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.upsample.sounds import noise
from training.upsample.bwe_degradations import GRID, KINDS, WIDEST_SHARE, draw_limit, edge_of, picked, punched

RATE = 48_000
HERTZ = np.linspace(0.0, RATE / 2.0, GRID)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cutoff_hz", [2000.0, 8000.0, 18_000.0])
def test_a_limit_is_6_db_down_at_the_cutoff_it_states(kind: str, cutoff_hz: float) -> None:
    for seed in range(6):
        limit = draw_limit(np.random.default_rng(seed), cutoff_hz, RATE, kind)
        gain = np.abs(limit.at(GRID)) / np.abs(limit.response).max()
        # Grid step of 6 Hz; a brick wall falls from 1 to 0 within it.
        beyond = limit.cutoff_hz + 12.0 < HERTZ
        assert np.all(gain[beyond] <= 0.502), kind
        assert gain[limit.cutoff_hz - 12.0 > HERTZ][-1] >= 0.49, kind
        assert limit.width_hz >= 0.0


def test_steep_limits_lie_where_they_were_asked_for() -> None:
    for kind in ("resampler", "brick"):
        limit = draw_limit(np.random.default_rng(3), 8000.0, RATE, kind)
        assert limit.cutoff_hz == pytest.approx(8000.0, abs=12.0)


def test_what_is_told_of_an_edge_is_at_most_5_percent_beside_it() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        limit = draw_limit(rng, 8000.0, RATE)
        edge = edge_of(rng, limit)
        assert abs(edge.cutoff_hz / limit.cutoff_hz - 1.0) <= 0.05 + 1e-9
        assert 0.0 < edge.width_hz <= WIDEST_SHARE * edge.cutoff_hz + 1e-6


def test_picking_every_third_sample_folds_a_tone_down() -> None:
    # 10 kHz picked at 16 kHz appears at 6 kHz, as loud as it was.
    time = np.arange(48_000) / RATE
    found = picked(np.sin(2 * np.pi * 10_000.0 * time).astype(np.float32), 3)
    assert np.allclose(found, np.sin(2 * np.pi * -6000.0 * time), atol=1e-3)


def test_picking_keeps_what_the_lower_rate_holds() -> None:
    time = np.arange(48_000) / RATE
    tone = np.sin(2 * np.pi * 1000.0 * time).astype(np.float32)
    assert np.allclose(picked(tone, 4), tone, atol=1e-3)


def test_an_encoder_takes_weak_cells_under_the_edge_only() -> None:
    rng = np.random.default_rng(2)
    spectra = (rng.standard_normal((40, 1025)) + 1j * rng.standard_normal((40, 1025))).astype(np.complex64)
    spectra[10:20] *= 1e-4
    holes = punched(np.random.default_rng(1), spectra, 600)
    assert np.array_equal(holes[:, 600:], spectra[:, 600:])
    assert np.array_equal(holes[:, :300], spectra[:, :300])
    assert np.array_equal(holes[:10], spectra[:10])
    assert np.any(holes[10:20, 300:600] == 0.0)


def test_an_unknown_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of resampler"):
        draw_limit(np.random.default_rng(1), 8000.0, RATE, "magic")


def test_noise_of_the_tests_is_what_it_says() -> None:
    assert np.std(noise(1.0, RATE)) == pytest.approx(0.1, rel=1e-3)
