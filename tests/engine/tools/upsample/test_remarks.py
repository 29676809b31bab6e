"""What a user hears about a recording is true: what was found, what was done, and why nothing was."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from engine.audio.signal import Format
from engine.tools.tool import Value, complete
from engine.tools.upsample import UPSAMPLE
from engine.tools.upsample.facts import Learned

DOUBT = "the edge at 815 Hz leaves too little to go by"


def learnt(cutoff_hz: float, full_band: bool = False, noise_hz: float = 0.0, warnings: tuple[str, ...] = ()) -> Learned:
    return Learned(cutoff_hz, 0.9, 300.0, 0.0, False, 1.0, full_band, noise_hz > 0.0, noise_hz, warnings)


def said(rate: int, facts: Learned, **values: Value) -> str:
    return " | ".join(UPSAMPLE.remarks(Format(rate, 1, 10 * rate), complete(UPSAMPLE, values), facts.analysis()))


def test_a_whole_recording_is_told_to_be_whole() -> None:
    text = said(44_100, learnt(22_050.0, full_band=True))
    assert text.startswith("the recording's own band reaches up to 22050 Hz: nothing is missing, so it was copied")


def test_an_edge_that_was_not_believed_is_doubted_and_not_called_whole() -> None:
    text = said(44_100, learnt(22_050.0, warnings=(DOUBT,)))
    assert DOUBT in text
    assert "the recording was copied" in text
    assert "nothing is missing" not in text


def test_an_edge_above_all_that_the_network_makes_is_no_whole_recording() -> None:
    text = said(22_050, learnt(9_000.0), model="bwe16")
    assert text == "nothing is generated above 8000 Hz, and the band ends at 9000 Hz: so it was copied"


def test_a_chosen_cutoff_silences_the_doubts_about_the_edge_and_nothing_else() -> None:
    facts = learnt(22_050.0, noise_hz=5_000.0, warnings=(DOUBT,))
    text = said(44_100, facts, cutoff_hz=8_000.0)
    assert "restore the recording first" in text
    assert DOUBT not in text
    assert DOUBT in said(16_000, learnt(8_000.0, warnings=(DOUBT,)), rate_hz=48_000)


@pytest.mark.parametrize(
    ("rate", "values", "cutoff_hz", "known_hz"),
    [
        (2_000, {}, 950.0, 1_500),
        (44_100, {"cutoff_hz": 1_400.0}, 1_400.0, 1_500),
        (44_100, {"cutoff_hz": 1_600.0}, 1_600.0, 0),
        (1_000, {"factor": "8"}, 475.0, 800),
        (2_000, {"factor": "8"}, 950.0, 0),
        (2_000, {"model": "afilm"}, 950.0, 0),
    ],
)
def test_an_edge_lower_than_the_network_learnt_is_said(
    rate: int, values: dict[str, Value], cutoff_hz: float, known_hz: int
) -> None:
    text = said(rate, learnt(rate / 2, full_band=True), **values)
    if known_hz:
        assert f"at least {known_hz} Hz, and this one ends at {cutoff_hz:.0f} Hz" in text
    else:
        assert "learnt of recordings" not in text


@pytest.mark.parametrize(("room", "lowest_hz"), [("bwe48", 1_500.0), ("bwe16", 800.0)])
def test_what_the_networks_learnt_is_what_their_recipes_say(room: str, lowest_hz: float) -> None:
    from engine.tools.upsample.plan import LOWEST_TRAINED_HZ

    recipe = pytest.importorskip(f"training.recipes.{room}", reason="the recipes need torch")
    assert LOWEST_TRAINED_HZ[room] == recipe.SIZES.lowest_hz == lowest_hz


@pytest.mark.parametrize(
    ("rate", "values", "cutoff_hz", "known_hz"),
    [
        (48_000, {"cutoff_hz": 22_000.0}, 22_000.0, 21_600),
        (48_000, {"cutoff_hz": 21_000.0}, 21_000.0, 0),
        (15_500, {"rate_hz": 16_000}, 7_362.5, 7_200),
        (15_000, {"rate_hz": 16_000}, 7_125.0, 0),
    ],
)
def test_an_edge_higher_than_the_network_learnt_is_said(
    rate: int, values: dict[str, Value], cutoff_hz: float, known_hz: int
) -> None:
    text = said(rate, learnt(rate / 2, full_band=True), **values)
    if known_hz:
        assert f"up to {known_hz} Hz at most, and this one ends at {cutoff_hz:.0f} Hz" in text
    else:
        assert "learnt of recordings" not in text


def test_the_highest_edge_that_is_known_is_that_of_the_training() -> None:
    from engine.tools.upsample.plan import HIGHEST_TRAINED

    data = pytest.importorskip("training.upsample.bwe_data", reason="the recipes need torch")
    assert data.HIGHEST_SHARE == HIGHEST_TRAINED


def test_a_whole_recording_whose_rate_is_raised_beyond_hearing_is_told_to_be_resampled_only() -> None:
    text = said(44_100, learnt(22_050.0, full_band=True), rate_hz=48_000)
    assert "nothing is missing below 20000 Hz, where hearing ends: so it was only resampled" in text
    assert "generated band" not in text


@pytest.mark.parametrize(
    ("rate", "chosen_hz", "begins_hz"),
    [(8_000, 100.0, 300), (48_000, 299.0, 300), (8_000, 3_900.0, 3_800), (8_000, 300.0, 0), (8_000, 3_800.0, 0)],
)
def test_a_cutoff_that_is_not_taken_as_it_was_set_is_said(rate: int, chosen_hz: float, begins_hz: int) -> None:
    text = said(rate, learnt(rate / 2, full_band=True), rate_hz=48_000, cutoff_hz=chosen_hz)
    if begins_hz:
        assert f"set to {chosen_hz:.0f} Hz, and the generated band begins at {begins_hz} Hz, because" in text
    else:
        assert "was set to" not in text


def test_an_edge_set_above_the_end_of_the_recording_is_said_to_have_nothing_to_go_on() -> None:
    text = said(44_100, learnt(5_419.0), cutoff_hz=9_000.0)
    assert "there is no sound right under 9000 Hz: the recording ends at 5419 Hz" in text
    assert "is replaced" not in text
    for near in (5_419.0, 5_500.0):
        assert "there is no sound" not in said(44_100, learnt(5_419.0), cutoff_hz=near)
    assert "there is no sound" not in said(44_100, learnt(22_050.0, full_band=True), cutoff_hz=9_000.0)


def test_an_edge_set_below_the_end_of_the_recording_is_said_to_replace_what_lies_between() -> None:
    assert "what the recording holds from 4000 to 5419 Hz is replaced" in said(
        44_100, learnt(5_419.0), cutoff_hz=4_000.0
    )
    whole = said(8_000, learnt(4_000.0, full_band=True), rate_hz=48_000, cutoff_hz=2_000.0)
    assert "from 2000 to 3800 Hz is replaced" in whole  # 0.95 of half the rate: so far the resampler lets through
    for near_hz in (5_419.0, 5_300.0, 0.0):
        assert "is replaced" not in said(44_100, learnt(5_419.0), cutoff_hz=near_hz)
    (knob,) = (knob for knob in UPSAMPLE.knobs if knob.name == "cutoff_hz")
    assert "replaced" in knob.hint


@pytest.mark.parametrize(
    ("confidence", "hiss", "is_hidden"), [(0.0, True, True), (0.155, False, True), (0.02, False, False)]
)
def test_where_hiss_may_hide_the_end_a_recording_is_not_called_whole(
    confidence: float, hiss: bool, is_hidden: bool
) -> None:
    facts = replace(learnt(22_050.0, full_band=True), cutoff_confidence=confidence, hiss_on_top=hiss)
    text = said(44_100, facts)
    assert ("hiss may hide where the recording ends: restore it first, or set cutoff_hz" in text) is is_hidden
    assert ("nothing is missing" in text) is not is_hidden
    assert "so it was copied" in text
    assert "hiss may hide" not in said(44_100, facts, cutoff_hz=6_000.0)


def test_with_an_amount_of_nothing_nothing_is_called_generated() -> None:
    given, params = Format(16_000, 1, 1_000), complete(UPSAMPLE, {"amount": 0.0})
    facts = learnt(8_000.0, noise_hz=5_000.0, warnings=(DOUBT,))
    assert UPSAMPLE.generated_band(given, params, facts.analysis()) is None
    assert (
        said(16_000, facts, amount=0.0) == "amount is 0, so nothing was generated, and the recording was only resampled"
    )
    assert UPSAMPLE.generated_band(given, complete(UPSAMPLE, {"amount": 1.0}), facts.analysis()) is not None


def test_the_window_asks_for_remarks_and_edges_without_waiting_for_scipy() -> None:
    asking = """
import sys
from engine.audio.signal import Format
from engine.tools.tool import Analysis, complete
from engine.tools.upsample import UPSAMPLE
from engine.tools.upsample.facts import Learned
analysis = Learned(4000.0, 0.9, 300.0, 0.0, False, 1.0, False, True, 4000.0, ()).analysis()
given, params = Format(44100, 1, 1000), complete(UPSAMPLE, {})
assert UPSAMPLE.generated_band(given, params, analysis) and UPSAMPLE.remarks(given, params, analysis)
assert UPSAMPLE.edge_bounds(given, params) and UPSAMPLE.judges_of_analysis()
print(sorted(name for name in sys.modules if name.split(".")[0] in ("scipy", "soxr", "onnxruntime")))
"""
    done = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
