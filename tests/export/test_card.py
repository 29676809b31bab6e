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
from tests.training.data.recordings_on_disk import tone, write, write_manifest  # noqa: E402
from training import rooms  # noqa: E402
from training.data import NoRecordingsError  # noqa: E402
from training.data.licences import Source  # noqa: E402
from training.data.own import own_folder  # noqa: E402
from training.errors import TrainingError  # noqa: E402
from training.provenance import data_facts  # noqa: E402
from training.recipe import Recipe, Settings  # noqa: E402

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
    """Development data of six short recordings."""
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    for line in MANIFEST.splitlines()[1:]:
        name, _, _, rate, _, seconds, *_ = line.split(",")
        write(tmp_path / "data" / name, tone(float(seconds), rate=int(rate)), int(rate))
    (tmp_path / "data" / "manifest.csv").write_text(MANIFEST, encoding="utf-8")
    own_folder.cache_clear()
    return tmp_path / "data" / "manifest.csv"


def trained(kit: Any, recipe: Recipe, licences: str = "clean", folder: Path | None = None) -> Path:
    """A checkpoint that says what it has seen as a run does."""
    facts = data_facts(recipe, Settings(licences=licences, folder=folder))
    run: Path = kit.checkpoint(recipe, licences=licences, data=facts)
    return run


def exported(kit: Any, licences: str = "clean", sets: tuple[str, ...] = SETS, file: str = "weights.onnx",
             folder: Path | None = None, **room: Any) -> dict[str, Any]:  # fmt: skip
    recipe = kit.recipe(f"line_{file}", trained_sets=sets, file=file, **room)
    furnish(recipe, trained(kit, recipe, licences, folder), kit.folder / "models")
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


def test_a_persons_own_recordings_are_counted_and_never_hide_a_licence(
    kit: Any, manifest: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    write(mine / "music" / "tune.wav", tone(8.0))
    card = exported(kit, sets=("music",), folder=mine)
    assert card["licence"] == "CC BY 4.0 and the user's own recordings"
    row = next(row for row in card["data"] if row["name"] == "own_music")
    assert (row["recordings"], row["seconds"], row["licence"]) == (1, 8.0, "own")
    manifest.unlink()  # nor does he need any others
    alone = exported(kit, sets=("music",), folder=mine)
    assert (alone["licence"], [row["name"] for row in alone["data"]]) == ("the user's own recordings", ["own_music"])


@pytest.mark.parametrize(("licences", "licence"), [("clean", "CC BY 4.0"), ("all", "CC BY-NC-SA 4.0")])
def test_licences_in_a_manifest_of_ones_own_reach_the_card(
    kit: Any, manifest: Path, tmp_path: Path, licences: str, licence: str
) -> None:
    manifest.unlink()
    mine = tmp_path / "mine"
    for number, name in enumerate(("own", "free", "sold", "kept")):
        write(mine / f"{name}.wav", tone(4.0, 200.0 + number))
    write_manifest(mine, "own.wav,songs,train,,", "free.wav,songs,train,CC BY 4.0,one/a",
                   "sold.wav,songs,train,CC BY-NC-SA 4.0,two/b", "kept.wav,songs,validation,CC BY 3.0,three/c",
                   header="path,set,split,licence,source_repository")  # fmt: skip
    card = exported(kit, licences, sets=("music",), folder=mine)
    assert card["licence"] == f"{licence} and the user's own recordings"
    assert "three/c" not in card["attribution"]  # only measured with
    assert card["attribution"] == f"required: name one/a{', two/b' if licences == 'all' else ''}"


def test_a_card_says_what_was_seen_where_the_weights_were_trained(kit: Any, manifest: Path) -> None:
    recipe = kit.recipe(trained_sets=SETS)
    run = trained(kit, recipe)
    manifest.unlink()  # the machine that exports has none of it
    furnish(recipe, run, kit.folder / "models")
    card = read_card(kit.folder / "models" / "line" / "card.toml")
    assert card["attribution"] == "required: name one/a, two/b"
    assert [(row["licence"], row["recordings"], row["seconds"]) for row in card["data"] if row["name"] == "music"] == [
        ("CC BY 3.0", 1, 3.0), ("CC BY 4.0", 1, 3.5),
    ]  # fmt: skip


def test_a_recording_that_couldnt_be_used_isnt_on_the_card(kit: Any, manifest: Path) -> None:
    (manifest.parent / "b.flac").write_text("no audio")
    assert exported(kit)["attribution"] == "required: name one/a"
    (manifest.parent / "a.flac").unlink()
    with pytest.raises(NoRecordingsError, match="all recordings of music are unusable"):
        exported(kit, sets=("music",))


def test_a_checkpoint_that_doesnt_say_what_it_saw_is_refused(kit: Any) -> None:
    recipe = kit.recipe()
    with pytest.raises(ExportError, match="doesn't say which recordings its weights have seen") as refusal:
        furnish(recipe, kit.checkpoint(recipe, data=""), kit.folder / "models")
    assert "\n" not in str(refusal.value)


@pytest.mark.usefixtures("manifest")
def test_a_misspelt_set_makes_no_weights_of_the_programs_own_licence(kit: Any) -> None:
    with pytest.raises(TrainingError, match="there is no set musik"):
        exported(kit, sets=("musik",))


def test_performances_and_a_sound_font_count_among_the_data(kit: Any, manifest: Path) -> None:
    lines = ["g.mid,performances,train,,,30.0,CC BY-NC-SA 4.0,asap/x,,NON-COMMERCIAL",
             "h.mid,performances,train,,,30.0,none stated,vienna/y,,"]  # fmt: skip
    manifest.write_text(MANIFEST + "\n".join(lines) + "\n")
    for name in ("g.mid", "h.mid"):
        (manifest.parent / name).write_bytes(b"MThd")
    font = Source("FluidR3 GM", "MIT", "Frank Wen")
    card = exported(kit, "all", sets=("performances",), further_sources=(font,))
    assert card["licence"] == "CC BY-NC-SA 4.0"
    assert card["attribution"] == "required: name Frank Wen (FluidR3 GM), asap/x"
    rendered = exported(kit, sets=(), further_sources=(font,))
    assert (rendered["licence"], rendered["attribution"]) == ("MIT", "required: name Frank Wen (FluidR3 GM)")
    assert rendered["data"][0]["name"] == "FluidR3 GM"
    with pytest.raises(NoRecordingsError, match=r"performances .* nothing to train on"):
        exported(kit, sets=("performances",))


def test_weights_that_went_on_from_a_room_have_seen_what_it_had(
    kit: Any, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(kit)
    monkeypatch.setattr(rooms, "models_folder", lambda: kit.folder / "models")
    recipe, mine = kit.recipe("line_weights.onnx", trained_sets=SETS), tmp_path / "mine"
    manifest.unlink()
    write(mine / "music" / "tune.wav", tone(8.0))
    facts = data_facts(recipe, Settings(folder=mine, from_room=True))
    assert {row["name"] for row in json.loads(facts)} == {"own_music", "music", "violin_samples"}
    (kit.folder / "models" / "line" / "card.toml").write_text('trained_on = "clean"\n')  # as it travels in a pack
    assert data_facts(recipe, Settings(folder=mine, from_room=True)) == ""


def test_a_renewed_card_says_of_its_data_what_the_old_one_did(kit: Any, manifest: Path) -> None:
    before = exported(kit)
    manifest.write_text(MANIFEST + "g.flac,music,train,44100,1,99.0,CC BY 4.0,seven/g,12000,\n")
    recipe = kit.recipe("line_weights.onnx", trained_sets=SETS)
    renew_card(recipe, Path("nowhere.pt"), kit.folder / "models")
    assert read_card(kit.folder / "models" / "line" / "card.toml")["data"] == before["data"]
    manifest.unlink()
    with pytest.raises(NoRecordingsError):
        exported(kit)


def test_the_day_on_a_card_is_that_of_the_training(kit: Any) -> None:
    recipe = kit.recipe()
    furnish(recipe, kit.checkpoint(recipe, trained_until="2026-02-03"), kit.folder / "models")
    (entry,) = read_card(kit.folder / "models" / "line" / "card.toml")["files"].values()
    assert entry["training"]["trained"] == "7 steps in 1 minutes on cpu, 2 threads, 2026-02-03"


def test_what_a_run_didnt_write_down_isnt_on_its_card(kit: Any) -> None:
    recipe = kit.recipe()
    run = kit.checkpoint(recipe)
    content = torch.load(run, weights_only=True)
    del content["loss_mode"], content["seed"]
    torch.save(content, run)
    furnish(recipe, run, kit.folder / "models")
    path = kit.folder / "models" / "line" / "card.toml"
    assert not {"loss_mode", "seed"} & read_card(path)["files"]["weights.onnx"]["training"].keys()
    kept = [line for line in path.read_text().splitlines() if not line.startswith(("minutes =", "machines ="))]
    path.write_text("\n".join(kept) + "\n")
    before = read_card(path)["files"]["weights.onnx"]["training"]
    renew_card(recipe, Path("nowhere.pt"), kit.folder / "models")
    assert read_card(path)["files"]["weights.onnx"]["training"] == before
    assert before.keys() == {"recipe", "licences", "trained", "steps"}


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
