"""Filters in front of a loss: sum and difference of stereo, pre-emphasis, and A-weighting."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, pad

from training.losses.banks import a_weighting
from training.losses.base import Mode, full_precision

FilterType = Literal["hp", "fd", "aw"]
FEW_TAPS: Final = 8  # up to here shifting and adding is quicker than an FFT


class SumAndDifference(nn.Module):
    """Left plus right, and left minus right, without a factor 1/2."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Split stereo of shape (items, 2, samples) into two signals of shape (items, 1, samples).

        Raises
        ------
        ValueError
            If there aren't exactly two channels.
        """
        if x.ndim != 3 or x.shape[1] != 2:
            raise ValueError(f"sum and difference need stereo, (items, 2, samples); got {tuple(x.shape)}")
        left, right = x[:, :1], x[:, 1:]
        return left + right, left - right


class FIRFilter(nn.Module):
    """Pre-emphasis of prediction and target; what comes out is as long as what goes in.

    Parameters
    ----------
    filter_type
        "hp": first difference, 1 and -coef. "fd": folded differentiator, 1, 0 and -coef. "aw": A-weighting.
    coef
        Of "hp" and "fd"; 0.85 suits 44.1 kHz.
    fs
        Rate in Hz; "aw" only.
    ntaps
        Of "aw", odd.
    plot
        Show the magnitude response in a window.
    mode
        "safe": y[n] = x[n] - coef x[n-1]. "parity": as auraloss has it, y[n] = x[n-1] - coef x[n], which has the same
        magnitude, the phase of the mirror image, and a shift by one ("fd" likewise: x[n-1] - coef x[n+1]).

    Notes
    -----
    Computed in fp32 (fp64 stays), under autocast as well: half precision goes in, fp32 comes out. In parity mode "aw"
    is summed tap by tap as auraloss does: an FFT leaves more rounding in weak bins, where the slope of a logarithm
    makes a hundred times as much of it.

    Wright and Välimäki, "Perceptual loss function for neural modelling of audio systems", 2019.
    """

    taps: Tensor

    def __init__(
        self,
        filter_type: FilterType = "hp",
        coef: float = 0.85,
        fs: float = 44100,
        ntaps: int = 101,
        plot: bool = False,
        mode: Mode = "safe",
    ) -> None:
        super().__init__()
        if filter_type not in get_args(FilterType):
            raise ValueError(f"filter_type must be one of {', '.join(get_args(FilterType))}; it is {filter_type!r}")
        if ntaps % 2 == 0 or ntaps < 1:
            raise ValueError(f"ntaps must be odd; it is {ntaps}")
        if mode not in get_args(Mode):
            raise ValueError(f"mode must be one of {', '.join(get_args(Mode))}; it is {mode!r}")
        self.filter_type, self.coef, self.fs, self.ntaps, self.mode = filter_type, coef, fs, ntaps, mode
        taps, self.ahead = self._design()
        self.register_buffer("taps", taps, persistent=False)
        if plot:
            self._plot()

    def forward(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:  # noqa: A002 (auraloss's name)
        """Filter both along their last axis."""
        return self.filtered(input), self.filtered(target)

    def filtered(self, signal: Tensor) -> Tensor:
        """Filter one signal of any shape along its last axis."""
        with full_precision(signal):
            rows = signal.reshape(-1, signal.shape[-1])
            rows = rows if rows.dtype == torch.float64 else rows.float()
            return self._filtered(rows, self.taps.to(rows.dtype)).reshape(signal.shape)

    def _filtered(self, rows: Tensor, taps: Tensor) -> Tensor:
        if self.filter_type == "aw" and self.mode == "parity":
            return conv1d(rows.unsqueeze(1), taps.view(1, 1, -1), padding=self.ntaps // 2).squeeze(1)
        if len(taps) <= FEW_TAPS:
            return _shift_and_add(rows, taps, self.ahead)
        found: Tensor = _LongFilter.apply(rows, taps, self.ahead)  # type: ignore[no-untyped-call]
        return found

    def _design(self) -> tuple[Tensor, int]:
        """Taps of y[n] = sum of taps[k] x[n + ahead - k], and `ahead`."""
        if self.filter_type == "aw":
            return a_weighting(self.fs, self.ntaps), self.ntaps // 2
        taps = [1.0, -self.coef] if self.filter_type == "hp" else [1.0, 0.0, -self.coef]
        if self.mode == "safe":
            return torch.tensor(taps), 0
        return torch.tensor(taps[::-1]), 0 if self.filter_type == "hp" else 1

    def _plot(self) -> None:
        import matplotlib.pyplot as plt
        from scipy.signal import freqz

        frequencies, response = freqz(self.taps.numpy(), fs=self.fs)
        plt.semilogx(frequencies[1:], 20.0 * torch.from_numpy(abs(response[1:])).clamp(min=1e-8).log10())
        plt.xlabel("Frequency (Hz)")
        plt.ylabel("Gain (dB)")
        plt.grid(visible=True)
        plt.show()


def _shift_and_add(rows: Tensor, taps: Tensor, ahead: int) -> Tensor:
    count, samples = len(taps), rows.shape[1]
    padded = pad(rows, (count - 1 - ahead, ahead))
    return torch.stack([taps[k] * padded[:, count - 1 - k : count - 1 - k + samples] for k in range(count)]).sum(dim=0)


class _LongFilter(torch.autograd.Function):
    """Convolution by FFT; its backward pass is the same with the taps in reverse (autograd's is twice the work)."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, taps: Tensor, ahead: int) -> Tensor:
        ctx.save_for_backward(taps)
        ctx.ahead = ahead
        return _convolve(rows, taps, ahead)

    @staticmethod
    def backward(ctx: Any, *above: Any) -> tuple[Tensor, None, None]:
        (taps,) = ctx.saved_tensors
        return _convolve(above[0], taps.flip(0), len(taps) - 1 - ctx.ahead), None, None


def _convolve(rows: Tensor, taps: Tensor, ahead: int) -> Tensor:
    samples = rows.shape[1]
    needed = samples + len(taps) - 1
    grain = 1 << max(0, needed.bit_length() - 3)  # 4 to 8 times a power of two: quick, and at most a quarter too long
    length = -(-needed // grain) * grain
    product = torch.fft.rfft(rows, n=length) * torch.fft.rfft(taps, n=length)
    whole: Tensor = torch.fft.irfft(product, n=length)
    return whole[:, ahead : ahead + samples]
