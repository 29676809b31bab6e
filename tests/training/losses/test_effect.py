"""The experiment that trains one network with two losses: the same data for both, counted rightly, auraloss in fact."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training.losses import effect  # noqa: E402

PLAN = effect.Plan(steps=3, silent_share=0.3)


def material() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(0.1 * rng.standard_normal(3 * effect.RATE)).astype(np.float32) for _ in range(3)]


def test_a_wild_step_is_over_a_hundred_medians_or_no_number() -> None:
    norms = np.array([1.0, 2.0, 3.0, 2.0, 200.0, 200.1, np.nan, np.inf, 2.0])
    assert effect.wild_steps(norms) == 3


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    first, again, other = (effect.batch_at(step, material(), effect.Plan(seed=5)) for step in (4, 4, 5))
    torch.testing.assert_close(first.given, again.given, rtol=0.0, atol=0.0)
    assert not torch.equal(first.given, other.given)


def test_one_item_in_ten_is_a_gap_with_hiss() -> None:
    batches = [effect.batch_at(step, material(), effect.Plan()) for step in range(300)]
    silent = torch.cat([batch.target.abs().amax(dim=1) == 0.0 for batch in batches])
    given = torch.cat([batch.given for batch in batches])
    share = float(silent.float().mean())
    assert share == pytest.approx(0.1, abs=0.05)  # four standard deviations of 600 draws
    level = 20.0 * given[silent].square().mean(dim=1).sqrt().log10()
    assert float(level.min()) > effect.GAP_DB[0] - 1.0
    assert float(level.max()) < effect.GAP_DB[1] + 1.0


def test_the_same_seed_trains_the_same_network() -> None:
    runs = [effect.train(effect.CRITERIA["safe"](), material(), PLAN) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].norms, runs[1].norms)
    assert np.isfinite(runs[0].norms).all()


def test_parity_mode_trains_as_auraloss_does() -> None:
    auraloss = pytest.importorskip("auraloss")
    theirs = effect.train(auraloss.freq.MultiResolutionSTFTLoss(), material(), PLAN)
    ours = effect.train(effect.CRITERIA["auraloss"](), material(), PLAN)
    # Adam divides gradients by their size, so that the last bits of the first step are seen in the next.
    np.testing.assert_allclose(ours.norms[0], theirs.norms[0], rtol=1e-5)
    np.testing.assert_allclose(ours.norms, theirs.norms, rtol=1e-3)


def test_hiss_is_far_and_the_clip_itself_is_near() -> None:
    clips = material()[:2]
    untreated = effect.held_out_distance(lambda samples: samples, clips)
    assert untreated > 1.0

    def knows(samples: torch.Tensor) -> torch.Tensor:
        nearest = min(clips, key=lambda clip: float(np.square(samples[0].numpy() - clip).sum()))
        return torch.from_numpy(nearest).unsqueeze(0)

    assert effect.held_out_distance(knows, clips) == 0.0


def test_the_report_wants_no_wild_step_and_a_smaller_distance() -> None:
    def row(wild: float, distance: float) -> dict[str, float]:
        return {
            "norm_median": 1.0,
            "norm_max": 2.0,
            "wild_steps": wild,
            "held_out_lsd_db": distance,
            "seconds": 1.0,
        }

    def report(wild: float, distance: float) -> effect.Report:
        return effect.Report(PLAN, 9.0, {"auraloss": row(5, 7.0), "safe": row(wild, distance)})

    assert report(0, 6.9).is_as_wanted
    assert not report(1, 6.9).is_as_wanted
    assert not report(0, 7.0).is_as_wanted
    assert "6.90 dB" in report(0, 6.9).text()
