"""The published tables are repaired: the control is in them, and the chirp's truth is the chirp's pitch."""

from __future__ import annotations

import numpy as np
import pytest

from training.align.baselines.straight import GRID_S, line_on_grid, straight_line
from training.align.contenders import CONTENDERS
from training.align.curves import SpeedCurve, drawn_tempo
from training.align.pair import Samples
from training.align.protocols import CHIRP_HZ, CHIRP_S, HEADLINE, ROBUSTNESS, chirp_pair


def pitch_hz(sound: Samples, rate: int, at_s: float) -> float:
    """The frequency around a moment, by zero crossings on 40 ms."""
    first = round((at_s - 0.02) * rate)
    part = sound[first : first + round(0.04 * rate)].astype(np.float64)
    rises = np.flatnonzero((part[:-1] < 0) & (part[1:] >= 0))
    exact = rises - part[rises] / (part[rises + 1] - part[rises])
    return float(rate * (len(exact) - 1) / (exact[-1] - exact[0]))


@pytest.mark.parametrize("semitones", [0, 4])
@pytest.mark.parametrize("curve", [SpeedCurve(1.4), drawn_tempo(np.random.default_rng(0))])
def test_a_chirp_has_the_pitch_that_its_truth_names(curve: SpeedCurve, semitones: int) -> None:
    pair = chirp_pair(curve, semitones)
    low, high = CHIRP_HZ
    for point in (30, 80, 140):
        expected = low + (high - low) * pair.truth_reference_s[point] / CHIRP_S
        # 40 ms of a tone that rises by 4 kHz in 8 s: within a cycle of where it is.
        assert pitch_hz(pair.reference, pair.rate, pair.truth_reference_s[point]) == pytest.approx(expected, rel=0.02)
        heard = pitch_hz(pair.target, pair.rate, pair.truth_target_s[point])
        assert heard == pytest.approx(expected * 2.0 ** (semitones / 12.0), rel=0.02)


def test_hearing_nothing_is_right_at_a_constant_rate_and_errs_by_rounding_on_a_coarse_grid() -> None:
    pair = chirp_pair(SpeedCurve(1.1))
    line = straight_line(pair.reference, pair.target, pair.rate).at(pair.truth_reference_s)
    np.testing.assert_allclose(line, pair.truth_target_s, atol=1e-4)
    coarse = line_on_grid(pair.reference, pair.target, pair.rate)
    off = np.abs(coarse.at(coarse.reference_s) - 1.1 * coarse.reference_s)
    # Rounding to a grid errs by a quarter of its step on the mean.
    assert off.mean() == pytest.approx(GRID_S / 4.0, rel=0.1)


def test_every_table_names_each_row_once_and_has_the_control_in_it() -> None:
    for rows in (ROBUSTNESS, HEADLINE):
        assert len({row.key for row in rows}) == len(rows)
    assert [contender.name for contender in CONTENDERS][:2] == ["straight line", "same, 46 ms grid"]
    titles = {row.title for row in ROBUSTNESS}
    for title in ("music, clean", "chirp, 0 dB white noise", "music, -4 st", "chirp, constant x1.4"):
        assert title in titles
