"""What every test shares: no screen, no sound card, and folders of its own for cache and journal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("SHELLAC_AUDIO", "null")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the cache and the journals of the person who runs the tests out of them."""
    monkeypatch.setenv("SHELLAC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SHELLAC_STATE", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def subnormal_numbers() -> Iterator[None]:
    """Let no test leave the processor flushing subnormal numbers to zero, as training has it do."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def development_data() -> Path:
    """Return the folder of real recordings, or skip the test."""
    folder = Path(os.environ.get("SHELLAC_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
    if not (folder / "manifest.csv").is_file():
        pytest.skip(f"no development data in {folder} (set SHELLAC_DATA)")
    return folder
