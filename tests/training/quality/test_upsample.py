"""The scoreboard of Upsample: honest damage, contenders that don't cheat, and promises that can be missed."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal

from training import validation
from training.quality import Answer, Case, Figure, Material, Report, Round, blind, named, scoreboards
from training.quality.measures import MEASURES
from training.quality.scoreboards import upsample, upsample_contenders
from training.quality.scoreboards.upsample_cards import card_figures, measures_on_cards
from training.quality.scoreboards.upsample_clips import valid_hz, with_room_above
from training.quality.scoreboards.upsample_codecs import CODECS, coded, earlier, passed_hz, with_room
from training.quality.scoreboards.upsample_contenders import (
    FLAT_TAIL,
    NOISE_AT_LEVEL,
    SINC,
    SPLINE,
    TRUE_MAGNITUDE,
)
from training.quality.scoreboards.upsample_damage import SEEN, UNSEEN, limited, low_pass, lowered, lowered_edge_hz
from training.quality.scoreboards.upsample_levels import levels
from training.quality.scoreboards.upsample_remarks import masked, walls
from training.quality.scoreboards.upsample_table import CODED, Line, judged, table
from training.validation import Clip

RATE = 16_000


def noise(seed: int = 1, seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate))).astype(np.float32)


def clip(rate: int = RATE, seconds: float = 2.0, seed: int = 1, name: str = "a.flac") -> Clip:
    """Noise that falls by 6 dB per octave above 500 Hz and comes in bursts, like speech."""
    samples = scipy.signal.lfilter([0.2], [1.0, -0.8], noise(seed, seconds, rate))
    bursts = 0.55 + 0.45 * np.sin(2 * np.pi * 3.0 * np.arange(len(samples)) / rate)
    return Clip(name, "speech", rate, (samples * bursts).astype(np.float32))


def gain_db(given: np.ndarray, answer: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hertz, cross = scipy.signal.csd(given, answer, fs=rate, nperseg=4096)
    _, power = scipy.signal.welch(given, fs=rate, nperseg=4096)
    return hertz, 20 * np.log10(np.abs(cross) / power + 1e-9), np.angle(cross)


@pytest.mark.parametrize("filtered", [*SEEN, *UNSEEN])
@pytest.mark.parametrize(("rate", "cutoff_hz"), [(RATE, 3_400.0), (44_100, 16_000.0)])
def test_every_filter_is_6_db_down_at_the_cutoff_and_delays_nothing(filtered: str, rate: int, cutoff_hz: float) -> None:
    given = noise(1, 4.0, rate)
    hertz, gain, phase = gain_db(given, low_pass(given, rate, cutoff_hz, filtered), rate)
    assert hertz[np.flatnonzero(gain > -6.02)[-1]] == pytest.approx(cutoff_hz, abs=2 * hertz[1])
    assert np.abs(phase[hertz < 0.9 * cutoff_hz]).max() < 0.01
    assert gain[hertz < 0.7 * cutoff_hz].min() > -1.0


def test_filters_and_ways_down_that_dont_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="no filter 'chebby': choose from cheby1"):
        low_pass(noise(), RATE, 1000.0, "chebby")
    with pytest.raises(ValueError, match="no way 'picked'"):
        lowered(clip(), 0, 8_000, "picked")


def test_unseen_filters_are_unseen_by_training() -> None:
    from training.upsample import bwe_degradations

    source = inspect.getsource(bwe_degradations)
    for drawn in ("cheb2", "cheby2", "firwin", "kaiser", "iirdesign", "iirfilter"):
        assert drawn not in source
    assert set(SEEN).isdisjoint(UNSEEN)


def test_decimation_is_scipys_zero_phase_one_and_ends_where_white_noise_says() -> None:
    material = lowered(clip(), 0, 4_000, "decimate")
    expected = scipy.signal.decimate(material.target.astype(np.float64), 4, zero_phase=True)
    np.testing.assert_allclose(material.given, expected, atol=1e-6)
    # Chebyshev I of order 8 at 0.8 of the new Nyquist, twice: -6 dB a little above 1600 Hz.
    assert material.facts["cutoff_hz"] == pytest.approx(1_700.0, abs=30.0)
    assert MEASURES["delay"].run(material, SINC.run(material)) == pytest.approx(0.0, abs=0.01)


def test_an_aliased_way_down_takes_every_so_many_samples_and_no_filter() -> None:
    given = clip()
    material = lowered(given, 0, 4_000, "aliased")
    np.testing.assert_array_equal(material.given, given.samples[::4])
    # What ends the band is the way back up alone: 0.956 of 2 kHz, where soxr is 6 dB down.
    assert material.facts["cutoff_hz"] == pytest.approx(0.956 * 2_000.0, abs=10.0)
    high = Clip("tone", "speech", RATE, np.sin(2 * np.pi * 3_000.0 * np.arange(RATE) / RATE).astype(np.float32))
    spectrum = np.abs(np.fft.rfft(lowered(high, 0, 4_000, "aliased").given))
    assert np.argmax(spectrum) == 1_000  # 3 kHz folded about 2 kHz


def test_a_sharp_way_down_ends_at_0_95_of_the_new_nyquist() -> None:
    assert lowered_edge_hz(48_000, 24_000, "sharp") == pytest.approx(0.95 * 12_000.0, rel=0.005)
    assert lowered_edge_hz(48_000, 8_000, "sharp") == pytest.approx(0.95 * 4_000.0, rel=0.005)


@pytest.mark.parametrize(("rate", "khz"), [(48_000, 8), (48_000, 12), (16_000, 2)])
def test_lengths_fit_whatever_the_ratio(rate: int, khz: int) -> None:
    odd = Clip("odd", "speech", rate, clip(rate, 1.0).samples[:-7])
    material = lowered(odd, 0, 1000 * khz, "sharp")
    for contender in (SINC, SPLINE, FLAT_TAIL, NOISE_AT_LEVEL, TRUE_MAGNITUDE):
        answer = contender.run(material)
        assert (answer.samples.shape, answer.rate) == (material.target.shape, rate)
        assert np.isfinite(answer.samples).all()


def test_what_was_resampled_counts_up_to_its_former_rate() -> None:
    import soxr

    low = noise(1, 3.0, 16_000)
    raised = Clip("b.flac", "speech", 48_000, soxr.resample(low, 16_000, 48_000, quality="HQ"))
    assert valid_hz(raised) == pytest.approx(7_600.0, abs=400.0)
    whole = Clip("c.flac", "speech", 48_000, noise(1, 3.0, 48_000))
    assert valid_hz(whole) == 24_000.0
    assert with_room_above([raised, whole], 7_500.0) == [whole]


def test_a_dull_recording_is_judged_to_its_end() -> None:
    # 24 dB per octave from 500 Hz on: above 15 kHz, nothing that a distance could see. Nothing cut it off all the same.
    spectrum = np.fft.rfft(noise(1, 3.0, 48_000))
    hertz = np.fft.rfftfreq(3 * 48_000, 1.0 / 48_000)
    dull = np.fft.irfft(spectrum / np.maximum(hertz / 500.0, 1.0) ** 4).astype(np.float32)
    assert valid_hz(Clip("dull.flac", "music", 48_000, dull)) == 24_000.0


def test_each_wall_is_told_with_what_made_it() -> None:
    import soxr

    raised = Clip("a/b.flac", "speech", 48_000, soxr.resample(noise(1, 3.0, 16_000), 16_000, 48_000, quality="HQ"))
    whole = Clip("a/c.flac", "speech", 48_000, noise(1, 3.0, 48_000))
    cut = Clip("a/d.flac", "music", 44_100, low_pass(noise(1, 3.0, 44_100), 44_100, 12_000.0, "ellip"))
    assert walls([whole], {}) == []
    (line,) = walls([cut, raised, whole], {"a/b.flac": 16_000, "a/c.flac": 48_000})
    told = re.fullmatch(
        r"compared up to their own wall only: b.flac (7\.\d) kHz \(stored at 16 kHz\), "
        r"d.flac (11\.\d) kHz \(a filter or an encoder\)",
        line,
    )
    assert told, line


def test_beside_masked_targets_stands_where_the_thresholds_come_from() -> None:
    assert masked([]) == []
    first, told = masked(["compared up to their own wall only: b.flac"])
    assert first == "compared up to their own wall only: b.flac"
    assert "a wall is a fall of 14 dB within 250 Hz" in told
    assert "chosen on the very validation recordings that they mask here" in told


@pytest.mark.parametrize("codec", CODECS)
def test_a_real_encoder_ends_the_band_at_its_shelf_and_comes_back_on_time(codec: str) -> None:
    given = clip(48_000, 4.0)
    made = coded(given, 0, codec)
    np.testing.assert_array_equal(made.target, given.samples)
    assert made.given.shape == given.samples.shape
    # The shelf is that of white noise; of sound that falls towards the top an encoder saves some more.
    assert 0.7 * CODECS[codec].shelf_hz < made.facts["cutoff_hz"] < 1.02 * CODECS[codec].shelf_hz
    assert MEASURES["delay"].run(made, SINC.run(made)) == pytest.approx(0.0, abs=0.01)
    # It is the recording itself that comes back, and on time: a few frames' delay leaves more at these frequencies.
    cut = low_pass(made.target, 48_000, 2_000.0, "kaiser"), low_pass(made.given, 48_000, 2_000.0, "kaiser")
    error = {by: np.sum((cut[0] - np.roll(cut[1], by)) ** 2) / np.sum(cut[0] ** 2) for by in (-5, 0, 5)}
    assert error[0] == min(error.values())
    assert error[0] < (0.4 if "opus" in codec else 0.1)  # at 11 kbit/s Opus keeps how it sounds, not the waveform
    assert MEASURES["BWE LSD-HF"].run(made, SINC.run(made)) > 1.0


def test_the_edge_of_a_coded_clip_is_where_half_of_the_amplitude_comes_through() -> None:
    given = noise(1, 4.0, 44_100)
    limited_one = low_pass(given, 44_100, 7_000.0, "cheby1")
    own = noise(2, 4.0, 44_100)  # an encoder's own noise isn't the recording's
    assert passed_hz(given, limited_one + own, 44_100, 22_050.0) == pytest.approx(7_000.0, rel=0.01)
    assert passed_hz(given, limited_one, 44_100, 5_000.0) == pytest.approx(5_000.0, abs=11.0)


def test_a_decoders_delay_is_taken_away_to_a_fraction_of_a_frame() -> None:
    time = np.arange(8_000) / RATE
    tone, late = (np.sin(2 * np.pi * 700.0 * (time - d / RATE)).astype(np.float32) for d in (0.0, 2.37))
    np.testing.assert_allclose(earlier(late, 2.37)[500:-500], tone[500:-500], atol=2e-3)
    np.testing.assert_allclose(earlier(earlier(late, 3.0), -3.0)[500:-500], late[500:-500], atol=2e-3)


def test_only_clips_with_something_above_the_shelf_are_coded() -> None:
    low = replace(clip(44_100), samples=low_pass(noise(1, 2.0, 44_100), 44_100, 8_000.0, "ellip"))
    full = Clip("full", "music", 44_100, noise(1, 2.0, 44_100))
    assert with_room([low, full], "mp3 V9") == [full]


@pytest.fixture(scope="module")
def material() -> Material:
    return lowered(clip(seconds=4.0), 0, 8_000, "sharp")


def measured(name: str, material: Material, answer: Answer) -> float:
    return MEASURES[name].run(material, answer)


def test_peers_leave_the_low_band_alone_and_bounds_know_the_truth(material: Material) -> None:
    answers = {c.name: c.run(material) for c in (SINC, FLAT_TAIL, NOISE_AT_LEVEL, TRUE_MAGNITUDE)}
    assert measured("kept band", material, answers["sinc"]) == -200.0
    for answer in answers.values():
        assert measured("kept band", material, answer) < -60.0
        assert measured("delay", material, answer) == pytest.approx(0.0, abs=0.01)
    distances = {name: measured("BWE LSD-HF", material, answer) for name, answer in answers.items()}
    assert distances["true magnitude"] < distances["noise, true level"] < distances["sinc"]
    assert distances["flat tail"] < distances["sinc"]
    # Independent noise of the right level is sqrt 2 times 5.57 dB away, whatever the recording.
    assert distances["noise, true level"] == pytest.approx(0.79, abs=0.06)
    assert measured("level bias", material, answers["noise, true level"]) == pytest.approx(0.0, abs=0.3)


def test_peers_dont_look_at_the_target(material: Material) -> None:
    other = Material(material.given, np.zeros_like(material.target), material.rate, material.given_rate, material.facts)
    for contender in (SINC, SPLINE, FLAT_TAIL):
        np.testing.assert_array_equal(contender.run(material).samples, contender.run(other).samples)


def test_a_flat_tail_is_deaf_to_level(material: Material) -> None:
    quiet = Material(
        material.given * np.float32(0.01), material.target, material.rate, material.given_rate, material.facts
    )
    # Not to the bit: the floor under the logarithm stays where it is.
    loud, soft = FLAT_TAIL.run(material).samples, FLAT_TAIL.run(quiet).samples * np.float32(100.0)
    assert np.sqrt(np.mean((loud - soft) ** 2) / np.mean(loud**2)) < 0.01


def test_the_tool_is_asked_with_what_it_knows_and_says_where_it_began(material: Material) -> None:
    only_raised = upsample_contenders._tooled({"model": "bwe16", "rate_hz": RATE, "generate": False}, "raised")
    answer = only_raised.run(material)
    np.testing.assert_array_equal(answer.samples, SINC.run(material).samples)
    assert answer.facts["cutoff_hz"] == RATE / 2  # nothing was generated: all of it is its own
    assert measured("cutoff error", material, answer) > 50.0


class Asked:
    """Stands for the product's tool: finds its edge so many percent too high, and counts how often it is asked."""

    def __init__(self, off_by: float) -> None:
        self.off_by, self.given = off_by, []

    def __call__(self, run: Any, material: Material) -> Answer:
        given = dict(run.values).get("cutoff_hz", 0.0)
        self.given.append(given)
        found = given or (1.0 + self.off_by) * material.facts["cutoff_hz"]
        return Answer(material.target, material.rate, {"cutoff_hz": found, "edge_width_hz": 0.0})


@pytest.mark.parametrize(("off_by", "times"), [(0.001, 1), (0.01, 2), (-0.2, 2)])
def test_the_true_edge_is_given_where_it_wasnt_found(
    material: Material, monkeypatch: pytest.MonkeyPatch, off_by: float, times: int
) -> None:
    asked, fresh = Asked(off_by), replace(material, _once={})
    monkeypatch.setattr(upsample_contenders._Edged, "_answer", lambda run, given: asked(run, given))
    monkeypatch.setattr(upsample_contenders, "files_here", lambda room: ("weights.onnx",))
    blind_one, told = upsample_contenders.network("bwe16", RATE, is_edge_given=True)
    first, second = blind_one.run(fresh), told.run(fresh)
    assert asked.given == [0.0, fresh.facts["cutoff_hz"]][:times]
    assert (second is first) == (times == 1)
    assert second.facts["cutoff_hz"] == pytest.approx(fresh.facts["cutoff_hz"], rel=0.002)


def test_networks_that_arent_there_are_told_and_dont_take_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upsample_contenders, "room_folder", lambda room: tmp_path / room)
    assert upsample_contenders.network("bwe16", RATE) == []
    assert upsample_contenders.films(2) == []
    (tmp_path / "tfilm").mkdir()
    for file in ("card.toml", "x4.onnx"):
        (tmp_path / "tfilm" / file).touch()
    assert upsample_contenders.films(2) == []
    assert [contender.name for contender in upsample_contenders.films(4)] == ["tfilm", "tfilm, band kept"]
    assert [contender.name for contender in upsample_contenders.films(4, kept=(False,))] == ["tfilm"]
    assert upsample_contenders.why_absent()["tfilm"] == "models/tfilm lacks x2.onnx, x8.onnx"
    assert upsample_contenders.why_absent()["afilm"] == "models/afilm lacks card.toml, x2.onnx, x4.onnx, x8.onnx"
    (tmp_path / "bwe16").mkdir()
    for file in ("card.toml", "weights.onnx"):
        (tmp_path / "bwe16" / file).touch()
    assert [contender.name for contender in upsample_contenders.network("bwe16", RATE)] == ["bwe16"]
    both = upsample_contenders.network("bwe16", RATE, is_edge_given=True)
    assert [contender.name for contender in both] == ["bwe16", "bwe16, edge given"]


@pytest.mark.parametrize(
    ("line", "state"),
    [
        (Line("a", "m", 0.9, 1.2, 1.0), "met"),
        (Line("a", "m", 1.1, 1.2, 1.0), "short"),
        (Line("a", "m", 1.3, 1.2, 1.0), "MISSED"),
        (Line("a", "m", None, 1.2, 1.0), "not measured"),
        (Line("a", "m", 0.9, None, 1.0), "not measured"),
        (Line("a", "m", 0.3, 0.1, 0.5, better="higher"), "short"),
        (Line("a", "m", 0.0, 0.1, 0.5, better="higher"), "MISSED"),
        (Line("a", "m", -2.0, 3.0, 1.0, better="zero"), "short"),
        (Line("a", "m", -4.0, 3.0, 1.0, better="zero"), "MISSED"),
    ],
)
def test_a_promise_is_met_short_or_missed(line: Line, state: str) -> None:
    assert line.state == state
    assert line.fails is (state in ("MISSED", "not measured"))
    assert line.as_json()["state"] == state
    assert state in table([line])


def report_of(values: dict[tuple[str, str, str], float]) -> Report:
    """Make a report of one clip out of (row, contender, measure) and value."""
    contenders = [blind(name, "ours", lambda s, r: s) for name in dict.fromkeys(name for _, name, _ in values)]
    measures = named(*dict.fromkeys(measure for _, _, measure in values))
    figures = tuple(Figure(kind, "f/a.flac", name, measure, value) for (kind, name, measure), value in values.items())
    return Report(figures, (), tuple(contenders), measures, 1, 0.0)


def line_of(values: dict[tuple[str, str, str], float], case: str, metric: str) -> Line:
    (found,) = (line for line in judged(report_of(values)) if line.case == case and line.metric == metric)
    return found


def test_the_floor_of_our_network_at_48_khz_is_the_flat_tail_on_the_same_files() -> None:
    kind = "speech 24-48k"
    values = {(kind, "bwe48", "BWE LSD"): 0.9, (kind, "flat tail", "BWE LSD"): 1.0}
    line = line_of(values, kind, "BWE LSD bwe48")
    assert (line.floor, line.value, line.target, line.state) == (1.0, 0.9, 0.75, "short")
    assert line.worst == "0.90 a.flac"
    assert "published" in line.peers
    assert line_of({(kind, "bwe48", "BWE LSD"): 0.9}, kind, "BWE LSD bwe48").state == "not measured"


def test_a_cutoff_at_the_recordings_own_rate_is_judged_in_percent_of_sinc() -> None:
    kind = "music under 8k"
    values = {(kind, "bwe48", "BWE LSD-HF"): 1.8, (kind, "sinc", "BWE LSD-HF"): 3.0}
    line = line_of(values, kind, "BWE LSD-HF bwe48 / sinc")
    assert line.value == pytest.approx(-40.0)
    assert line.state == "short"  # floor -30 %, target -50 %


def test_films_are_judged_by_what_they_gain_over_the_spline() -> None:
    kind = "single 4-16k decimate"
    values = {(kind, "tfilm", "SNR"): 14.0, (kind, "spline", "SNR"): 13.3}
    line = line_of(values, kind, "SNR tfilm - spline")
    assert line.value == pytest.approx(0.7)
    assert (line.floor, line.target, line.state) == (0.5, 1.2, "short")
    assert "16.8" in line.peers


@pytest.mark.parametrize("kind", ["music 24-48k", "music 8-48k", "music under 16k", "cymbals under 4k", *CODED])
@pytest.mark.parametrize("measure", ["BWE LSD", "BWE LSD-HF"])
@pytest.mark.parametrize("name", ["bwe48", "bwe48, edge given"])
def test_losing_to_the_flat_tail_is_a_missed_promise(kind: str, measure: str, name: str) -> None:
    for ours, state in ((1.05, "MISSED"), (0.95, "short"), (0.85, "met")):
        values = {(kind, name, measure): ours, (kind, "flat tail", measure): 1.0}
        line = line_of(values, kind, f"{measure} {name} - flat tail")
        assert (line.state, line.fails) == (state, state == "MISSED")


def test_films_are_judged_with_the_tools_own_setting_and_for_both_groups_of_speakers() -> None:
    for speakers, is_promised in (("single", True), ("others", False)):
        for film in ("afilm", "tfilm"):
            for factor in (2, 4, 8):
                kind = f"{speakers} {16 // factor}-16k decimate"
                values = {(kind, film, "SNR"): 13.6, (kind, f"{film}, band kept", "SNR"): 13.0}
                values |= {(kind, "spline", "SNR"): 13.1, (kind, f"{film}, band kept", "BWE LSD"): 2.5}
                values |= {(kind, "spline", "BWE LSD"): 2.4}
                alone = line_of(values, kind, f"SNR {film} - spline")
                tool = line_of(values, kind, f"SNR {film}, band kept - spline")
                assert (alone.value, tool.value) == (pytest.approx(0.5), pytest.approx(-0.1))
                assert tool.state == ("MISSED" if is_promised else "no promise")
                assert alone.is_promised is is_promised
                assert line_of(values, kind, f"BWE LSD {film}, band kept - spline").fails is is_promised


def test_the_setting_that_is_judged_as_the_tools_own_is_its_default() -> None:
    from engine.tools.tool import complete
    from engine.tools.upsample import UPSAMPLE

    assert complete(UPSAMPLE, {})["keep_band"] is True


def test_unseen_filters_the_worst_row_and_the_worst_clip_are_judged() -> None:
    values = {
        ("seen filters 16k", "bwe16", "BWE LSD"): 1.0,
        ("unseen filters 16k", "bwe16", "BWE LSD"): 1.1,
        ("seen filters 16k", "bwe16", "level bias"): 1.0,
        ("unseen filters 16k", "bwe16", "level bias"): -5.0,
        ("seen filters 16k", "bwe16", "kept band"): -95.0,
        ("unseen filters 16k", "bwe16", "kept band"): -70.0,
        ("unseen filters 16k", "bwe16", "delay"): -0.6,
    }
    assert line_of(values, "unseen less seen, 16k", "BWE LSD bwe16").value == pytest.approx(0.1)
    bias = line_of(values, "worst row", "level bias bwe16")
    assert (bias.value, bias.state) == (-5.0, "MISSED")
    assert bias.worst == "unseen filters 16k: median -5.0, worst -5.0 a.flac"
    assert line_of(values, "worst clip", "kept band bwe16").state == "short"
    assert line_of(values, "worst clip", "delay all").state == "MISSED"


def test_beside_a_promise_stands_what_the_network_does_when_the_edge_is_given() -> None:
    kind = "seen filters 16k"
    values = {(kind, "bwe16", "seam"): -6.0, (kind, "bwe16, edge given", "seam"): -0.5}
    values |= {("single 4-16k sharp", "bwe16, edge given", "seam"): -0.7}
    line = line_of(values, "worst row", "seam bwe16, edge given")
    assert (line.value, line.state, line.fails) == (-0.7, "no promise", False)
    assert line_of(values, "worst row", "seam bwe16").state == "MISSED"


@pytest.mark.parametrize(
    ("pairs", "promised"),
    [
        ("scipy.signal.decimate, 8th order", {"decimate"}),
        ("scipy.signal.decimate, 8th order and, to equal parts, every r-th sample: aliased", {"decimate", "aliased"}),
        ("", {"decimate"}),
    ],
)
def test_films_are_promised_for_the_ways_they_were_trained_on_and_shown_for_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pairs: str, promised: set[str]
) -> None:
    monkeypatch.setattr(upsample_contenders, "room_folder", lambda room: tmp_path / room)
    (tmp_path / "tfilm").mkdir()
    card = f'[files."x4.onnx".facts]\npairs = "{pairs}"\n' if pairs else ""
    (tmp_path / "tfilm" / "card.toml").write_text(card)
    for way in ("decimate", "aliased"):
        kind = f"single 4-16k {way}"
        line = line_of({(kind, "tfilm", "SNR"): 9.0, (kind, "spline", "SNR"): 13.0}, kind, "SNR tfilm - spline")
        assert line.value == -4.0
        assert (line.state, line.fails) == (("MISSED", True) if way in promised else ("no promise", False))


def test_levels_stand_side_by_side_blind_and_with_the_edge_given() -> None:
    figures, names = [], ("bwe16", "bwe16, edge given")
    for name, values in zip(names, ((-9.0, -1.0, -2.0), (-1.0, 0.0, -0.5)), strict=True):
        for number, value in enumerate(values):
            figures += [Figure("seen filters 16k", f"{number}", name, m, value) for m in ("seam", "level bias")]
    figures += [
        Figure("seen filters 16k", f"{number}", "bwe16", "cutoff error", e) for number, e in ((0, 12.0), (1, -6.0))
    ]
    contenders = tuple(blind(name, "ours", lambda s, r: s) for name in names)
    report = Report(tuple(figures), (), contenders, named("seam", "level bias", "cutoff error"), 3, 0.0)
    (row,) = (line for line in levels(report).splitlines() if line.startswith("seen filters 16k"))
    assert row.split() == [
        "seen", "filters", "16k", "3", "9.0", "%", *("-4.0", "-2.0", "-9.0", "-0.5", "-0.5", "-1.0") * 2,
    ]  # fmt: skip


def test_everything_that_was_promised_and_not_measured_is_said() -> None:
    lines = judged(Report((), (), (), (), 0, 0.0))
    assert all(line.state == "not measured" and line.fails is line.is_promised for line in lines)
    cases = " ".join(f"{line.case} {line.metric}" for line in lines)
    for promised in (
        "flat tail",
        "band kept",
        "mp3",
        "others 2-16k",
        "opus",
        "single 2-16k",
        "speech 12-48k",
        "music 8-48k",
        "under 16k",
        "afilm",
        "tfilm",
        "seam",
        "kept",
    ):
        assert promised in cases


def test_a_card_takes_the_rows_of_its_room() -> None:
    kind = "single 8-16k decimate"
    values = {(kind, "bwe16", "BWE LSD"): 0.951, (kind, "sinc", "BWE LSD"): 3.0}
    values |= {(kind, "afilm", "SNR"): 15.0, (kind, "spline", "SNR"): 14.5}
    cards = card_figures(report_of(values))
    assert cards["bwe16"] == {kind: {"lsd": 0.95, "sinc_lsd": 3.0, "lsd_worst": 0.95, "clips": 1}}
    assert cards["afilm"] == {kind: {"snr_db": 15.0, "spline_snr_db": 14.5, "snr_db_worst": 15.0, "clips": 1}}
    assert cards["bwe48"] == cards["tfilm"] == {}


def test_every_figure_on_a_card_is_of_a_measure_whose_definition_it_is_bound_to() -> None:
    rows = {("r", name, measure): 1.0 for name in ("bwe16", "afilm", "afilm, band kept", "bwe16, edge given", "sinc")
            for measure in MEASURES}  # fmt: skip
    before = card_figures(report_of(rows))
    bound = card_figures(report_of({key: v for key, v in rows.items() if key[2] in measures_on_cards()}))
    assert before == bound
    for measure in measures_on_cards():
        assert card_figures(report_of({key: v for key, v in rows.items() if key[2] != measure})) != before


def few(*_: Any) -> list[Round]:
    clips = [clip(seconds=1.5, seed=seed, name=f"LJ{seed}.flac") for seed in (1, 2)]
    down = partial(lowered, rate=8_000, filtered="decimate")
    cases = [Case("single 8-16k decimate", one, down) for one in clips]
    cutoff = partial(limited, cutoff_hz=3_400.0, filtered="kaiser")
    return [
        Round(cases, [SINC, SPLINE, FLAT_TAIL], named("BWE LSD", "SNR", "delay")),
        Round([Case("unseen filters 16k", clips[0], cutoff)], [SINC, FLAT_TAIL], named("BWE LSD", "seam")),
    ]


def test_a_run_writes_prints_and_draws_and_misses_what_isnt_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(upsample, "rounds", few)
    monkeypatch.setattr(upsample, "files_here", lambda room: ())
    monkeypatch.setattr(upsample, "why_absent", lambda: {"bwe16": "models/bwe16 lacks weights.onnx"})
    monkeypatch.setattr(validation, "left_out", dict)
    monkeypatch.setattr(upsample, "remarks", lambda *_: ["a remark"])
    monkeypatch.setattr(upsample, "SENTENCES", (("2x", "single 8-16k decimate", "LJ1.flac"),))
    assert upsample.run(scoreboards.Options(tmp_path, progress=False)) == 1
    read = json.loads((tmp_path / "upsample.json").read_text(encoding="utf-8"))
    assert read["networks"] == {}
    assert set(read["measured_by"]) == {"measures_sha256", "tool", "band_edge_sha256"}
    assert read["failures"] == 0
    assert {line["state"] for line in read["lines"]} >= {"not measured", "met"}  # the delays are met
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert "10 log10(sum y^2 / sum (y - x)^2)" in lines[lines.index("SNR (dB, higher is better)") + 1]
    assert "absent: bwe16: models/bwe16 lacks weights.onnx" in out
    assert "not measured" in out
    assert (tmp_path / "upsample_lsd.png").exists()
    assert (tmp_path / "upsample_speech.png").exists()
    assert not (tmp_path / "upsample_music.png").exists()


def test_weights_that_change_while_they_are_measured_are_told_and_name_no_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hashes = iter(["aa", "bb"])
    monkeypatch.setattr(upsample, "rounds", lambda *_: few()[1:])
    monkeypatch.setattr(upsample, "measured_networks", lambda: {"bwe16": {"weights.onnx": next(hashes)}})
    monkeypatch.setattr(upsample, "remarks", lambda *_: [])
    monkeypatch.setattr(upsample, "draw", lambda *_: None)
    monkeypatch.setattr(validation, "left_out", dict)
    assert upsample.run(scoreboards.Options(tmp_path, progress=False)) == 1
    assert json.loads((tmp_path / "upsample.json").read_text(encoding="utf-8"))["networks"] == {}
    assert "changed while they were measured" in capsys.readouterr().out


@pytest.mark.usefixtures("development_data")
def test_a_card_asks_for_every_clip_that_a_whole_run_measures() -> None:
    from training import figures

    everything = upsample.rounds()
    counted: dict[str, int] = {}
    for turn in everything:
        for case in turn.cases:
            counted[case.kind] = counted.get(case.kind, 0) + 1
    promised = {kind: clips for rows in figures.UPSAMPLE_ROWS.values() for kind, clips in rows.items()}
    assert promised == {kind: clips for kind, clips in counted.items() if not kind.startswith("cymbals")}
    named_clips = {(case.kind, case.clip.name) for turn in everything for case in turn.cases}
    for _, kind, name in (*upsample.EXAMPLES, *upsample.SIBILANTS, *upsample.SENTENCES):
        assert any(k == kind and clip_name.endswith(name) for k, clip_name in named_clips), name
