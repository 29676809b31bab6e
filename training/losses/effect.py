"""What a loss does to a training: one small denoiser, trained twice, with auraloss's MR-STFT and with our safe one.

`python -m training.losses.effect [--steps 2000]`. Same network, same data, same seed, same steps. One item in ten is a
gap between pieces: hiss whose target is silence. Shown are the gradient norms (nothing is clipped) and the log-spectral
distance to recordings kept back, which is no loss. Parity mode stands for auraloss; a test proves it equal.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.data import Recording, Samples, read_mono, recordings, runs_folder
from training.losses.spectral import MultiResolutionSTFTLoss
from training.validation import log_spectral_distance, log_spectrum

RATE: Final = 16_000  # Hz; so that both trainings take minutes
SECONDS: Final = 1.0
PEAK_RATE: Final = 1e-3
FFT: Final = 512  # of the network
HOP: Final = 128
WILD: Final = 100.0  # times the median: a step that undoes many others
TRAIN_RECORDINGS: Final = 120  # spread evenly over the split
HELD_OUT: Final = 24  # of the other split
HELD_OUT_SECONDS: Final = 4.0
HISS_DB: Final = (0.0, 20.0)  # range of the signal-to-noise ratio
GAP_DB: Final = (-60.0, -30.0)  # range of the hiss in a gap, dBFS

Criterion = Callable[[Tensor, Tensor], Tensor]


class SmallDenoiser(nn.Module):
    """A gain between 0 and 1 for every bin, from log power and four convolutions over time; 230,000 weights."""

    window: Tensor

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        bins = FFT // 2 + 1
        self.register_buffer("window", torch.hann_window(FFT), persistent=False)
        layers: list[nn.Module] = [nn.Conv1d(bins, width, 3, padding=1)]
        for dilation in (1, 2, 4):
            layers += [nn.PReLU(), nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)]
        self.body = nn.Sequential(*layers, nn.PReLU(), nn.Conv1d(width, bins, 1))

    def forward(self, samples: Tensor) -> Tensor:
        """Denoise (items, samples)."""
        spectra = torch.stft(samples, FFT, HOP, window=self.window, return_complex=True)  # (items, bins, frames)
        power = torch.view_as_real(spectra).square().sum(dim=-1)
        gain = torch.sigmoid(self.body((power + 1e-8).log() / 4.0) + 2.0)
        cleaned: Tensor = torch.istft(spectra * gain, FFT, HOP, window=self.window, length=samples.shape[-1])
        return cleaned


@dataclass(frozen=True)
class Plan:
    """What both trainings have in common."""

    steps: int = 2000
    seed: int = 0
    items: int = 2  # of a batch; the fewer, the more often all of them are gaps
    silent_share: float = 0.1  # of the items; 0 is the control


@dataclass(frozen=True)
class Batch:
    """Both shape (items, samples)."""

    given: Tensor
    target: Tensor


def batch_at(step: int, material: Sequence[Samples], plan: Plan) -> Batch:
    """Return the batch of a step, decided by step and plan alone: crops with white hiss, or hiss and silence."""
    rng = np.random.default_rng([plan.seed, step])
    frames = round(SECONDS * RATE)
    givens, targets = [], []
    for _ in range(plan.items):
        hiss = rng.standard_normal(frames)
        if rng.random() < plan.silent_share:
            target, level = np.zeros(frames), 10.0 ** (rng.uniform(*GAP_DB) / 20.0)
        else:
            target = _crop(rng, material[int(rng.integers(len(material)))], frames)
            level = np.sqrt(np.mean(target**2)) * 10.0 ** (-rng.uniform(*HISS_DB) / 20.0)
        targets.append(target)
        givens.append(target + level * hiss)
    return Batch(*(torch.from_numpy(np.stack(rows).astype(np.float32)) for rows in (givens, targets)))


def _crop(rng: np.random.Generator, samples: Samples, frames: int) -> NDArray[np.float64]:
    start = int(rng.integers(max(1, len(samples) - frames + 1)))
    crop = np.asarray(samples[start : start + frames], dtype=np.float64)
    return np.pad(crop, (0, frames - len(crop)))


@dataclass(frozen=True)
class Run:
    """One training."""

    norms: NDArray[np.float64]  # of the gradient, per step
    seconds: float
    network: SmallDenoiser

    @property
    def wild_steps(self) -> int:
        """How many norms are over 100 times the median, or no number."""
        return wild_steps(self.norms)


def wild_steps(norms: NDArray[np.float64]) -> int:
    """Count the norms that are over 100 times the median, or no number."""
    return int(np.sum(~(norms <= WILD * np.median(norms[np.isfinite(norms)]))))


def train(criterion: Criterion, material: Sequence[Samples], plan: Plan) -> Run:
    """Train a fresh small denoiser with Adam, its rate falling to 0 as a cosine; nothing is clipped."""
    torch.manual_seed(plan.seed)
    network = SmallDenoiser()
    parameters = list(network.parameters())
    optimiser = torch.optim.Adam(parameters, lr=PEAK_RATE)
    norms, began = np.zeros(plan.steps), time.monotonic()
    for step in range(plan.steps):
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * 0.5 * (1.0 + math.cos(math.pi * step / plan.steps))
        batch = batch_at(step, material, plan)
        optimiser.zero_grad()
        criterion(network(batch.given).unsqueeze(1), batch.target.unsqueeze(1)).backward()  # type: ignore[no-untyped-call]
        norms[step] = float(torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))
        optimiser.step()
    return Run(norms, time.monotonic() - began, network.eval())


@torch.no_grad()
def held_out_distance(denoise: Callable[[Tensor], Tensor], clips: Sequence[Samples]) -> float:
    """Mean log-spectral distance in dB over clips with white hiss, half of them at 5 dB, half at 15 dB."""
    found = []
    for number, clip in enumerate(clips):
        level = np.sqrt(np.mean(clip**2)) * 10.0 ** (-(5.0 if number % 2 else 15.0) / 20.0)
        hiss = level * np.random.default_rng([99, number]).standard_normal(len(clip))
        cleaned = denoise(torch.from_numpy((clip + hiss).astype(np.float32)).unsqueeze(0))[0].numpy()
        found.append(log_spectral_distance(log_spectrum(clip, RATE), log_spectrum(cleaned, RATE)))
    return float(np.mean(found))


def material_of(split: str, count: int, seconds: float | None = None) -> list[Samples]:
    """Return `count` recordings spread over a split, at RATE; of each the `seconds` in its middle, or all."""
    rows = [row for row in recordings(split) if row.seconds >= SECONDS]
    chosen = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, count).round().astype(int))]
    return [_middle(row, seconds) for row in chosen]


def _middle(row: Recording, seconds: float | None) -> Samples:
    samples = read_mono(row, RATE)
    if seconds is None or len(samples) <= seconds * RATE:
        return samples
    start = round(len(samples) - seconds * RATE) // 2
    return samples[start : start + round(seconds * RATE)]


CRITERIA: Final[dict[str, Callable[[], nn.Module]]] = {
    "auraloss": lambda: MultiResolutionSTFTLoss(mode="parity"),
    "safe": MultiResolutionSTFTLoss,
}


@dataclass(frozen=True)
class Report:
    """Both trainings."""

    plan: Plan
    untreated_lsd_db: float  # of the clips with their hiss
    runs: dict[str, dict[str, float]]

    @property
    def is_as_wanted(self) -> bool:
        """Whether the safe loss has no wild step, and brings recordings nearer that it hasn't seen."""
        safe, peer = self.runs["safe"], self.runs["auraloss"]
        return safe["wild_steps"] == 0 and safe["held_out_lsd_db"] < peer["held_out_lsd_db"]

    def text(self) -> str:
        """Return the table."""
        lines = [
            f"{self.plan.steps} steps of {self.plan.items} items, {self.plan.silent_share:.0%} of them silent, "
            f"seed {self.plan.seed}; held out, untreated: {self.untreated_lsd_db:.2f} dB",
            f"{'loss':10}{'norm, median':>14}{'largest':>12}{'over 100 x':>12}{'held-out LSD':>14}{'seconds':>9}",
        ]
        for name, row in self.runs.items():
            lines.append(
                f"{name:10}{row['norm_median']:14.4g}{row['norm_max']:12.4g}{row['wild_steps']:12.0f}"
                f"{row['held_out_lsd_db']:11.2f} dB{row['seconds']:9.0f}"
            )
        return "\n".join(lines)


def compare(plan: Plan) -> Report:
    """Train with each loss and measure: two processes of one thread each, the same arithmetic in both."""
    with ProcessPoolExecutor(len(CRITERIA), mp_context=get_context("spawn")) as pool:
        jobs = {name: pool.submit(figures, name, plan) for name in CRITERIA}
        runs = {name: job.result() for name, job in jobs.items()}
    clips = material_of("validation", HELD_OUT, HELD_OUT_SECONDS)
    return Report(plan, held_out_distance(lambda samples: samples, clips), runs)


def figures(name: str, plan: Plan) -> dict[str, float]:
    """Train with the loss of this name; the figures of `Report.runs`."""
    torch.set_num_threads(1)
    run = train(CRITERIA[name](), material_of("train", TRAIN_RECORDINGS), plan)
    clips = material_of("validation", HELD_OUT, HELD_OUT_SECONDS)
    return {
        "norm_median": float(np.median(run.norms)),
        "norm_max": float(run.norms.max()),
        "wild_steps": run.wild_steps,
        "held_out_lsd_db": held_out_distance(run.network, clips),
        "seconds": run.seconds,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both trainings; exit code 1 if the safe loss isn't the better one."""
    parser = argparse.ArgumentParser(
        prog="python -m training.losses.effect", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--items", type=int, default=Plan.items, help="of a batch")
    parser.add_argument("--silent", type=float, default=Plan.silent_share, help="share of gaps; 0 is the control")
    parser.add_argument("--json", type=Path, default=None, help="default: loss_effect.json in the folder of runs")
    wanted: Any = parser.parse_args(arguments)
    report = compare(Plan(wanted.steps, wanted.seed, wanted.items, wanted.silent))
    print(report.text())
    path = wanted.json or runs_folder() / "loss_effect.json"
    path.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    return 0 if report.is_as_wanted else 1


if __name__ == "__main__":
    sys.exit(main())
