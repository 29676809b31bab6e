"""A checkpoint goes on only where it belongs, is read without risk, and outlives whatever happens to the disk."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tests.training.runs import start as start_process  # noqa: E402
from tests.training.toy_recipes import toys  # noqa: E402
from training import loop  # noqa: E402
from training.__main__ import main  # noqa: E402
from training.recipe import CheckpointError, Settings  # noqa: E402
from training.state import (  # noqa: E402
    checkpoint,
    checkpoint_weights,
    load,
    optimiser_of,
    run_folder,
    save,
    start,
    update_average,
)

PLAIN = toys.RECIPES[0]
QUICK = Settings(steps=3)


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint.pt"
    save(start(PLAIN, QUICK), path)
    return path


def wider() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 5))


@pytest.mark.parametrize(
    ("recipe", "settings", "sentence"),
    [
        (PLAIN, replace(QUICK, licences="all"), "clean data with seed 0, this run asks for all data with seed 0"),
        (PLAIN, replace(QUICK, seed=9), "clean data with seed 0, this run asks for clean data with seed 9"),
        (replace(PLAIN, name="other"), QUICK, "is of the recipe toy_plain, not of other"),
        (replace(PLAIN, build=wider), QUICK, r"another network .*2 weights differ, the first is 2\.bias"),
        (PLAIN, Settings(steps=4), "planned for 3 steps, this run asks for 4"),
    ],
)
def test_a_foreign_checkpoint_is_refused_in_one_sentence(
    recipe: toys.Recipe, settings: Settings, sentence: str, saved: Path
) -> None:
    before = saved.read_bytes()
    with pytest.raises(CheckpointError, match=sentence) as refusal:
        load(start(recipe, settings), saved)
    assert "\n" not in str(refusal.value)
    assert saved.read_bytes() == before


def test_a_discriminator_belongs_to_the_network(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="the discriminator differ"):
        load(start(replace(PLAIN, adversary=toys.RECIPES[3].adversary), QUICK), saved)


def change(path: Path, changing: Callable[[dict[str, Any]], object]) -> None:
    content = torch.load(path, weights_only=True)
    changing(content)
    torch.save(content, path)


def test_other_own_recordings_are_another_run(saved: Path) -> None:
    change(saved, lambda content: content.update(folder='{"name": "cylinders"}'))
    with pytest.raises(CheckpointError, match=r"cylinders.* than lie there now .none"):
        load(start(PLAIN, QUICK), saved)


def test_a_checkpoint_from_before_says_what_can_still_be_done_with_it(saved: Path) -> None:
    change(saved, lambda content: content.pop("steps"))
    with pytest.raises(CheckpointError, match="planned in steps and can't be resumed"):
        load(start(PLAIN, QUICK), saved)
    assert checkpoint(saved)["licences"] == "clean"
    change(saved, lambda content: content.pop("licences"))
    with pytest.raises(CheckpointError, match="doesn't say what it was trained on"):
        checkpoint(saved)


def test_a_checkpoint_that_holds_code_is_refused(tmp_path: Path) -> None:
    torch.save({"average": Settings}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointError, match="more than weights"):
        checkpoint_weights(tmp_path / "evil.pt")


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", struct.pack("<8d", *range(8))])
def test_a_file_that_is_no_checkpoint_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "some.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"some\.pt .*(damaged|no checkpoint)"):
        checkpoint(tmp_path / "some.pt")


def test_half_a_checkpoint_and_a_missing_one_are_said(saved: Path, tmp_path: Path) -> None:
    saved.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint(saved)
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        checkpoint(tmp_path / "nothing.pt")
    torch.save({"weights": 1}, tmp_path / "foreign.pt")
    with pytest.raises(CheckpointError, match="no checkpoint of a training run"):
        checkpoint(tmp_path / "foreign.pt")


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    words = ("toy_plain", "--steps", "40")
    start_process(tmp_path, *words, "--stop-after", "0.000001").finish()
    path = tmp_path / "toy_plain" / "checkpoint.pt"
    good = path.read_bytes()
    (path.parent / "checkpoint.pt.tmp").symlink_to("/dev/full")  # the kernel's own full disk
    said = start_process(tmp_path, *words, "--resume").refusal()
    assert "No space left on device" in said
    assert "last good checkpoint is kept" in said
    assert path.read_bytes() == good
    start_process(tmp_path, *words, "--resume").finish()
    assert checkpoint(path)["step"] == 40


def test_a_disk_that_fills_up_with_the_log_keeps_the_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "toy_plain"
    folder.mkdir()
    (folder / "log.csv.tmp").symlink_to("/dev/full")
    said = start_process(tmp_path, "toy_plain", "--steps", "3").refusal()
    assert "log.csv could not be written (No space left on device); the checkpoint is kept" in said
    assert checkpoint(folder / "checkpoint.pt")["step"] == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("denoisre",), "there is no recipe 'denoisre': choose one of "),
        (("toy_plain", "--folder", "/no/such/place"), "there is no folder /no/such/place"),
        (("toy_plain", "--device", "abacus"), "there is no device 'abacus': take cpu or cuda"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    assert sentence in start_process(tmp_path, *words).refusal()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--steps", "0"), "argument --steps: 0 makes no sense: give a whole number over 0"),
        (("--steps", "many"), "argument --steps: 'many' is no whole number"),
        (("--minutes", "nan"), "argument --minutes: nan makes no sense: give a number over 0"),
        (("--minutes", "inf"), "argument --minutes: inf makes no sense: give a number over 0"),
        (("--stop-after", "-2"), "argument --stop-after: -2 makes no sense: give a number over 0"),
        (("--seed", "-1"), "argument --seed: -1 is no seed: give a whole number from 0 on"),
        (("--seed", str(2**64)), f"argument --seed: {2**64} is no seed"),
        (("--checkpoint-minutes", "-1"), "argument --checkpoint-minutes: -1 minutes make no sense: give 0 or more"),
        (("--log-steps", "0.5"), "argument --log-steps: '0.5' is no whole number"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_as_a_wrong_word(
    words: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["toy_plain", *words])
    assert refusal.value.code == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_a_folder_without_recordings_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cylinders" / "noise").mkdir(parents=True)
    said = start_process(tmp_path, "toy_plain", "--steps", "3", "--folder", str(tmp_path / "cylinders")).refusal()
    assert "cylinders" in said
    assert "put" in said


def test_a_run_remembers_every_machine_it_went_on_with(saved: Path) -> None:
    change(saved, lambda content: content.update(machines='["cuda"]'))
    again = start(PLAIN, QUICK)
    load(again, saved)
    assert again.machines == ["cuda", f"cpu, {torch.get_num_threads()} threads"]


def test_losses_with_a_state_of_their_own_are_kept() -> None:
    losses = torch.nn.BatchNorm1d(2)
    path = run_folder("stateful", "clean") / "checkpoint.pt"
    path.parent.mkdir()
    recipe = replace(PLAIN, losses=losses)
    state = start(recipe, QUICK)
    losses(torch.randn(4, 2))
    kept = losses.running_mean.clone()
    save(state, path)
    losses(torch.randn(4, 2))
    load(start(recipe, QUICK), path)
    assert torch.equal(losses.running_mean, kept)


def test_the_average_follows_weights_by_its_decay_and_takes_counters_over() -> None:
    state = start(replace(PLAIN, build=toys.forgetful_network), QUICK)
    state.step = 10**6  # the beginning is faster
    with torch.no_grad():
        for weight in state.model.parameters():
            weight.add_(1.0)
    state.model[1].running_mean.fill_(7.0)
    before = [weight.clone() for weight in state.average.parameters()]
    update_average(state, 0.9)
    for old, new in zip(before, state.average.parameters(), strict=True):
        torch.testing.assert_close(new, old + 0.1)
    assert torch.all(state.average[1].running_mean == 7.0)


def test_matrices_decay_and_vectors_do_not() -> None:
    decayed, plain = optimiser_of(PLAIN, toys.forgetful_network()).param_groups
    assert {weight.ndim for weight in decayed["params"]} == {2}
    assert {weight.ndim for weight in plain["params"]} == {1}
    assert (decayed["weight_decay"], plain["weight_decay"]) == (PLAIN.weight_decay, 0.0)


def test_kernels_to_or_from_one_channel_decay_and_scales_with_spare_axes_do_not() -> None:
    class Layers(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix, self.gather = torch.nn.Linear(8, 1), torch.nn.Conv1d(6, 1, 1)
            self.scale = torch.nn.Parameter(torch.ones(64, 1))  # as in the blocks of the denoiser

    layers = Layers()
    decayed, plain = (group["params"] for group in optimiser_of(PLAIN, layers).param_groups)
    assert {id(weight) for weight in decayed} == {id(layers.mix.weight), id(layers.gather.weight)}
    assert {id(weight) for weight in plain} == {id(layers.mix.bias), id(layers.gather.bias), id(layers.scale)}


def test_a_checkpoint_whose_weights_were_grouped_otherwise_is_refused_in_one_sentence(saved: Path) -> None:
    def shift(content: dict[str, Any]) -> None:
        first, second = content["optimiser"]["param_groups"]
        second["params"].append(first["params"].pop())

    change(saved, shift)
    with pytest.raises(CheckpointError, match="groups the weights of toy_plain otherwise"):
        load(start(PLAIN, QUICK), saved)


def test_runs_on_different_recordings_lie_in_different_folders(tmp_path: Path) -> None:
    folders = {
        run_folder("denoiser", "clean"), run_folder("denoiser", "all"),
        run_folder("denoiser", "clean", tmp_path / "hiss"), run_folder("denoiser", "clean", tmp_path / "other"),
    }  # fmt: skip
    assert len(folders) == 4
    assert loop.folder_facts(None) == ""
