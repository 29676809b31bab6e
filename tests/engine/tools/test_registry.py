"""The registry: our tools, those of other packages, and no tool that could stop anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from engine.errors import UsageError
from engine.tools import TOOLS, all_tools, find_tool, tool_problems
from engine.tools.tool import Tool

Installer = Callable[..., None]


def test_our_tools_are_tools() -> None:
    assert [tool.name for tool in TOOLS] == ["restore", "upsample", "align", "age"]
    assert all(isinstance(tool, Tool) for tool in TOOLS)
    assert find_tool("age") is TOOLS[3]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no tool 'magic': choose from restore, upsample, align, age"):
        find_tool("magic")


def test_a_tool_of_another_package_stands_beside_ours(install: Installer) -> None:
    install()
    assert [tool.name for tool in all_tools()] == ["restore", "upsample", "align", "age", "trim"]
    assert find_tool("trim").label == "Trim"
    assert tool_problems() == ()


@pytest.mark.parametrize(
    ("source", "entry", "said"),
    [
        ("raise RuntimeError('no licence')", "bad = shellac_bad:TOOL", "RuntimeError: no licence"),
        ("import sys; sys.exit(3)", "bad = shellac_bad:TOOL", "SystemExit"),
        ("import a_module_that_nobody_has", "bad = shellac_bad:TOOL", "a_module_that_nobody_has"),
        ("", "bad = shellac_bad:MISSING", "MISSING"),
        ("class Bad: pass", "bad = shellac_bad:Bad", "is a class"),
        ("class Bad:\n  name = 'bad'\nTOOL = Bad()", "bad = shellac_bad:TOOL", "lacks label, summary"),
    ],
)
def test_a_broken_tool_is_left_out_and_named(install: Installer, source: str, entry: str, said: str) -> None:
    install()
    install(entry, source or "#", "shellac_bad")
    assert [tool.name for tool in all_tools()] == ["restore", "upsample", "align", "age", "trim"]
    (problem,) = tool_problems()
    assert said in str(problem)
    assert "shellac-bad 1.2" in str(problem)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("name = \"trim\"", "name = \"age\""), "'age' is taken"),
        (("name = \"trim\"", "name = \"Two words\""), "isn't one lower-case word"),
        (("-6.0, -60.0, 0.0", "-90.0, -60.0, 0.0"), "out of range"),
        (("{\"peak_db\": -40.0}", "{\"peak\": -40.0}"), "no knob 'peak'"),
        (("Knob(\"peak_db\"", "Knob(\"level\""), "different names"),
        (("hint=\"Of full scale.\"", "option=\"--force\""), "can't have the option '--force'"),
        (("hint=\"Of full scale.\"", "labels=(\"One\",)"), "has 0 choices and 1 labels"),
        (("hint=\"Of full scale.\"", "excludes=(\"nobody\",)"), "excludes what isn't there"),
    ],
)  # fmt: skip
def test_a_tool_that_would_break_the_rack_is_left_out(
    install: Installer, change: tuple[str, str], said: str, request: pytest.FixtureRequest
) -> None:
    source = (request.path.with_name("foreign_tool.py")).read_text(encoding="utf-8").split("'''")[1]
    assert change[0] in source
    install("trim = shellac_bad:TRIM", source.replace(*change), "shellac_bad")
    assert all_tools() == TOOLS
    assert said in str(tool_problems()[0])


def test_importing_the_tools_costs_no_window_no_network_and_no_sound_card() -> None:
    heavy = "{'PySide6', 'torch', 'sounddevice', 'soundfile', 'onnxruntime', 'scipy', 'matplotlib'}"
    code = f"import sys, engine.tools; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
