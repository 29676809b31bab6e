"""The training loop learns, resumes as if never stopped, survives a bad step, and knows what its weights have seen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training import loop  # noqa: E402
from training.loop import Batch, Phase, Recipe, Settings  # noqa: E402


def line_batches(settings: Settings, step: int) -> Iterator[Batch]:
    points = np.random.default_rng(0).standard_normal((100, 3)).astype(np.float32)
    for _, picks in loop.shuffled(np.arange(100), 32, settings.seed, step):
        x = torch.from_numpy(points[picks])
        yield {"x": x, "y": x @ torch.tensor([[1.0], [-2.0], [0.5]])}


def line_terms(model: torch.nn.Module, batch: Batch, _phase: Phase) -> dict[str, torch.Tensor]:
    return {"loss": (model(batch["x"]).float() - batch["y"]).square().mean()}


def recipe(**changes: object) -> Recipe:
    values = {
        "name": "line",
        "build": lambda: torch.nn.Linear(3, 1),
        "batches": line_batches,
        "terms": line_terms,
        "validate": lambda model, settings: {"weight": float(model.weight[0, 0])},
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


def steps_of(state: loop.State, count: int) -> list[float]:
    batches = line_batches(Settings(minutes=1.0), state.step)
    return [loop.train_step(recipe(), state, next(batches), 0.01, use_bf16=False)["loss"] for _ in range(count)]


def test_a_run_resumed_in_the_middle_of_a_pass_is_the_unbroken_run(tmp_path: Path) -> None:
    unbroken = loop.start(recipe(), Settings(minutes=1.0))
    expected = steps_of(unbroken, 8)  # a pass has three steps
    state = loop.start(recipe(), Settings(minutes=1.0))
    begun = steps_of(state, 5)
    loop.save(state, tmp_path / "checkpoint.pt")
    again = loop.start(recipe(), Settings(minutes=1.0))
    loop.load(again, tmp_path / "checkpoint.pt")
    assert begun + steps_of(again, 3) == expected
    for name, tensor in unbroken.average.state_dict().items():
        assert torch.equal(tensor, again.average.state_dict()[name])


def test_every_pass_sees_everything_once_in_its_own_order() -> None:
    picks = [list(p) for _, p in itertools.islice(loop.shuffled(np.arange(12), 3, 0, 0), 8)]
    assert sorted(itertools.chain(*picks[:4])) == sorted(itertools.chain(*picks[4:])) == list(range(12))
    assert picks[:4] != picks[4:]
    assert picks != [list(p) for _, p in itertools.islice(loop.shuffled(np.arange(12), 3, 1, 0), 8)]


def test_too_few_items_for_a_batch_are_said_instead_of_waited_for() -> None:
    with pytest.raises(ValueError, match="2 training items"):
        next(loop.shuffled(np.arange(2), 3, 0, 0))


def test_a_run_on_non_commercial_recordings_lies_apart_and_says_so(tmp_path: Path) -> None:
    path = loop.run(recipe(), Settings(minutes=0.0005, licences="all"))
    assert path == tmp_path / "line-all" / "checkpoint.pt"
    assert loop.checkpoint(path)["licences"] == "all"


def test_a_run_is_not_resumed_on_other_licences_or_with_another_seed(tmp_path: Path) -> None:
    loop.save(loop.start(recipe(), Settings(minutes=1.0, licences="all")), tmp_path / "checkpoint.pt")
    for other in (Settings(minutes=1.0), Settings(minutes=1.0, licences="all", seed=9)):
        with pytest.raises(loop.CheckpointError, match="all data with seed 0"):
            loop.load(loop.start(recipe(), other), tmp_path / "checkpoint.pt")


def test_a_checkpoint_that_does_not_say_what_it_saw_is_not_resumed(tmp_path: Path) -> None:
    state = loop.start(recipe(), Settings(minutes=1.0))
    loop.save(state, tmp_path / "checkpoint.pt")
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del content["licences"]
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(loop.CheckpointError, match="doesn't say what it was trained on"):
        loop.load(state, tmp_path / "checkpoint.pt")


def test_a_clean_run_does_not_begin_with_weights_that_saw_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "room_licences", lambda room: "all")
    with pytest.raises(loop.CheckpointError, match="non-commercial"):
        loop.run(recipe(), Settings(minutes=0.0005, from_room=True))


def test_a_run_remembers_every_machine_it_went_on_with(tmp_path: Path) -> None:
    state = loop.start(recipe(), Settings(minutes=1.0))
    state.machines = ["cuda"]
    loop.save(state, tmp_path / "checkpoint.pt")
    again = loop.start(recipe(), Settings(minutes=1.0))
    loop.load(again, tmp_path / "checkpoint.pt")
    assert again.machines == ["cuda", f"cpu, {torch.get_num_threads()} threads"]


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
