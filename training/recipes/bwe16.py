"""Trains the network that completes speech at 16 kHz or less: 2, 4 and 8 times the rate, any edge from 800 Hz."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from engine.audio.stft import Stft
from models.bwe16.network import build
from training.packing.needs import Needs
from training.recipe import Recipe
from training.room import Room
from training.upsample.bwe_adversary import ADVERSARY, GAN_PHASES
from training.upsample.bwe_data import Sizes
from training.upsample.bwe_recipe import PHASES, Bandwidth
from training.upsample.bwe_sources import TRAINED_SETS

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


RECIPE: Final = Recipe(
    name="bwe16",
    build=build,
    batches=BANDWIDTH.batches,
    terms=BANDWIDTH.terms,
    validate=BANDWIDTH.validate,
    room=room,
    examples=BANDWIDTH.examples,
    make_items=BANDWIDTH.make_items,
    inputs=BANDWIDTH.inputs,
    phases=PHASES,
    parts_batches=True,
    peak_rate=1e-3,
    warmup_steps=100,
    ema=0.998,
    bf16=True,
    needs=Needs(rate=48_000, sets=TRAINED_SETS, weights=PACKED_SHARES),
)
# For a GPU; `python -m export bwe16 --checkpoint` takes what it leaves, too.
GAN_RECIPE: Final = replace(RECIPE, name="bwe16_gan", phases=GAN_PHASES, adversary=ADVERSARY, room=None)
RECIPES: Final = (RECIPE, GAN_RECIPE)
