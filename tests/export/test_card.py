"""A card says under which licence weights stand, from what they saw; and can be read back as it was written."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from export.card import read_card  # noqa: E402
from export.errors import ExportError  # noqa: E402
from export.furnishing import furnish, renew_card  # noqa: E402
from export.licences import terms_of_table, with_file  # noqa: E402
from export.toml import toml  # noqa: E402
from training.data import NoRecordingsError  # noqa: E402

MANIFEST = """\
path,set,split,sample_rate,channels,seconds,licence,source_repository,bandwidth_hz,note
a.flac,music,train,44100,1,3.0,CC BY 3.0,one/a,12000,
b.flac,music,train,44100,1,3.5,CC BY 4.0,two/b,12000,
c.flac,violin_samples,train,44100,1,3.0,"CC0 (samples), MIT (repository)",three/c,12000,
d.flac,singing,train,48000,1,3.0,CC BY-NC-SA 4.0,four/d,12000,NON-COMMERCIAL
e.flac,music,train,44100,1,3.0,CC BY-NC 4.0,five/e,12000,NON-COMMERCIAL
f.flac,music,validation,44100,1,3.0,CC BY 4.0,six/f,12000,
"""
SETS = ("music", "violin_samples", "singing")


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.csv").write_text(MANIFEST, encoding="utf-8")
    return tmp_path / "data" / "manifest.csv"


def exported(kit: Any, licences: str = "clean", sets: tuple[str, ...] = SETS, file: str = "weights.onnx",
             folder: str = "") -> dict[str, Any]:  # fmt: skip
    recipe = kit.recipe(f"line_{file}", trained_sets=sets, file=file)
    furnish(recipe, kit.checkpoint(recipe, licences=licences, folder=folder), kit.folder / "models")
    return read_card(kit.folder / "models" / "line" / "card.toml")


@pytest.mark.usefixtures("manifest")
@pytest.mark.parametrize(
    ("licences", "licence", "sources"),
    [("clean", "CC BY 4.0", "one/a, two/b"), ("all", "CC BY-NC-SA 4.0", "five/e, four/d, one/a, two/b")],
)
def test_the_licence_of_weights_follows_from_what_they_saw(kit: Any, licences: str, licence: str, sources: str) -> None:
    card = exported(kit, licences)
    assert (card["licence"], card["trained_on"]) == (licence, licences)
    assert card["attribution"] == f"required: name {sources}"
    assert any("NC" in row["licence"] for row in card["data"]) == (licences == "all")


@pytest.mark.usefixtures("manifest")
def test_a_room_stands_under_the_strictest_licence_of_its_files(kit: Any) -> None:
    free = exported(kit, sets=("violin_samples",), file="a.onnx")
    assert (free["licence"], free["attribution"]) == ("CC0 (samples), MIT (repository)", "not required")
    both = exported(kit, sets=("music", "violin_samples"), file="b.onnx")
    assert both["licence"] == "CC BY 4.0"
    assert {row["name"]: row["files"] for row in both["data"]} == {
        "music": ["b.onnx"],
        "violin_samples": ["a.onnx", "b.onnx"],
    }
    again = exported(kit, sets=("violin_samples",), file="b.onnx")  # what b.onnx saw before doesn't count any more
    assert again["licence"] == "CC0 (samples), MIT (repository)"


def test_a_persons_own_recordings_are_counted_and_never_hide_a_licence(kit: Any, manifest: Path) -> None:
    own = json.dumps({"name": "hiss", "recordings": 3, "seconds": 12.25})
    card = exported(kit, sets=("music",), folder=own)
    assert card["licence"] == "CC BY 4.0 and the user's own recordings"
    mine = next(row for row in card["data"] if row["name"] == "own")
    assert (mine["recordings"], mine["seconds"], mine["licence"]) == (3, 12.2, "own")
    manifest.unlink()  # nor does he need any others
    alone = exported(kit, sets=("music",), folder=own)
    assert (alone["licence"], [row["name"] for row in alone["data"]]) == ("the user's own recordings", ["own"])


def test_a_renewed_card_says_of_its_data_what_the_old_one_did(kit: Any, manifest: Path) -> None:
    before = exported(kit)
    manifest.write_text(MANIFEST + "g.flac,music,train,44100,1,99.0,CC BY 4.0,seven/g,12000,\n")
    recipe = kit.recipe("line_weights.onnx", trained_sets=SETS)
    renew_card(recipe, Path("nowhere.pt"), kit.folder / "models")
    assert read_card(kit.folder / "models" / "line" / "card.toml")["data"] == before["data"]
    manifest.unlink()
    with pytest.raises(NoRecordingsError):
        exported(kit)


def test_data_of_a_file_that_is_gone_is_gone() -> None:
    row = {"name": "music", "licence": "CC0 1.0", "recordings": 1, "seconds": 2.0, "sources": ["one/a"]}
    assert with_file([{**row, "files": ["old.onnx"]}], "new.onnx", [], kept=["new.onnx"]) == []
    assert with_file([{**row, "files": ["old.onnx"]}], "new.onnx", [row], kept=["old.onnx", "new.onnx"]) == [
        {**row, "files": ["new.onnx", "old.onnx"]}
    ]


def test_weights_that_saw_no_recording_stand_under_the_licence_of_the_program() -> None:
    assert terms_of_table([]).licence == "Apache-2.0"


def test_figures_stay_on_a_card_only_while_its_files_do(kit: Any) -> None:
    seen: list[dict[str, str]] = []

    def figures(before: dict[str, Any], hashes: dict[str, str]) -> dict[str, Any]:
        seen.append(hashes)
        return {"command": "python -m training.quality line", "clips": 3}

    recipe = kit.recipe(figures=figures)
    done = furnish(recipe, kit.checkpoint(recipe), kit.folder / "models")
    card = read_card(done.path.parent / "card.toml")
    assert card["figures"]["clips"] == 3
    assert seen == [{"weights.onnx": card["files"]["weights.onnx"]["sha256"]}]
    renew_card(kit.recipe(), Path("nowhere.pt"), kit.folder / "models")
    assert read_card(done.path.parent / "card.toml")["figures"]["clips"] == 3
    furnish(kit.recipe(), kit.checkpoint(kit.recipe(), seed=1), kit.folder / "models")
    assert "missing" in read_card(done.path.parent / "card.toml")["figures"]


def test_a_card_from_before_files_stood_by_themselves_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text('[files."w.onnx"]\nsha256 = "ab"\n')
    with pytest.raises(ExportError, match="how its weights were trained"):
        read_card(tmp_path / "card.toml")
    (tmp_path / "card.toml").write_text("task = [")
    with pytest.raises(ExportError, match="can't be read"):
        read_card(tmp_path / "card.toml")


def test_toml_reads_back_as_it_was() -> None:
    table = {"a": 1, "b": [1, "frames"], "c": {"d e": 0.5, "f": {"g": True}}, "h": [{"i": "“j”"}, {"i": "k"}]}
    assert tomllib.loads(toml(table)) == table
    nested = {"files": {"x2.onnx": {"sha256": "ab", "input": [{"name": "a"}, {"name": "b"}]}, "x4.onnx": {}}}
    assert tomllib.loads(toml(nested)) == nested
    with pytest.raises(ValueError, match="JSON"):
        toml({"a": float("nan")})
