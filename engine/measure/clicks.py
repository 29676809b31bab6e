"""Where a recording clicks, and what must have been there: the one detector for measuring and for repairing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.audio.autoregression import Doubles
from engine.audio.signal import Samples, Signal, Span, blocks, read_padded
from engine.measure.click_search import ClickSearch, Found, Geometry, Thresholds
from engine.settings import cores

BLOCK_SECONDS: Final = 10.0  # absolute blocks, so that the list depends on nothing but the recording
CONTEXT_SECONDS: Final = 0.2  # read on both sides of a block: more than any window or neighbourhood of the search
CERTAIN_AT_LEAST: Final = 3  # clicks beyond doubt in a channel before doubtful ones count, however short it is


@dataclass(frozen=True)
class Clicks:
    """Every click of a recording, ordered by start, with the samples that should stand in its place."""

    starts: NDArray[np.int64]  # first frame
    lengths: NDArray[np.int32]  # frames
    channels: NDArray[np.int16]
    surprises_db: NDArray[np.float32]  # change by the repair over its expected error: how sure it is a click
    repairs: NDArray[np.float32]  # all replacements one after the other, sum(lengths)

    def __len__(self) -> int:
        return len(self.starts)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the fields by name, for storing."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def share(self, frames: int, channels: int) -> float:
        """Return the share of all samples that belong to a click, 0 to 1."""
        return float(self.lengths.sum()) / max(1, frames * channels)

    def pasted(self, samples: Samples, span: Span) -> Samples:
        """Return `samples`, which stand at `span`, with every click replaced; `samples` itself if there is none."""
        longest = int(self.lengths.max(initial=0))
        first = int(np.searchsorted(self.starts, span.start - longest, side="left"))
        end = int(np.searchsorted(self.starts, span.stop, side="left"))
        if first == end:
            return samples
        out = samples.copy()
        offset = int(self.lengths[:first].sum())
        for index in range(first, end):
            length, start = int(self.lengths[index]), int(self.starts[index])
            inside = Span(start, start + length).intersect(span)
            if inside.frames:
                repair = self.repairs[offset + inside.start - start : offset + inside.stop - start]
                out[inside.start - span.start : inside.stop - span.start, self.channels[index]] = repair
            offset += length
        return out


def find_clicks(
    signal: Signal,
    sensitivity: float = 50.0,
    check: Callable[[], None] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Clicks:
    """Find and repair the clicks of a recording, each channel on its own.

    Parameters
    ----------
    signal
        Any length. Read in blocks of 10 s, so memory doesn't grow with it.
    sensitivity
        0 to 100 %.
    check
        Called often; may raise to stop the search.
    progress
        Called with 0 to 1.

    Notes
    -----
    S. Godsill and P. Rayner, "Digital Audio Restoration", Springer 1998, chapters 5 and 6; the tests by both
    directions at the cluster's edges, by contrast and by the expected error of the repair are ours.
    """
    thresholds, geometry = Thresholds.at(sensitivity), Geometry(signal.rate)
    spans = list(blocks(signal.frames, geometry.samples(BLOCK_SECONDS)))
    work = [(span, channel) for span in spans for channel in range(signal.channels)]
    parts: list[tuple[int, Found]] = []

    def one(item: tuple[Span, int]) -> tuple[int, Found]:
        return item[1], _clicks_of_block(signal, *item, geometry, thresholds, check)

    for done, found in enumerate(_in_order(one, work)):
        parts.append(found)
        if progress:
            progress((done + 1) / len(work))
    return _joined(trusted(_once(parts), signal.frames / signal.rate, thresholds))


def click_rate(signal: Signal, check: Callable[[], None] | None = None) -> float:
    """Return the clicks per second of one channel, on the mean over channels."""
    seconds = max(signal.frames, 1) / signal.rate
    return len(find_clicks(signal, check=check)) / seconds / max(1, signal.channels)


def _in_order(
    one: Callable[[tuple[Span, int]], tuple[int, Found]], work: list[tuple[Span, int]]
) -> Iterator[tuple[int, Found]]:
    """Run `one` over `work` on all cores with a bounded number of blocks in memory; results in the order of `work`."""
    lanes = cores()
    if lanes == 1 or len(work) < 2:
        yield from map(one, work)
        return
    with ThreadPoolExecutor(lanes) as pool:
        waiting: list[Future[tuple[int, Found]]] = []
        try:
            for item in work:
                waiting.append(pool.submit(one, item))
                if len(waiting) > lanes:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


def _clicks_of_block(
    signal: Signal,
    span: Span,
    channel: int,
    geometry: Geometry,
    thresholds: Thresholds,
    check: Callable[[], None] | None,
) -> Found:
    context = geometry.samples(CONTEXT_SECONDS)
    start = span.start - context
    noisy = read_padded(signal, start, span.stop + context)[:, channel].astype(np.float64)
    found = ClickSearch(noisy, geometry, thresholds, check or (lambda: None)).run()
    bursts = found.bursts + start
    # A burst belongs to the block it starts in; one that leaves the recording is a cut, not a click.
    mine = (bursts[:, 0] >= span.start) & (bursts[:, 0] < span.stop) & (bursts[:, 1] <= signal.frames)
    chosen = np.flatnonzero(mine)
    return Found(bursts[chosen], found.surprises_db[chosen], [found.repairs[i] for i in chosen])


class Click(NamedTuple):
    """One click of the list while it is put together; see `Clicks`."""

    start: int
    channel: int
    length: int
    surprise_db: float
    repair: Doubles


def _once(parts: list[tuple[int, Found]]) -> list[Click]:
    """Return the clicks of all blocks in order; those that two blocks saw on their border only once."""
    clicks: list[Click] = []
    last_stop: dict[int, int] = {}
    for channel, found in parts:
        for (start, stop), surprise, repair in zip(found.bursts, found.surprises_db, found.repairs, strict=True):
            if start >= last_stop.get(channel, 0):
                clicks.append(Click(int(start), channel, int(stop - start), float(surprise), repair))
                last_stop[channel] = int(stop)
    return sorted(clicks, key=lambda click: click[:2])


def trusted(clicks: list[Click], seconds: float, thresholds: Thresholds) -> list[Click]:
    """Leave out the doubtful clicks of channels that have next to no certain ones.

    A few dozen weak clicks a minute beside hundreds of strong ones are clicks. Alone they are consonants.
    """
    certain = Counter(click.channel for click in clicks if click.surprise_db >= thresholds.certain_db)
    enough = max(CERTAIN_AT_LEAST, thresholds.certain_per_s * seconds)
    return [c for c in clicks if c.surprise_db >= thresholds.certain_db or certain[c.channel] >= enough]


def _joined(clicks: list[Click]) -> Clicks:
    repairs = [click.repair for click in clicks]
    return Clicks(
        np.array([click.start for click in clicks], dtype=np.int64),
        np.array([click.length for click in clicks], dtype=np.int32),
        np.array([click.channel for click in clicks], dtype=np.int16),
        np.array([click.surprise_db for click in clicks], dtype=np.float32),
        np.concatenate(repairs).astype(np.float32) if repairs else np.zeros(0, dtype=np.float32),
    )
