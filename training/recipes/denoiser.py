"""Trains the denoiser on crops of 3 s, with the noise profile that the trained network finds in the whole item.

Four items in five get that blind profile, the others the true one or the true one with errors, so that the network
learns how far to trust it. Seventeen items in a hundred are clean. What it minimises are safe losses: the distances of
`training.losses.extra` between spectra relative to the item's level, and the log of the residual noise.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.audio.stft import Stft, torch_compatible_frames
from models.denoiser.network import Denoiser
from models.noise_profile.network import NoiseProfile
from training import distributed, items
from training.data import RATE, Samples, runs_folder
from training.data.loader import in_order, picks_at
from training.figures import restore_figures
from training.inputs import files_digest, weights_digest
from training.losses.extra import complex_l1, compressed, squared_difference, squared_shortfall
from training.losses.masked import log_residual
from training.packing.needs import Needs
from training.recipe import WHOLE_RUN, Batch, CheckpointError, Example, Phase, Recipe, Settings, Terms
from training.recipes.noise_profile import PACKED_SHARES, TRAINED_SETS
from training.room import Inputs, Port, Room
from training.rooms import load_room_weights, room_licences
from training.state import FILE, checkpoint, checkpoint_weights, run_folder
from training.telling import told
from training.trials import trials_of
from training.writing import write_whole

BATCH: Final = 8
FRAMES: Final = 256  # of a crop: 3 s
FFT: Final = 2048
BINS: Final = FFT // 2 + 1
HOP: Final = 512
LENGTH: Final = (FRAMES - 1) * HOP + FFT  # of a crop in samples
VALIDATED: Final = 40  # crops, one per item; they take as long as ten steps
DRAWN: Final = 3  # of them, as spectrograms
MRSTFT_WEIGHT: Final = 0.1  # of the waveform's loss, where a phase asks for it; that falls from about 1.5

Crop = dict[str, NDArray[np.float32] | np.float32]


@dataclass(frozen=True)
class Profiled:
    """An item on disk with the profile the network gave it; powers are absolute, shape (1025,)."""

    path: Path
    blind: NDArray[np.float32]
    true: NDArray[np.float32]
    level: float
    snr_db: float


def trained_noise_profile(settings: Settings) -> nn.Module:
    """Return the noise-profile network from its last run on these recordings, else from its room.

    A run on a person's own folder takes that of a run on the same folder, else that of a run without.

    Raises
    ------
    CheckpointError
        If that network has seen more than these data, or its checkpoint doesn't say what it has seen.
    """
    licences, own = settings.licences, run_folder("noise_profile", settings.licences, settings.folder) / FILE
    path = own if own.exists() else run_folder("noise_profile", licences) / FILE
    seen = checkpoint(path)["licences"] if path.exists() else room_licences("noise_profile")
    if licences == "clean" and seen != "clean":
        raise CheckpointError(
            "the noise_profile network here was trained on non-commercial recordings, and the denoiser learns from "
            "its answers: train noise_profile on clean data first, or take --data all"
        )
    weights = checkpoint_weights(path) if path.exists() else load_room_weights("noise_profile")
    with torch.device("meta"):  # batches are made beside the training: fresh weights would take its random numbers
        model = NoiseProfile()
    model.load_state_dict(weights, assign=True)
    return model.eval()


def profiled_items(split: str, settings: Settings) -> list[Profiled]:
    """Return the items of a split with their profiles; what has been estimated once is read from a file."""
    model, paths = trained_noise_profile(settings), items.paths(split, settings)
    cache = runs_folder() / "cache" / f"profiles_{split}_{settings.licences}_{profiles_key(model, paths)}.npz"
    if not cache.exists():
        save_profiles(estimate_profiles(model.to(settings.device), paths), cache)
    with np.load(cache, allow_pickle=False) as file:
        blind, true, level, snr_db = (file[name] for name in ("blind", "true", "level", "snr_db"))
    return [
        Profiled(path, blind[i], true[i], float(level[i]), float(snr_db[i])) for i, path in enumerate(paths)
    ]  # fmt: skip


def profiles_key(model: nn.Module, paths: list[Path]) -> str:
    """What the profiles follow from: the weights, and which items there are in which version."""
    digest = hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values()))
    for path in paths:
        facts = path.stat()
        digest.update(f"{path.name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def save_profiles(profiles: dict[str, NDArray[np.float32]], path: Path) -> None:
    """Write the profiles; a half-written file never carries the final name.

    Raises
    ------
    TrainingError
        If the disk is full.
    """
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **profiles)
    write_whole(path, content.getbuffer(), "make room, then go on with --resume", is_shared=True)


@torch.no_grad()
def estimate_profiles(model: nn.Module, paths: list[Path]) -> dict[str, NDArray[np.float32]]:
    """Profiles by the network and true ones, levels and signal-to-noise ratios, one row per item."""
    blind, true, levels, ratios = [], [], [], []
    for at in told(range(0, len(paths), 16), -(-len(paths) // 16), "finding noise profiles, 16 items at a time"):
        rows = [_statistics(path) for path in paths[at : at + 16]]
        device = next(model.parameters()).device
        estimate = model(torch.from_numpy(np.stack([row[0] for row in rows])).to(device)).cpu()
        profiles = (estimate[:, 0] - estimate[:, 1].exp()).exp().numpy()
        for (_, target, level, snr_db), profile in zip(rows, profiles, strict=True):
            blind.append(profile * np.float32(level))
            true.append(np.exp(target) * np.float32(level))
            levels.append(np.float32(level))
            ratios.append(np.float32(snr_db))
    return {name: np.array(v) for name, v in zip(("blind", "true", "level", "snr_db"),
                                                 (blind, true, levels, ratios), strict=True)}  # fmt: skip


def _statistics(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32], float, float]:
    with np.load(path, allow_pickle=False) as file:
        features, target = file["features"].astype(np.float32), file["target"].astype(np.float32)
        return features, target, float(file["level"]), float(file["snr_db"])


def choose_profile(item: Profiled, rng: np.random.Generator) -> NDArray[np.float32]:
    """Blind (80 %), true (12 %) or true with a broad and a fine error (8 %)."""
    chance = rng.random()
    if chance < 0.80 or np.isinf(item.snr_db):
        return item.blind
    if chance < 0.92:
        return item.true
    knots = np.interp(np.linspace(0, 1, len(item.true)), np.linspace(0, 1, 8), rng.normal(0.0, 0.35, 8))
    return np.asarray(item.true * np.exp(knots + rng.normal(0.0, 0.2)), dtype=np.float32)


def crop(item: Profiled, rng: np.random.Generator) -> Crop:
    """Cut 3 s out of an item; clean and noise stay apart, shape (samples,)."""
    return cut(item, *chosen(item, rng))


def chosen(item: Profiled, rng: np.random.Generator) -> tuple[int, NDArray[np.float32]]:
    """Draw where to cut and which profile to give, without reading a sample."""
    start = int(rng.integers(0, items.pcm_of(item.path).shape[1] - LENGTH))
    return start, choose_profile(item, rng)


def cut(item: Profiled, start: int, profile: NDArray[np.float32]) -> Crop:
    """Cut 3 s out of an item from this sample on."""
    pcm = items.pcm_of(item.path)
    clean, noise = pcm[:, start : start + LENGTH].astype(np.float32) / items.PCM
    # Power of the noise in an average crop, so that pauses don't count like loud places; every fourth sample will do.
    row, share = (1, 1.0) if np.isfinite(item.snr_db) else (0, 1e-6)
    power = share * np.mean((pcm[row, ::4].astype(np.float32) / items.PCM) ** 2)
    return {
        "clean": clean,
        "noise": noise,
        "profile": profile,
        "level": np.float32(item.level),
        "noise_power": np.float32(power),
        "noisy": np.float32(np.isfinite(item.snr_db)),
    }


def batches(settings: Settings, step: int) -> Iterator[Batch]:
    """Yield this process's part of random crops for ever; every pass visits every item once."""
    profiled = profiled_items("train", settings)
    indices, mine = np.arange(len(profiled)), distributed.share(BATCH, settings)

    def batch_at(now: int) -> Batch:
        rng = np.random.default_rng((settings.seed, now, 1))
        drawn = [(profiled[i], *chosen(profiled[i], rng)) for i in picks_at(indices, BATCH, settings.seed, now)]
        return stack([cut(*one) for one in drawn[mine]], settings.device)

    # One thread is ten times as fast as the network on a CPU; a GPU wants all there are.
    workers = 1 if settings.device == "cpu" else max(1, (os.cpu_count() or 1) // settings.processes)
    return in_order(batch_at, step, workers)


def inputs(settings: Settings) -> str:
    """What the batches follow from, besides seed and step: the items, and the network that gives their profiles."""
    weights = weights_digest(trained_noise_profile(settings).state_dict())
    return f"{files_digest(items.paths('train', settings))} {weights}"


def stack(crops: list[Crop], device: str) -> Batch:
    """Make one batch of tensors."""
    return {name: torch.from_numpy(np.stack([c[name] for c in crops])).to(device) for name in crops[0]}


def transform(samples: Tensor) -> Tensor:
    """STFT of (batch, samples) without padding: (batch, 1025, frames)."""
    window = torch.hann_window(FFT, device=samples.device)
    return torch.stft(samples, FFT, HOP, window=window, center=False, return_complex=True)


def waveform(spectra: Tensor) -> Tensor:
    """Samples of spectra of `transform`, shape (batch, (frames - 1) * 512).

    Half a window is missing at either end, where only one window covers the samples: `inner` cuts the original alike.
    """
    window = torch.hann_window(FFT, device=spectra.device)
    return torch.istft(spectra, FFT, HOP, window=window)


def inner(samples: Tensor) -> Tensor:
    """The part of (batch, samples) that `waveform` gives back."""
    return samples[:, FFT // 2 : samples.shape[1] - FFT // 2]


@lru_cache
def waveform_loss(device: torch.device) -> nn.Module:
    """The safe multi-resolution loss; built when a phase first asks for it."""
    from training.losses.spectral import MultiResolutionSTFTLoss

    return MultiResolutionSTFTLoss().to(device)


def features_of(spectra: Tensor, profile: Tensor, level: Tensor) -> Tensor:
    """What the network is given; spectra (batch, bins, frames), profile (batch, bins), level (batch,)."""
    power = torch.view_as_real(spectra).square().sum(dim=3)
    log_power = torch.log(power / level[:, None, None] + 1e-9)
    log_ratio = torch.log((power + 1e-30) / profile[:, :, None].clamp(min=1e-30)).clamp(-7.0, 25.0)
    return torch.cat([log_power, log_ratio], dim=1)


def relative_power(spectra: Tensor, scale: Tensor) -> Tensor:
    """Power of (batch, bins, frames) spectra in units of the items' own, from their root (batch,)."""
    return torch.view_as_real(spectra).square().sum(dim=3) / scale[:, None, None].square()


def terms(model: nn.Module, batch: Batch, phase: Phase) -> Terms:
    """Return the loss and its parts; `gain_db` is the mean SNR gain of the noisy crops.

    A phase with the option "mrstft" adds so much of the safe multi-resolution loss of the waveform.
    """
    clean, noise = transform(batch["clean"]), transform(batch["noise"])
    mix = clean + noise
    gain = model(features_of(mix, batch["profile"], batch["level"])).float()
    estimate, noisy = gain * mix, batch["noisy"]
    count = clean.shape[1] * clean.shape[2]
    # Sum of a windowed spectrum over all bins: samples' mean power x window energy x bins.
    noise_power = batch["noise_power"] * (0.375 * FFT * count)
    residual = log_residual(estimate, clean, noise_power)
    scale = batch["level"].sqrt()
    small, wanted = compressed(relative_power(estimate, scale)), compressed(relative_power(clean, scale))
    magnitude, missing = squared_difference(small, wanted), squared_shortfall(small, wanted)
    l1 = complex_l1(estimate, clean) / scale
    loss = (0.2 * residual + 2.0 * magnitude + 1.0 * missing + 0.5 * l1).mean()
    error = torch.view_as_real(estimate - clean).square().sum(dim=(1, 2, 3))
    before = torch.view_as_real(noise).square().sum(dim=(1, 2, 3))
    signal = torch.view_as_real(clean).square().sum(dim=(1, 2, 3))
    gain_db = 10.0 * torch.log10((before + 1e-9) / (error + 1e-9))
    clean_db = 10.0 * torch.log10((signal + 1e-9) / (error + 1e-9))
    spectral: Terms = {}
    if weight := float(phase.options.get("mrstft", 0.0)):
        spectral["mrstft"] = waveform_loss(mix.device)(waveform(estimate), inner(batch["clean"]))
        loss = loss + weight * spectral["mrstft"]
    return spectral | {
        "loss": loss,
        "gain_db": (gain_db * noisy).sum() / noisy.sum().clamp(min=1.0),
        "clean_db": (clean_db * (1.0 - noisy)).sum() / (1.0 - noisy).sum().clamp(min=1.0),
        "magnitude": magnitude.mean(),
        "missing": missing.mean(),
        "l1": l1.mean(),
    }


@torch.no_grad()
def validate(model: nn.Module, settings: Settings) -> dict[str, float]:
    """SNR gain on fixed crops of the validation split with the blind profile, by SNR; worst clean crop."""
    rng, gains = np.random.default_rng(1), dict[str, list[float]]()
    for item in profiled_items("validation", settings)[:VALIDATED]:
        part = crop(item, rng) | {"profile": item.blind}
        parts = terms(model, stack([part], settings.device), WHOLE_RUN)
        gains.setdefault("loss", []).append(float(parts["loss"]))
        if np.isinf(item.snr_db):
            gains.setdefault("clean_db", []).append(float(parts["clean_db"]))
            continue
        name = "under 12 dB" if item.snr_db < 12 else "12-24 dB" if item.snr_db < 24 else "over 24 dB"
        gains.setdefault(f"gain_db, {name}", []).append(float(parts["gain_db"]))
    figures = {name: float(np.mean(values)) for name, values in gains.items()}
    worst = min(gains["clean_db"]) if "clean_db" in gains else float("nan")
    return figures | {"clean_db worst": worst}


@torch.no_grad()
def examples(model: nn.Module, settings: Settings) -> list[Example]:
    """The first noisy validation crops: with noise, as the network leaves them, and clean."""
    rng, drawn = np.random.default_rng(1), list[Example]()
    noisy = (item for item in profiled_items("validation", settings) if np.isfinite(item.snr_db))
    for item, _ in zip(noisy, range(DRAWN), strict=False):
        batch = stack([crop(item, rng) | {"profile": item.blind}], settings.device)
        mix = transform(batch["clean"] + batch["noise"])
        result = waveform(model(features_of(mix, batch["profile"], batch["level"])).float() * mix)
        parts = (inner(batch["clean"] + batch["noise"]), result, inner(batch["clean"]))
        given, result, target = (part[0].cpu() for part in parts)
        name = f"{item.path.stem} at {item.snr_db:.0f} dB"
        drawn.append(Example(name, RATE, given.numpy(), result.numpy(), target.numpy()))
    return drawn


def trial_features(samples: Samples) -> Inputs:
    """(1, 2050, frames) features of audio at 44.1 kHz with a flat profile 20 dB under its level."""
    spectra = torch_compatible_frames(samples, Stft())
    level = torch.tensor([float((spectra.real**2 + spectra.imag**2).mean())])
    profile = (0.01 * level)[:, None].expand(1, BINS)
    return (features_of(torch.from_numpy(spectra.T.copy())[None], profile, level),)


def room() -> Room:
    """What the host gives this network and gets from it."""
    return Room(
        name="denoiser",
        task="removal of steady noise from music, given a noise profile",
        given=(
            Port(
                "features",
                (1, 2 * BINS, "frames"),
                "ln(power / level + 1e-9), then ln(power / profile) limited to -7..25",
            ),
        ),
        answer=(Port("gain", (1, BINS, "frames"), "gain of every bin, 0 to 1, without a floor"),),
        trials=lambda: trials_of(trial_features),
        seconds=lambda given: given[0].shape[2] * HOP / RATE,
        normalisation="power relative to the level and to the noise profile of the recording",
        sample_rates_hz=(44_100, 48_000),
        trained_sets=TRAINED_SETS,
        figures=restore_figures("denoiser"),
        tool="restore",
        context_frames=28,
        stft={"fft": FFT, "hop": HOP, "window": "hann"},
        smallest={"frames": 8},
    )


RECIPE: Final = Recipe(
    name="denoiser",
    build=Denoiser,
    batches=batches,
    terms=terms,
    validate=validate,
    room=room,
    examples=examples,
    make_items=items.make,
    inputs=inputs,
    parts_batches=True,
    peak_rate=1e-3,
    warmup_steps=100,
    ema=0.998,
    bf16=True,
    needs=Needs(sets=TRAINED_SETS, weights=PACKED_SHARES, networks=("noise_profile",)),
)
# The same network, to hear what a loss on the waveform changes; `python -m export denoiser --checkpoint` takes it, too.
MRSTFT_RECIPE: Final = replace(
    RECIPE, name="denoiser_mrstft", phases=(Phase("with waveform", 1.0, {"mrstft": MRSTFT_WEIGHT}),), room=None
)
RECIPES: Final = (RECIPE, MRSTFT_RECIPE)
