"""Random pieces of the dense textures on recorded piano and violin, as the denoiser's items hold them."""

from __future__ import annotations

import numpy as np

from training.data import Samples
from training.notes.player import SamplePlayer
from training.notes.textures import arpeggios, chords, ensemble, melody, stride


def render_piece(
    rng: np.random.Generator, piano: list[SamplePlayer], violin: list[SamplePlayer], seconds: float
) -> Samples:
    """Render one random piece: piano, violin (at times accompanied) or a string ensemble. Peak 0.5 or less."""
    player = piano[rng.integers(len(piano))]
    if rng.random() < 0.2:
        return violin[0].play(ensemble(rng, seconds), seconds, 0.15)
    if rng.random() < 0.67:
        texture = (stride, stride, chords, arpeggios, melody)[rng.integers(5)]
        return player.play(texture(rng, seconds), seconds, rng.uniform(0.05, 0.4))
    solo = violin[0].play(melody(rng, seconds, 57, 96), seconds, 0.12)
    if rng.random() < 0.5:
        solo = solo + np.float32(rng.uniform(0.3, 1.0)) * player.play(chords(rng, seconds), seconds, 0.3)
    return solo * np.float32(0.6)
