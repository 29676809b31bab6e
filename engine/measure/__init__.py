"""Measurements of one recording, or of one against another.

What is measured here is what the tools act on: the click counter is the click remover's eye, the bandwidth that of
every tool that needs one. Knows no tool and no recipe.
"""

from engine.measure.clicks import click_rate, find_clicks
from engine.measure.cutoff import Cutoff, find_cutoff
from engine.measure.differences import correlation, lsd, mse, si_sdr_db, signal_lsd, snr_db
from engine.measure.hum import track_hum
from engine.measure.levels import (
    bandwidth_hz,
    channel_correlation,
    clipped_share,
    dc,
    dead_channels,
    peak_db,
    polarity_reversed,
    rms_db,
)
from engine.measure.noise_floor import noise_floor_db
from engine.measure.table import compare, summary

__all__ = [
    "Cutoff",
    "bandwidth_hz",
    "channel_correlation",
    "click_rate",
    "clipped_share",
    "compare",
    "correlation",
    "dc",
    "dead_channels",
    "find_clicks",
    "find_cutoff",
    "lsd",
    "mse",
    "noise_floor_db",
    "peak_db",
    "polarity_reversed",
    "rms_db",
    "si_sdr_db",
    "signal_lsd",
    "snr_db",
    "summary",
    "track_hum",
]
