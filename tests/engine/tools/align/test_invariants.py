"""What may not change a map, and what it must be: by two players of one piece whose every onset is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Samples, SilentSignal
from engine.audio.timemap import TimeMap
from engine.errors import Cancelled, InputError
from engine.tools.align.tool import ALIGN, alignment_of, solved
from engine.tools.tool import Job, complete
from tests.engine.tools.align.playing import RATE, beats, played, tempo

SECONDS = 14.0
INSIDE = np.linspace(1.0, SECONDS - 1.0, 200)


def map_of(reference: ArraySignal, target: ArraySignal) -> TimeMap:
    return solved(target, reference, complete(ALIGN, {})).time_map()


@pytest.fixture(scope="module")
def found() -> TimeMap:
    return map_of(played(SECONDS, 0), played(SECONDS, 1))


def test_every_chord_of_one_player_lies_on_the_others(found: TimeMap) -> None:
    onsets = beats(SECONDS, 1)
    errors = np.abs(found.target_at(onsets) - tempo(onsets))
    assert np.median(errors) < 0.010
    assert errors.max() < 0.1


CHANGES: dict[str, Callable[[Samples], Samples]] = {
    "half as loud": lambda x: x * np.float32(0.5),
    "40 dB quieter": lambda x: x * np.float32(0.01),
    "turned over": lambda x: -x,
    "with a constant": lambda x: x + np.float32(0.1),
    "on three channels": lambda x: np.repeat(x, 3, axis=1),
    "on one of two": lambda x: np.concatenate([x, np.zeros_like(x)], axis=1),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("side", ["reference", "target"])
def test_level_polarity_constant_and_channels_change_no_map(found: TimeMap, change: str, side: str) -> None:
    pair = {"reference": played(SECONDS, 0), "target": played(SECONDS, 1)}
    pair[side] = ArraySignal(CHANGES[change](pair[side].samples), RATE)
    changed = map_of(**pair)
    assert np.abs(changed.target_at(INSIDE) - found.target_at(INSIDE)).max() < 0.001


def test_swapped_recordings_give_the_inverse(found: TimeMap) -> None:
    back = map_of(played(SECONDS, 1), played(SECONDS, 0))
    assert np.median(np.abs(back.target_at(found.target_at(INSIDE)) - INSIDE)) < 0.010


def test_the_same_recordings_give_the_same_bytes() -> None:
    target, reference = played(SECONDS, 1), played(SECONDS, 0)
    first, second = (ALIGN.analyse(target, complete(ALIGN, {}), {"reference": reference}) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()


def test_silence_is_no_match_and_never_a_number() -> None:
    silence = SilentSignal(RATE, 1, 10 * RATE)
    for pair in ((silence, played(SECONDS)), (played(SECONDS), silence), (silence, silence)):
        with pytest.raises(InputError, match="is silent"):
            solved(*pair, complete(ALIGN, {}))


def test_a_cancel_is_heard_while_it_is_sought() -> None:
    reached: list[float] = []

    def stop(fraction: float, text: str) -> None:
        reached.append(fraction)
        if fraction > 0.3:
            job.cancel()

    job = Job(stop)
    with pytest.raises(Cancelled):
        solved(played(SECONDS, 1), played(SECONDS, 0), complete(ALIGN, {}), job)
    assert reached[-1] < 0.7, "it went on for long"


def test_an_analysis_holds_the_map_that_is_written(found: TimeMap) -> None:
    analysis = ALIGN.analyse(played(SECONDS, 1), complete(ALIGN, {}), {"reference": played(SECONDS, 0)})
    assert alignment_of(analysis).time_map().to_csv() == found.to_csv()
