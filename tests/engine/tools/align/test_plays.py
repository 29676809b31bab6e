"""What is heard where one recording has what the other lacks: silence, skips and fades at the right moments."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Format, Samples, Span, format_of
from engine.tools.align.plays import lay_out
from engine.tools.align.render import plan, render
from engine.tools.align.result import Alignment, Segment
from tests.engine.tools.align.handmade import RATE, counting, hiss, straight


def played(
    target: ArraySignal, alignment: Alignment, seconds: float, keep: bool = False, follow: bool = False
) -> Samples:
    made = Format(RATE, target.channels, round(seconds * RATE))
    plays = lay_out(alignment, RATE, made.frames, follow)
    plans = plan(target, plays, RATE) if keep else ()
    return render(target, made, plays, plans, Span(0, made.frames))


def moment(samples: Samples, seconds: float) -> float:
    """Return which moment of a counting recording is heard."""
    return float(samples[round(seconds * RATE), 0]) / 0.01


@pytest.mark.parametrize("keep", [False, True])
def test_what_the_target_lacks_is_silent_and_faded_within_20_ms(keep: bool) -> None:
    out = played(hiss(10), straight((0, 0, 4), (6, 4, 6)), 12, keep)
    assert not out[4 * RATE : 6 * RATE].any()
    level = [float(np.sqrt(np.mean(out[round(a * RATE) : round(b * RATE)] ** 2)))
             for a, b in ((3.9, 3.98), (3.995, 4), (6, 6.005), (6.02, 6.1))]  # fmt: skip
    assert level[0] == pytest.approx(0.1, rel=0.2)
    assert level[3] == pytest.approx(0.1, rel=0.2)
    assert max(level[1:3]) < 0.03  # the last quarter of a sine fade: its mean square is 0.05
    target = hiss(10).samples
    assert np.allclose(out[: round(3.98 * RATE)], target[: round(3.98 * RATE)], atol=1e-6)


def test_what_only_the_target_has_is_skipped_with_a_crossfade_of_20_ms() -> None:
    out = played(counting(20), straight((0, 0, 5), (5, 8, 5)), 10)
    assert moment(out, 4.989) == pytest.approx(4.989, abs=1e-3)
    assert moment(out, 5.011) == pytest.approx(8.011, abs=1e-3)
    inside = out[round(4.99 * RATE) : round(5.01 * RATE), 0] / 0.01
    assert inside[0] == pytest.approx(5, abs=0.15)
    assert inside[-1] == pytest.approx(8, abs=0.15)
    assert np.abs(np.diff(out[:, 0])).max() < 0.001, "no click"
    # Different music keeps its power: cos and sin of the middle are both the root of one half.
    assert moment(out, 5.0) == pytest.approx((5 + 8) * np.sqrt(0.5), abs=0.1)


@pytest.mark.parametrize("pieces", [((0, 0, 4), (6, 4, 6)), ((0, 0, 5), (5, 8, 7)), ((2, 0, 3), (7, 6, 2.5))])
@pytest.mark.parametrize("keep", [False, True])
def test_any_span_in_any_order_has_the_bits_of_the_whole(pieces: tuple[tuple[float, float, float], ...],
                                                         keep: bool) -> None:  # fmt: skip
    target, made = hiss(16, channels=2), Format(RATE, 2, 12 * RATE)
    plays = lay_out(straight(*pieces), RATE, made.frames)
    plans = plan(target, plays, RATE) if keep else ()
    whole = render(target, made, plays, plans, Span(0, made.frames))
    edges = [0, 1, 63_900, 64_001, 79_841, 80_000, 80_001, 95_990, 96_333, 128_007, 192_000]
    spans = [Span(a, b) for a, b in pairwise(edges)]
    for index in np.random.default_rng(3).permutation(len(spans)).tolist():
        span = spans[index]
        assert np.array_equal(render(target, made, plays, plans, span), whole[span.start : span.stop]), span


def test_where_nothing_is_said_to_be_missing_the_ends_are_read_on() -> None:
    out = played(counting(11), straight((0.1, 0.6, 9.7)), 10)
    assert moment(out, 0.0) == pytest.approx(0.5, abs=1e-3)
    assert moment(out, 9.95) == pytest.approx(10.45, abs=1e-3)


def test_an_open_beginning_that_is_said_to_be_missing_is_silent() -> None:
    late = straight((3, 0, 5))
    open_ends = (Segment("missing", (0, 3), (0, 0), 0.0), *late.segments, Segment("missing", (8, 9), (5, 5), 0.0))
    said = Alignment(late.knots_reference_s, late.knots_target_s, late.confidence, late.sigma_s, open_ends)
    for alignment in (late, said):
        out = played(hiss(5.5), alignment, 9)
        assert not out[: 3 * RATE].any()
        assert not out[8 * RATE :].any()
        assert out[round(3.02 * RATE) : round(7.98 * RATE)].any()


def test_a_cut_between_touching_matches_that_go_on_is_no_cut() -> None:
    assert len(lay_out(straight((0, 1, 5), (5, 6, 5)), RATE, 10 * RATE)) == 1


def test_a_repeat_is_played_again_only_where_jumps_are_followed() -> None:
    knots = tuple((5.0 + t, 1.0 + t) for t in np.arange(0, 3.01, 0.5).tolist())
    first = straight((0, 0, 5), (8, 5, 2))
    again = Segment("match", (5.0, 8.0), (1.0, 4.0), 1.0, knots)
    segments = (*first.segments[:1], Segment("jump", (5.0, 5.0), (5.0, 1.0), 1.0), again, *first.segments[2:])
    both = Alignment(first.knots_reference_s, first.knots_target_s, first.confidence, first.sigma_s, segments)
    assert not played(counting(8), both, 10)[5 * RATE : 8 * RATE].any()
    out = played(counting(8), both, 10, follow=True)
    assert moment(out, 6.5) == pytest.approx(2.5, abs=1e-3)
    assert moment(out, 9.0) == pytest.approx(6.0, abs=1e-3)
    assert not both.is_complete


def test_left_and_right_that_are_equal_stay_equal() -> None:
    target = ArraySignal(np.repeat(hiss(10).samples, 2, axis=1), RATE)
    for keep in (False, True):
        out = played(target, straight((0, 0, 4), (5, 4.5, 5)), 10, keep)
        assert np.array_equal(out[:, 0], out[:, 1])


def test_another_rate_of_the_target_is_resampled_on_the_way() -> None:
    target = counting(10, 44_100)
    for keep in (False, True):
        out = played(target, straight((0, 2, 6)), 6, keep)
        assert moment(out, 3.0) == pytest.approx(5.0, abs=2e-3)
    assert format_of(target).rate == 44_100
