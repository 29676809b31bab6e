"""Trains the network that completes speech at 16 kHz or less: 2, 4 and 8 times the rate, any edge from 800 Hz."""

from __future__ import annotations

from typing import Final

from engine.audio.stft import Stft
from models.bwe16.network import build
from training.room import Room
from training.upsample.bwe_data import Sizes
from training.upsample.bwe_recipe import Bandwidth, recipes

SIZES: Final = Sizes(
    stft=Stft(1024, 256),
    frames=128,
    rates=((16_000, 0.8), (12_000, 0.07), (11_025, 0.06), (8000, 0.07)),
    usual_hz=(1000.0, 2000.0, 4000.0),
    lowest_hz=800.0,
    shares=(("speech", 0.52), ("voices", 0.33), ("music", 0.1), ("renders", 0.05)),
)
BANDWIDTH: Final = Bandwidth(SIZES)
PACKED_SHARES: Final = {"speech_single": 3.0, "music": 2.0}  # how a pack's budget is shared


def room() -> Room:
    """What the host gives this network and gets from it."""
    return BANDWIDTH.room("bwe16", "the upper band of speech at 16 kHz or less, above any edge", (16_000,))


RECIPES: Final = recipes("bwe16", build, BANDWIDTH, room, PACKED_SHARES)
RECIPE, GAN_RECIPE = RECIPES
