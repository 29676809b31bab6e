"""Invents the upper band of speech at 16 kHz: the network of `models.bandwidth` on frames of half the length.

Frames of 1024 samples every 256 last 64 ms and follow each other every 16 ms; context 24 frames to each side.
"""

from __future__ import annotations

from typing import Final

from models.bandwidth import BandExtender, BandExtenderConfig

CONFIG: Final = BandExtenderConfig(bins=513)


def build() -> BandExtender:
    """Return the network with fresh weights."""
    return BandExtender(CONFIG)
