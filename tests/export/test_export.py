"""A room holds what torch computed, can be loaded back, and says so on its card."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from export import figures, parity  # noqa: E402
from export.__main__ import training_of  # noqa: E402
from export.card import Training, toml, training_on_card, write_card  # noqa: E402
from export.licences import terms_of  # noqa: E402
from export.onnx_file import rounded, write_room_file  # noqa: E402
from export.rooms import DENOISER, ROOMS, Port, Room  # noqa: E402
from models.denoiser.network import Denoiser, DenoiserConfig  # noqa: E402
from training import loop, rooms  # noqa: E402
from training.data import Recording  # noqa: E402
from training.quality import measured_networks  # noqa: E402


def small_room() -> Room:
    config = DenoiserConfig(bins=1025, channels=16, blocks=2)
    return Room("denoiser", "test", lambda: Denoiser(config), DENOISER.given, DENOISER.answer, DENOISER.prepare,
                DENOISER.normalisation, 10, 2)  # fmt: skip


MANIFEST = """\
path,set,split,sample_rate,channels,seconds,licence,source_repository,bandwidth_hz,note
a.flac,music,train,44100,1,3.0,CC BY 3.0,one/a,12000,
b.flac,music,train,44100,1,3.5,CC BY 4.0,two/b,12000,
c.flac,violin_samples,train,44100,1,3.0,"CC0 (samples), MIT (repository)",three/c,12000,
d.flac,singing,train,48000,1,3.0,CC BY-NC-SA 4.0,four/d,12000,NON-COMMERCIAL
e.flac,music,train,44100,1,3.0,CC BY-NC 4.0,five/e,12000,NON-COMMERCIAL
f.flac,music,validation,44100,1,3.0,CC BY 4.0,six/f,12000,
"""


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "manifest.csv").write_text(MANIFEST, encoding="utf-8")
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path))
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))


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


@pytest.mark.usefixtures("manifest")
def test_the_card_says_what_lies_beside_it(exported: tuple[Room, torch.nn.Module, Path]) -> None:
    room, model, path = exported
    card = tomllib.loads(
        write_card(room, model, path, {"noise, 2 s": 1e-6}, Training("clean", "not at all")).read_text()
    )
    assert card["files"]["weights.onnx"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card["size"]["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert card["input"][0]["shape"] == [1, 2050, "frames"]
    assert card["opset"] == 20


@pytest.mark.usefixtures("manifest")
@pytest.mark.parametrize(
    ("licences", "licence", "sources"),
    [("clean", "CC BY 4.0", "one/a, two/b"), ("all", "CC BY-NC-SA 4.0", "five/e, four/d, one/a, two/b")],
)
def test_the_licence_of_weights_follows_from_what_they_saw(
    exported: tuple[Room, torch.nn.Module, Path], licences: str, licence: str, sources: str
) -> None:
    room, model, path = exported
    card = tomllib.loads(write_card(room, model, path, {"noise": 0.0}, Training(licences, "so")).read_text())
    assert (card["licence"], card["trained_on"]) == (licence, licences)
    assert card["attribution"] == f"required: name {sources}"
    listed = {row["licence"] for row in card["data"]}
    assert any("NC" in name for name in listed) == (licences == "all")


def test_weights_from_free_recordings_are_free_and_an_unknown_licence_is_not_guessed_at() -> None:
    def row(licence: str) -> Recording:
        return Recording("a.flac", "music", "train", 44_100, 1.0, licence, "one/a", 20_000.0, "")

    assert terms_of([row("public domain"), row("CC0 1.0")]).attribution == "not required"
    with pytest.raises(ValueError, match="all rights reserved"):
        terms_of([row("CC0 1.0"), row("all rights reserved")])


@pytest.mark.usefixtures("manifest")
def test_a_renewed_card_keeps_what_only_the_old_one_knows(exported: tuple[Room, torch.nn.Module, Path]) -> None:
    room, model, path = exported
    written = write_card(room, model, path, {"noise": 0.0}, Training("all", "3 steps"))
    assert training_on_card(written, path) == Training("all", "3 steps")
    written.write_text(written.read_text().replace('sha256 = "', 'sha256 = "0'))
    with pytest.raises(ValueError, match="not the card"):
        training_on_card(written, path)


def report(networks: dict[str, str], quick: bool) -> str:
    return json.dumps({"networks": networks, "quick": quick, "card": {"white 5 dB": {"gain_db": 9.0}}})


def test_figures_of_other_weights_and_of_a_quick_run_stay_off_the_card(tmp_path: Path) -> None:
    path, ours = tmp_path / "quality.json", {"denoiser": "aa", "noise_profile": "bb"}
    path.write_text(report(ours, quick=False))
    assert figures.reported_figures(path, ours)["white 5 dB"] == {"gain_db": 9.0}
    for other in ({"denoiser": "cc", "noise_profile": "bb"}, {"denoiser": "aa", "noise_profile": "cc"}):
        with pytest.raises(figures.ForeignReportError, match="other weights"):
            figures.reported_figures(path, other)
    path.write_text(report(ours, quick=True))
    with pytest.raises(figures.ForeignReportError, match="quick"):
        figures.reported_figures(path, ours)
    path.write_text(json.dumps({"card": {}}))  # as reports were before they named the networks
    with pytest.raises(figures.ForeignReportError, match="other weights"):
        figures.reported_figures(path, ours)


def test_without_a_fitting_report_a_card_keeps_figures_of_the_same_weights_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))
    monkeypatch.setattr(figures, "measured_networks", lambda: {"denoiser": "aa"})
    fitting = {"figures": {"networks": {"denoiser": "aa"}, "clean": {"clips": 1}}}
    assert figures.figures_for_card(fitting) == fitting["figures"]
    foreign = {"figures": {"networks": {"denoiser": "bb"}, "clean": {"clips": 1}}}
    assert set(figures.figures_for_card(foreign)) == {"command", "missing"}


def test_figures_on_shipped_cards_are_of_the_shipped_weights() -> None:
    for name in ROOMS:
        card = tomllib.loads((rooms.room_folder(name) / "card.toml").read_text())
        assert card["trained_on"] == "clean"
        assert card["figures"]["networks"] == measured_networks()


def test_a_checkpoint_tells_the_card_what_it_saw_and_where_it_ran(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 1)
    state = loop.State(
        model, model, torch.optim.AdamW(model.parameters()), "all", 0, ["cuda", "cpu, 2 threads"], 7, 60.0
    )
    loop.save(state, tmp_path / "checkpoint.pt")
    training = training_of(tmp_path / "checkpoint.pt")
    assert training.licences == "all"
    assert training.how.startswith("7 steps in 1 minutes on cuda, then cpu, 2 threads, ")
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del content["licences"]
    torch.save(content, tmp_path / "old.pt")
    with pytest.raises(loop.CheckpointError, match="doesn't say"):
        training_of(tmp_path / "old.pt")


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
