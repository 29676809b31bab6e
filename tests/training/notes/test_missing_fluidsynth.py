"""Without FluidSynth everything else works, and what needs it says how to install it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from training.notes import fluidsynth
from training.notes.note import Note
from training.recipe import TrainingError


@pytest.mark.parametrize(
    ("stand_in", "said"),
    [
        ('raise ImportError("Couldn\'t find the FluidSynth library.")', "sudo apt-get install fluidsynth"),
        ('raise ImportError("No module named fluidsynth")', "make test"),
    ],
)
def test_a_missing_library_comes_with_the_line_that_installs_it(
    stand_in: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fluidsynth.py").write_text(stand_in, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "fluidsynth", raising=False)
    fluidsynth._binding.cache_clear()
    try:
        with pytest.raises(TrainingError, match=said):
            fluidsynth.render((Note(0.0, 1.0, 60),), 0, 0.1)
        assert not fluidsynth.is_available()
    finally:
        fluidsynth._binding.cache_clear()


def test_composing_needs_neither_torch_nor_fluidsynth() -> None:
    program = (
        "import sys, training.notes\n"
        "loaded = {'torch', 'librosa', 'fluidsynth', 'soxr', 'mido'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
