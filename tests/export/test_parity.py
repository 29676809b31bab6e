"""A file has to compute what torch computes, quiet outputs included, and is compared as the engine will run it."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import onnxruntime

from engine.inference.network import Network
from engine.settings import Settings
from export import furnishing
from export.cost import Speed
from export.errors import ExportError
from export.furnishing import furnish
from export.parity import check_parity, limit_of
from training.room import Port

NOISE = np.random.default_rng(3).standard_normal(500).astype(np.float32)
SILENCE = np.zeros(500, np.float32)


@pytest.mark.parametrize(("scale", "off", "right"), [
    (1.0, 9e-5, True), (1.0, 1.1e-4, False),  # as far as an answer of usual size may be off
    (1e-3, 9e-7, True), (1e-3, 3e-6, False),  # a thousandth of a quiet one, whose largest value is about 3 scales
    (1e3, 9e-5, True), (1e3, 1.1e-4, False),  # a large one gets no more
])  # fmt: skip
def test_the_limit_follows_how_large_an_answer_is(kit: Any, scale: float, off: float, right: bool) -> None:
    wanted = NOISE.astype(np.float64) / np.abs(NOISE).max() * scale
    answers = {"noise": (wanted,)}, {"noise": (wanted + off,)}
    if right:
        check_parity(kit.room(), *answers)
    else:
        with pytest.raises(ExportError, match="ONNX and torch differ"):
            check_parity(kit.room(), *answers)


def test_silence_is_held_to_the_scale_of_the_output_and_each_output_to_its_own(kit: Any) -> None:
    room = kit.room(answer=(Port("loud", (500,), ""), Port("quiet", (500,), "")))
    wanted = {"noise": (NOISE, 1e-4 * NOISE), "silence": (SILENCE, SILENCE)}
    check_parity(room, wanted, {"noise": wanted["noise"], "silence": (SILENCE + 1e-6, SILENCE + 1e-8)})
    with pytest.raises(ExportError, match="quiet, silence"):
        check_parity(room, wanted, {"noise": wanted["noise"], "silence": (SILENCE, SILENCE + 1e-6)})
    assert limit_of([SILENCE]) == 0.0  # nothing but zeros has to be met exactly


def configuration(options: Any) -> tuple[Any, ...]:
    """What of a session's options changes how fast it is and what it computes."""
    return (
        options.graph_optimization_level,
        options.enable_mem_pattern,
        options.inter_op_num_threads,
        options.get_session_config_entry("session.intra_op.allow_spinning"),
    )


@pytest.mark.parametrize("optimised_seconds", [0.5, 1.0])
def test_the_card_says_how_to_run_a_file_and_both_sides_run_it_so(
    kit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, optimised_seconds: float
) -> None:
    taken = Speed(dict.fromkeys(product(("none", "all"), (1, 2)), 1.0), {"none": 1.0, "all": optimised_seconds})
    monkeypatch.setattr(furnishing, "speed", lambda *_: taken)
    seen: list[Any] = []
    real = onnxruntime.InferenceSession

    def spy(path: Any, options: Any, providers: list[str]) -> Any:
        seen.append(configuration(options))
        return real(path, options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    recipe = kit.recipe()
    furnish(recipe, kit.checkpoint(recipe), tmp_path)
    compared = seen[-1]
    network = Network("line", Settings(threads=2), folder=tmp_path)
    assert network.card.file().optimise == ("all" if optimised_seconds < 0.9 else "none")
    assert seen[-1] == compared
    assert len(set(seen)) == (2 if optimised_seconds < 0.9 else 1)  # as written it is compared first
