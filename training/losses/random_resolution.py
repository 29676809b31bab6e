"""A spectral loss at resolutions drawn anew every few calls, so that no grid of frames can be learned by heart.

Steinmetz and Reiss 2020 (auraloss). The draws come from a generator of the loss's own: seeded by argument, saved with
the state, so a resumed run draws what an unbroken one would have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from training.losses.banks import WINDOWS
from training.losses.base import Mode, Prepared
from training.losses.spectral import SpectralLoss
from training.losses.transform import Resolution
from training.losses.views import View, bands_each

PARITY_WINDOW_SHARES: Final = (1.0, 0.5, 0.25)  # of the FFT
SAFE_WINDOW_SHARES: Final = (1.0, 0.5)
SAFE_HOP_SHARES: Final = (0.25, 0.5)  # of the window


@dataclass(frozen=True)
class Drawn:
    """One draw: sizes, and torch's name of the window."""

    size: Resolution
    window: str


class RandomResolutionSTFTLoss(SpectralLoss):
    """The mean over `resolutions` drawn ones.

    Parameters
    ----------
    min_fft_size, max_fft_size
        Powers of two between them are drawn. In parity mode the largest never comes, as in auraloss, and the input must
        be longer than it; in safe mode only FFTs no longer than the input are drawn (the smallest, if all are longer).
    min_hop_size, max_hop_size
        As shares of the FFT.
    windows
        Torch's names. Safe mode deals them out over its fixed list of resolutions (48 by default), so that compiled
        graphs stay few.
    randomize_rate
        Calls between draws.
    seed
        Of the loss's own generator.
    """

    def __init__(
        self,
        resolutions: int = 3,
        min_fft_size: int = 16,
        max_fft_size: int = 32768,
        min_hop_size: float = 0.1,
        max_hop_size: float = 1.0,
        windows: Sequence[str] = WINDOWS,
        w_sc: float = 1.0,
        w_log_mag: float = 1.0,
        w_lin_mag: float = 0.0,
        w_phs: float = 0.0,
        sample_rate: float | None = None,
        scale: str | None = None,
        n_mels: int | None = None,
        randomize_rate: int = 1,
        *,
        seed: int = 0,
        mode: Mode = "safe",
        **kwargs: Any,
    ) -> None:
        weights = {"sc": w_sc, "log": w_log_mag, "lin": w_lin_mag, "phs": w_phs}
        super().__init__(weights=weights, sample_rate=sample_rate, scale=scale, mode=mode, **kwargs)
        if resolutions < 1 or randomize_rate < 1:
            raise ValueError(f"resolutions and randomize_rate must be at least 1; got {resolutions}, {randomize_rate}")
        if not 2 <= min_fft_size < max_fft_size or not windows:
            raise ValueError(
                f"need windows, and FFT sizes from 2 upwards; got {windows}, {min_fft_size}, {max_fft_size}"
            )
        self.resolutions, self.randomize_rate, self.windows = resolutions, randomize_rate, tuple(windows)
        self.min_fft_size, self.max_fft_size = min_fft_size, max_fft_size
        self.min_hop_size, self.max_hop_size = min_hop_size, max_hop_size
        (self.n_mels,) = bands_each(scale, n_mels, 1, mode)
        self.nforwards = 0
        self._generator = torch.Generator().manual_seed(seed)
        self._choices = self._fixed_list()
        self.use([])

    def use(self, drawn: Sequence[Drawn]) -> None:
        """Take these resolutions from now on, until the next draw."""
        self.drawn = tuple(drawn)
        scale = (self.scale, self.sample_rate)
        made = [View(one.size, one.window, *scale, self._bands(one.size), warn=False) for one in self.drawn]
        self.views = nn.ModuleList(made)

    def draw(self, samples: int) -> tuple[Drawn, ...]:
        """Draw resolutions for an input of so many samples."""
        if self.mode == "parity":
            return tuple(self._free_draw() for _ in range(self.resolutions))
        shortest = min(one.size.fft for one in self._choices)
        fitting = [one for one in self._choices if one.size.fft <= max(samples, shortest)]
        return tuple(fitting[self._integer(len(fitting))] for _ in range(self.resolutions))

    def key(self) -> tuple[object, ...]:
        return ("random", self.mode, self.sample_rate, self.prefilter is not None)  # draws change, the signal doesn't

    def references(self, target: Tensor) -> dict[str, Tensor]:
        return self.passing_references(target)

    def forward(self, input: Tensor, target: Tensor | Prepared) -> Tensor | tuple[Tensor, dict[str, Tensor]]:  # noqa: A002
        samples = input.shape[-1]
        if self.mode == "parity" and samples <= self.max_fft_size:
            raise ValueError(
                f"in parity mode the input must be longer than {self.max_fft_size} samples; it has {samples}"
            )
        if not self.drawn or self.nforwards % self.randomize_rate == 0:
            self.use(self.draw(samples))
            self.views.to(input.device)
        self.nforwards += 1
        return super().forward(input, target)

    def get_extra_state(self) -> dict[str, Any]:
        """What a resumed run needs to draw the same."""
        drawn = [(one.size.fft, one.size.hop, one.size.win, one.window) for one in self.drawn]
        return {"generator": self._generator.get_state(), "forwards": self.nforwards, "drawn": drawn}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go on where that state was taken."""
        device = next(iter(self.buffers()), torch.empty(0)).device
        self._generator.set_state(state["generator"].cpu())
        self.nforwards = state["forwards"]
        self.use([Drawn(Resolution(fft, hop, win), window) for fft, hop, win, window in state["drawn"]])
        self.views.to(device)

    def _bands(self, size: Resolution) -> int | None:
        return None if self.n_mels is None else min(self.n_mels, size.fft)

    def _integer(self, below: int) -> int:
        return int(torch.randint(below, (), generator=self._generator))

    def _free_draw(self) -> Drawn:
        low, high = int(math.log2(self.min_fft_size)), int(math.log2(self.max_fft_size))
        fft = 2 ** (low + self._integer(high - low))
        share = float(torch.rand((), generator=self._generator))
        hop = max(1, int(fft * (self.min_hop_size + share * (self.max_hop_size - self.min_hop_size))))
        win = max(1, int(fft * PARITY_WINDOW_SHARES[self._integer(len(PARITY_WINDOW_SHARES))]))
        return Drawn(Resolution(fft, hop, win), self.windows[self._integer(len(self.windows))])

    def _fixed_list(self) -> tuple[Drawn, ...]:
        """Every FFT size with two windows and two hops each: 48 from 16 to 32768 samples."""
        low, high = math.ceil(math.log2(self.min_fft_size)), int(math.log2(self.max_fft_size))
        sizes = [
            Resolution(fft, self._within(fft, fft * of_fft * of_window), max(1, int(fft * of_fft)))
            for fft in (2**power for power in range(low, high + 1))
            for of_fft in SAFE_WINDOW_SHARES
            for of_window in SAFE_HOP_SHARES
        ]
        return tuple(Drawn(size, self.windows[index % len(self.windows)]) for index, size in enumerate(sizes))

    def _within(self, fft: int, hop: float) -> int:
        return max(1, int(min(max(hop, self.min_hop_size * fft), self.max_hop_size * fft)))
