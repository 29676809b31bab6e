"""A room changes only when everything is proved: weights and card together, or neither."""

from __future__ import annotations

import hashlib
import resource
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from export import __main__ as command  # noqa: E402
from export import furnishing, placing  # noqa: E402
from export.errors import ExportError  # noqa: E402
from export.furnishing import furnish, renew_card  # noqa: E402
from export.onnx_file import rounded  # noqa: E402
from tests.export.conftest import Line  # noqa: E402
from training.recipe import CheckpointError, Recipe  # noqa: E402
from training.rooms import load_file_weights  # noqa: E402
from training.state import checkpoint_weights  # noqa: E402


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def card_of(models: Path) -> dict[str, Any]:
    return tomllib.loads((models / "line" / "card.toml").read_text(encoding="utf-8"))


def contents(models: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (models / "line").iterdir()}


def test_a_checkpoint_becomes_a_file_and_a_card_that_says_all_about_it(kit: Any, models: Path) -> None:
    recipe = kit.recipe(facts={"bands": 3}, smallest={"samples": 8}, context_frames=2)
    run = kit.checkpoint(recipe)
    done = furnish(recipe, run, models)
    card, content = card_of(models), done.path.read_bytes()
    entry = card["files"]["weights.onnx"]
    assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert entry["size"]["parameters"] == 3 * 5 + 3 + 3 + 1
    assert entry["size"]["gmac_per_audio_second"] == pytest.approx(16_000 * (15 + 3) * 1e-9)
    assert entry["input"] == [{"name": "audio", "dtype": "float32", "shape": [1, 1, "samples"], "meaning": "as it is"}]
    assert entry["parity"]["cases"].keys() == recipe.room().trials().keys()
    assert 0.0 < entry["rounding"]["maximum"] < 1e-2
    assert entry["optimise"] in ("none", "all")
    assert entry["speed"]["optimise"].keys() == {"none", "all"}
    assert entry["training"]["steps"] == 7
    assert entry["training"]["machines"] == ["cpu, 2 threads"]
    assert entry["training"]["loss_mode"] == "safe"
    assert (entry["facts"], entry["axes"]) == ({"bands": 3}, {"samples": {"smallest": 8, "multiple": 1}})
    assert entry["context"] == {"frames": 2, "seconds": 0.0001, "latency_seconds": 0.0001}
    assert card["opset"] == 20
    assert (card["licence"], card["attribution"]) == ("Apache-2.0", "not required")  # it saw no recording
    learned = checkpoint_weights(run)
    wanted = rounded(Line(), learned)
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in load_file_weights(done.path).items())


def test_each_file_of_a_room_keeps_its_own_entry(kit: Any, models: Path) -> None:
    two, four = (kit.recipe(f"line_x{n}", lambda n=n: Line(n), file=f"x{n}.onnx") for n in (2, 4))
    furnish(two, kit.checkpoint(two), models)
    first = card_of(models)["files"]["x2.onnx"]
    furnish(four, kit.checkpoint(four, step=9), models)
    card = card_of(models)
    assert list(card["files"]) == ["x2.onnx", "x4.onnx"]
    assert card["files"]["x2.onnx"] == first
    assert card["files"]["x4.onnx"]["training"] | {"trained": ""} != first["training"] | {"trained": ""}
    assert card["size"]["parameters"] == (2 * 5 + 2 + 2 + 1) + (4 * 5 + 4 + 4 + 1)
    furnish(two, kit.checkpoint(two, seed=1), models)
    assert card_of(models)["files"]["x4.onnx"] == card["files"]["x4.onnx"]
    assert card_of(models)["files"]["x2.onnx"]["sha256"] != first["sha256"]


def test_a_renewed_card_keeps_the_weights_and_what_only_the_old_card_knows(kit: Any, models: Path) -> None:
    recipe = kit.recipe()
    done = furnish(recipe, kit.checkpoint(recipe, licences="all"), models)
    content, before = done.path.read_bytes(), card_of(models)
    renew_card(kit.recipe(task="adds one, in other words"), Path("nowhere.pt"), models)
    after = card_of(models)
    assert done.path.read_bytes() == content
    assert after["task"] == "adds one, in other words"
    for key in ("training", "rounding", "sha256"):
        assert after["files"]["weights.onnx"][key] == before["files"]["weights.onnx"][key]
    done.path.write_bytes(content + b"\0")
    with pytest.raises(ExportError, match="not that of its"):
        renew_card(recipe, Path("nowhere.pt"), models)


@pytest.fixture
def furnished(kit: Any, models: Path) -> dict[str, bytes]:
    """What lies in a room that was exported once."""
    recipe = kit.recipe()
    furnish(recipe, kit.checkpoint(recipe), models)
    return contents(models)


@pytest.mark.usefixtures("furnished")
def test_a_file_that_computes_something_else_stays_out(
    kit: Any, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    recipe, before, right = kit.recipe(), contents(models), furnishing.file_bytes

    def wrong(model: Any, *rest: Any) -> bytes:
        proto = onnx.load_from_string(right(model, *rest))
        bias = next(tensor for tensor in proto.graph.initializer if tensor.name == "outlet.bias.half")
        bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + 0.001, bias.name))
        return bytes(proto.SerializeToString())

    monkeypatch.setattr(furnishing, "file_bytes", wrong)
    monkeypatch.setattr(furnishing, "all_recipes", lambda: {"line": recipe})
    run = kit.checkpoint(recipe, seed=1)
    monkeypatch.setattr("sys.argv", ["export", "line", "--checkpoint", str(run), "--into", str(models)])
    assert command.main() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "differ by 9.77e-04" in said  # 0.001 in steps of float16
    assert "left as it was" in said
    assert contents(models) == before


@pytest.mark.usefixtures("furnished")
@pytest.mark.parametrize("problem", ["not finite", "nothing compared", "wrong shape"])
def test_what_a_room_says_is_checked(kit: Any, models: Path, problem: str) -> None:
    from training.room import Port

    changes: dict[str, Any] = {
        "not finite": {"trials": lambda: {"noise": (torch.full((1, 1, 40), float("nan")),)}},
        "nothing compared": {"trials": lambda: {}},
        "wrong shape": {"answer": (Port("answer", (1, 2, "samples"), ""),)},
    }[problem]
    recipe, before = kit.recipe(**changes), contents(models)
    with pytest.raises(ExportError, match=r"inf|no trials|the room says \(1, 2, 'samples'\)"):
        furnish(recipe, kit.checkpoint(recipe), models)
    assert contents(models) == before


def test_a_checkpoint_of_something_else_is_refused(kit: Any, models: Path, furnished: dict[str, bytes]) -> None:
    run = kit.checkpoint(kit.recipe())
    with pytest.raises(ExportError, match="another network than the recipe line"):
        furnish(kit.recipe(build=lambda: Line(5)), run, models)
    with pytest.raises(ExportError, match="of the recipe line, not of other"):
        furnish(kit.recipe("other"), run, models)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        furnish(kit.recipe(), models / "nothing.pt", models)
    assert contents(models) == furnished


@contextmanager
def small_disk() -> Iterator[None]:
    """The system refuses files of more than 1000 bytes, as a full disk would: the log of the tests too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_room_as_it_was(kit: Any, models: Path, furnished: dict[str, bytes]) -> None:
    recipe = kit.recipe()
    run = kit.checkpoint(recipe, seed=1)
    with small_disk(), pytest.raises(ExportError, match="left as it was; make room"):
        furnish(recipe, run, models)
    assert contents(models) == furnished


@pytest.mark.parametrize("refused", ["weights.onnx", "card.toml"])
def test_a_refused_rename_puts_everything_back(
    kit: Any, models: Path, furnished: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    recipe, rename = kit.recipe(), Path.replace

    def reluctant(self: Path, target: Path) -> Path:
        if Path(target).name == refused and self.name.endswith(".new"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    run = kit.checkpoint(recipe, seed=1)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", reluctant)
        with pytest.raises(ExportError, match="No space left"):
            furnish(recipe, run, models)
    assert contents(models) == furnished


def test_an_export_killed_between_file_and_card_is_undone_by_the_next(
    kit: Any, models: Path, furnished: dict[str, bytes]
) -> None:
    room = models / "line"
    placing.before(room / "weights.onnx").write_bytes(furnished["weights.onnx"])
    (room / "weights.onnx").write_bytes(b"the new file, whose card was never put in place")
    with placing.waiting(room, "weights.onnx"):
        assert contents(models) == furnished


def test_a_room_of_several_files_is_exported_by_its_name(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes: dict[str, Recipe] = {name: kit.recipe(name, file=f"{name}.onnx") for name in ("line_x2", "line_x4")} | {
        "other": kit.recipe("other", name="elsewhere")
    }
    monkeypatch.setattr(furnishing, "all_recipes", lambda: recipes)
    assert [recipe.name for recipe in furnishing.recipes_for("line")] == ["line_x2", "line_x4"]
    assert [recipe.name for recipe in furnishing.recipes_for("line_x4")] == ["line_x4"]
    with pytest.raises(ExportError, match="called 'lime'"):
        furnishing.recipes_for("lime")
    with pytest.raises(ExportError, match="say which of them"):
        command.export(command.arguments_of(["line", "--checkpoint", "x.pt"]))
