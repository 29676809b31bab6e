"""What the noise of a recording looks like: power per frequency, one profile for the file or a few along it.

Known where the user pointed at noise, else estimated: by the network of the room `noise_profile`, or by a quantile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Signal, Span
from engine.audio.stft import Spectra
from engine.errors import UsageError
from engine.inference.profile_features import level, profile_features
from engine.measure.noise_floor import full_scale_db
from engine.settings import chosen
from engine.tools.restore.planes import WORK_STFT, read_work, to_planes, work_rate
from engine.tools.tool import Job

Floats = NDArray[np.float32]
Estimator = Callable[[Spectra, int, Job], Floats | None]  # spectra of a window, rate -> ln |X|² per bin

WINDOW_SECONDS: Final = 20  # what the network was trained for, at most
WINDOWS_AT_MOST: Final = 30  # 10 minutes; longer recordings are sampled evenly
DRIFT_DB: Final = 8.0  # from here on one profile doesn't fit the whole file
NO_VOTE_DB: Final = 25.0  # a window so far under the others is clean or silent
SHORTEST_SELECTION_SECONDS: Final = 0.1
DECIBELS: Final = 10.0 / np.log(10.0)  # per natural log of a power


@dataclass(frozen=True)
class NoiseProfile:
    """The noise of every plane (channel, or mid and side) along the recording."""

    centres_s: NDArray[np.float64]  # (profiles,)
    log_power: Floats  # ln of |X|², (profiles, planes, bins); -inf where nothing is known: leave the plane alone
    levels: Floats  # mean |X|² of what sounds, (planes,)

    def at(self, plane: int, seconds: NDArray[np.float64]) -> Floats:
        """Return the noise power at these times: shape (1, bins) if it never changes, else (times, bins)."""
        rows = self.log_power[:, plane]
        if len(rows) == 1:
            return np.asarray(np.exp(rows))
        place = np.interp(seconds, self.centres_s, np.arange(len(rows)))
        below = np.minimum(place.astype(np.int64), len(rows) - 2)
        share = (place - below).astype(np.float32)[:, None]
        return np.asarray(np.exp(rows[below] * (1 - share) + rows[below + 1] * share))

    def knows(self, plane: int) -> bool:
        """Return whether there is a profile for this plane at all."""
        return bool(np.isfinite(self.log_power[:, plane]).all())

    def noise_db(self) -> float:
        """Return the noise of the loudest plane as RMS in dB of full scale; -200 if nothing is known."""
        return full_scale_db(np.exp(self.log_power.astype(np.float64)).mean(axis=0).sum(axis=1).max(initial=0.0))

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the fields by name, for storing."""
        return {"centres_s": self.centres_s, "log_power": self.log_power, "levels": self.levels}


def network_profile(spectra: Spectra, rate: int, job: Job) -> Floats | None:
    """Estimate ln |X|² of the noise per bin with the network; None if too little sounds."""
    from engine.inference.network import network

    try:
        statistics, loudness = profile_features(spectra, rate, WORK_STFT.hop)
    except ValueError:
        return None
    estimate = network("noise_profile", chosen()).run({"statistics": statistics[None]}, job)["estimate"][0]
    # The network says how sure it is; in doubt less noise is assumed, so that clean recordings stay clean.
    profile: Floats = np.float32(np.log(loudness)) + estimate[0] - np.exp(estimate[1])
    return profile


def learn_profile(signal: Signal, estimator: Estimator, known: Floats | None, job: Job) -> NoiseProfile:
    """Go through a recording in windows of 20 s and put their profiles together.

    Parameters
    ----------
    known
        ln |X|² from `selected_profile`, shape (planes, bins); then only the level is measured.
    """
    spans = windows(signal.frames, signal.rate)

    def one(span: Span) -> list[tuple[Floats | None, float]]:
        job.check()
        estimates = []
        for plane in window_spectra(signal, span):
            job.check()
            power = level(plane.real**2 + plane.imag**2) if len(plane) else 0.0
            wanted = known is None and power > 0.0
            estimates.append((estimator(plane, work_rate(signal.rate), job) if wanted else None, power))
        return estimates

    rows = []
    with ThreadPoolExecutor(min(2, chosen().threads)) as pool:  # a window takes 100 MB while it is looked at
        for done, row in enumerate(pool.map(one, spans)):
            rows.append(row)
            job.progress((done + 1) / len(spans), "listening for noise")
    powers = np.array([[power for _, power in row] for row in rows])
    levels = np.array([_median_of_positive(column) for column in powers.T], dtype=np.float32)
    centres = np.array([(span.start + span.stop) / 2.0 / signal.rate for span in spans])
    if known is not None:
        return NoiseProfile(centres[:1], known[None], levels)
    nothing = np.full(WORK_STFT.bins, -np.inf, dtype=np.float32)
    found = np.array([[nothing if profile is None else profile for profile, _ in row] for row in rows])
    return NoiseProfile(*combined(centres, found), levels)


def windows(frames: int, rate: int) -> list[Span]:
    """Return up to 30 windows of 20 s, side by side if they cover the recording; the last one ends where it ends."""
    size = min(frames, WINDOW_SECONDS * rate)
    count = min(WINDOWS_AT_MOST, -(-frames // size))
    starts = [round(index * (frames - size) / max(1, count - 1)) for index in range(count)]
    if count < WINDOWS_AT_MOST:
        starts = [min(index * size, frames - size) for index in range(count)]
    return [Span(start, start + size) for start in starts]


def window_spectra(signal: Signal, span: Span) -> Iterator[Spectra]:
    """Yield the frames that lie wholly inside `span`, one array (frames, bins) per plane."""
    planes = to_planes(read_work(signal, span.start, span.stop))
    count = (planes.shape[1] - WORK_STFT.fft) // WORK_STFT.hop + 1
    length = (count - 1) * WORK_STFT.hop + WORK_STFT.fft
    for plane in planes:
        yield WORK_STFT.forward(plane[:length]) if count > 0 else np.zeros((0, WORK_STFT.bins), dtype=np.complex64)


def selected_profile(signal: Signal, selection: str) -> Floats:
    """Return ln |X|² of the noise in a selection "START-STOP" (seconds), shape (planes, bins).

    Raises
    ------
    UsageError
        If the selection can't be read, lies outside of the recording, or is shorter than 0.1 s.
    """
    start_s, stop_s = parse_selection(selection)
    span = Span(round(start_s * signal.rate), round(stop_s * signal.rate)).intersect(Span(0, signal.frames))
    if span.frames < SHORTEST_SELECTION_SECONDS * signal.rate:
        raise UsageError(
            f"the selection {selection} holds {span.frames / signal.rate:.2f} s of this recording",
            f"select at least {SHORTEST_SELECTION_SECONDS} s that hold noise alone",
        )
    means = [np.mean(plane.real**2 + plane.imag**2, axis=0) for plane in window_spectra(signal, span)]
    return np.log(np.array(means) + 1e-30).astype(np.float32)


def parse_selection(selection: str) -> tuple[float, float]:
    """Return the seconds in "START-STOP". Raises UsageError if it says something else."""
    start, dash, stop = selection.strip().partition("-")
    try:
        start_s, stop_s = float(start), float(stop)
    except ValueError as error:
        raise UsageError(f"noise_from can't be {selection!r}", "give START-STOP in seconds, such as 0.5-2") from error
    if not (dash and 0.0 <= start_s < stop_s < np.inf):
        raise UsageError(f"noise_from can't be {selection!r}", "give START-STOP in seconds, such as 0.5-2")
    return start_s, stop_s


def combined(centres_s: NDArray[np.float64], log_power: Floats) -> tuple[NDArray[np.float64], Floats]:
    """Put the profiles of the windows together: the median of all, or one each where they differ by more than 8 dB.

    Parameters
    ----------
    centres_s
        Middle of each window, shape (windows,).
    log_power
        Shape (windows, planes, bins), -inf where a window knew nothing.

    Returns
    -------
    centres_s, log_power
        Shapes (profiles,) and (profiles, planes, bins).
    """
    loudness = DECIBELS * log_power.mean(axis=2)  # (windows, planes), of the geometric mean over bins
    voters = np.isfinite(loudness)
    for plane in range(log_power.shape[1]):
        if voters[:, plane].any():
            middle = np.median(loudness[voters[:, plane], plane])
            voters[:, plane] &= loudness[:, plane] > middle - NO_VOTE_DB
    drifts = any(np.ptp(loudness[v, plane]) > DRIFT_DB for plane, v in enumerate(voters.T) if v.sum() > 1)
    out = np.full((len(centres_s) if drifts else 1, *log_power.shape[1:]), -np.inf, dtype=np.float32)
    for plane, who in enumerate(voters.T):
        if not who.any():
            continue
        rows = log_power[who, plane]
        if drifts:
            nearest = np.abs(centres_s[:, None] - centres_s[who]).argmin(axis=1)
            out[:, plane] = rows[nearest]
        else:
            out[0, plane] = np.median(rows, axis=0)
    return (centres_s if drifts else centres_s[:1]), out


def _median_of_positive(values: NDArray[np.float64]) -> float:
    positive = values[values > 0.0]
    return float(np.median(positive)) if len(positive) else 0.0
