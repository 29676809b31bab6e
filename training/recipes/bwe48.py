"""Trains the network that completes recordings at 44.1 and 48 kHz: speech and music with any edge from 1.5 kHz on."""

from __future__ import annotations

from typing import Final

from engine.audio.stft import Stft
from models.bwe48.network import build
from training.room import Room
from training.upsample.bwe_data import Sizes
from training.upsample.bwe_recipe import Bandwidth, recipes

SIZES: Final = Sizes(
    stft=Stft(2048, 512),
    frames=128,
    rates=((48_000, 0.7), (44_100, 0.3)),
    usual_hz=(4000.0, 5512.5, 6000.0, 8000.0, 11_025.0, 12_000.0, 16_000.0),
    lowest_hz=1500.0,
    shares=(("speech", 0.27), ("voices", 0.23), ("music", 0.27), ("notes", 0.11), ("renders", 0.12)),
)
BANDWIDTH: Final = Bandwidth(SIZES)
# How a pack's budget is shared.
PACKED_SHARES: Final = {"speech_single": 2.0, "music": 3.0, "violin": 1.5}


def room() -> Room:
    """What the host gives this network and gets from it."""
    task = "the upper band of speech and music at 44.1 or 48 kHz, above any edge"
    return BANDWIDTH.room("bwe48", task, (44_100, 48_000))


RECIPES: Final = recipes("bwe48", build, BANDWIDTH, room, PACKED_SHARES)
RECIPE, GAN_RECIPE = RECIPES
