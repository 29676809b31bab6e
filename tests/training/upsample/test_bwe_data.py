"""What one crop of the bandwidth networks holds: never a target above its wall, nothing that the host wouldn't give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from engine.inference.band_features import FLOOR, flat_tail, network_input
from tests.training.upsample.sounds import SMALL, noise, pools_in, source_of
from training.recipes import bwe16, bwe48
from training.upsample.bwe_data import crop, described, draw_cutoff, draw_pair, valid_up_to

CROPS = 30
FASTEST = 1.5


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))


def test_nothing_above_a_wall_is_ever_a_target(tmp_path: Path) -> None:
    pools = {"speech": pools_in(tmp_path)["speech"]}
    highest = []
    for seed in range(CROPS):
        pair = draw_pair(np.random.default_rng(seed), pools, SMALL)
        weight = described(pair, SMALL.stft)["weight"]
        counted = np.flatnonzero(weight) * pair.rate / SMALL.stft.fft
        assert counted.max() <= pair.valid_hz
        highest.append(pair.valid_hz)
    # The recording ends at 15 kHz; played faster it reaches further, which is what it is played faster for.
    assert max(highest) <= 15_000.0 * FASTEST
    assert min(highest) <= 15_000.0 < max(highest)


def test_a_recording_that_only_its_rate_limits_counts_whole_at_times(tmp_path: Path) -> None:
    source = source_of(tmp_path, "disc", noise(3.0, 44_100), 44_100)
    found = [valid_up_to(np.random.default_rng(seed), source, 48_000, 1.0) for seed in range(200)]
    whole = [hertz == 24_000.0 for hertz in found]
    assert 0.5 < np.mean(whole) < 0.7
    assert {hertz for hertz in found if hertz < 24_000.0} == {0.98 * 22_050.0 - 100.0}


def test_played_slower_a_recording_never_teaches_the_silence_above_it(tmp_path: Path) -> None:
    source = source_of(tmp_path, "disc", noise(3.0, 44_100), 44_100)
    assert all(valid_up_to(np.random.default_rng(seed), source, 48_000, 0.8) < 0.8 * 22_050.0 for seed in range(50))


def test_a_recording_with_an_encoders_wall_never_counts_whole(tmp_path: Path) -> None:
    source = source_of(tmp_path, "mp3", noise(3.0, 44_100, 16_000.0), 44_100)
    assert all(valid_up_to(np.random.default_rng(seed), source, 48_000, 1.0) < 16_000.0 for seed in range(50))


def test_a_crop_follows_from_its_generator(tmp_path: Path) -> None:
    pools = pools_in(tmp_path)
    one, same, other = (crop(np.random.default_rng(seed), pools, SMALL) for seed in (4, 4, 5))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["features"], other["features"])


def test_crops_are_whole_and_hold_something_to_learn(tmp_path: Path) -> None:
    pools = pools_in(tmp_path)
    for seed in range(CROPS):
        part = crop(np.random.default_rng(seed), pools, SMALL)
        assert part["features"].shape == (3 * SMALL.stft.bins + 2, SMALL.frames)
        assert part["target"].shape == part["given"].shape == (SMALL.stft.bins, SMALL.frames)
        assert all(np.isfinite(values).all() for values in part.values())
        assert part["weight"].sum() >= 2


def test_the_network_is_told_what_the_host_tells_it(tmp_path: Path) -> None:
    pair = draw_pair(np.random.default_rng(1), pools_in(tmp_path), SMALL)
    part, spectra = described(pair, SMALL.stft), SMALL.stft.forward(pair.given)
    assert np.array_equal(part["features"], network_input(spectra, pair.rate, pair.edge)[0])
    assert np.array_equal(part["tail"], flat_tail(spectra, pair.rate, pair.edge).T)
    assert np.allclose(np.exp(part["target"]), np.abs(SMALL.stft.forward(pair.target)).T + FLOOR, rtol=1e-4)


def test_targets_have_the_level_that_the_host_sets(tmp_path: Path) -> None:
    # One gain per recording, so crops of steady noise scatter by the drawn 2.5 dB about -25 dBFS.
    pools = {"music": pools_in(tmp_path)["music"]}
    pairs = [draw_pair(np.random.default_rng(seed), pools, SMALL) for seed in range(60)]
    levels = [20.0 * np.log10(np.sqrt(np.mean(pair.target**2)) + 1e-9) for pair in pairs]
    assert np.median(levels) == pytest.approx(-25.0, abs=1.5)


@pytest.mark.parametrize("recipe", [bwe16, bwe48])
def test_cutoffs_leave_room_above_them_at_every_rate(recipe: object) -> None:
    sizes = recipe.SIZES  # type: ignore[attr-defined]
    rng = np.random.default_rng(1)
    for rate, _ in sizes.rates:
        for valid_hz in (0.35 * rate, 0.5 * rate):
            drawn = [draw_cutoff(rng, rate, valid_hz, sizes) for _ in range(200)]
            assert max(drawn) <= 0.86 * valid_hz
            assert min(drawn) > 0.0


def test_a_source_shorter_than_a_crop_is_followed_by_silence(tmp_path: Path) -> None:
    blink = source_of(tmp_path, "blink", noise(0.01, 48_000), 48_000)
    part = crop(np.random.default_rng(2), {"music": (blink,)}, replace(SMALL, frames=80))
    assert np.isfinite(part["features"]).all()


def test_natural_targets_stay_as_they_were_recorded(tmp_path: Path) -> None:
    whole = noise(3.0, 48_000)
    pools = {"music": (source_of(tmp_path, "disc", whole, 48_000),)}
    for seed in range(8):
        pair = draw_pair(np.random.default_rng(seed), pools, SMALL, natural=1.0)
        sounding = pair.target[: SMALL.samples // 4]
        if np.any(sounding == 0.0):
            continue  # now and then a stretch falls silent, natural or not
        # Somewhere in the recording lies the same, at one gain.
        found = np.correlate(whole, sounding, "valid")
        place = int(np.abs(found).argmax())
        same = whole[place : place + len(sounding)]
        assert np.allclose(sounding / sounding.std(), same / same.std(), atol=1e-3)
