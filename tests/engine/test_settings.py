"""A program says once what its networks run with; until then the defaults hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import settings
from engine.settings import Settings, choose, chosen, cores


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_chosen", None)


def test_without_a_choice_every_core_works() -> None:
    assert chosen().threads == cores()


def test_the_last_choice_holds() -> None:
    choose(Settings(threads=7))
    wanted = choose(Settings(threads=3))
    assert chosen() is wanted


def test_the_environment_names_the_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_CACHE", str(tmp_path / "here"))
    assert Settings().cache_folder == tmp_path / "here"
    monkeypatch.delenv("SHELLAC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Settings().cache_folder == tmp_path / "xdg" / "shellac"


def test_tools_run_their_networks_with_what_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.tools.restore import neural, noise_profile

    # Both modules must ask at each run: a copy taken at import would miss a change of preferences.
    assert neural.chosen is chosen
    assert noise_profile.chosen is chosen
