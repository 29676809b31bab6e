"""What the recipes feed their networks: every item, in an order that a stop doesn't change, from whole files only."""

from __future__ import annotations

import importlib
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training import items, recipes, state  # noqa: E402
from training.items import Item, build_missing, item_folder, save_item  # noqa: E402
from training.randomness import random_states  # noqa: E402
from training.recipe import WHOLE_RUN, CheckpointError, Recipe, Settings, TrainingError  # noqa: E402
from training.recipes import denoiser, find_recipe, names, noise_profile  # noqa: E402

COUNT = 33


def tiny_item(number: int, samples: int = 140_000) -> Item:
    rng = np.random.default_rng(number)
    clean, noise = (0.1 * rng.standard_normal((2, samples), dtype=np.float32)).astype(np.float32)
    return Item(clean, noise, np.full((36, 1025), number, "f4"), np.full(1025, number, "f4"), 1.0 + number, 10.0)


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))


@pytest.fixture
def built() -> list[Path]:
    paths = [item_folder("train") / f"{number:06d}.npz" for number in range(COUNT)]
    for number, path in enumerate(paths):
        save_item(tiny_item(number), path)
    return paths


class Steady(torch.nn.Module):
    """A network that gives every bin the same gain."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.full((features.shape[0], denoiser.BINS, features.shape[2]), self.gain)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(("recipe", "stop"), [(noise_profile.RECIPE, 3), (denoiser.RECIPE, 6)])
def test_a_stop_in_the_middle_of_a_pass_changes_no_batch(recipe: Recipe, stop: int) -> None:
    settings = Settings(minutes=1.0)
    unbroken = list(itertools.islice(recipe.batches(settings, 0), stop + 2))
    resumed = list(itertools.islice(recipe.batches(settings, stop), 2))
    assert all(same(one, other) for one, other in zip(unbroken[stop:], resumed, strict=True))
    assert not same(unbroken[0], unbroken[1])


@pytest.mark.usefixtures("built")
def test_a_pass_of_the_denoiser_takes_no_item_twice_and_the_next_has_another_order() -> None:
    levels = [batch["level"].tolist() for batch in itertools.islice(denoiser.batches(Settings(minutes=1.0), 0), 8)]
    first, second = (list(itertools.chain(*part)) for part in (levels[:4], levels[4:]))
    assert len(set(first)) == len(set(second)) == 32
    assert first != second


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("name", ["denoiser", "denoiser_mrstft", "noise_profile"])
def test_making_batches_takes_no_random_number_from_the_training(name: str) -> None:
    before = random_states()
    batches = find_recipe(name).batches(Settings(minutes=1.0), 0)
    for _ in range(2):
        next(batches)
    assert all(torch.equal(before[kind], state) for kind, state in random_states().items())


@pytest.mark.usefixtures("built")
def test_two_processes_share_out_the_batches_of_the_denoiser() -> None:
    whole = list(itertools.islice(denoiser.batches(Settings(minutes=1.0), 3), 2))
    parts = [
        list(itertools.islice(denoiser.batches(Settings(minutes=1.0, processes=2, rank=rank), 3), 2)) for rank in (0, 1)
    ]
    for one, first, second in zip(whole, *parts, strict=True):
        assert same(one, {name: torch.cat([first[name], second[name]]) for name in one})
    with pytest.raises(TrainingError, match="8 items can't be shared equally by 3"):
        next(denoiser.batches(Settings(minutes=1.0, processes=3), 0))
    assert denoiser.RECIPE.parts_batches


def inputs_of_both() -> list[str]:
    return [recipe.inputs(Settings(minutes=1.0)) for recipe in (noise_profile.RECIPE, denoiser.RECIPE) if recipe.inputs]


def test_items_that_were_built_anew_are_other_inputs(built: list[Path]) -> None:
    before = inputs_of_both()
    built[3].touch()
    assert inputs_of_both() == before
    noise = 0.1 * np.random.default_rng(99).standard_normal(140_000, dtype=np.float32)
    save_item(replace(tiny_item(3), noise=noise), built[3])
    assert [one == other for one, other in zip(before, inputs_of_both(), strict=True)] == [False, False]


@pytest.mark.usefixtures("built")
def test_another_noise_profile_network_is_another_input_of_the_denoiser(tmp_path: Path) -> None:
    before = inputs_of_both()
    model = noise_profile.NoiseProfile()
    (tmp_path / "noise_profile").mkdir()
    seen = state.State(model, model, torch.optim.AdamW(model.parameters()), "clean", 0, ["cpu"])
    state.save(seen, tmp_path / "noise_profile" / "checkpoint.pt")
    assert [one == other for one, other in zip(before, inputs_of_both(), strict=True)] == [True, False]


def test_an_interrupted_build_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "VALIDATION_ITEMS", 2)
    monkeypatch.setattr(items, "TRAIN_ITEMS", 3)
    monkeypatch.setattr(items, "DENSE_ITEMS", 1)
    asked: list[tuple[str, int]] = []

    def build(split: str, number: int, licences: str) -> Item:
        asked.append((split, number))
        return tiny_item(number, 100)

    monkeypatch.setattr(items, "build_item", build)
    monkeypatch.setattr(items, "check", lambda origin: None)  # the recordings that it would be built from
    save_item(tiny_item(1, 100), item_folder("train") / "000001.npz")
    build_missing("clean", 1)
    wanted = [("validation", 0), ("validation", 1), ("train", 0), ("train", 2), ("train", 10_000)]
    assert asked == wanted
    build_missing("clean", 1)
    assert asked == wanted


def test_every_run_is_validated_on_the_same_items() -> None:
    assert item_folder("validation", "all") == item_folder("validation")
    assert item_folder("train", "all") != item_folder("train")


@pytest.mark.usefixtures("built")
def test_profiles_whose_writing_was_interrupted_are_estimated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(file: Any, **_: object) -> None:
        (file.write if hasattr(file, "write") else Path(file).write_bytes)(b"PK half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(denoiser.np, "savez", broken)
        with pytest.raises(KeyboardInterrupt):
            denoiser.profiled_items("train", Settings())
    assert len(denoiser.profiled_items("train", Settings())) == COUNT


def test_items_that_were_built_anew_get_new_profiles(built: list[Path]) -> None:
    before = denoiser.profiled_items("train", Settings())[5]
    save_item(tiny_item(COUNT + 1), built[5])
    after = denoiser.profiled_items("train", Settings())[5]
    assert (before.level, after.level) == (6.0, COUNT + 2.0)


def test_a_clean_denoiser_learns_from_no_network_that_saw_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "noise_profile"
    folder.mkdir()
    model = noise_profile.NoiseProfile()
    seen = state.State(model, model, torch.optim.AdamW(model.parameters()), "all", 0, ["cpu"])
    state.save(seen, folder / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="non-commercial"):
        denoiser.trained_noise_profile(Settings())
    (folder / "checkpoint.pt").unlink()
    monkeypatch.setattr(denoiser, "room_licences", lambda room: "all")
    with pytest.raises(CheckpointError, match="non-commercial"):
        denoiser.trained_noise_profile(Settings())


@pytest.mark.usefixtures("built")
def test_a_gain_of_one_gives_the_waveform_back_that_was_cut() -> None:
    samples = torch.from_numpy(tiny_item(3).clean[None, : 255 * 512 + 2048])
    torch.testing.assert_close(denoiser.waveform(denoiser.transform(samples)), denoiser.inner(samples))


@pytest.mark.usefixtures("built")
def test_the_denoiser_trains_with_a_loss_on_the_waveform_that_knows_a_perfect_gain() -> None:
    recipe = find_recipe("denoiser_mrstft")
    batch = next(recipe.batches(Settings(), 0))
    silent = batch | {"noise": torch.zeros_like(batch["noise"])}
    perfect, half = (recipe.terms(Steady(gain), silent, recipe.phases[0]) for gain in (1.0, 0.5))
    assert float(perfect["mrstft"]) < 1e-3 < 0.1 < float(half["mrstft"])
    plain = find_recipe("denoiser").terms(Steady(0.5), silent, WHOLE_RUN)
    assert "mrstft" not in plain
    added = denoiser.MRSTFT_WEIGHT * float(half["mrstft"])
    assert float(half["loss"]) == pytest.approx(float(plain["loss"]) + added, rel=1e-4)


def test_the_loss_of_the_denoiser_is_that_of_the_runs_before() -> None:
    rng = np.random.default_rng(7)
    clean, noise = 0.1 * rng.standard_normal((2, denoiser.LENGTH)), 0.03 * rng.standard_normal((2, denoiser.LENGTH))
    noise[1] = 0.0
    profile = 1.0 + rng.random((2, denoiser.BINS))
    values = {"clean": clean, "noise": noise, "profile": profile, "level": np.array([2.0, 5.0]),
              "noise_power": np.array([9e-4, 1e-8]), "noisy": np.array([1.0, 0.0])}  # fmt: skip
    batch = {name: torch.from_numpy(value.astype(np.float32)) for name, value in values.items()}

    class Sigmoid(torch.nn.Module):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(features[:, denoiser.BINS :])

    found = {name: float(value) for name, value in denoiser.terms(Sigmoid(), batch, WHOLE_RUN).items()}
    # What the code gave with which the shipped weights were trained; single precision, whatever the order of sums.
    before = {"loss": 1.2292886, "gain_db": -0.3224595, "clean_db": 15.0811997, "magnitude": 0.02283776,
              "missing": 0.02195446, "l1": 0.23894447}  # fmt: skip
    assert found == pytest.approx(before, rel=2e-6)


@pytest.mark.usefixtures("built")
def test_examples_of_the_denoiser_show_what_it_was_given_and_what_it_should_give(tmp_path: Path) -> None:
    for number in range(2):
        save_item(tiny_item(number), item_folder("validation") / f"{number:06d}.npz")
    examples = denoiser.examples(Steady(0.5), Settings())
    assert len(examples) == 2
    for example in examples:
        assert example.given.shape == example.result.shape == example.target.shape
        assert example.rate == 44_100
        noise = example.given - example.target
        assert float(np.std(noise)) == pytest.approx(0.1, rel=0.05)  # as these items were made
        np.testing.assert_allclose(example.result, 0.5 * example.given, atol=1e-6)


def test_every_recipe_is_found_by_its_name_and_a_wrong_one_is_told_the_others() -> None:
    assert {"denoiser", "denoiser_mrstft", "noise_profile"} <= set(names())
    assert all(find_recipe(name).name == name for name in names())
    with pytest.raises(TrainingError, match=r"no recipe 'denoisre': choose one of .*denoiser, .*noise_profile"):
        find_recipe("denoisre")


def test_a_file_in_a_folder_of_ones_own_is_a_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "__path__", list(recipes.__path__))
    for name in ("own_one", "own_two"):
        (tmp_path / f"{name}.py").write_text(
            "from dataclasses import replace\nfrom training.recipes.noise_profile import RECIPE as OTHER\n"
            f"RECIPE = replace(OTHER, name={name!r})\n"
        )
    monkeypatch.setenv("SHELLAC_RECIPES", str(tmp_path))
    assert find_recipe("own_two").name == "own_two"
    (tmp_path / "own_three.py").write_text("from training.recipes.own_one import RECIPE\n")
    importlib.invalidate_caches()
    with pytest.raises(TrainingError, match="two recipes are called own_one"):
        names()


def test_every_room_of_a_recipe_is_tried_out_at_three_lengths_on_noise_silence_and_music() -> None:
    for name in ("denoiser", "noise_profile"):
        recipe = find_recipe(name)
        assert recipe.room is not None
        room = recipe.room()
        trials = room.trials()
        assert [word.split(",")[0] for word in trials] == ["noise"] * 3 + ["silence"] * 3 + ["music"] * 3
        network = recipe.build().eval()
        with torch.no_grad():
            answer = network(*trials["noise, 2 s"])
        for port, tensor in zip((*room.given, *room.answer), (*trials["noise, 2 s"], answer), strict=True):
            assert tensor.ndim == len(port.shape)
            assert all(isinstance(size, str) or size == found for size, found in zip(port.shape, tensor.shape))  # noqa: B905
