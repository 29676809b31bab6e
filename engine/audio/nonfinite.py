"""Samples that are no numbers: short runs are repaired, anything longer is refused, tools never see one.

Only floating-point files can hold NaN or infinity. A run of up to 10 ms is bridged by a straight line between its
sound neighbours, which is inaudible next to the fault that made it; a longer one means that the file isn't what it
claims to be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples, Span
from engine.errors import NonFiniteError

MAX_RUN_S = 0.010
# +186 dBFS: no recording, but a damaged exponent. Its square would overflow in float32.
ABSURD = float(1 << 31)


class Repair(NamedTuple):
    """A run of non-finite frames that was bridged."""

    span: Span
    channels: tuple[int, ...]


def longest_run(rate: int) -> int:
    """Return the longest run that is repaired, in frames (at least 1)."""
    return max(1, int(rate * MAX_RUN_S))


def all_sound(samples: Samples) -> bool:
    """Return whether every sample is a number of sane size. Three passes at memory speed, no temporary array."""
    if not samples.size:
        return True
    return bool(samples.min() >= -ABSURD and samples.max() <= ABSURD)  # NaN compares false


def bad_frames(samples: Samples) -> NDArray[np.bool_]:
    """Return which samples need repair, shape like `samples`."""
    with np.errstate(invalid="ignore"):
        return ~(np.abs(samples) <= ABSURD)


def runs(flags: NDArray[np.bool_]) -> list[Span]:
    """Return the runs of True in a one-dimensional array."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [Span(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def read_repaired(read: Callable[[int, int], Samples], span: Span, frames: int, rate: int, name: str) -> Samples:
    """Read a span of a float recording with its short faults bridged, the same bits however it is asked for.

    Parameters
    ----------
    read
        Returns raw frames, shape (stop - start, channels).
    frames
        Length of the recording.

    Raises
    ------
    NonFiniteError
        If a run longer than 10 ms touches the span.
    """
    samples = read(span.start, span.stop)
    if all_sound(samples):
        return samples
    margin = longest_run(rate) + 1
    wide = Span(max(0, span.start - margin), min(frames, span.stop + margin))
    samples = np.array(read(wide.start, wide.stop))
    bad = bad_frames(samples)
    for channel in range(samples.shape[1]):
        for run in runs(bad[:, channel]):
            reaches = run.start + wide.start < span.stop and run.stop + wide.start > span.start
            if not reaches:
                samples[run.start : run.stop, channel] = 0.0
                continue
            if run.frames >= margin:
                raise refusal(name, (run.start + wide.start) / rate)
            _bridge(samples[:, channel], run)
    return samples[span.start - wide.start : span.stop - wide.start]


def _bridge(line: NDArray[np.float32], run: Span) -> None:
    before = line[run.start - 1] if run.start > 0 else np.float32(0)
    after = line[run.stop] if run.stop < len(line) else np.float32(0)
    steps = np.arange(1, run.frames + 1, dtype=np.float32) / np.float32(run.frames + 1)
    line[run.start : run.stop] = before + (after - before) * steps


def find_repairs(
    read: Callable[[int, int], Samples],
    frames: int,
    rate: int,
    name: str,
    check: Callable[[], None] | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Repair, ...]:
    """Go through a whole recording block by block and list the runs that `read_repaired` bridges.

    Raises
    ------
    NonFiniteError
        If a run is longer than 10 ms, or if faults are so many (more than 1000 runs) that bridging them is no repair.
    """
    open_runs: dict[int, int] = {}  # channel -> start of a run that reached the end of the last block
    found: list[tuple[int, int, int]] = []  # start, stop, channel
    size = 1 << 18
    for start in range(0, frames, size):
        if check is not None:
            check()
        samples = read(start, min(start + size, frames))
        if open_runs or not all_sound(samples):
            _collect(bad_frames(samples), start, open_runs, found)
        late = [(s, start + len(samples)) for s in open_runs.values()]
        for run_start, run_stop in [(a, b) for a, b, _ in found[-1000:]] + late:
            if run_stop - run_start > longest_run(rate):
                raise refusal(name, run_start / rate)
        if len(found) > 1000:
            raise refusal(name, found[0][0] / rate)
        if progress is not None:
            progress(min(1.0, (start + size) / frames))
    found += [(start, frames, channel) for channel, start in open_runs.items()]
    return _joined(found)


def _collect(bad: NDArray[np.bool_], offset: int, open_runs: dict[int, int], found: list[tuple[int, int, int]]) -> None:
    for channel in range(bad.shape[1]):
        if channel in open_runs and not bad[0, channel]:
            found.append((open_runs.pop(channel), offset, channel))
        for run in runs(bad[:, channel]):
            start = offset + run.start
            if run.start == 0 and channel in open_runs:
                start = open_runs.pop(channel)
            if run.stop == len(bad):
                open_runs[channel] = start
            else:
                found.append((start, offset + run.stop, channel))


def _joined(found: list[tuple[int, int, int]]) -> tuple[Repair, ...]:
    by_span: dict[Span, list[int]] = {}
    for start, stop, channel in sorted(found):
        by_span.setdefault(Span(start, stop), []).append(channel)
    return tuple(Repair(span, tuple(channels)) for span, channels in by_span.items())


def refusal(name: str, seconds: float) -> NonFiniteError:
    """Return the error for a recording with more faults than can be bridged."""
    return NonFiniteError(
        f"{name} has samples that are no numbers (NaN or infinite) for longer than 10 ms, first at {seconds:.3f} s",
        "export it again from the program that made it, or cut that part out",
    )
