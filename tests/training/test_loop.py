"""The training loop learns, follows its phases, survives bad steps, and knows what its weights have seen."""

from __future__ import annotations

import copy
import csv
import dataclasses
import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch")

from tests.training.test_resume import differences  # noqa: E402
from tests.training.toy_recipes import toys  # noqa: E402
from training import loop, losses, precision, provenance, randomness  # noqa: E402
from training.__main__ import parser  # noqa: E402
from training.losses.extra import squared_difference  # noqa: E402
from training.recipe import CheckpointError, Recipe, Settings, TrainingError  # noqa: E402
from training.schedule import phase_at  # noqa: E402
from training.state import State, checkpoint, checkpoint_weights, load, start  # noqa: E402
from training.step import take_step, trainer_of  # noqa: E402

TOYS = {recipe.name: recipe for recipe in toys.RECIPES}
QUICK = Settings(steps=6, log_steps=2)
SEEN = {"name": "music", "licence": "CC0 1.0", "recordings": 2, "seconds": 1.5, "sources": ["one/a"]}


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))
    monkeypatch.delenv("SHELLAC_RECIPES", raising=False)


def test_a_run_learns_a_line_to_the_slope_it_has() -> None:
    recipe = toys.recipe("line", build=lambda: torch.nn.Linear(8, 4), peak_rate=0.1)
    path = loop.run(recipe, Settings(steps=200))
    torch.testing.assert_close(checkpoint_weights(path)["weight"], torch.from_numpy(toys.TRUTH.T), atol=0.02, rtol=0)


def test_a_run_leaves_checkpoint_log_curves_and_spectrograms(tmp_path: Path) -> None:
    loop.run(TOYS["toy_plain"], QUICK)
    names = {str(path.relative_to(tmp_path / "toy_plain")) for path in (tmp_path / "toy_plain").rglob("*.*")}
    assert names == {"checkpoint.pt", "log.csv", "training_loss.png", "mse.png", "examples/a_tone___in_hiss.png"}
    with (tmp_path / "toy_plain" / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["step"]) for row in rows] == [2, 4, 6, 6]
    assert {row["loss_mode"] for row in rows[:3]} == {"own"}
    assert float(rows[-1]["validation mse"]) > 0


def test_the_log_holds_the_mean_of_its_steps(tmp_path: Path) -> None:
    steps = []
    recipe = TOYS["toy_plain"]

    def noted(model: torch.nn.Module, batch: toys.Batch, phase: toys.Phase) -> toys.Terms:
        terms = toys.terms(model, batch, phase)
        steps.append(float(terms["loss"].detach()))
        return terms

    loop.run(replace(recipe, terms=noted, examples=None), Settings(steps=4, log_steps=4))
    with (tmp_path / "toy_plain" / "log.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert float(row["loss"]) == pytest.approx(sum(steps) / 4, rel=1e-5)


def test_every_step_belongs_to_the_phase_that_the_plan_says() -> None:
    seen: list[tuple[str, str]] = []
    recipe = TOYS["toy_phases"]

    def batches(settings: Settings, step: int) -> toys.Iterator[toys.Batch]:
        for batch in toys.batches(settings, step):
            yield batch | {"name": torch.tensor([ord(settings.phase.name[0])] * 16)}

    def terms(model: torch.nn.Module, batch: toys.Batch, phase: toys.Phase) -> toys.Terms:
        seen.append((phase.name, chr(int(batch["name"][0]))))
        return toys.terms(model, batch, phase)

    loop.run(replace(recipe, batches=batches, terms=terms), Settings(steps=10))
    assert seen == [("near", "n")] * 3 + [("shifted", "s")] * 4 + [("far", "f")] * 3
    assert phase_at(recipe.phases, 5, None).name == "near"  # without a plan: the beginning


def test_minutes_become_steps_once_and_the_plan_is_in_the_checkpoint_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept: list[tuple[int, object]] = []
    save = loop.save

    def noting(state: loop.State, path: Path) -> None:
        save(state, path)
        kept.append((state.step, checkpoint(path)["steps"]))

    monkeypatch.setattr(loop, "save", noting)
    loop.run(TOYS["toy_phases"], Settings(minutes=0.005))
    assert kept[0][0] == 30
    assert {steps for _, steps in kept} == {kept[-1][0]}


def test_a_discriminator_learns_in_its_phases_only_and_pulls_the_generator() -> None:
    recipe = TOYS["toy_adversary"]
    state = start(recipe, Settings(steps=10))
    trainer = trainer_of(recipe, Settings(steps=10), state)
    assert state.critic is not None
    before = [weight.clone() for weight in state.critic.model.parameters()]
    source = recipe.batches(Settings(), 0)
    alone = take_step(trainer, next(source), recipe.phases[0])
    assert "discriminator loss" not in alone
    assert all(map(torch.equal, before, state.critic.model.parameters()))
    judged = take_step(trainer, next(source), recipe.phases[1])
    assert not any(map(torch.equal, before, state.critic.model.parameters()))
    assert state.critic.step == 1
    assert judged["loss"] == pytest.approx(judged["mse"] + judged["generator loss"], rel=1e-5)
    assert all(weight.requires_grad for weight in [*state.model.parameters(), *state.critic.model.parameters()])


def broken_batch() -> toys.Batch:
    return {"x": torch.full((4, 8), torch.nan), "y": torch.zeros(4, 4)}


def kept_of(state: State) -> dict[str, Any]:
    """Copies of all that learns, its running statistics and moments included."""
    critic = state.critic
    assert state.losses is None
    return copy.deepcopy({
        "model": state.model.state_dict(), "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict()["state"],
        "critic": critic and critic.model.state_dict(), "critic's": critic and critic.optimiser.state_dict()["state"],
        "critic_step": critic and critic.step,
    })  # fmt: skip


@pytest.mark.parametrize("name", ["toy_plain", "toy_dropout", "toy_adversary"])
def test_a_step_that_is_not_finite_changes_nothing_and_is_counted(name: str) -> None:
    recipe = TOYS[name]
    state = start(recipe, Settings())
    trainer = trainer_of(recipe, Settings(), state)
    phase = recipe.phases[-1]
    before = kept_of(state)
    take_step(trainer, broken_batch(), phase)
    assert (state.skipped, state.step) == (1, 1)
    assert differences(before, kept_of(state)) == []
    take_step(trainer, next(recipe.batches(Settings(), 0)), phase)
    assert (state.skipped, state.skipped_in_a_row) == (1, 0)


@pytest.mark.parametrize("broken", ["discriminator_terms", "generator_terms"])
def test_network_and_discriminator_step_together_or_not_at_all(broken: str) -> None:
    recipe = TOYS["toy_adversary"]
    assert recipe.adversary is not None
    whole = getattr(recipe.adversary, broken)

    def terms(one: torch.nn.Module, other: torch.nn.Module, batch: toys.Batch) -> toys.Terms:
        return {"loss": whole(one, other, batch)["loss"] * torch.nan}

    state = start(recipe, Settings())
    trainer = trainer_of(recipe, Settings(), state)
    source = recipe.batches(Settings(), 0)
    take_step(trainer, next(source), recipe.phases[1])
    before = kept_of(state)
    odd = replace(recipe, adversary=replace(recipe.adversary, **{broken: terms}))
    take_step(trainer_of(odd, Settings(), state), next(source), recipe.phases[1])
    assert state.skipped == 1
    assert differences(before, kept_of(state)) == []


def test_running_statistics_of_a_loss_forget_a_step_that_is_not_finite() -> None:
    norm = torch.nn.BatchNorm1d(4)

    def terms(model: torch.nn.Module, batch: toys.Batch, phase: toys.Phase) -> toys.Terms:
        return {"loss": norm(model(batch["x"]) - batch["y"]).abs().mean()}

    recipe = toys.recipe("normed", terms=terms, losses=norm)
    state = start(recipe, Settings())
    before = copy.deepcopy(norm.state_dict())
    take_step(trainer_of(recipe, Settings(), state), broken_batch(), recipe.phases[0])
    assert differences(before, norm.state_dict()) == []
    take_step(trainer_of(recipe, Settings(), state), next(recipe.batches(Settings(), 0)), recipe.phases[0])
    assert differences(before, norm.state_dict()) != []


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["loss"]]


def test_a_skipped_step_leaves_the_means_of_the_log_to_the_others(tmp_path: Path) -> None:
    loop.run(TOYS["toy_holes"], Settings(steps=20, log_steps=20))
    (row,) = rows_of(tmp_path / "toy_holes")
    assert float(row["skipped"]) == 2
    assert 0.0 < float(row["loss"]) < 100.0
    assert 0.0 < float(row["norm"]) < 100.0


def test_what_a_phase_has_not_logged_when_it_ends_gets_a_row(tmp_path: Path) -> None:
    loop.run(TOYS["toy_phases"], Settings(steps=10, log_steps=4))
    found = [(row["step"], row["phase"]) for row in rows_of(tmp_path / "toy_phases")]
    assert found == [("3.0", "near"), ("4.0", "shifted"), ("7.0", "shifted"), ("8.0", "far"), ("10.0", "far")]


@pytest.mark.parametrize("mode", ["safe", "parity"])
def test_the_log_says_the_mode_of_the_losses_that_were_used(mode: losses.base.Mode) -> None:
    loss = losses.ESRLoss(mode=mode)

    def terms(model: torch.nn.Module, batch: toys.Batch, phase: toys.Phase) -> toys.Terms:
        return {"loss": loss(model(batch["x"]), batch["y"])}

    assert checkpoint(loop.run(toys.recipe("heard", terms=terms), QUICK))["loss_mode"] == mode


def test_a_function_among_the_losses_is_heard_as_well() -> None:
    def terms(model: torch.nn.Module, batch: toys.Batch, phase: toys.Phase) -> toys.Terms:
        return {"loss": squared_difference(model(batch["x"]), batch["y"]).mean()}

    assert checkpoint(loop.run(toys.recipe("heard", terms=terms), QUICK))["loss_mode"] == "safe"


def test_a_run_that_learns_from_something_else_than_it_was_begun_with_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = replace(TOYS["toy_plain"], inputs=lambda settings: "these", examples=None)
    loop.run(recipe, replace(QUICK, stop_after_minutes=1e-9))
    loop.run(recipe, replace(QUICK, resume=True, stop_after_minutes=1e-9))
    assert "have changed" not in capsys.readouterr().out
    others = replace(recipe, inputs=lambda settings: "others")
    loop.run(others, replace(QUICK, resume=True, bf16=True))
    said = capsys.readouterr().out
    assert "the items that toy_plain trains on, or what was worked out from them, have changed" in said
    assert "this run was begun in float32 and goes on in bfloat16" in said


class Pair(NamedTuple):
    wide: torch.Tensor
    narrow: torch.Tensor


@dataclasses.dataclass(frozen=True)
class Answer:
    gain: torch.Tensor
    parts: list[torch.Tensor]
    words: str | None = None


def test_whatever_a_network_answers_with_is_widened_or_refused() -> None:
    narrow = torch.ones(2, dtype=torch.bfloat16)
    pair = precision.in_float32(Pair(torch.ones(2, dtype=torch.float64), narrow))
    assert isinstance(pair, Pair)
    assert (pair.wide.dtype, pair.narrow.dtype) == (torch.float64, torch.float32)
    answer = precision.in_float32({"a": (Answer(narrow, [narrow], "x"), None, 3)})["a"][0]
    assert isinstance(answer, Answer)
    assert (answer.gain.dtype, answer.parts[0].dtype, answer.words) == (torch.float32, torch.float32, "x")

    class Odd:
        gain = narrow

    with pytest.raises(TrainingError, match="answers with Odd, whose tensors nobody would widen"):
        precision.in_float32([Odd()])


def test_a_run_that_can_no_longer_recover_stops_and_keeps_its_checkpoint(tmp_path: Path) -> None:
    def turning_bad(settings: Settings, step: int) -> toys.Iterator[toys.Batch]:
        yield from itertools.islice(toys.batches(settings, step), 5)
        yield from itertools.repeat(broken_batch())

    recipe = replace(TOYS["toy_plain"], batches=turning_bad, examples=None)
    with pytest.raises(TrainingError, match=r"50 steps in a row .* step 55.* peak_rate"):
        loop.run(recipe, Settings(steps=500, checkpoint_minutes=0.0))
    weights = checkpoint_weights(tmp_path / "toy_plain" / "checkpoint.pt")
    assert all(bool(torch.isfinite(weight).all()) for weight in weights.values())


def test_gradients_are_clipped_to_the_norm_of_the_recipe() -> None:
    recipe = replace(TOYS["toy_plain"], clip_norm=1e-3)
    state = start(recipe, Settings())
    figures = take_step(trainer_of(recipe, Settings(), state), next(recipe.batches(Settings(), 0)), recipe.phases[0])
    squares = sum(float(weight.grad.square().sum()) for weight in state.model.parameters() if weight.grad is not None)
    assert squares**0.5 == pytest.approx(1e-3, rel=1e-3)
    assert figures["norm"] > 0.1  # what is logged is the norm before


def test_the_network_computes_in_bf16_and_the_loss_in_float32() -> None:
    seen: list[torch.dtype] = []

    def terms(model: torch.nn.Module, batch: toys.Batch, phase: toys.Phase) -> toys.Terms:
        estimate = model(batch["x"])
        product = estimate @ torch.ones(4, 4)  # a matrix product in a loss, which autocast would narrow
        seen.extend([model[0](batch["x"]).dtype, estimate.dtype, product.dtype])
        return {"loss": (product - batch["y"]).square().mean()}

    recipe = toys.recipe("narrow", terms=terms, bf16=True)
    model = torch.nn.Sequential(torch.nn.Linear(8, 4))
    inner: list[torch.dtype] = []
    model[0].register_forward_hook(lambda layer, given, answer: inner.append(answer.dtype))
    precision.compute_in_bf16(model, "cpu")
    assert precision.uses_bf16(recipe, Settings(), model)
    terms(model, next(recipe.batches(Settings(), 0)), recipe.phases[0])
    assert inner[0] == torch.bfloat16
    assert seen[1:] == [torch.float32, torch.float32]


def test_dilated_convolutions_are_not_computed_in_bf16_on_the_cpu() -> None:
    recipe = toys.recipe("gaps", build=lambda: torch.nn.Sequential(torch.nn.Conv1d(1, 1, 3, dilation=2)), bf16=True)
    with pytest.raises(TrainingError, match=r"dilated convolutions .* gaps has some .0.* --no-bf16"):
        loop.run(recipe, Settings(steps=1))
    assert not precision.uses_bf16(recipe, Settings(bf16=False), recipe.build())


def test_a_validation_may_draw_without_changing_what_is_learned() -> None:
    randomness.seed_everything(5)
    expected = [float(torch.randn(())), float(toys.np.random.normal())]
    randomness.seed_everything(5)
    with randomness.untouched_randomness():
        torch.randn(100)
        toys.np.random.normal(size=100)
    assert [float(torch.randn(())), float(toys.np.random.normal())] == expected


def test_a_run_stops_when_told_and_goes_on_later(tmp_path: Path) -> None:
    path = loop.run(TOYS["toy_plain"], Settings(steps=50, stop_after_minutes=0.0))
    assert checkpoint(path)["step"] == 1
    assert checkpoint(loop.run(TOYS["toy_plain"], Settings(steps=50, resume=True)))["step"] == 50


def test_a_new_run_keeps_the_checkpoint_of_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    before = loop.run(TOYS["toy_plain"], QUICK).read_bytes()
    for seed in (1, 2):  # forgotten --resume twice
        path = loop.run(TOYS["toy_plain"], replace(QUICK, seed=seed))
        assert f"kept as {path.with_stem(f'checkpoint-before-{seed}')}" in capsys.readouterr().out
    assert path.with_stem("checkpoint-before-1").read_bytes() == before
    assert checkpoint(path.with_stem("checkpoint-before-2"))["seed"] == 1
    assert path.with_name("log-before-1.csv").exists()


def test_a_run_on_other_recordings_lies_apart_and_says_so(tmp_path: Path) -> None:
    path = loop.run(TOYS["toy_plain"], replace(QUICK, licences="all"))
    assert path == tmp_path / "toy_plain-all" / "checkpoint.pt"
    assert checkpoint(path)["licences"] == "all"
    with pytest.raises(TrainingError, match="'some': take"):
        loop.run(TOYS["toy_plain"], replace(QUICK, licences="some"))


def with_room(recipe: Recipe) -> Recipe:
    from training.recipes import find_recipe

    return replace(recipe, room=find_recipe("noise_profile").room)


def test_a_clean_run_does_not_begin_with_weights_that_saw_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "room_licences", lambda room: "all")
    with pytest.raises(CheckpointError, match="noise_profile were trained on non-commercial"):
        loop.run(with_room(TOYS["toy_plain"]), replace(QUICK, from_room=True))
    with pytest.raises(CheckpointError, match="no room to begin from"):
        loop.run(TOYS["toy_plain"], replace(QUICK, from_room=True))


@pytest.mark.parametrize(("peak_rate", "is_better"), [(0.1, True), (300.0, False)])
def test_shipped_weights_go_on_gently_and_a_run_that_spoils_them_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], peak_rate: float, is_better: bool
) -> None:
    shipped = checkpoint(loop.run(TOYS["toy_plain"], Settings(steps=60)))["average"]
    monkeypatch.setattr(loop, "load_room_weights", lambda *_: shipped)
    monkeypatch.setattr(loop, "data_facts", lambda *_: "[]")
    recipe = replace(with_room(TOYS["toy_plain"]), peak_rate=peak_rate, warmup_steps=1)
    path = loop.run(recipe, Settings(steps=20, log_steps=1, from_room=True))
    content = checkpoint(path)
    rows = json.loads(content["rows"])
    assert max(row.get("rate", 0.0) for row in rows) == pytest.approx(0.1 * peak_rate, rel=1e-3)
    before, after = (row["validation loss"] for row in (rows[0], rows[-1]))
    assert (after < before) == is_better
    assert ("no better than the shipped weights" in capsys.readouterr().out) != is_better
    state = start(recipe, Settings())
    load(state, path)
    assert state.rate_share == 0.1  # a run that goes on goes on as gently


def test_a_run_from_a_room_learns_as_fast_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = TOYS["toy_plain"].build().state_dict()
    monkeypatch.setattr(loop, "load_room_weights", lambda *_: shipped)
    monkeypatch.setattr(loop, "data_facts", lambda *_: "[]")
    recipe = replace(with_room(TOYS["toy_plain"]), peak_rate=0.01, warmup_steps=1)
    path = loop.run(recipe, Settings(steps=20, log_steps=1, from_room=True, rate_share=0.5))
    rates = [row.get("rate", 0.0) for row in json.loads(checkpoint(path)["rows"])]
    assert max(rates) == pytest.approx(0.5 * 0.01, rel=1e-3)


@pytest.mark.parametrize("word", ["0", "1.1", "nan", "much"])
def test_a_share_of_the_learning_rate_is_one(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["toy_plain", "--rate-share", word])
    assert word in capsys.readouterr().err


def test_a_checkpoint_says_what_was_seen_and_until_when(monkeypatch: pytest.MonkeyPatch) -> None:
    named = with_room(TOYS["toy_plain"]).room
    assert named is not None
    room = replace(named(), trained_sets=())
    recipe = replace(TOYS["toy_plain"], room=lambda: room)
    days = {datetime.now(UTC).date().isoformat()}
    path = loop.run(recipe, QUICK)
    content = checkpoint(path)
    assert content["data"] == "[]"
    assert content["trained_until"] in days | {datetime.now(UTC).date().isoformat()}
    content |= {"trained_until": "2001-02-03", "data": json.dumps([SEEN | {"recordings": 5}])}
    torch.save(content, path)
    monkeypatch.setattr(provenance, "rows_seen", lambda *_: [SEEN, SEEN | {"name": "violin"}])
    again = checkpoint(loop.run(recipe, replace(QUICK, resume=True)))
    assert (again["trained_until"], again["data"]) == ("2001-02-03", content["data"])  # no step was left to take
    torch.save(content | {"step": 5}, path)
    again = checkpoint(loop.run(recipe, replace(QUICK, resume=True)))
    assert again["trained_until"] in days | {datetime.now(UTC).date().isoformat()}
    assert json.loads(again["data"]) == [SEEN | {"recordings": 5}, SEEN | {"name": "violin"}]


def test_a_run_whose_beginning_nobody_wrote_down_stays_unknown() -> None:
    assert provenance.joined("", "[]") == provenance.joined("[]", "") == ""
    assert checkpoint(loop.run(TOYS["toy_plain"], QUICK))["data"] == ""  # it has no room, and so names no sets


def test_batches_that_end_are_said() -> None:
    def three(settings: Settings, step: int) -> toys.Iterator[toys.Batch]:
        yield from itertools.islice(toys.batches(settings, step), 3)

    with pytest.raises(TrainingError, match="end at step 3"):
        loop.run(replace(TOYS["toy_plain"], batches=three), QUICK)
