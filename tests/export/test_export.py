"""A room holds what torch computed, can be loaded back, and says so on its card."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from export import parity  # noqa: E402
from export.card import toml, write_card  # noqa: E402
from export.onnx_file import rounded, write_room_file  # noqa: E402
from export.rooms import DENOISER, ROOMS, Port, Room  # noqa: E402
from models.denoiser.network import Denoiser, DenoiserConfig  # noqa: E402
from training import rooms  # noqa: E402


def small_room() -> Room:
    config = DenoiserConfig(bins=1025, channels=16, blocks=2)
    return Room("denoiser", "test", lambda: Denoiser(config), DENOISER.given, DENOISER.answer, DENOISER.prepare,
                DENOISER.normalisation, 10, 2)  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Room, torch.nn.Module, Path]:
    room = small_room()
    torch.manual_seed(0)
    model = room.build().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    model.load_state_dict(rounded(model.state_dict()))
    path = tmp_path_factory.mktemp("room") / "weights.onnx"
    write_room_file(model, room.example(), (room.given.name, room.answer.name), room.free_axis, path)
    return room, model, path


def test_the_file_computes_what_torch_computes_at_any_length(exported: tuple[Room, torch.nn.Module, Path]) -> None:
    room, model, path = exported
    differences = parity.parity(room, model, path)
    assert len(differences) == 9  # noise, silence, music; three lengths each
    assert parity.check_parity(differences) <= 1e-4


def test_a_wrong_file_is_refused(exported: tuple[Room, torch.nn.Module, Path]) -> None:
    room, right, path = exported
    model = room.build().eval()
    model.load_state_dict(right.state_dict())
    with torch.no_grad():
        model.outlet.bias.add_(0.1)
    with pytest.raises(ValueError, match="differ"):
        parity.check_parity(parity.parity(room, model, path))


def test_weights_come_back_bit_for_bit_and_lie_in_float16(
    exported: tuple[Room, torch.nn.Module, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, model, path = exported
    monkeypatch.setattr(rooms, "room_folder", lambda room: path.parent)
    weights = rooms.load_room_weights("denoiser")
    assert weights.keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(weights[name], tensor)
    stored = sum(parameter.numel() for parameter in model.parameters())
    assert path.stat().st_size < 2.2 * stored + 50_000
    assert onnx.load(path).opset_import[0].version == 20


def test_the_card_says_what_lies_beside_it(exported: tuple[Room, torch.nn.Module, Path]) -> None:
    room, model, path = exported
    card = tomllib.loads(write_card(room, model, path, {"noise, 2 s": 1e-6}, "not at all").read_text())
    assert card["files"]["weights.onnx"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card["size"]["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert card["input"][0]["shape"] == [1, 2050, "frames"]
    assert card["opset"] == 20


def test_every_room_in_the_repository_is_the_file_on_its_card_and_loads_back() -> None:
    for name, room in ROOMS.items():
        folder = rooms.room_folder(name)
        if not (folder / "card.toml").exists():
            pytest.skip(f"room {name} is empty")
        card = tomllib.loads((folder / "card.toml").read_text())
        content = (folder / "weights.onnx").read_bytes()
        assert card["files"]["weights.onnx"]["sha256"] == hashlib.sha256(content).hexdigest()
        assert card["parity"]["maximum"] <= 1e-4
        room.build().load_state_dict(rooms.load_room_weights(name))  # strict: every name, every shape


def test_toml_reads_back_as_it_was() -> None:
    table = {"a": 1, "b": [1, "frames"], "c": {"d e": 0.5, "f": {"g": True}}, "h": [{"i": "“j”"}, {"i": "k"}]}
    assert tomllib.loads(toml(table)) == table


def test_ports_name_what_the_host_will_ask_for() -> None:
    assert all(isinstance(port, Port) for room in ROOMS.values() for port in (room.given, room.answer))
    assert {room.given.name for room in ROOMS.values()} == {"statistics", "features"}
    assert np.prod([size for size in ROOMS["noise_profile"].given.shape if isinstance(size, int)]) == 36 * 1025
