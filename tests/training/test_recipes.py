"""What the recipes feed their networks: every item, in an order that a stop doesn't change, from whole files only."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training import items, state  # noqa: E402
from training.items import Item, build_missing, item_folder, save_item  # noqa: E402
from training.recipe import CheckpointError, Recipe, Settings  # noqa: E402
from training.recipes import denoiser, noise_profile  # noqa: E402

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


def test_an_interrupted_build_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "VALIDATION_ITEMS", 2)
    monkeypatch.setattr(items, "TRAIN_ITEMS", 3)
    monkeypatch.setattr(items, "DENSE_ITEMS", 1)
    asked: list[tuple[str, int]] = []

    def build(split: str, number: int, licences: str) -> Item:
        asked.append((split, number))
        return tiny_item(number, 100)

    monkeypatch.setattr(items, "build_item", build)
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
