"""The generated band begins where the recording's own ends, and nowhere if nothing is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.audio.signal import Format
from engine.inference.band_features import Edge
from engine.tools.tool import NO_JOB, complete
from engine.tools.upsample import UPSAMPLE
from engine.tools.upsample.edge import HEARD_UP_TO_HZ, edge_of, fade_of, width_of
from engine.tools.upsample.facts import Learned
from engine.tools.upsample.learned import learn
from engine.tools.upsample.plan import plan

FACTS = Learned(16_000.0, 1.0, 300.0, 0.0, True, 1.0, False, False, 0.0, ())


def test_the_edge_of_a_recording_whose_rate_is_raised_is_not_above_its_resamplers() -> None:
    raised, same = (plan(rate, complete(UPSAMPLE, {})) for rate in (32_000, 48_000))
    full = replace(FACTS, cutoff_hz=16_000.0, full_band=True)
    edge = edge_of(raised, 32_000, full, 0.0)
    assert edge is not None
    assert edge.cutoff_hz == pytest.approx(0.95 * 16_000)
    assert edge_of(same, 48_000, replace(full, cutoff_hz=24_000.0), 0.0) is None


@pytest.mark.parametrize(("rate", "raised_hz"), [(44_100, 48_000), (44_100, 96_000), (47_000, 48_000)])
def test_a_whole_band_that_reaches_beyond_hearing_is_only_resampled_unless_a_cutoff_is_set(
    rate: int, raised_hz: int
) -> None:
    raised = plan(rate, complete(UPSAMPLE, {"rate_hz": raised_hz}))
    full = replace(FACTS, cutoff_hz=rate / 2, full_band=True)
    assert edge_of(raised, rate, full, 0.0) is None
    assert edge_of(raised, rate, full, 20_500.0) == Edge(20_500.0, 500.0)
    ended = edge_of(raised, rate, replace(FACTS, cutoff_hz=19_000.0), 0.0)
    assert ended is not None
    assert ended.cutoff_hz == 19_000.0


def test_both_sides_of_the_house_hear_up_to_the_same_frequency() -> None:
    from engine.measure import cutoff

    assert HEARD_UP_TO_HZ == cutoff.HEARD_UP_TO_HZ


@pytest.mark.parametrize(("rate", "raised_hz"), [(8_000, 48_000), (16_001, 48_000), (44_100, 44_100), (44_100, 48_000)])
def test_between_its_bounds_a_chosen_cutoff_stays_as_it_is(rate: int, raised_hz: int) -> None:
    params = complete(UPSAMPLE, {"rate_hz": raised_hz})
    lowest, highest = UPSAMPLE.edge_bounds(Format(rate, 1, 10), params)
    for chosen in (lowest, 1_000.0, 0.98 * highest):
        edge = edge_of(plan(rate, params), rate, FACTS, chosen)
        assert edge is not None
        assert edge.cutoff_hz == chosen
    below = edge_of(plan(rate, params), rate, FACTS, lowest - 1.0)
    assert below is not None
    assert below.cutoff_hz == lowest
    above = edge_of(plan(rate, params), rate, FACTS, highest + 1.0)
    assert above is None if rate == raised_hz else (above and above.cutoff_hz < highest + 1.0)


@pytest.mark.parametrize("rate", [16_001, 22_050, 32_000, 46_000, 47_999, 88_200])
def test_at_its_own_rate_a_full_band_lacks_nothing_whatever_rate_the_network_works_at(rate: int) -> None:
    full = replace(FACTS, cutoff_hz=rate / 2, full_band=True)
    assert edge_of(plan(rate, complete(UPSAMPLE, {"rate_hz": rate})), rate, full, 0.0) is None
    ended = replace(FACTS, cutoff_hz=0.97 * rate / 2)  # what it has above 0.95 of Nyquist stays its own
    edge = edge_of(plan(rate, complete(UPSAMPLE, {"rate_hz": rate})), rate, ended, 0.0)
    assert (edge.cutoff_hz if edge else None) == (None if rate == 88_200 else ended.cutoff_hz)


def test_a_chosen_cutoff_wins_over_the_one_that_was_found() -> None:
    same = plan(48_000, complete(UPSAMPLE, {}))
    full = replace(FACTS, full_band=True)
    for learned in (FACTS, full):
        edge = edge_of(same, 48_000, learned, 3_500.0)
        assert edge == Edge(3_500.0, 500.0)
    assert edge_of(same, 48_000, FACTS, 23_990.0) is None
    assert edge_of(same, 48_000, FACTS, 20.0) == Edge(300.0, 45.0)


def test_what_the_network_is_spared_is_as_wide_as_the_edge_but_not_more_than_a_part_of_the_band() -> None:
    assert width_of(16_000.0, FACTS) == 500.0
    assert width_of(16_000.0, replace(FACTS, edge_width_hz=900.0)) == 900.0
    assert width_of(16_000.0, replace(FACTS, edge_width_hz=9_000.0)) == pytest.approx(2_400.0)
    assert width_of(1_000.0, FACTS) == pytest.approx(150.0)


def test_the_cross_fade_is_narrow_at_a_steep_edge_and_as_wide_as_a_gentle_one() -> None:
    steep, gentle = (replace(FACTS, edge_width_hz=width) for width in (40.0, 1_200.0))
    assert fade_of(Edge(4_000.0, 500.0), steep) == Edge(4_000.0, 125.0)
    assert fade_of(Edge(16_000.0, 500.0), steep) == Edge(16_000.0, 240.0)
    assert fade_of(Edge(16_000.0, 1_200.0), gentle) == Edge(16_000.0, 1_200.0)
    assert fade_of(Edge(300.0, 45.0), steep) == Edge(300.0, 45.0)


def test_soxrs_edge_is_where_it_is_taken_to_be() -> None:
    """White noise at 24 kHz, raised to 48 kHz, is passed up to 0.93 of its own Nyquist, and falls at 0.95."""
    import soxr

    noise = np.random.default_rng(1).standard_normal(24_000 * 20)
    made = soxr.resample(noise, 24_000, 48_000, quality="VHQ")
    pieces = np.abs(np.fft.rfft(made[: len(made) // 4096 * 4096].reshape(-1, 4096) * np.hanning(4096), axis=1)) ** 2
    level = 10 * np.log10(pieces.mean(axis=0))
    hertz = np.fft.rfftfreq(4096, 1 / 48_000)
    passed = level[(hertz > 2_000) & (hertz < 9_000)].mean()
    lost = [passed - level[np.abs(hertz - share * 12_000) < 30].mean() for share in (0.93, 0.95, 0.956, 0.985)]
    assert lost[0] < 0.5
    assert 2.0 < lost[1] < 5.0
    assert 5.0 < lost[2] < 8.0
    assert lost[3] > 40.0


def test_learning_from_silence_gives_an_edge_that_can_be_used() -> None:
    from engine.audio.signal import SilentSignal

    learned = learn(SilentSignal(8_000, 1, 8_000), NO_JOB)
    edge = edge_of(plan(8_000, complete(UPSAMPLE, {})), 8_000, learned, 0.0)
    assert edge is not None
    assert edge.cutoff_hz == pytest.approx(3_800.0)
