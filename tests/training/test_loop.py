"""The training loop learns, resumes with the same random state, survives a bad step and keeps data safe to load."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training import loop  # noqa: E402
from training.loop import Batch, Recipe, Settings  # noqa: E402


def line_batches(settings: Settings, rng: np.random.Generator) -> Iterator[Batch]:
    while True:
        x = torch.from_numpy(rng.standard_normal((32, 3)).astype(np.float32))
        yield {"x": x, "y": x @ torch.tensor([[1.0], [-2.0], [0.5]])}


def line_terms(model: torch.nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
    return {"loss": (model(batch["x"]).float() - batch["y"]).square().mean()}


def recipe(**changes: object) -> Recipe:
    values = {
        "name": "line",
        "build": lambda: torch.nn.Linear(3, 1),
        "batches": line_batches,
        "terms": line_terms,
        "validate": lambda model, device: {"weight": float(model.weight[0, 0])},
        "peak_rate": 0.1,
        "warmup_steps": 5,
        "ema": 0.9,
    }
    return Recipe(**(values | changes))


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))


def test_a_run_learns_a_line_and_leaves_log_picture_and_checkpoint(tmp_path: Path) -> None:
    path = loop.run(recipe(), Settings(minutes=0.005, log_steps=50))
    weights = loop.checkpoint_weights(path)
    torch.testing.assert_close(weights["weight"], torch.tensor([[1.0, -2.0, 0.5]]), atol=0.2, rtol=0)
    assert {p.name for p in (tmp_path / "line").iterdir()} == {"checkpoint.pt", "log.csv", "training_loss.png"}


def test_a_resumed_run_draws_the_numbers_an_unbroken_run_would_have_drawn(tmp_path: Path) -> None:
    state = loop.start(recipe(), Settings(minutes=1.0))
    batches = line_batches(Settings(minutes=1.0), state.rng)
    for _ in range(5):
        loop.train_step(recipe(), state, next(batches), 0.01, use_bf16=False)
    loop.save(state, tmp_path / "checkpoint.pt")
    expected = [loop.train_step(recipe(), state, next(batches), 0.01, use_bf16=False)["loss"] for _ in range(3)]
    again = loop.start(recipe(), Settings(minutes=1.0, seed=9))
    loop.load(again, tmp_path / "checkpoint.pt")
    batches = line_batches(Settings(minutes=1.0), again.rng)
    assert [loop.train_step(recipe(), again, next(batches), 0.01, use_bf16=False)["loss"] for _ in range(3)] == expected
    assert again.step == 8


def test_a_step_that_is_not_finite_changes_nothing_and_is_counted() -> None:
    state = loop.start(recipe(), Settings(minutes=1.0))
    before = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    batch = {"x": torch.full((4, 3), torch.nan), "y": torch.zeros(4, 1)}
    loop.train_step(recipe(), state, batch, 0.01, use_bf16=False)
    assert state.skipped == 1
    for name, tensor in state.model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_a_checkpoint_that_holds_code_is_refused(tmp_path: Path) -> None:
    torch.save({"average": loop.Settings}, tmp_path / "evil.pt")
    with pytest.raises(Exception, match=r"[Ww]eights"):
        loop.checkpoint_weights(tmp_path / "evil.pt")


def test_the_rate_warms_up_and_falls_to_a_fiftieth() -> None:
    rates = [loop.learning_rate(recipe(), step, step / 99) for step in range(100)]
    assert rates[0] == pytest.approx(0.02)
    assert max(rates) <= 0.1
    assert rates[-1] == pytest.approx(0.002)
    assert rates[4:] == sorted(rates[4:], reverse=True)
