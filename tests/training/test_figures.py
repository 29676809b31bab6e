"""Figures come onto a card only if they were measured with the weights that it describes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from training import figures
from training.rooms import weights_sha256

OURS = {"denoiser": "aa", "noise_profile": "bb"}


def report(path: Path, networks: dict[str, str], quick: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"networks": networks, "quick": quick, "card": {"white 5 dB": {"gain_db": 9.0}}}))
    return path


def test_figures_of_other_weights_and_of_a_quick_run_stay_off_the_card(tmp_path: Path) -> None:
    path = report(tmp_path / "quality.json", OURS)
    assert figures.reported(path, OURS, "measure")["white 5 dB"] == {"gain_db": 9.0}
    for other in ({"denoiser": "cc", "noise_profile": "bb"}, {"denoiser": "aa", "noise_profile": "cc"}):
        with pytest.raises(figures.ForeignReportError, match="other weights"):
            figures.reported(path, other, "measure")
    with pytest.raises(figures.ForeignReportError, match="quick"):
        figures.reported(report(path, OURS, quick=True), OURS, "measure")
    path.write_text(json.dumps({"card": {}}))  # as reports were before they named the networks
    with pytest.raises(figures.ForeignReportError, match="other weights"):
        figures.reported(path, OURS, "measure")
    with pytest.raises(figures.ForeignReportError, match="run measure"):
        figures.reported(tmp_path / "none.json", OURS, "measure")


def test_without_a_fitting_report_a_card_keeps_figures_of_the_same_weights_only(tmp_path: Path) -> None:
    fitting, none = {"networks": OURS, "clean": {"clips": 1}}, tmp_path / "none.json"
    assert figures.reported_or_kept(fitting, none, OURS, "measure") == fitting
    foreign = {"networks": {"denoiser": "cc"}, "clean": {"clips": 1}}
    assert set(figures.reported_or_kept(foreign, none, OURS, "measure")) == {"command", "missing"}


def test_the_weights_about_to_be_placed_are_those_that_must_have_been_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))
    new = {"denoiser": "dd", "noise_profile": weights_sha256("noise_profile")}
    report(figures.restore_report(), new)
    assert figures.restore_figures("denoiser")({}, {"weights.onnx": "dd"})["networks"] == new
    assert "missing" in figures.restore_figures("denoiser")({}, {"weights.onnx": "ee"})
