"""The rulers' arithmetic: positions, ticks, and how numbers are read and spelt."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.views.axes import (
    SCALES,
    Scale,
    frequency_ticks,
    hz_at_position,
    note_name,
    parse_clock,
    parse_hz,
    position_of_hz,
    short_hz,
    spoken_hz,
    spoken_length,
    time_step,
)


@given(st.sampled_from(SCALES), st.floats(0, 1), st.floats(20, 500), st.floats(600, 48_000))
def test_a_height_on_the_ruler_leads_back_to_its_frequency(scale: Scale, place: float, low: float, high: float) -> None:
    hz = hz_at_position(place, scale, low, high)
    assert float(position_of_hz(hz, scale, low, high)) == pytest.approx(place, abs=1e-9)


def test_an_octave_is_equally_high_everywhere_on_the_log_axis() -> None:
    low, middle, high = (float(position_of_hz(hz, "log", 100, 12_800)) for hz in (100, 200, 12_800))
    assert (low, high) == pytest.approx((0, 1))
    assert middle == pytest.approx(1 / 7)  # 7 octaves


def test_1000_hz_are_1000_mel() -> None:
    # The mel scale's definition (Stevens 1937; O'Shaughnessy's formula meets it within 0.01 %).
    assert float(position_of_hz(1000, "mel", 0, 10_000)) * 3073.23 == pytest.approx(1000, rel=2e-3)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("low", "high"), [(60, 22_050), (0, 8000), (430, 450), (20, 96_000)])
def test_frequency_labels_never_touch(scale: Scale, low: float, high: float) -> None:
    low = max(low, 20 if scale == "log" else 0)
    heights = [float(position_of_hz(hz, scale, low, high)) * 400 for hz in frequency_ticks(scale, low, high, 400)]
    assert len(heights) >= 3
    assert all(b - a >= 26 for a, b in itertools.pairwise(heights))


def test_the_wide_log_axis_is_labelled_as_musicians_know_it() -> None:
    ticks = frequency_ticks("log", 60, 22_050, 448)
    assert [short_hz(hz) for hz in ticks if hz in (100, 1000, 10_000)] == ["100", "1 k", "10 k"]


@given(st.floats(1e-6, 100))
def test_time_labels_are_far_enough_apart_to_be_read(seconds_per_px: float) -> None:
    step, parts = time_step(seconds_per_px)
    assert step / seconds_per_px >= 63.9 or step == 36_000
    assert parts in (3, 4, 5)


def test_twelve_seconds_on_784_px_have_a_label_each_second() -> None:
    assert time_step(12 / 784)[0] == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1:02:03.4", 3723.4), ("0:50.020", 50.02), ("83,5 s", 83.5), ("12", 12.0), ("", None), ("1:2:3:4", None),
     ("abc", None), ("-3", None), ("nan", None)],
)  # fmt: skip
def test_times_are_read_as_people_type_them(text: str, seconds: float | None) -> None:
    assert parse_clock(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "hz"), [("300", 300), ("7.7 kHz", 7700), ("8k", 8000), ("1,5k", 1500), ("x", None), ("-1", None)]
)
def test_frequencies_are_read_as_people_type_them(text: str, hz: float | None) -> None:
    assert parse_hz(text) == (None if hz is None else pytest.approx(hz))


@pytest.mark.parametrize(
    ("hz", "name"),
    [(440, "A4 +0 ¢"), (261.6256, "C4 +0 ¢"), (1762, "A6 +2 ¢"), (3412, "G♯7 +46 ¢"), (430.54, "A4 −38 ¢"), (3, "")],
)
def test_notes_are_named_against_a_440(hz: float, name: str) -> None:
    assert note_name(hz) == name


@given(st.integers(12, 120))
def test_every_note_of_equal_temperament_is_met_to_the_cent(midi: int) -> None:
    letter = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"][midi % 12]
    spelt = note_name(440 * 2 ** ((midi - 69) / 12))
    assert spelt in [f"{letter}{midi // 12 - 1} {sign}0 ¢" for sign in "+−"]


def test_lengths_and_widths_are_spelt_for_a_label() -> None:
    assert spoken_length(3.04) == "3.04 s"
    assert spoken_length(0.0123) == "12.3 ms"
    assert spoken_length(83) == "1:23.0"
    assert spoken_hz(7700) == "7.70 kHz"
    assert spoken_hz(300) == "300 Hz"


def test_positions_of_many_frequencies_come_in_order() -> None:
    hz = np.geomspace(20, 20_000, 200)
    for scale in SCALES:
        places = position_of_hz(hz, scale, 20, 20_000)
        assert np.all(np.diff(places) > 0)
        assert math.isclose(float(places[-1]), 1.0)
