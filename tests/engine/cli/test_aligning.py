"""`shellac align`: what it writes, what it says, and what it refuses, with an answer made by hand."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from engine import cli
from engine.audio.timemap import TimeMap
from engine.session.command import step_command
from engine.session.recipe import Recipe, Step
from engine.tools.align import tool as module
from engine.tools.align.result import Alignment, Corridor
from engine.tools.align.tool import ALIGN
from tests.engine.tools.align.handmade import hiss, straight

RATE = 16_000
HOLES = straight((0, 1, 4), (6, 5, 3), (9, 10, 2))


def shellac(*words: object) -> int:
    return cli.main([str(word) for word in words])


def answered(monkeypatch: pytest.MonkeyPatch, alignment: Alignment) -> None:
    """Let every search end with this alignment."""
    stand_in: Any = SimpleNamespace(align=lambda *_, **__: alignment, UNRELATED_P=0.05)
    monkeypatch.setitem(sys.modules, "engine.tools.align.solve", stand_in)
    module._solved.clear()


@pytest.fixture(autouse=True)
def aligning(monkeypatch: pytest.MonkeyPatch) -> None:
    import engine.tools

    if ALIGN not in engine.tools.all_tools():
        ours = engine.tools.all_tools()
        monkeypatch.setattr(engine.tools, "all_tools", lambda: (*ours, ALIGN))
        monkeypatch.setattr(engine.tools, "TOOLS", (*ours, ALIGN))
    answered(monkeypatch, HOLES)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Return a reference of 11.0001 s at 22,050 Hz and a stereo target of 12 s at 16 kHz."""
    paths = tmp_path / "reference.wav", tmp_path / "target.wav"
    soundfile.write(paths[0], hiss(11.0001, 22_050, seed=2).samples, 22_050, "PCM_16")
    soundfile.write(paths[1], hiss(12, RATE, 2).samples, RATE, "PCM_24")
    return paths


def in_one_line(capsys: Any) -> str:
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("shellac: ")
    assert said.err.count("\n") == 1, said.err
    return str(said.err)


def test_the_result_has_the_references_length_and_rate_and_the_targets_depth(pair: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    assert shellac("align", *pair, "-o", out, "--quiet") == 0
    info = soundfile.info(out)
    assert (info.samplerate, info.frames) == (22_050, soundfile.info(pair[0]).frames)
    assert (info.channels, info.subtype) == (2, "PCM_24")
    sound = soundfile.read(out)[0]
    assert np.abs(sound[5 * 22_050 : 5 * 22_050 + 9000]).max() <= 1.5 / (1 << 23), "the missing stretch, with dither"


def test_every_map_and_figure_that_was_asked_for_is_written(pair: Any, tmp_path: Path, capsys: Any) -> None:
    maps = [tmp_path / f"map{ending}" for ending in (".csv", ".json", ".txt", ".svl")]
    words = [word for path in maps for word in ("--map", path)]
    figure = tmp_path / "figure.svg"
    assert shellac("align", *pair, "-o", tmp_path / "out.wav", *words, "--figure", figure) == 0
    assert TimeMap.load(maps[0]).target_at(2.0) == pytest.approx(3.0, abs=1e-6)
    assert Alignment.loads(maps[1].read_text()).segments == HOLES.segments
    assert len(maps[2].read_text().splitlines()) == len(HOLES.segments)
    assert ElementTree.parse(maps[3]).getroot().tag == "sv"
    assert ElementTree.parse(figure).getroot().tag.endswith("svg")
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'out.wav'}\n"
    assert "shellac: Align: made by hand\n" in said.err
    assert "shellac: Align: 2.0 s missing at 0:04.0\n" in said.err


def test_equal_maps_give_equal_figures(tmp_path: Path) -> None:
    from engine.tools.align.figure import draw

    rows = np.linspace(0, 10, 40)
    likeness = np.random.default_rng(1).integers(0, 255, (40, 31)).astype(np.uint8)
    corridor = Corridor(rows, rows + 1, np.linspace(-0.3, 0.3, 31), likeness, np.where(rows > 5, rows + 1.1, np.nan))
    made = HOLES.with_corridor(corridor)
    for ending, magic in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
        first = draw(made, ending, "A on B")
        assert first.startswith(magic)
        assert draw(made, ending, "A on B") == first
        assert draw(HOLES, ending, "A on B") != first


def test_json_says_what_was_found(pair: Any, tmp_path: Path, capsys: Any) -> None:
    out, map_ = tmp_path / "out.wav", tmp_path / "map.csv"
    assert shellac("align", *pair, "-o", out, "--map", map_, "--set", "pitch=keep", "--json", "--quiet") == 0
    report = json.loads(capsys.readouterr().out)
    told = report["align"]
    assert (told["verdict"], told["missing_s"], told["extra_s"]) == ("made by hand", 2.0, 2.0)
    assert told["csv_complete"] is True
    assert told["maps"] == [str(map_)]
    assert report["steps"][0]["learnt"]["pitch"] == "keep"
    assert report["difference"] == {"comparable": False}
    assert report["result"]["frames"] == soundfile.info(pair[0]).frames


def test_a_recipe_aligns_too(pair: Any, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(Recipe((Step("align", inputs={"reference": str(pair[0])}, id="a"),)).dumps())
    assert shellac("run", recipe, pair[1], "--out", tmp_path / "results", "--quiet") == 0
    assert soundfile.info(tmp_path / "results" / "target.wav").frames == soundfile.info(pair[0]).frames


def test_a_recipe_without_a_reference_is_refused(pair: Any, tmp_path: Path, capsys: Any) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(Recipe((Step("align", id="a"),)).dumps())
    assert shellac("run", recipe, pair[1], "--out", tmp_path / "results", "--quiet") == 3
    assert "Align has no reference" in capsys.readouterr().err


def test_the_command_of_a_card_names_the_reference_first(tmp_path: Path) -> None:
    step = Step("align", {"pitch": "keep"}, inputs={"reference": "r e.wav"})
    line = step_command(step, Path("t.wav"), Path("o.wav"))
    assert line == "shellac align 'r e.wav' t.wav -o o.wav --set pitch=keep"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["REFERENCE"], "two recordings are needed"),
        (["REFERENCE", "TARGET"], "-o"),
        (["REFERENCE", "TARGET", "-o", "OUT", "--map", "map.xls"], "'map.xls': end its name in .csv"),
        (["REFERENCE", "TARGET", "-o", "OUT", "--figure", "map.pdf"], ".svg or .png"),
        (["REFERENCE", "TARGET", "-o", "REFERENCE", "--force"], "never overwritten"),
        (["REFERENCE", "TARGET", "-o", "OUT", "--map", "OUT"], "out.wav"),
        (["REFERENCE", "TARGET", "-o", "OUT", "--set", "anchors=5=5 11=11.5 10=12"], "10=12 and 11=11.5 cross"),
        (["REFERENCE", "TARGET", "-o", "OUT", "--set", "anchors=5=12.5"], "5=12.5 lies beyond the end of the target"),
        (["REFERENCE", "TARGET", "-o", "OUT", "--set", "pitch=high"], "auto or keep or follow"),
        (["REFERENCE", "TARGET", "-o", "OUT", "--engine", "loftr"], "auto or handmade"),
        (["REFERENCE", "TARGET", "-o", "OUT", "--start", "2"], "--start"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(words: list[str], said: str, pair: Any, tmp_path: Path,
                                              capsys: Any) -> None:  # fmt: skip
    places = {"REFERENCE": str(pair[0]), "TARGET": str(pair[1]), "OUT": str(tmp_path / "out.wav")}
    before = {path: path.read_bytes() for path in pair}
    assert shellac("align", *(places.get(word, word) for word in words)) == 2
    assert said in in_one_line(capsys)
    assert not (tmp_path / "out.wav").exists()
    assert {path: path.read_bytes() for path in pair} == before


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("samples", "said"),
    [(np.zeros((0, 1)), "is empty"), (np.ones((7999, 1)) * 0.1, "lasts 0.5 s, too short"),
     (np.zeros((RATE, 1)), "is silent")],
)  # fmt: skip
def test_what_holds_nothing_is_status_3_and_named(samples: Any, said: str, side: int, pair: Any, tmp_path: Path,
                                                  capsys: Any) -> None:  # fmt: skip
    soundfile.write(pair[side], samples, RATE)
    assert shellac("align", *pair, "-o", tmp_path / "out.wav", "--map", tmp_path / "map.csv") == 3
    assert f"{pair[side]} {said}" in in_one_line(capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reference.wav", "target.wav"]


def test_unrelated_recordings_are_status_3_with_the_way_out(pair: Any, tmp_path: Path, capsys: Any,
                                                            monkeypatch: Any) -> None:  # fmt: skip
    answered(monkeypatch, replace(HOLES, p_unrelated=0.43))
    assert shellac("align", *pair, "-o", tmp_path / "out.wav") == 3
    line = in_one_line(capsys)
    assert f"{pair[0]} and {pair[1]} do not seem to share music (p = 0.43)" in line
    assert "--set force=true" in line
    assert not (tmp_path / "out.wav").exists()
    assert shellac("align", *pair, "-o", tmp_path / "out.wav", "--set", "force=true", "--quiet") == 0


def test_existing_files_are_replaced_only_by_force(pair: Any, tmp_path: Path, capsys: Any) -> None:
    map_ = tmp_path / "map.csv"
    map_.write_text("mine")
    words = ("align", *pair, "-o", tmp_path / "out.wav", "--map", map_)
    assert shellac(*words) == 2
    assert "--force" in in_one_line(capsys)
    assert map_.read_text() == "mine"
    assert shellac(*words, "--force", "--quiet") == 0
    assert TimeMap.load(map_).target_at(1.0) == pytest.approx(2.0, abs=1e-6)
