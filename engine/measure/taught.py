"""Under which licence the numbers of the judge of band edges stand, and who must be named for what they learnt from."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.measure.band_edge import JUDGE


@dataclass(frozen=True)
class JudgeAccount:
    """What the file of the judge says of itself, as the card of a network does."""

    licence: str
    attribution: str  # "required: name ..." or "not required"
    data: tuple[str, ...]  # what it learnt from, as `name (licence)`
    remark: str  # what else has to be known of how it was taught; as a rule nothing


def judge_account() -> JudgeAccount:
    """Read it; `python -m training.band_edge` has written it from the rows of the manifest."""
    stored = json.loads(JUDGE.read_text(encoding="utf-8"))
    data = (f"{row['name']} ({row['licence']})" for row in stored["data"])
    return JudgeAccount(stored["licence"], stored["attribution"], tuple(data), stored.get("remark", ""))
