"""The benchmark of the loader measures both halves and fails where the loader is the slower one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from training.data import bench  # noqa: E402
from training.data.bench import Pace, measure  # noqa: E402
from training.errors import TrainingError  # noqa: E402
from training.recipe import Batch, Phase, Recipe, Settings, Terms  # noqa: E402


@pytest.fixture(autouse=True)
def settings_of_torch() -> Iterator[None]:
    """One thread, so that a busy machine doesn't matter, and nothing left behind."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def batches(settings: Settings, step: int) -> Iterator[Batch]:
    while True:
        yield {"x": torch.full((5, 3), float(step))}
        step += 1


def terms(model: torch.nn.Module, batch: Batch, phase: Phase) -> Terms:
    return {"loss": model(batch["x"]).square().mean()}


TINY = Recipe(
    name="tiny",
    build=lambda: torch.nn.Linear(3, 1),
    batches=batches,
    terms=terms,
    validate=lambda model, settings: {},
)


def test_both_halves_are_measured() -> None:
    made: list[int] = []
    pace = measure(replace(TINY, make_items=lambda settings, workers: made.append(workers)), Settings(steps=1), 0.05)
    assert made  # items that are missing are built first
    assert pace.loader > 0.0
    assert pace.network > 0.0
    assert 0.0 <= pace.waiting <= 1.0
    assert pace.ratio == pace.loader / pace.network


def test_a_pace_counts_examples_and_not_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1000))  # a clock on which everything takes one second
    monkeypatch.setattr(bench.time, "perf_counter", lambda: float(next(ticks)))
    # Asked at 0, 1, 2, 3: three batches of five before the third second is over, divided at 4.
    assert bench.loader_pace(batches(Settings(), 0), 3.0) == pytest.approx(2 * 5 / 4)


@pytest.mark.parametrize(("loader", "code"), [(14.9, 1), (15.1, 0)])
def test_a_loader_that_is_too_slow_fails_the_command(
    loader: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "measure", lambda *_: Pace(loader, 10.0, 0.1))
    monkeypatch.setattr(bench, "find_recipe", lambda name: TINY)
    monkeypatch.setattr("sys.argv", ["bench", "tiny", "--threads", str(torch.get_num_threads())])
    if code:
        with pytest.raises(SystemExit) as ended:
            bench.main()
        assert ended.value.code == 1
        assert "less than 1.5 times" in capsys.readouterr().err
    else:
        bench.main()
        assert "1.5" in capsys.readouterr().out


def test_nothing_to_train_on_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(recipe: Recipe, settings: Settings, seconds: float) -> Pace:
        raise TrainingError("no development data")

    monkeypatch.setattr(bench, "measure", refuse)
    monkeypatch.setattr(bench, "find_recipe", lambda name: TINY)
    monkeypatch.setattr("sys.argv", ["bench", "tiny", "--threads", str(torch.get_num_threads())])
    with pytest.raises(SystemExit):
        bench.main()
    assert capsys.readouterr().err.splitlines()[1:] == ["no development data"]  # after the line on how long it takes
