"""The faults of auraloss 0.4.0 that are mended here, measured on both sides: what the report's first table shows.

The proofs are in tests/training/losses/test_faults.py; this is what a reader runs to see for himself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from training import losses

Measured = Callable[[], float]
RATE: Final = 44_100
_SHORT: Final[dict[str, Any]] = {"fft_sizes": [512], "hop_sizes": [128], "win_lengths": [512]}


@dataclass(frozen=True)
class Fault:
    """One case; both sides give a number, and what raises says so."""

    number: int
    case: str
    peer: Callable[[Any], float]
    ours: Measured
    wanted: str
    holds: Callable[[float], bool]


@dataclass(frozen=True)
class Finding:
    """A fault as measured; `peer` is nothing without auraloss."""

    number: int
    case: str
    peer: str | None
    ours: str
    wanted: str
    holds: bool


def find(module: Any | None) -> list[Finding]:
    """Measure every fault; `module` is auraloss or nothing."""
    found = []
    for fault in FAULTS:
        theirs = None if module is None else _shown(lambda fault=fault: fault.peer(module))[0]  # type: ignore[misc]
        ours, value = _shown(fault.ours)
        found.append(Finding(fault.number, fault.case, theirs, ours, fault.wanted, fault.holds(value)))
    return found


def _shown(measured: Measured) -> tuple[str, float]:
    try:
        value = measured()
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        return type(error).__name__, math.nan
    return f"{value:.6g}", value


def table(findings: list[Finding]) -> str:
    """Return the findings as text."""
    lines = [f"{'':>3} {'case':52}{'peer 0.4.0':>14}{'ours':>14}  wanted"]
    for row in findings:
        verdict = "" if row.holds else "  NOT MENDED"
        lines.append(f"{row.number:>3} {row.case:52}{row.peer or '-':>14}{row.ours:>14}  {row.wanted}{verdict}")
    return "\n".join(lines)


def _noise(*shape: int, seed: int = 0, level: float = 0.1) -> Tensor:
    return level * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _near(*shape: int) -> tuple[Tensor, Tensor]:
    target = _noise(*shape)
    return target + _noise(*shape, seed=1, level=0.03), target


def _gradient(loss: Any, pred: Tensor, target: Tensor) -> float:
    pred = pred.clone().requires_grad_()
    loss(pred, target).sum().backward()
    assert pred.grad is not None
    return float(pred.grad.norm())


def _snr_pair(level: float) -> tuple[Tensor, Tensor]:
    """A prediction with an error exactly 40 dB down, at right angles to a target of this RMS."""
    phase = 2.0 * math.pi * torch.arange(160, dtype=torch.float64) / 32.0
    target = level * math.sqrt(2.0) * phase.sin()
    pred = target + 0.01 * level * math.sqrt(2.0) * phase.cos()
    return pred.float().reshape(1, 1, -1), target.float().reshape(1, 1, -1)


def _unlike_levels() -> tuple[Tensor, Tensor]:
    pred, target = _near(4, 1, 16_384)
    gains = torch.tensor([1.0, 0.3, 0.1, 0.03]).reshape(4, 1, 1)
    gains_of_error = torch.tensor([0.2, 0.5, 1.0, 2.0]).reshape(4, 1, 1)
    return gains * (target + gains_of_error * (pred - target)), gains * target


def _convergence_gap(loss: Any) -> float:
    """The loss of a batch less the mean of its items' losses."""
    pred, target = _unlike_levels()
    each = torch.stack([loss(pred[i : i + 1], target[i : i + 1]) for i in range(4)])
    return float(loss(pred, target) - each.mean())


def _zero_prediction(loss: Any) -> float:
    return _gradient(loss, torch.zeros(1, 1, 16_384), _noise(1, 1, 16_384))


def _twice(make: Callable[[], Any]) -> float:
    """How much two losses seeded alike differ on the same signals."""
    pred, target = _near(1, 1, 40_000)
    values = []
    for _ in range(2):
        torch.manual_seed(0)
        values.append(float(make()(pred, target)))
    return abs(values[0] - values[1])


def _nan_items(loss: Any) -> float:
    """How many of four items are no number when one of them holds one."""
    pred, target = _near(4, 1, 8192)
    pred[2] = math.nan
    return float(torch.isnan(loss(pred, target)).sum().expand(1)[0])


def _jump_at_pi(loss: Any) -> float:
    """How much the loss changes as a tone, all but in phase, turns by a thousandth so that its angle passes pi."""
    angle = torch.arange(4096) / 16.0 * 2.0 * math.pi
    target = (angle + math.pi - 1e-3).cos().reshape(1, 1, -1)
    values = [float(loss((angle + math.pi + turn).cos().reshape(1, 1, -1), target)) for turn in (-5e-4, 5e-4)]
    return abs(values[1] - values[0])


def _autocast_gap(loss: Any) -> float:
    pred, target = _near(2, 1, 16_384)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = float(loss(pred, target))
    return abs(cast / float(loss(pred, target)) - 1.0)


def _scaled(loss: Any) -> float:
    pred, target = _near(4, 1, 8192)
    return float(loss(pred, target))


def _transposed(loss: Any) -> float:
    pred, target = (signal.transpose(1, 2).contiguous().transpose(1, 2) for signal in _near(2, 2, 8192))
    return float(loss(pred, target) - loss(pred.contiguous(), target.contiguous()))


def _silent(loss: Any) -> float:
    return float(loss(_noise(1, 1, 16_384), torch.zeros(1, 1, 16_384)))


def _items(loss: Any) -> float:
    return float(loss(*_near(4, 1, 8192)).numel())


def _value(loss: Any, *signals: Tensor) -> float:
    return float(loss(*signals))


def _both_silent(loss: Any) -> float:
    return float(loss(torch.zeros(1, 1, 4096), torch.zeros(1, 1, 4096)))


def _apart(loss: Any, error: float) -> float:
    return float(loss(torch.full((1, 1, 4096), error), torch.zeros(1, 1, 4096)))


def _chosen_eps(make: Callable[..., Any]) -> float:
    """The number of values a random loss gives for four items when none are to be averaged."""
    return float(make(reduction="none", eps=1e-6)(*_near(4, 1, 40_000)).numel())


def _fused_gap() -> float:
    """The total taken in one sweep against its terms, each taken by itself."""
    pred, target = _near(2, 1, 32_768)
    loss = losses.MultiResolutionSTFTLoss(output="full")
    terms, weights = loss(pred, target)[1], loss.weights()
    whole = float(losses.MultiResolutionSTFTLoss()(pred, target))
    return abs(sum(weights[name] * float(term) for name, term in terms.items()) / whole - 1.0)


_MR: Final = losses.MultiResolutionSTFTLoss
FAULTS: Final = (
    Fault(
        1,
        "FIR hp, samples out of 16,384",
        lambda peer: float(peer.perceptual.FIRFilter("hp")(*_near(1, 1, 16_384))[0].shape[-1]),
        lambda: float(losses.FIRFilter("hp")(*_near(1, 1, 16_384))[0].shape[-1]),
        "16384",
        lambda value: value == 16_384,
    ),
    Fault(
        2,
        "ChromaSTFTLoss(44100)",
        lambda peer: _value(peer.freq.ChromaSTFTLoss(RATE), *_near(2, 1, 8192)),
        lambda: _value(losses.ChromaSTFTLoss(RATE), *_near(2, 1, 8192)),
        "a number",
        math.isfinite,
    ),
    Fault(
        3,
        "scale invariance, batch of 4",
        lambda peer: _scaled(peer.freq.STFTLoss(scale_invariance=True)),
        lambda: _scaled(losses.STFTLoss(scale_invariance=True)),
        "a number",
        math.isfinite,
    ),
    Fault(
        4,
        'reduction="none", values for 4 items',
        lambda peer: _items(peer.freq.MultiResolutionSTFTLoss(reduction="none")),
        lambda: _items(_MR(reduction="none")),
        "4",
        lambda value: value == 4,
    ),
    Fault(
        5,
        "A-weighting, transposed stereo less contiguous",
        lambda peer: _transposed(peer.freq.STFTLoss(perceptual_weighting=True, sample_rate=RATE)),
        lambda: _transposed(losses.STFTLoss(perceptual_weighting=True, sample_rate=RATE)),
        "0",
        lambda value: abs(value) < 1e-6,
    ),
    Fault(
        6,
        "400 samples, default sizes",
        lambda peer: _value(peer.freq.MultiResolutionSTFTLoss(), *_near(2, 1, 400)),
        lambda: _value(_MR(), *_near(2, 1, 400)),
        "a number",
        math.isfinite,
    ),
    Fault(
        7,
        "LogCosh, error 100",
        lambda peer: _apart(peer.time.LogCoshLoss(), 100.0),
        lambda: _apart(losses.LogCoshLoss(), 100.0),
        "99.307",
        lambda value: abs(value - (100.0 - math.log(2.0))) < 1e-3,
    ),
    Fault(
        7,
        "LogCosh, error 1e-4",
        lambda peer: _apart(peer.time.LogCoshLoss(), 1e-4),
        lambda: _apart(losses.LogCoshLoss(), 1e-4),
        "5e-9",
        lambda value: abs(value / 5e-9 - 1.0) < 0.01,
    ),
    Fault(
        8,
        "silent target, MR-STFT",
        lambda peer: _silent(peer.freq.MultiResolutionSTFTLoss()),
        lambda: _silent(_MR()),
        "under 50",
        lambda value: value < 50.0,
    ),
    Fault(
        8,
        "silent target, ESR",
        lambda peer: _silent(peer.time.ESRLoss()),
        lambda: _silent(losses.ESRLoss()),
        "under 50",
        lambda value: value < 50.0,
    ),
    Fault(
        9,
        "SNR, both silent (dB)",
        lambda peer: _both_silent(peer.time.SNRLoss()),
        lambda: _both_silent(losses.SNRLoss()),
        "0",
        lambda value: abs(value) < 1e-6,
    ),
    Fault(
        10,
        "SI-SDR at -80 dBFS, true 40 dB",
        lambda peer: -_value(peer.time.SISDRLoss(), *_snr_pair(1e-4)),
        lambda: -_value(losses.SISDRLoss(mask_silence=False), *_snr_pair(1e-4)),
        "40.0",
        lambda value: abs(value - 40.0) < 0.1,
    ),
    Fault(
        11,
        "gradient at a prediction of exactly 0",
        lambda peer: _zero_prediction(peer.freq.MultiResolutionSTFTLoss()),
        lambda: _zero_prediction(_MR()),
        "not 0",
        lambda value: value > 0.0,
    ),
    Fault(
        12,
        "random class seeded alike, difference",
        lambda peer: _twice(peer.freq.RandomResolutionSTFTLoss),
        lambda: _twice(losses.RandomResolutionSTFTLoss),
        "0",
        lambda value: value == 0.0,
    ),
    Fault(
        13,
        "batch of unlike levels less its items' mean",
        lambda peer: _convergence_gap(peer.freq.STFTLoss(w_log_mag=0.0)),
        lambda: _convergence_gap(losses.STFTLoss(w_log_mag=0.0)),
        "0",
        lambda value: abs(value) < 1e-6,
    ),
    Fault(
        14,
        'random class, reduction="none", values for 4 items',
        lambda peer: _chosen_eps(peer.freq.RandomResolutionSTFTLoss),
        lambda: _chosen_eps(losses.RandomResolutionSTFTLoss),
        "4",
        lambda value: value == 4,
    ),
    Fault(
        15,
        "mel, 128 bands, fft 512, 44.1 kHz",
        lambda peer: _value(
            peer.freq.MultiResolutionSTFTLoss(**_SHORT, scale="mel", n_bins=128, sample_rate=RATE), *_near(1, 1, 8192)
        ),
        lambda: _value(_MR(**_SHORT, scale="mel", n_bins=128, sample_rate=RATE), *_near(1, 1, 8192)),
        "a number",
        math.isfinite,
    ),
    Fault(
        16,
        "mel without n_bins",
        lambda peer: _value(peer.freq.STFTLoss(scale="mel", sample_rate=RATE), *_near(1, 1, 8192)),
        lambda: _value(losses.STFTLoss(scale="mel", sample_rate=RATE), *_near(1, 1, 8192)),
        "a number",
        math.isfinite,
    ),
    Fault(
        17,
        "mel bands per resolution",
        lambda peer: _value(
            peer.freq.MultiResolutionSTFTLoss(scale="mel", n_bins=[64, 128, 32], sample_rate=RATE), *_near(1, 1, 8192)
        ),
        lambda: _value(_MR(scale="mel", n_bins=[64, 128, 32], sample_rate=RATE), *_near(1, 1, 8192)),
        "a number",
        math.isfinite,
    ),
    Fault(
        18,
        "under bf16 autocast, relative to fp32",
        lambda peer: _autocast_gap(peer.freq.MultiResolutionSTFTLoss()),
        lambda: _autocast_gap(_MR()),
        "under 1e-3",
        lambda value: value < 1e-3,
    ),
    Fault(
        19,
        "one item of 4 is NaN: items that are",
        lambda peer: 4.0 * _nan_items(peer.freq.STFTLoss()),
        lambda: _nan_items(_MR(reduction="none")),
        "1",
        lambda value: value == 1,
    ),
    Fault(
        20,
        "fused path against its terms, relative",
        lambda peer: math.nan,
        _fused_gap,
        "under 1e-5",
        lambda value: value < 1e-5,
    ),
    Fault(
        21,
        "phase term as an angle passes pi, jump",
        lambda peer: _jump_at_pi(peer.freq.STFTLoss(w_sc=0.0, w_log_mag=0.0, w_phs=1.0)),
        lambda: _jump_at_pi(losses.STFTLoss(w_sc=0.0, w_log_mag=0.0, w_phs=1.0, w_complex=0.0)),
        "under 1e-3",
        lambda value: value < 1e-3,
    ),
)
