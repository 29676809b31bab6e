"""What a spectral loss looks through: resolutions with their windows and banks, and the defaults of both modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn

from training.losses.banks import bank, window
from training.losses.base import Mode
from training.losses.transform import Resolution

BANDS: Final = {"mel": 128, "chroma": 12}
PARITY_SIZES: Final = ((1024, 2048, 512), (120, 240, 50), (600, 1200, 240))  # auraloss's defaults: FFT, hop, window
SAFE_FFT_SIZES: Final = (1024, 2048, 512)


class View(nn.Module):
    """What one resolution multiplies with: its window and, with a scale, its bank."""

    window: Tensor
    bank: Tensor | None

    def __init__(
        self, size: Resolution, name: str, scale: str | None, rate: float | None, bands: int | None, warn: bool = True
    ) -> None:
        super().__init__()
        self.size, self.bands = size, bands
        self.register_buffer("window", window(name, size.win), persistent=False)
        made = None
        if scale is not None:
            if rate is None:
                raise ValueError(f"scale={scale!r} needs sample_rate")
            made = bank(scale, rate, size.fft, bands or BANDS[scale], warn)
        self.register_buffer("bank", made, persistent=False)


def views(
    sizes: Sequence[Resolution], name: str, scale: str | None, rate: float | None, bands: Sequence[int | None]
) -> nn.ModuleList:
    """One view per resolution."""
    return nn.ModuleList(View(size, name, scale, rate, count) for size, count in zip(sizes, bands, strict=True))


def bands_each(scale: str | None, bands: int | Sequence[int] | None, count: int, mode: Mode) -> list[int | None]:
    """Bands of each resolution; None without a scale."""
    if scale is None:
        return [None] * count
    if bands is None:
        if mode == "parity":
            raise ValueError(f"scale={scale!r} needs n_bins in parity mode; auraloss's class default is {BANDS[scale]}")
        bands = BANDS[scale]
    each = [bands] * count if isinstance(bands, int) else list(bands)
    if len(each) != count:
        raise ValueError(f"n_bins holds {len(each)} numbers for {count} resolutions")
    return list(each)


def resolutions(
    mode: Mode, fft_sizes: Sequence[int] | None, hop_sizes: Sequence[int] | None, win_lengths: Sequence[int] | None
) -> list[Resolution]:
    """Put sizes together; what is left out is auraloss's in parity mode, and win / 4, win = fft in safe mode."""
    if mode == "parity":
        ffts, hops, wins = (
            given or default for given, default in zip((fft_sizes, hop_sizes, win_lengths), PARITY_SIZES, strict=True)
        )
    else:
        ffts = fft_sizes or SAFE_FFT_SIZES
        wins = win_lengths or ffts
        hops = hop_sizes or [max(1, win // 4) for win in wins]
    if not len(ffts) == len(hops) == len(wins):
        raise ValueError(f"need as many FFT sizes as hops and windows; got {len(ffts)}, {len(hops)} and {len(wins)}")
    return [Resolution(*sizes) for sizes in zip(ffts, hops, wins, strict=True)]
