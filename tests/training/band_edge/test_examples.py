"""Examples for the judge say truly where their edge is, and the judge that learns is the one that answers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.signal
import torch

from engine.measure import band_edge
from engine.measure.band_edge import JUDGE
from training.band_edge.examples import draw
from training.band_edge.network import Judge, batch_of, loss_of, stored
from training.band_edge.responses import decimating, edge_and_width, gentle, low_pass, wall
from training.band_edge.sources import FFT, Source
from training.upsample.bwe_degradations import GRID, KINDS, draw_limit

RATE = 44_100
HERTZ = np.arange(FFT // 2 + 1) * (RATE / FFT)


def source(seed: int = 0) -> Source:
    """White noise in syllables."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((150, FFT // 2 + 1)) + 1j * rng.standard_normal((150, FFT // 2 + 1))
    loud = 10.0 ** rng.uniform(-1.5, 0.0, (150, 1))
    return Source("made", RATE, 0.98 * RATE / 2, (noise * loud).astype(np.complex64))


def test_the_points_of_a_butterworth_are_those_of_the_closed_form() -> None:
    ratio = HERTZ / 3_000.0
    six, octaves = edge_and_width(HERTZ, 1.0 / (1.0 + ratio**16)) or (0.0, 0.0)
    assert six == pytest.approx(3_000.0 * 3.0 ** (1.0 / 16.0), rel=0.005)
    one, twenty = ((10.0 ** (down / 10.0) - 1.0) ** (1.0 / 16.0) for down in (1.0, 20.0))
    assert octaves == pytest.approx(math.log2(twenty / one), rel=0.05)


def test_a_response_that_never_falls_has_no_edge() -> None:
    assert edge_and_width(HERTZ, np.ones(len(HERTZ))) is None


def test_decimation_s_response_is_that_of_scipy_s_filter() -> None:
    click = np.zeros(8_001)
    click[4_000] = 1.0
    low = scipy.signal.decimate(click, 4, zero_phase=True)
    grid, response = scipy.signal.freqz(4.0 * low, worN=np.linspace(0.0, 0.75, 50) * np.pi)
    expected = np.interp(grid / np.pi * RATE / 8.0, HERTZ, decimating(HERTZ, RATE / 8.0, RATE))
    np.testing.assert_allclose(np.abs(response) ** 2, expected, atol=0.02)


@pytest.mark.parametrize("seed", range(40))
def test_low_passes_pass_what_is_low_and_gentle_slopes_are_gentle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    response = low_pass(HERTZ, 4_000.0, RATE, rng)
    place = edge_and_width(HERTZ, response)
    assert place is not None
    assert 3_000.0 < place[0] < 6_000.0
    assert response[HERTZ < 1_000.0].min() > 0.2
    slope_db = 10.0 * np.log10(gentle(HERTZ, rng)[1:])
    assert np.all(np.interp([4_000.0], HERTZ[1:], slope_db) - np.interp([8_000.0], HERTZ[1:], slope_db) < 18.1)


def is_chebyshev_2(hertz: np.ndarray, response: np.ndarray) -> bool:
    """Whether a response falls without ripple, and comes back after its zeros: no other filter does."""
    gain_db = 10.0 * np.log10(response / response.max() + 1e-30)
    fallen = int(np.flatnonzero(gain_db > -6.0)[-1])
    below = gain_db[1:fallen]
    climbs_db = float(np.max(below - np.minimum.accumulate(below)))
    after = gain_db[fallen:]
    return climbs_db < 0.02 and float(np.max(after - np.minimum.accumulate(after))) > 3.0


@pytest.mark.parametrize("both_ways", [1, 2])
@pytest.mark.parametrize(("order", "stop_db"), [(4, 30.0), (8, 50.0), (11, 80.0)])
def test_a_chebyshev_of_the_second_kind_is_recognised(order: int, stop_db: float, both_ways: int) -> None:
    sections = scipy.signal.cheby2(order, stop_db, 4_000.0, fs=RATE, output="sos")
    response = np.abs(scipy.signal.sosfreqz(sections, HERTZ, fs=RATE)[1]) ** (2 * both_ways)
    assert is_chebyshev_2(HERTZ, response)


def test_the_judge_is_never_shown_the_filters_that_are_kept_for_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = kept_for_measuring(monkeypatch)
    rng = np.random.default_rng(0)
    assert not any(is_chebyshev_2(HERTZ, low_pass(HERTZ, 4_000.0, RATE, rng)) for _ in range(600))
    assert not asked


def test_nor_are_the_networks_that_raise_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = kept_for_measuring(monkeypatch)
    rng, grid = np.random.default_rng(0), np.linspace(0.0, RATE / 2.0, GRID)
    drawn = [draw_limit(rng, 4_000.0, RATE) for _ in range(300)]
    assert {limit.kind for limit in drawn} == set(KINDS)
    assert not any(is_chebyshev_2(grid, np.square(np.abs(limit.response))) for limit in drawn)
    assert not asked


def kept_for_measuring(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list into which every design comes that `upsample_damage.UNSEEN` or the cutoff table measures by."""
    asked: list[str] = []
    for name in ("cheby2", "cheb2ord", "kaiserord", "kaiser_beta", "firwin", "firwin2", "iirfilter", "iirdesign"):
        real = getattr(scipy.signal, name)

        def design(*args: object, name: str = name, real: Callable[..., object] = real, **how: object) -> object:
            asked.append(name)
            return real(*args, **how)

        monkeypatch.setattr(scipy.signal, name, design)
    return asked


def test_a_wall_is_half_way_down_in_amplitude_at_its_edge() -> None:
    assert wall(np.array([0.0, 4_999.9, 5_000.0]), 5_000.0, 0.1)[-1] == pytest.approx(0.25)


def test_white_noise_shows_its_edge_where_the_example_says() -> None:
    rng, hits = np.random.default_rng(3), 0
    for _ in range(60):
        example = draw(source(), rng)
        if example is None or example.kind != "filter" or example.is_hissy:
            continue
        level = example.traits[0] * 25.0  # dB
        before = (example.octaves < example.edge_octave - 0.5) & (example.octaves > example.edge_octave - 1.0)
        after = example.octaves > example.edge_octave + 0.5
        if after.sum() > 5 and before.any():
            hits += 1
            assert level[before].mean() - level[after].mean() > 8.0
    assert hits > 5


def test_the_judge_that_learns_answers_as_the_engine_s_does(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    judge = Judge()
    layers = {n: np.array(r["values"], dtype=np.float32).reshape(r["shape"]) for n, r in stored(judge).items()}
    monkeypatch.setattr(band_edge, "_layers", lambda: layers)
    assert_answers_as_the_engine(judge, np.random.default_rng(2))


def test_the_shipped_numbers_are_those_of_a_judge_as_it_would_be_taught_today() -> None:
    shipped = json.loads(JUDGE.read_text(encoding="utf-8"))["layers"]
    judge = Judge()
    named = {name if name[0].isalpha() else f"layers.{name}": row for name, row in shipped.items()}
    judge.load_state_dict({name: torch.tensor(row["values"]).reshape(row["shape"]) for name, row in named.items()})
    assert stored(judge) == shipped
    assert_answers_as_the_engine(judge, np.random.default_rng(3))


def assert_answers_as_the_engine(judge: Judge, rng: np.random.Generator) -> None:
    examples = [example for _ in range(12) if (example := draw(source(), rng)) is not None]
    batch = batch_of(examples)
    with torch.no_grad():
        odds, widths = judge(batch.traits)
    for row, example in enumerate(examples):
        none, edges, octaves = band_edge.judged(example.traits)
        bands = len(example.octaves)
        assert none == pytest.approx(float(odds[row, 0]), abs=2e-3)
        np.testing.assert_allclose(edges, odds[row, 1 : bands + 1].numpy(), atol=2e-3)
        np.testing.assert_allclose(octaves, widths[row, :bands].numpy(), atol=2e-3)


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(5)
    batch = batch_of([example for _ in range(40) if (example := draw(source(), rng)) is not None])
    judge = Judge()
    optimiser = torch.optim.AdamW(judge.parameters(), 5e-3)
    losses = []
    for _ in range(12):
        optimiser.zero_grad()
        loss = loss_of(judge, batch)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
