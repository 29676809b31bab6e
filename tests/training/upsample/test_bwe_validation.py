"""The validation of the bandwidth networks hears what the product would make of the same recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")

from engine.audio.signal import ArraySignal, Span, format_of
from engine.tools.tool import NO_JOB, complete
from engine.tools.upsample import UPSAMPLE
from tests.training.upsample.sounds import noise, source_of
from training.data.resampling import resampled
from training.upsample.bwe_validation import SECONDS, Case, case_of


class Louder:
    """A network that answers 6 dB more than the flat tail at every frequency, above the edge and below."""

    def run(self, inputs: dict[str, NDArray[np.float32]], _job: Any) -> dict[str, NDArray[np.float32]]:
        _, rows, frames = inputs["features"].shape
        return {"log_gain": np.full((1, (rows - 2) // 3, frames), np.log(2.0), dtype=np.float32)}


def a_case(folder: Path, rate: int, kilohertz: int) -> tuple[Case, NDArray[np.float32]]:
    """A case of noise, and the low recording that it came from."""
    sound = noise(SECONDS, rate)
    row = source_of(folder, f"noise{rate}", sound, rate).recording
    assert row is not None
    case = case_of(row, "music", rate, kilohertz)
    assert case is not None
    return case, resampled(sound, rate, 1000 * kilohertz)


@pytest.mark.parametrize(("rate", "kilohertz"), [(48_000, 8), (48_000, 24), (16_000, 4)])
def test_a_case_is_completed_as_the_product_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int, kilohertz: int
) -> None:
    pytest.importorskip("soxr")
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    case, low = a_case(tmp_path / "data", rate, kilohertz)
    monkeypatch.setattr("engine.inference.network.network", lambda *_: Louder())
    signal = ArraySignal(low[:, None], 1000 * kilohertz)
    params = complete(UPSAMPLE, {"rate_hz": rate, "model": "bwe16" if rate == 16_000 else "bwe48"})
    analysis = UPSAMPLE.analyse(signal, params, {}, NO_JOB)
    frames = UPSAMPLE.output_format(format_of(signal), params).frames
    made = UPSAMPLE.render(signal, params, analysis, {}, Span(0, frames), NO_JOB)[:, 0]
    ours = case.completed(case.no_answer + np.float32(np.log(2.0)))
    # As specified for a raised recording; the finder may hear it a little lower.
    assert case.edge.cutoff_hz == pytest.approx(0.95 * 500.0 * kilohertz, rel=0.01)
    gain = np.float32(10.0 ** (analysis.facts["level_db"] / 20.0))
    inner = slice(rate // 4, len(case.given) - rate // 4)  # at the ends the product knows what lies around
    rest = (ours - gain * made[: len(ours)])[inner]
    band = (ours - case.given)[inner]
    assert band.std() > 0.01
    assert rest.std() < 1e-2 * band.std()  # a cross-fade of 500 Hz instead of 125: more than 0.03
