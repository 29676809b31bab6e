"""Invents the upper band of a recording at 44.1 or 48 kHz: the network of `models.bandwidth` at its full size.

Frames of 2048 samples every 512 last 43 ms and follow each other every 11 ms; context 24 frames to each side.
"""

from __future__ import annotations

from typing import Final

from models.bandwidth import BandExtender, BandExtenderConfig

CONFIG: Final = BandExtenderConfig(bins=1025)


def build() -> BandExtender:
    """Return the network with fresh weights."""
    return BandExtender(CONFIG)
