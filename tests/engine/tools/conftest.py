"""Tools of other packages come and go with a test."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from engine.tools import forget_foreign_tools

Installer = Callable[..., None]


def _foreign_tool() -> ModuleType:
    path = Path(__file__).with_name("foreign_tool.py")
    spec = importlib.util.spec_from_file_location("shellac_test_foreign_tool", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    """Return a function that installs a package with a tool for the length of a test; without arguments a good one."""
    foreign = _foreign_tool()
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def install(entry: str = "trim = shellac_trim:TRIM", source: str = "", package: str = "shellac_trim") -> None:
        foreign.install(tmp_path / "site", entry, source or foreign.SOURCE, package)
        forget_foreign_tools()

    forget_foreign_tools()
    yield install
    forget_foreign_tools()
    for name in set(sys.modules) - before:
        if name.startswith("shellac_"):
            del sys.modules[name]
