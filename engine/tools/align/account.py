"""What an alignment says in figures and sentences: the speed, what is missing or added, how sure it is and why not."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from engine.tools.align.result import Alignment, Piece, Seconds, Segment

_SPAN_S: Final = 0.2  # over which a speed is measured
_STEADY: Final = 0.003  # RMS deviation of the speed, 5 cents: more would be heard as a warble
_IN_TUNE_CENTS: Final = 20.0
_UNSURE: Final = 0.5
_SAID: Final = 6  # sentences about single stretches; the report has them all
_WORDS: Final = {
    "silence": "there is silence",
    "repeat": "the music repeats itself",
    "not in target": "the target lacks it",
    "tempo": "the tempo is out of range: set anchors",
    "noise": "noise covers it",
}


def facts_of(alignment: Alignment, pitch: str) -> dict[str, Any]:
    """Return what an analysis keeps beside its arrays. `pitch` is the knob; "auto" is decided here."""
    told = alignment.to_json()
    del told["knots"]
    kept = pitch if pitch != "auto" else ("follow" if is_one_recording(alignment) else "keep")
    return {"alignment": told, "pitch": kept, "speed": speed(alignment)}


def is_one_recording(alignment: Alignment) -> bool:
    """Return True if the map is so smooth, and the pitch so true to the speed, that following it can't be heard.

    That is so of one recording at two speeds. Between two performances a map wanders by milliseconds from note to note,
    which as a change of speed would warble.
    """
    speeds = _speeds(alignment)
    if not len(speeds):
        return False
    middle = float(np.median(speeds))
    is_steady = float(np.sqrt(np.mean(np.square(speeds / middle - 1.0)))) < _STEADY
    return is_steady and abs(1200.0 * np.log2(middle) - alignment.cents) < _IN_TUNE_CENTS


def speed(alignment: Alignment) -> float | None:
    """Return how many seconds of the target pass in one of the reference, the median over the matches."""
    speeds = _speeds(alignment)
    return float(np.median(speeds)) if len(speeds) else None


def account_of(alignment: Alignment, target_s: float, reference_s: float) -> dict[str, Any]:
    """Return the alignment as figures, and as a sentence under `text`."""
    matched = sum(float(piece.reference_s[-1] - piece.reference_s[0]) for piece in alignment.pieces())
    sure = _time_sure(alignment)
    return {
        "verdict": alignment.verdict,
        "p_unrelated": alignment.p_unrelated,
        "cents": alignment.cents,
        "speed": speed(alignment),
        "target_s": target_s,
        "reference_s": reference_s,
        "matched_s": matched,
        "missing_s": _total(alignment, "missing", 0),
        "extra_s": _total(alignment, "extra", 1),
        "sure_percent": sure,
        "csv_complete": alignment.is_complete,
        "text": " ".join(f"{_sentence(text)}" for text in (alignment.verdict, *_structure(alignment)) if text),
    }


def remarks_of(alignment: Alignment) -> tuple[str, ...]:
    """Return what a user should read: the verdict, what has no counterpart, and where the map is unsure."""
    doubts = [f"unsure at {_clock(d.reference_s[0])} to {_clock(d.reference_s[1])}: {_WORDS[d.reason]}"
              for d in alignment.reasons if d.reason != "not in target"]  # fmt: skip
    return tuple(text for text in (alignment.verdict, *_shortened(_structure(alignment)), *_shortened(doubts)) if text)


def _structure(alignment: Alignment) -> list[str]:
    return [text for text in map(_segment_sentence, alignment.segments) if text]


def _segment_sentence(segment: Segment) -> str:
    (r0, r1), (t0, t1) = segment.reference_s, segment.target_s
    if segment.kind == "missing":
        return f"{r1 - r0:.1f} s missing at {_clock(r0)}"
    if segment.kind == "extra":
        return f"{t1 - t0:.1f} s more in the target at {_clock(r0)} (its {_clock(t0)} to {_clock(t1)})"
    if segment.kind == "jump":
        return f"the target jumps from {_clock(t0)} to {_clock(t1)} at {_clock(r0)}"
    return ""


def _shortened(texts: list[str]) -> list[str]:
    if len(texts) <= _SAID:
        return texts
    return [*texts[:_SAID], f"{len(texts) - _SAID} more, listed in the report (--json)"]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60.0)
    return f"{int(minutes)}:{rest:04.1f}"


def _total(alignment: Alignment, kind: str, side: int) -> float:
    spans = [(s.reference_s, s.target_s)[side] for s in alignment.segments if s.kind == kind]
    return float(sum(stop - start for start, stop in spans))


def _time_sure(alignment: Alignment) -> float:
    """Return the share of the matched time in which the confidence is at least one half, in percent."""
    lengths, sure = [np.zeros(0)], [np.zeros(0)]
    for piece in alignment.pieces():
        lengths.append(np.diff(piece.reference_s))
        sure.append(np.minimum(piece.confidence[1:], piece.confidence[:-1]))
    length, confidence = np.concatenate(lengths), np.concatenate(sure)
    total = float(length.sum())
    return 100.0 * float(length[confidence >= _UNSURE].sum()) / total if total else 0.0


def _speeds(alignment: Alignment) -> Seconds:
    return np.concatenate([np.zeros(0), *(_speeds_of(piece) for piece in alignment.pieces())])


def _speeds_of(piece: Piece) -> Seconds:
    start, stop = float(piece.reference_s[0]), float(piece.reference_s[-1])
    moments = np.linspace(start, stop, max(2, int((stop - start) / _SPAN_S) + 1))
    return np.asarray(np.diff(np.interp(moments, piece.reference_s, piece.target_s)) / np.diff(moments))
