"""What one network has learned another goes on with: of a lower factor, or of the other kind."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from models.afilm.network import AFiLM  # noqa: E402
from models.blocks import BlockScale, FilmNetwork  # noqa: E402
from models.tfilm.network import TFiLM  # noqa: E402
from training import provenance, rooms, state  # noqa: E402
from training.errors import TrainingError  # noqa: E402
from training.packing import carried  # noqa: E402
from training.recipe import CheckpointError, Settings  # noqa: E402
from training.recipes import find_recipe  # noqa: E402
from training.upsample.starting import learned, mean_scales, take_over  # noqa: E402


class Constant(nn.Module):
    """A sequence network with one answer per channel, whatever it hears."""

    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return self.scale.expand_as(x)


def with_constants(model: FilmNetwork, seed: int) -> FilmNetwork:
    """The network with scales that are positive constants, others for every channel."""
    numbers = (torch.Generator().manual_seed(seed + k) for k in itertools.count())
    for module in model.modules():
        if isinstance(module, BlockScale):
            channels = sum(1 for _ in channels_of(module.sequence))
            module.sequence = Constant(0.5 + torch.rand(channels, generator=next(numbers)))
    nn.init.normal_(model.last.weight, std=0.05, generator=torch.Generator().manual_seed(9))
    return model.eval()


def channels_of(sequence: nn.Module) -> Iterator[int]:
    lstm = getattr(sequence, "lstm", None)
    yield from range(lstm.hidden_size if lstm is not None else sequence.layers[0].answer.out_features)


def test_the_convolutions_take_up_the_difference_between_two_kinds_of_scales() -> None:
    torch.manual_seed(2)
    source, other = with_constants(AFiLM(), 10), with_constants(TFiLM(), 1000)
    samples = 0.06 * torch.randn(2, 1, 512)
    take_over(other, source, samples)
    # The activations between are homogeneous: constant scales can be taken up without a rest.
    torch.testing.assert_close(other(samples) - samples, source(samples) - samples, atol=1e-6, rtol=1e-4)


def test_the_mean_scales_of_a_fresh_network_of_the_other_kind_become_the_learned_ones() -> None:
    torch.manual_seed(2)
    source, other = AFiLM(), TFiLM()
    samples = 0.06 * torch.randn(2, 1, 2048)
    before = [copy.deepcopy(scale.sequence.state_dict()) for scale in other.down_scale]
    take_over(other, source, samples)
    for scale, kept in zip(other.down_scale, before, strict=True):
        assert all(torch.equal(value, kept[name]) for name, value in scale.sequence.state_dict().items())
    ratio = mean_scales(source, samples)[0] / mean_scales(other, samples)[0]
    torch.testing.assert_close(
        other.down[1].plain.weight, source.down[1].plain.weight * ratio[None, :, None, None], atol=1e-6, rtol=1e-5
    )
    assert other.training


def test_the_same_kind_takes_over_every_weight() -> None:
    source, other = AFiLM(), AFiLM()
    take_over(other, source, torch.zeros(1, 1, 256))
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in other.state_dict().items())


def test_without_anything_learned_the_order_of_training_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))
    monkeypatch.setattr(rooms, "models_folder", lambda: tmp_path)
    with pytest.raises(TrainingError, match="no weights of afilm_x2 to begin with: train afilm_x2 first"):
        learned("afilm_x2", Settings())


SEEN = {"name": "speech_multi", "licence": "CC BY 4.0", "recordings": 3, "seconds": 9.5, "sources": ['A "B" Ü']}
NOW = {"name": "speech_single", "licence": "Apache-2.0", "recordings": 7, "seconds": 1.0, "sources": ["some/where"]}


def a_run(folder: Path, licences: str, data: str = "") -> AFiLM:
    """Leave the checkpoint of a run there; its network."""
    torch.manual_seed(3)
    model = AFiLM()
    kept = state.State(model, model, torch.optim.AdamW(model.parameters()), licences, 0, ["cpu"], data=data)
    folder.mkdir(parents=True)
    state.save(kept, folder / "checkpoint.pt")
    return model


def a_room(folder: Path, trained_on: str, data: str = "") -> None:
    """Put weights of afilm_x2 with a card there."""
    folder.mkdir(parents=True)
    torch.save(AFiLM().state_dict(), folder / "x2.pt")
    (folder / "card.toml").write_text(carried.packed_card("afilm", "x2.onnx", trained_on, data), encoding="utf-8")


def test_a_clean_run_begins_with_no_weights_that_saw_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(rooms, "models_folder", lambda: tmp_path / "models")
    a_room(tmp_path / "models" / "afilm", "all")
    with pytest.raises(CheckpointError, match="afilm_x2 here were trained on non-commercial"):
        learned("afilm_x2", Settings())
    learned("afilm_x2", Settings(licences="all"))
    a_run(tmp_path / "runs" / "afilm_x2", "all")  # as somebody moved it there
    with pytest.raises(CheckpointError, match="non-commercial"):
        learned("afilm_x2", Settings())


def test_weights_without_a_card_are_not_begun_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(rooms, "models_folder", lambda: tmp_path)
    a_room(tmp_path / "afilm", "clean")
    (tmp_path / "afilm" / "card.toml").unlink()
    with pytest.raises(TrainingError, match="train afilm_x2 first"):
        learned("afilm_x2", Settings())


@pytest.mark.parametrize("place", ["run", "room"])
def test_weights_have_seen_what_those_have_that_they_begin_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(rooms, "models_folder", lambda: tmp_path / "models")
    monkeypatch.setattr(provenance, "rows_seen", lambda *_: [NOW])
    recipe, rows = find_recipe("afilm_x4"), json.dumps([SEEN])
    assert recipe.needs.networks == ("afilm_x2",)
    if place == "run":
        a_run(tmp_path / "runs" / "afilm_x2", "clean", rows)
    else:
        a_room(tmp_path / "models" / "afilm", "clean", rows)
    assert json.loads(provenance.data_facts(recipe, Settings())) == [SEEN, NOW]
    assert json.loads(provenance.data_facts(find_recipe("afilm_x2"), Settings())) == [NOW]


def test_nobody_can_tell_what_weights_saw_that_began_with_unknown_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(rooms, "models_folder", lambda: tmp_path / "models")
    monkeypatch.setattr(provenance, "rows_seen", lambda *_: [NOW])
    a_room(tmp_path / "models" / "afilm", "clean")
    assert provenance.data_facts(find_recipe("afilm_x4"), Settings()) == ""


def test_a_pack_takes_the_network_along_that_another_begins_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    assert find_recipe("tfilm_x4").needs.networks == ("afilm_x4",)
    assert carried.place_of("afilm_x4") == ("afilm", "x4.onnx")
    weights = AFiLM().state_dict()
    monkeypatch.setattr(carried, "trained_weights", lambda name, licences, folder: (weights, "clean"))
    monkeypatch.setattr(carried, "network_data", lambda name, licences, folder: json.dumps([SEEN]))
    carried.copy_networks(tmp_path / "code", find_recipe("tfilm_x4").needs, "clean", None)
    monkeypatch.setattr(rooms, "models_folder", lambda: tmp_path / "code" / "models")
    found = learned("afilm_x4", Settings()).state_dict()
    assert all(torch.equal(found[name], weights[name].half().float()) for name in weights)
    assert rooms.room_data("afilm", "x4.onnx") == [SEEN]  # so that what it trains there can still get a card
