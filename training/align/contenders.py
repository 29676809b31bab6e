"""Who aligns: controls that hear nothing, peers, and ours; every one behind the same call."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from engine.audio.signal import ArraySignal
from training.align.baselines import librosa_dtw, spectral, straight, synctoolbox_dtw
from training.align.pair import Answer, Match, Samples

Aligner = Callable[[Samples, Samples, int], Answer]


def _always() -> str:
    return ""


@dataclass(frozen=True)
class Contender:
    """Something that aligns two mono recordings, shape (frames,), of one rate."""

    name: str
    kind: str  # control, peer or ours
    aligner: Aligner
    missing: Callable[[], str] = _always  # why it can't run here; nothing if it can


def _no_solver() -> str:
    return "" if importlib.util.find_spec("engine.tools.align.solve") else "not there yet: not run"


def ours(reference: Samples, target: Samples, rate: int) -> Answer:
    """`engine.tools.align.solve.align` as it comes; its map as the CSV delivers it."""
    solve: Any = importlib.import_module("engine.tools.align.solve")
    found = solve.align(ArraySignal(reference[:, None], rate), ArraySignal(target[:, None], rate))
    runs = [(s.reference_s, s.target_s) for s in found.segments if s.kind == "match"]
    matches = tuple(Match(*run) for run in sorted(runs, key=lambda run: run[1]))
    limit = getattr(solve, "UNRELATED_P", None)
    said: dict[str, Any] = {
        "matches": matches,
        "p_unrelated": found.p_unrelated,
        "is_refused": None if limit is None else found.p_unrelated > limit or not len(found.knots_reference_s),
        "cents": found.cents,
    }
    if not len(found.knots_reference_s):
        return _nothing(reference, target, rate, said)
    map_ = found.time_map()
    return Answer(map_.source_s, map_.target_s, map_.confidence, **said)


def _nothing(reference: Samples, target: Samples, rate: int, said: dict[str, Any]) -> Answer:
    """An answer without a map is measured as the straight line it leaves the user with."""
    line = straight.straight_line(reference, target, rate)
    return Answer(line.reference_s, line.target_s, line.reference_s * 0.0, **said)


CONTENDERS: Final = (
    Contender("straight line", "control", straight.straight_line),
    Contender("same, 46 ms grid", "control", straight.line_on_grid),
    Contender("Spec+DTW", "peer", spectral.mel_dtw),
    Contender("MFCC+DTW", "peer", spectral.mfcc_dtw),
    Contender("librosa chroma", "peer", librosa_dtw.chroma_dtw),
    Contender("synctoolbox", "peer", synctoolbox_dtw.synctoolbox_dtw, synctoolbox_dtw.missing),
    Contender("ours", "ours", ours, _no_solver),
)
