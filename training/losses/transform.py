"""The short-time Fourier transform that all spectral losses share, and its adjoint, which is its backward pass.

The forward transform equals `torch.stft` (centred, reflecting). The adjoint is written by hand because autograd's own
takes a full complex FFT where half of one suffices, and scatters frames sample by sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad


@dataclass(frozen=True)
class Resolution:
    """Sizes in samples: of the FFT, between frames, and of the window, which lies in the middle of the FFT."""

    fft: int
    hop: int
    win: int

    def __post_init__(self) -> None:
        if not (0 < self.win <= self.fft and self.fft > 1 and self.hop > 0):
            raise ValueError(f"need fft of at least 2, hop of at least 1 and window of 1 to fft samples; got {self}")

    @property
    def bins(self) -> int:
        """Frequencies from 0 to half the rate."""
        return self.fft // 2 + 1

    @property
    def start(self) -> int:
        """Where the window begins within the FFT."""
        return (self.fft - self.win) // 2

    def frames(self, samples: int) -> int:
        """How many frames a signal of this length has."""
        return 1 + (samples + 2 * (self.fft // 2) - self.fft) // self.hop

    def reflects(self, samples: int) -> bool:
        """Whether a signal is long enough to be mirrored at its ends; a shorter one gets zeros."""
        return samples > self.fft // 2


def analyse(rows: Tensor, window: Tensor, size: Resolution) -> Tensor:
    """Return spectra (rows, frames, bins) of signals (rows, samples)."""
    samples, half = rows.shape[1], size.fft // 2
    padded = pad(rows.unsqueeze(1), (half, half), mode="reflect" if size.reflects(samples) else "constant").squeeze(1)
    length = (size.frames(samples) - 1) * size.hop + size.win
    frames = padded[:, size.start : size.start + length].unfold(1, size.win, size.hop) * window
    if size.win < size.fft:
        frames = pad(frames, (size.start, size.fft - size.win - size.start))
    spectra: Tensor = torch.fft.rfft(frames)
    return spectra


def adjoint(spectra: Tensor, window: Tensor, size: Resolution, samples: int) -> Tensor:
    """Return the gradient (rows, samples) of a signal from that of its spectra (rows, frames, bins), overwriting it.

    A gradient here is complex: d/d(real part) + i d/d(imaginary part).
    """
    # The inverse real FFT counts every bin twice but the first and, of even sizes, the last; the gradient none.
    spectra[..., 0] *= 2.0
    if size.fft % 2 == 0:
        spectra[..., -1] *= 2.0
    frames = torch.fft.irfft(spectra, n=size.fft, norm="forward")[..., size.start : size.start + size.win]
    return _unpad(_overlap_add(frames * (0.5 * window), size, samples), size, samples)


def _overlap_add(frames: Tensor, size: Resolution, samples: int) -> Tensor:
    """Add frames (rows, frames, win) up where they came from: shape (rows, samples + 2 * (fft // 2))."""
    rows, count, win = frames.shape
    parts = -(-win // size.hop)
    total = frames.new_zeros(rows, count + parts - 1, size.hop)
    for part in range(parts):
        piece = frames[..., part * size.hop : (part + 1) * size.hop]
        total[:, part : part + count, : piece.shape[2]] += piece
    flat = total.reshape(rows, -1)
    return pad(flat, (size.start, samples + 2 * (size.fft // 2) - size.start - flat.shape[1]))


def _unpad(padded: Tensor, size: Resolution, samples: int) -> Tensor:
    half = size.fft // 2
    body = padded[:, half : half + samples]
    if size.reflects(samples) and half > 0:
        body = body.clone()
        body[:, 1 : half + 1] += padded[:, :half].flip(1)
        body[:, samples - 1 - half : samples - 1] += padded[:, half + samples :].flip(1)
    return body


class _Transform(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, rows: Tensor, window: Tensor, size: Resolution) -> Tensor:
        ctx.save_for_backward(window)
        ctx.size, ctx.samples = size, rows.shape[1]  # type: ignore[attr-defined]
        return analyse(rows, window, size)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        (window,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return adjoint(gradient.clone(), window, ctx.size, ctx.samples), None, None  # type: ignore[attr-defined]


def transform(rows: Tensor, window: Tensor, size: Resolution) -> Tensor:
    """Return differentiable spectra (rows, frames, bins) of signals (rows, samples)."""
    spectra: Tensor = _Transform.apply(rows, window.to(rows.dtype), size)  # type: ignore[no-untyped-call]
    return spectra
