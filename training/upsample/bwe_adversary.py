"""Lets a discriminator judge completed recordings, so that generated bands sound less smooth than a mean would.

Least-squares adversarial loss (Mao et al., 2017) and feature matching (Kumar et al., 2019) on spectrograms of three
resolutions (Jang et al., UnivNet, 2021). For GPUs: on a CPU a step takes four times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from training.recipe import Adversary, Batch, Phase, Terms

RESOLUTIONS: Final = ((2048, 512), (1024, 256), (512, 128))  # FFT and hop in samples
ADVERSARIAL_WEIGHT: Final = 0.1
MATCHING_WEIGHT: Final = 0.5
_SLOPE: Final = 0.1

Judgement = list[list[Tensor]]  # the feature maps of every resolution; the last of each is its verdict


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Sizes of the discriminator."""

    channels: int = 32
    strided: int = 3  # layers that halve the frequencies


class SpectrogramDiscriminator(nn.Module):
    """Judges log-magnitudes at one resolution by two-dimensional convolutions over frames and frequencies."""

    window: Tensor

    def __init__(self, fft: int, hop: int, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.fft, self.hop = fft, hop
        self.register_buffer("window", torch.hann_window(fft), persistent=False)
        layers = [nn.Conv2d(1, config.channels, (3, 9), padding=(1, 4))]
        layers += [
            nn.Conv2d(config.channels, config.channels, (3, 9), stride=(1, 2), padding=(1, 4))
            for _ in range(config.strided)
        ]
        layers += [nn.Conv2d(config.channels, config.channels, 3, padding=1)]
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)
        self.verdict = weight_norm(nn.Conv2d(config.channels, 1, 3, padding=1))

    def forward(self, sound: Tensor) -> list[Tensor]:
        """(batch, samples) to feature maps (batch, channels, frames, frequencies), the verdict last."""
        spectra = torch.stft(sound, self.fft, self.hop, window=self.window, center=False, return_complex=True)
        power = torch.view_as_real(spectra).square().sum(dim=3)
        x = (power + 1e-8).log().transpose(1, 2)[:, None] / 10.0  # (batch, 1, frames, frequencies)
        maps = []
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(x), _SLOPE)
            maps.append(x)
        return [*maps, self.verdict(x)]


class Discriminator(nn.Module):
    """Three spectrogram discriminators."""

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        config = config or DiscriminatorConfig()
        self.parts = nn.ModuleList(SpectrogramDiscriminator(fft, hop, config) for fft, hop in RESOLUTIONS)

    def forward(self, sound: Tensor) -> Judgement:
        """What each of them makes of (batch, samples)."""
        return [part(sound) for part in self.parts]


def discriminator_terms(discriminator: nn.Module, _generator: nn.Module, batch: Batch) -> Terms:
    """Real sound is to be judged 1, completed sound 0."""
    real, made = discriminator(batch["_wanted"]), discriminator(batch["_sound"])
    loss = torch.stack(
        [(r[-1] - 1.0).square().mean() + m[-1].square().mean() for r, m in zip(real, made, strict=True)]
    ).mean()
    return {"loss": loss}


def generator_terms(discriminator: nn.Module, _generator: nn.Module, batch: Batch) -> Terms:
    """Completed sound is to be judged 1, and to look alike in every layer on the way there."""
    made = discriminator(batch["_sound"])
    with torch.no_grad():
        real = discriminator(batch["_wanted"])
    deceived = torch.stack([(m[-1] - 1.0).square().mean() for m in made]).mean()
    matched = torch.stack(
        [
            (found - wanted).abs().mean()
            for m, r in zip(made, real, strict=True)
            for found, wanted in zip(m[:-1], r[:-1], strict=True)
        ]
    ).mean()
    loss = ADVERSARIAL_WEIGHT * deceived + MATCHING_WEIGHT * matched
    return {"loss": loss, "deceived": deceived, "matched": matched}


ADVERSARY: Final = Adversary(Discriminator, discriminator_terms, generator_terms)
GAN_PHASES: Final = (Phase("varied", 0.6), Phase("judged", 1.0, {"natural": 0.5, "adversarial": True}))
