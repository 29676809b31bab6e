"""Which rate comes out and which network works is known, or refused with a reason, before anybody listens."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from engine.audio.signal import Format
from engine.errors import InputError, ShellacError, UsageError
from engine.inference.card import load_card
from engine.session.keys import DeviceKeys, device_keys, split_params
from engine.session.recipe import Step
from engine.settings import Settings
from engine.tools.tool import Value, complete
from engine.tools.upsample import UPSAMPLE, film, judge
from engine.tools.upsample.bwe import CONTEXT_FRAMES, PASSES, stft_of
from engine.tools.upsample.learned import LEVEL_DB
from engine.tools.upsample.plan import FACTORS, FILMS, SPEECH_RATE, WEIGHTS, plan


def planned(rate: int, **values: Value) -> tuple[str, int, int]:
    made = plan(rate, complete(UPSAMPLE, values))
    return made.model, made.rate, made.work_rate


@pytest.mark.parametrize(
    ("rate", "values", "wanted"),
    [
        (8_000, {}, ("bwe48", 48_000, 48_000)),
        (22_050, {}, ("bwe48", 48_000, 48_000)),
        (44_100, {}, ("bwe48", 44_100, 44_100)),
        (96_000, {}, ("bwe48", 96_000, 48_000)),
        (8_000, {"factor": "2"}, ("bwe16", 16_000, 16_000)),
        (2_000, {"factor": "4"}, ("bwe16", 8_000, 8_000)),
        (2_000, {"factor": "2"}, ("bwe16", 4_000, 16_000)),
        (5_000, {"factor": "2"}, ("bwe16", 10_000, 16_000)),
        (8_000, {"rate_hz": 12_000}, ("bwe16", 12_000, 12_000)),
        (16_000, {"factor": "2"}, ("bwe48", 32_000, 48_000)),
        (44_100, {"factor": "2"}, ("bwe48", 88_200, 48_000)),
        (44_100, {"rate_hz": 48_000}, ("bwe48", 48_000, 48_000)),
        (16_000, {"rate_hz": 16_000}, ("bwe16", 16_000, 16_000)),
        (8_000, {"model": "bwe16"}, ("bwe16", 16_000, 16_000)),
        (8_000, {"model": "bwe16", "rate_hz": 48_000}, ("bwe16", 48_000, 16_000)),
        (8_000, {"model": "afilm"}, ("afilm", 16_000, 16_000)),
        (4_000, {"model": "tfilm", "factor": "4"}, ("tfilm", 16_000, 16_000)),
        (2_000, {"model": "tfilm", "rate_hz": 16_000}, ("tfilm", 16_000, 16_000)),
    ],
)
def test_the_rate_and_the_network_follow_from_the_recording_and_the_knobs(
    rate: int, values: dict[str, Value], wanted: tuple[str, int, int]
) -> None:
    assert planned(rate, **values) == wanted
    (named,) = UPSAMPLE.networks_for(Format(rate, 1, 100), complete(UPSAMPLE, values))
    assert named.partition("/")[0] == wanted[0]
    assert wanted[0] in UPSAMPLE.networks(complete(UPSAMPLE, values))


@pytest.mark.parametrize(("rate", "factor"), [(8_000, 2), (4_000, 4), (2_000, 8)])
def test_each_film_has_a_file_for_each_factor(rate: int, factor: int) -> None:
    made = plan(rate, complete(UPSAMPLE, {"model": "afilm"}))
    assert (made.file, made.factor) == (f"x{factor}.onnx", factor)
    params = complete(UPSAMPLE, {"model": "afilm"})
    assert UPSAMPLE.networks_for(Format(rate, 1, 100), params) == (f"afilm/x{factor}.onnx",)


def test_a_frame_network_works_at_no_rate_that_its_training_did_not_know() -> None:
    bwe16 = pytest.importorskip("training.recipes.bwe16", reason="the recipes need torch")
    trained = {rate for rate, _ in bwe16.SIZES.rates}
    assert {planned(1_000, rate_hz=rate)[2] for rate in range(1_000, 16_001, 25)} <= trained


@pytest.mark.parametrize(
    ("rate", "values", "kind", "said"),
    [
        (48_000, {"rate_hz": 44_100}, UsageError, "upsample raises the rate; use resample in writing"),
        (44_100, {"rate_hz": 48_000, "factor": "2"}, UsageError, "give one of them"),
        (44_100, {"model": "afilm"}, InputError, "--model auto"),
        (16_000, {"model": "tfilm"}, InputError, "--model auto"),
        (8_000, {"model": "afilm", "factor": "4"}, InputError, "--factor 2"),
        (4_000, {"model": "afilm", "factor": "2"}, InputError, "--factor 4"),
        (2_000, {"model": "tfilm", "rate_hz": 48_000}, InputError, "--factor 8"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_can(
    rate: int, values: dict[str, Value], kind: type[ShellacError], said: str
) -> None:
    with pytest.raises(kind, match=said.replace("--", "[-][-]")):
        UPSAMPLE.output_format(Format(rate, 2, 100), complete(UPSAMPLE, values))


@pytest.mark.parametrize("frames", [0, 1, 2, 31, 4095, 8193, 100_003])
@pytest.mark.parametrize(("given", "wanted"), [(8_000, 48_000), (32_000, 48_000), (44_100, 48_000), (22_050, 96_000)])
def test_the_length_lasts_as_long_as_the_recording_to_half_a_frame(frames: int, given: int, wanted: int) -> None:
    made = UPSAMPLE.output_format(Format(given, 2, frames), complete(UPSAMPLE, {"rate_hz": wanted}))
    assert made == (wanted, 2, math.floor(frames * wanted / given + 0.5))


FACTS_OF_CARDS = [("bwe48", SPEECH_RATE + 1), ("bwe16", SPEECH_RATE)]


@pytest.mark.parametrize(("room", "rate"), FACTS_OF_CARDS)
def test_a_frame_network_is_run_as_its_card_says(room: str, rate: int) -> None:
    file = load_card(room).file(WEIGHTS)
    made = plan(rate, complete(UPSAMPLE, {"rate_hz": rate}))
    stft, context = stft_of(made), file.facts["context"]["frames"]
    assert (made.model, made.file) == (room, WEIGHTS)
    assert file.facts["stft"] == {"fft": stft.fft, "hop": stft.hop, "window": "hann"}
    assert file.facts["facts"] == {"consistency_passes": PASSES, "level_dbfs": LEVEL_DB}
    # Each pass of Griffin and Lim looks three frames further.
    assert context + 3 * PASSES <= CONTEXT_FRAMES
    assert made.work_rate in file.facts["sample_rates_hz"]


@pytest.mark.parametrize("room", FILMS)
def test_a_film_is_run_as_its_card_says(room: str) -> None:
    for factor in FACTORS:
        file = load_card(room).file(f"x{factor}.onnx")
        said = {name: file.facts["facts"][name] for name in ("level_dbfs", "factor", "window", "hop", "fade")}
        assert said == {
            "level_dbfs": LEVEL_DB, "factor": factor, "window": film.WINDOW, "hop": film.HOP, "fade": film.FADE,
        }  # fmt: skip
        assert [port["shape"] for port in file.facts["input"]] == [[1, 1, film.WINDOW]]
        assert file.facts["sample_rates_hz"] == [SPEECH_RATE]


def test_another_judge_of_edges_analyses_a_recording_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from engine.measure import band_edge

    assert judge.NUMBERS == band_edge.JUDGE

    def keys() -> DeviceKeys:
        judge.judge_sha256.cache_clear()
        params = split_params(UPSAMPLE, complete(UPSAMPLE, {}))
        return device_keys("below", Step("upsample"), UPSAMPLE, params, {}, Settings(), ())

    before = keys()
    assert keys() == before
    other = tmp_path / "band_edge.json"
    other.write_bytes(band_edge.JUDGE.read_bytes() + b"\n")
    monkeypatch.setattr(judge, "NUMBERS", other)
    after = keys()
    judge.judge_sha256.cache_clear()
    assert len({before.analysis, after.analysis, before.wet, after.wet}) == 4


def test_without_generating_no_network_is_needed() -> None:
    params = complete(UPSAMPLE, {"generate": False})
    assert UPSAMPLE.networks(params) == UPSAMPLE.networks_for(Format(8_000, 1, 1), params) == ()
    assert UPSAMPLE.networks_of_analysis(complete(UPSAMPLE, {})) == ()


@pytest.mark.parametrize(("model", "is_idle"), [("auto", True), ("bwe48", True), ("bwe16", True), ("afilm", False)])
def test_keeping_the_band_is_said_to_be_idle_where_it_is_kept_anyway(model: str, is_idle: bool) -> None:
    assert ("keep_band" in UPSAMPLE.idle_knobs(complete(UPSAMPLE, {"model": model}))) is is_idle
