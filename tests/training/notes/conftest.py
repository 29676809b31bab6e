"""What the tests of note lists share: FluidSynth where it is, and a synthetic instrument where no data are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.notes import fluidsynth

HEADER = "path,set,split,sample_rate,channels,seconds,licence,source_repository,bandwidth_hz,note\n"
RATE = 44_100


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep decoded recordings and renders out of runs/."""
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))


@pytest.fixture(scope="session")
def fluid() -> None:
    if not fluidsynth.is_available():
        pytest.skip("FluidSynth or FluidR3 is missing here")


@pytest.fixture
def synthetic_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose violin is a decaying sine on C4 and one on C5, each after 20 ms of silence."""
    folder = tmp_path / "data"
    (folder / "violin_samples" / "violin").mkdir(parents=True)
    time = np.arange(4 * RATE) / RATE
    rows = ""
    for name, pitch in (("C4", 60), ("C5", 72)):
        path = f"violin_samples/violin/{name}.wav"
        tone = 0.5 * np.exp(-time / 2.0) * np.cos(2.0 * np.pi * 440.0 * 2.0 ** ((pitch - 69) / 12.0) * time)
        soundfile.write(folder / path, np.concatenate([np.zeros(882), tone]), RATE, subtype="FLOAT")
        rows += f"{path},violin_samples,train,{RATE},1,4.02,CC0,x/y,20000,\n"
    (folder / "manifest.csv").write_text(HEADER + rows, encoding="utf-8")
    monkeypatch.setenv("SHELLAC_DATA", str(folder))
    return folder
