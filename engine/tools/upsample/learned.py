"""What Upsample learns of a whole recording: where its band ends, how loud it is, and whether it has a side.

Two passes in blocks. Of the length memory keeps only the powers of the frames: 80 bytes for every second, 288 kB for an
hour. None of it depends on a knob.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Signal, blocks
from engine.measure.cutoff import find_cutoff
from engine.tools.tool import Job
from engine.tools.upsample.bwe import SILENT
from engine.tools.upsample.facts import LEAST_CONFIDENCE, Learned

LEVEL_DB: Final = -25.0  # active RMS, dB of full scale, at which the networks listen
LEVEL_RANGE_DB: Final = (-20.0, 40.0)  # of the gain that takes a recording there
FRAME_SECONDS: Final = 0.05
ACTIVE_DB: Final = -40.0  # below the loud frames: what is quieter is a pause
LOUD_SHARE: Final = 0.95  # of the frames are quieter than the loud ones
SIDE_DB: Final = -50.0  # below mid: where the side is quieter, it is no more than rounding and noise
LOWEST_CUTOFF_HZ: Final = 1_000.0
_BLOCK: Final = 1 << 18  # samples read at once
_NOTHING: Final = 1e-20


def learn(signal: Signal, job: Job) -> Learned:
    """Go through a recording that has at least one frame."""
    level = _level(signal, job.part(0.0, 0.4))
    part = job.part(0.4, 1.0)
    found = find_cutoff(signal, part.check, lambda fraction: part.progress(fraction, "looking for the cutoff"))
    warnings = []
    cutoff_hz, full_band, nyquist_hz = float(found.cutoff_hz), bool(found.is_full_band), signal.rate / 2.0
    if found.confidence < LEAST_CONFIDENCE:
        cutoff_hz = nyquist_hz
        warnings.append(
            f"no edge was found below {nyquist_hz:g} Hz, so the recording's band is taken to reach up to there: "
            "set cutoff_hz if it ends earlier"
        )
    elif cutoff_hz < LOWEST_CUTOFF_HZ:
        warnings.append(
            f"the edge at {cutoff_hz:.0f} Hz leaves too little to go by, so the recording's band is taken to reach up "
            f"to {nyquist_hz:g} Hz: set cutoff_hz to begin lower"
        )
        cutoff_hz = nyquist_hz
    return Learned(
        cutoff_hz=round(cutoff_hz, 1),
        cutoff_confidence=round(float(found.confidence), 3),
        edge_width_hz=round(float(found.edge_width_hz), 1),
        level_db=round(level.gain_db(), 2),
        side_active=level.side > level.mid * 10.0 ** (SIDE_DB / 10.0),
        side_sign=level.side_sign,
        full_band=full_band,
        noisy=bool(found.is_noisy),
        noise_hz=round(float(found.noise_hz), 1),
        warnings=tuple(warnings),
        hiss_on_top=bool(found.has_hiss_on_top),
        silent=level.silent,
    )


@dataclass
class _Level:
    """Sums over a recording."""

    power: list[NDArray[np.float32]]  # of every frame of 50 ms, mean over channels
    mid: float = 0.0
    side: float = 0.0
    side_sign: float = 0.0
    peaks: NDArray[np.float32] | None = None  # of every channel, linear

    @property
    def silent(self) -> tuple[int, ...]:
        """The channels that never rise above what is taken for silence."""
        return () if self.peaks is None else tuple(int(channel) for channel in np.flatnonzero(self.peaks < SILENT))

    def gain_db(self) -> float:
        """Return the gain that takes the active frames' RMS to LEVEL_DB.

        In training the frames above -60 dBFS count, not those within 40 dB of the loud ones, and of the full band, not
        of the one that is left. Of ten recordings both gains lay within 0.5 dB of each other, within 1.2 dB where they
        were 20 dB quieter, and 6 to 7 dB apart for quiet dying notes and for what sounds mostly above the cutoff.
        """
        power = np.concatenate(self.power)
        if self.peaks is not None and 0 < len(self.silent) < len(self.peaks):
            power = power * np.float32(len(self.peaks) / (len(self.peaks) - len(self.silent)))
        loud = float(np.quantile(power, LOUD_SHARE))
        # A few words in an hour of silence: loud is then what is loudest.
        loud = loud if loud > _NOTHING else float(power.max())
        active = power[power > loud * 10.0 ** (ACTIVE_DB / 10.0)]
        if loud <= _NOTHING or not len(active):
            return 0.0
        return float(np.clip(LEVEL_DB - 10.0 * np.log10(active.mean(dtype=np.float64)), *LEVEL_RANGE_DB))


def _level(signal: Signal, job: Job) -> _Level:
    """Measure level and side in one pass."""
    size = max(1, round(FRAME_SECONDS * signal.rate))
    level = _Level([])
    for span in blocks(signal.frames, max(1, _BLOCK // size) * size):
        job.progress(span.start / signal.frames, "measuring the level")
        samples = signal.read(*span)
        level.power.append(_frame_power(samples, size))
        peaks = np.abs(samples).max(axis=0)
        level.peaks = peaks if level.peaks is None else np.maximum(level.peaks, peaks)
        if signal.channels == 2:
            difference = samples[:, 0] - samples[:, 1]
            level.side += float(np.square(difference, dtype=np.float64).sum())
            level.mid += float(np.square(samples[:, 0] + samples[:, 1], dtype=np.float64).sum())
            if not level.side_sign and level.side:
                level.side_sign = float(np.sign(difference[np.flatnonzero(difference)[0]]))
    level.side_sign = level.side_sign or 1.0
    return level


def _frame_power(samples: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the mean square of every whole frame of `size` samples, of a last shorter one too; shape (frames,)."""
    # Two channels are added in pairs: exchanging them changes no bit.
    squares = np.square(samples, dtype=np.float64).sum(axis=1) / samples.shape[1]
    starts = np.arange(0, len(squares), size)
    lengths = np.minimum(size, len(squares) - starts)
    return (np.add.reduceat(squares, starts) / lengths).astype(np.float32)
