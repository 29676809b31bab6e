"""All measurements at once: of one recording, and of one against another, as JSON values with units in their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.audio.loudness import integrated_lufs, true_peak_dbtp
from engine.audio.signal import Signal, blocks, format_of
from engine.measure import levels
from engine.measure.clicks import find_clicks
from engine.measure.cutoff import find_cutoff
from engine.measure.differences import si_sdr_of, signal_lsd
from engine.measure.hum import track_hum
from engine.measure.noise_floor import noise_floor_db

BLOCK = 1 << 18  # frames


def summary(signal: Signal, check: Callable[[], None] | None = None) -> dict[str, Any]:
    """Return what a recording is like by itself.

    Levels in dB of full scale; loudness and true peak after ITU-R BS.1770; channels are counted from 1 here, as people
    do.
    """
    check = check or (lambda: None)
    clicks = find_clicks(signal, check=check)
    hum = track_hum(signal, check=check)
    cutoff = find_cutoff(signal, check=check)
    seconds = max(signal.frames, 1) / signal.rate
    return {
        "loudness_lufs": integrated_lufs(signal, check=check),
        "true_peak_dbtp": true_peak_dbtp(signal, check=check),
        "peak_db": levels.peak_db(signal),
        "rms_db": levels.rms_db(signal),
        "noise_floor_db": noise_floor_db(signal),
        "bandwidth_hz": levels.bandwidth_hz(signal),
        "cutoff_hz": cutoff.cutoff_hz,
        "cutoff_confidence": cutoff.confidence,
        "clicks_per_s": len(clicks) / seconds / max(1, signal.channels),
        "click_share": clicks.share(signal.frames, signal.channels),
        "hum_hz": float(np.median(hum.hertz)) if hum.is_present else None,
        "hum_harmonics": hum.found,
        "dc": levels.dc(signal),
        "clipped_share": levels.clipped_share(signal),
        "dead_channels": [channel + 1 for channel in levels.dead_channels(signal)],
        "channel_correlation": levels.channel_correlation(signal),
        "polarity_reversed": levels.polarity_reversed(signal),
    }


def compare(truth: Signal, result: Signal, check: Callable[[], None] | None = None) -> dict[str, float]:
    """Return how far `result` is from `truth`, sample by sample and in the spectrum.

    Raises
    ------
    ValueError
        Unless both have one rate, number of channels and length.
    """
    if format_of(truth) != format_of(result):
        raise ValueError(f"can't compare {format_of(truth)} with {format_of(result)}")
    check = check or (lambda: None)
    sums = np.zeros(6)  # of y, x, y², x², xy, (y - x)²
    for span in blocks(truth.frames, BLOCK):
        check()
        y, x = (s.read(span.start, span.stop).astype(np.float64).reshape(-1) for s in (truth, result))
        sums += (y.sum(), x.sum(), y @ y, x @ x, x @ y, (y - x) @ (y - x))
    count = max(1, truth.frames * truth.channels)
    sum_y, sum_x, yy, xx, xy, error = (float(value) for value in sums)
    spread = np.sqrt(max(0.0, yy - sum_y**2 / count) * max(0.0, xx - sum_x**2 / count))
    return {
        "snr_db": _ratio_db(yy, error),
        "si_sdr_db": si_sdr_of(yy, xx, xy),
        "mse": error / count,
        "correlation": (xy - sum_x * sum_y / count) / spread if spread > 0.0 else 0.0,
        "log_spectral_distance_db": signal_lsd(truth, result, check),
    }


def _ratio_db(power: float, error: float) -> float:
    if error <= 0.0:
        return float("inf")
    return float(10.0 * np.log10(power / error)) if power > 0.0 else float("-inf")
