"""What the recipes of both bandwidth networks share: batches, loss, validation, pictures and the room."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.audio.stft import torch_compatible_frames
from engine.inference.band_features import FLOOR, Edge, network_input
from engine.tools.upsample.bwe import PASSES
from training import distributed
from training.data import RATE, Samples
from training.data.decoded import content_of
from training.data.loader import in_order
from training.data.resampling import resampled
from training.figures import upsample_figures
from training.packing.needs import Needs
from training.recipe import Batch, Example, Phase, Recipe, Settings, Terms
from training.room import Inputs, Port, Room
from training.trials import trials_of
from training.upsample.bwe_adversary import ADVERSARY, GAN_PHASES
from training.upsample.bwe_data import LEVEL_DBFS, Sizes, crop
from training.upsample.bwe_losses import (
    ENDS,
    analysis,
    energy_distance,
    level_distance,
    log_distance,
    sounded,
    synthesis,
)
from training.upsample.bwe_sources import FLUID, TRAINED_SETS, facts_of, rendered, sources
from training.upsample.bwe_validation import Case, controls, validation_cases

BATCH: Final = 12
SYNTHESISED: Final = 4  # of them also as sound: transforms cost as much as the network
FOR_SYNTHESIS: Final = ("given", "phase", "sound")
LEVEL_WEIGHT: Final = 0.3
ENERGY_WEIGHT: Final = 0.6
# First everything varies, so that no network learns one microphone; then it learns what microphones are like.
PHASES: Final = (Phase("varied", 0.6), Phase("natural", 1.0, {"natural": 0.35}))
DRAWN: Final = 4  # validation examples, as spectrograms


@dataclass(frozen=True)
class Bandwidth:
    """One of the networks as its recipe sees it."""

    sizes: Sizes

    def batches(self, settings: Settings, step: int) -> Iterator[Batch]:
        """Yield this process's part of random crops for ever."""
        pools, mine = sources(settings.licences, settings.folder), distributed.share(BATCH, settings)
        natural = float(settings.phase.options.get("natural", 0.0))

        def batch_at(now: int) -> Batch:
            # One generator for each crop: a process makes its own without drawing those of the others.
            numbers = range(BATCH)[mine]
            return stack(
                [crop(np.random.default_rng((settings.seed, now, n)), pools, self.sizes, natural) for n in numbers],
                settings.device,
            )

        workers = 1 if settings.device == "cpu" else max(1, (os.cpu_count() or 1) // settings.processes)
        return in_order(batch_at, step, workers)

    def make_items(self, settings: Settings, _workers: int) -> None:
        """Render our own pieces and measure every source, before the first step and never in threads."""
        for pool in sources(settings.licences, settings.folder).values():
            for source in pool:
                if source.render >= 0:
                    rendered(source.render)
                facts_of(source)

    def terms(self, model: nn.Module, batch: Batch, phase: Phase) -> Terms:
        """Return the loss and its parts, in powers of ten of power; in an adversarial phase also the sound."""
        stft = self.sizes.stft
        answer = model(batch["features"]).float()
        absolute, root = log_distance(answer + batch["tail"], batch["target"], batch["weight"])
        some, inner = slice(0, len(batch["given"])), slice(ENDS, -ENDS)
        sound = sounded(
            answer[some], batch["tail"][some], batch["given"], batch["phase"], batch["mask"][some], stft, PASSES
        )
        spectra, wanted = analysis(sound, stft)[:, :, inner], batch["target"][some][:, :, inner]
        heard_absolute, heard_root = log_distance(log_size(spectra), wanted, batch["weight"][some])
        power = torch.view_as_real(spectra).square().sum(dim=3)
        level = level_distance(power, (2.0 * wanted).exp(), batch["weight"][some])
        energy = energy_distance(power, (2.0 * wanted).exp(), batch["weight"][some])
        loss = absolute + root + heard_absolute + heard_root + LEVEL_WEIGHT * level + ENERGY_WEIGHT * energy
        parts = {"loss": loss, "root": root, "heard": heard_root, "level": level, "energy": energy}
        return parts | (self.judged(batch, sound) if phase.options.get("adversarial") else {})

    def judged(self, batch: Batch, sound: Tensor) -> Terms:
        """What a discriminator is given: completed and real sound without the ends that lack frames.

        Above a target's wall nobody knows what was; there the real sound gets the made one, so that it can't tell them
        apart by that.
        """
        stft, some = self.sizes.stft, slice(0, len(sound))
        unknown = batch["mask"][some] * (1.0 - batch["weight"][some])
        with torch.no_grad():
            spectra, real = analysis(sound, stft), analysis(batch["sound"], stft)
            wanted = synthesis(real + unknown[:, :, None] * (spectra - real), stft)
        inner = slice(2 * ENDS * stft.hop, -2 * ENDS * stft.hop)
        return {"_sound": sound[:, inner], "_wanted": wanted[:, inner]}

    def inputs(self, settings: Settings) -> str:
        """What the batches follow from, besides seed and step: the recordings as they are, and our own pieces."""
        digest = hashlib.sha256()
        for pool in sources(settings.licences, settings.folder).values():
            for source in pool:
                row = source.recording
                content = f"{row.identity} {content_of(row)}" if row else f"{source.render} {facts_of(source)}"
                digest.update(f"{content}\n".encode())
        return digest.hexdigest()

    @torch.no_grad()
    def validate(self, model: nn.Module, settings: Settings) -> dict[str, float]:
        """LSD of our result, the flat tail and sinc on fixed crops of the validation split, and the level's bias."""
        lsd, bias = dict[str, list[float]](), dict[str, list[float]]()
        for case in validation_cases(self.validated_rate):
            result = self.completed(model, case, settings.device)
            lsd.setdefault(case.name, []).append(case.lsd(result))
            if np.isfinite(louder := case.bias_db(result)):
                bias.setdefault(f"{case.name.split()[0]} bias_db", []).append(louder)
        figures = {name: float(np.mean(values)) for name, values in (lsd | bias).items()}
        loss = float(np.mean([figures[name] for name in lsd])) if lsd else float("nan")
        return {"loss": loss} | figures | controls(self.validated_rate)

    def completed(self, model: nn.Module, case: Case, device: str) -> Samples:
        """What the host would make of a case with this network; shape (samples,)."""
        features = torch.from_numpy(network_input(case.spectra, case.rate, case.edge)).to(device)
        return case.completed(model(features).float().cpu().numpy())

    @property
    def validated_rate(self) -> int:
        """The highest of the rates."""
        return max(rate for rate, _ in self.sizes.rates)

    @torch.no_grad()
    def examples(self, model: nn.Module, settings: Settings) -> list[Example]:
        """A few validation cases: limited, as the network completes them, and as they were."""
        cases = validation_cases(self.validated_rate)
        picks = [cases[i] for i in np.linspace(0, len(cases) - 1, min(DRAWN, len(cases))).astype(int)]
        return [
            Example(case.title, case.rate, case.given, self.completed(model, case, settings.device), case.target)
            for case in picks
        ]

    def trial_features(self, samples: Samples) -> Inputs:
        """What the network is told of audio at 44.1 kHz that lost everything above a quarter of the network's rate."""
        rate = self.validated_rate
        spectra = torch_compatible_frames(resampled(samples, RATE, rate), self.sizes.stft)
        return (torch.from_numpy(network_input(spectra, rate, Edge(rate / 4.0, min(500.0, rate / 32.0)))),)

    def room(self, name: str, task: str, rates: tuple[int, ...]) -> Room:
        """What the host gives this network and gets from it."""
        stft = self.sizes.stft
        return Room(
            name=name,
            task=task,
            given=(
                Port(
                    "features",
                    (1, 3 * stft.bins + 2, "frames"),
                    "engine.inference.band_features.network_input: log-magnitudes, weighted phases, edge and rate",
                ),
            ),
            answer=(Port("log_gain", (1, stft.bins, "frames"), "natural log-magnitude over band_features.flat_tail"),),
            trials=lambda: trials_of(self.trial_features),
            seconds=lambda given: given[0].shape[2] * stft.hop / self.validated_rate,
            normalisation="one gain per recording, from -20 to 40 dB, brings the RMS of its stretches of 50 ms within "
            "40 dB of the loud ones (0.95 quantile) to -25 dBFS; undone afterwards",
            sample_rates_hz=rates,
            trained_sets=TRAINED_SETS,
            further_sources=(FLUID,),
            figures=upsample_figures(name),
            tool="upsample",
            context_frames=24,
            stft={"fft": stft.fft, "hop": stft.hop, "window": "hann"},
            facts={"consistency_passes": PASSES, "level_dbfs": LEVEL_DBFS},
            smallest={"frames": 8},
        )


def log_size(spectra: Tensor) -> Tensor:
    """Natural logarithm of the magnitude with the host's floor."""
    power = torch.view_as_real(spectra).square().sum(dim=3)
    return (power.clamp(min=1e-14).sqrt() + FLOOR).log()


def recipes(
    name: str,
    build: Callable[[], nn.Module],
    bandwidth: Bandwidth,
    room: Callable[[], Room],
    shares: Mapping[str, float],
) -> tuple[Recipe, Recipe]:
    """Return a network's recipe, and the one with a discriminator for a GPU, whose checkpoint fits the same room.

    `shares` says how a pack's budget is divided among the sets.
    """
    recipe = Recipe(
        name=name,
        build=build,
        batches=bandwidth.batches,
        terms=bandwidth.terms,
        validate=bandwidth.validate,
        room=room,
        examples=bandwidth.examples,
        make_items=bandwidth.make_items,
        inputs=bandwidth.inputs,
        phases=PHASES,
        parts_batches=True,
        peak_rate=1e-3,
        warmup_steps=100,
        ema=0.998,
        bf16=True,
        needs=Needs(rate=48_000, sets=TRAINED_SETS, weights=shares),
    )
    return recipe, replace(recipe, name=f"{name}_gan", phases=GAN_PHASES, adversary=ADVERSARY, room=None)


def stack(crops: list[dict[str, NDArray[np.float32] | NDArray[np.complex64]]], device: str) -> Batch:
    """Make one batch of tensors; what only synthesis needs stands in it for the first few crops."""

    def tensor(name: str) -> Tensor:
        some = crops[:SYNTHESISED] if name in FOR_SYNTHESIS else crops
        return torch.from_numpy(np.stack([one[name] for one in some])).to(device)

    return {name: tensor(name) for name in crops[0]}
