"""The short-time Fourier transform of the house, on a frame grid that belongs to the file and not to the request.

Frame k is centred on sample k * hop, so it covers samples [k * hop - fft/2, k * hop + fft/2). Whoever reads any span
of a recording gets the same frames as whoever reads all of it. The settings equal those the networks were trained
with; a test compares both sides with `torch.stft`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Spectra = NDArray[np.complex64]


@dataclass(frozen=True)
class Stft:
    """STFT settings with a periodic Hann window, and the arithmetic of their frame grid."""

    fft: int = 2048  # samples per frame
    hop: int = 512  # samples between frames; fft/4 makes the squared windows add up to a constant

    def __post_init__(self) -> None:
        if self.fft % 2 or self.hop * 4 != self.fft:
            raise ValueError(f"hop must be a quarter of an even fft, got fft {self.fft} and hop {self.hop}")

    @property
    def bins(self) -> int:
        """Frequencies per frame, fft/2 + 1."""
        return self.fft // 2 + 1

    @cached_property
    def window(self) -> Samples:
        """The periodic Hann window, shape (fft,), as `torch.hann_window` makes it."""
        phase = 2.0 * np.pi * np.arange(self.fft) / self.fft
        window = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)
        window.flags.writeable = False
        return window

    def frame_range(self, start: int, stop: int) -> tuple[int, int]:
        """Return (first, end): frames first..end-1 are those that touch samples [start, stop)."""
        half = self.fft // 2
        return (start - half) // self.hop + 1, -(-(stop + half) // self.hop)

    def sample_range(self, first: int, end: int) -> tuple[int, int]:
        """Return (start, stop): the samples that frames first..end-1 cover; start may be negative."""
        half = self.fft // 2
        return first * self.hop - half, (end - 1) * self.hop + half

    def forward(self, samples: Samples) -> Spectra:
        """Transform samples that begin where a frame begins.

        Parameters
        ----------
        samples
            One channel, shape ((frames - 1) * hop + fft,); see `sample_range`. Zeros stand for what lies outside the
            recording.

        Returns
        -------
        Spectra
            Shape (frames, bins), not normalised.

        Raises
        ------
        ValueError
            If the length doesn't fit a whole number of frames.
        """
        if len(samples) < self.fft or (len(samples) - self.fft) % self.hop:
            raise ValueError(f"{len(samples)} samples are no whole number of frames of {self.fft} every {self.hop}")
        frames = np.lib.stride_tricks.sliding_window_view(samples, self.fft)[:: self.hop]
        import scipy.fft  # here: whoever only asks about frames, as the window does, waits for no SciPy

        spectra: Spectra = scipy.fft.rfft(np.multiply(frames, self.window, dtype=np.float32), axis=1)
        return spectra

    def inverse(self, spectra: Spectra) -> Samples:
        """Overlap-add frames; the inverse of `forward` where four frames overlap.

        Parameters
        ----------
        spectra
            Shape (frames, bins).

        Returns
        -------
        Samples
            Shape ((frames - 1) * hop + fft,). The first and last fft - hop samples lack frames: ask for all frames
            that touch the span you want (`frame_range`) and cut the rest off.
        """
        import scipy.fft

        blocks = scipy.fft.irfft(spectra, n=self.fft, axis=1).astype(np.float32, copy=False) * self.window
        count, parts = len(blocks), self.fft // self.hop
        out = np.zeros((count + parts - 1, self.hop), dtype=np.float32)
        # Later parts of earlier frames first: every sample adds its four frames in the order of their numbers.
        for part in reversed(range(parts)):
            out[part : part + count] += blocks[:, part * self.hop : (part + 1) * self.hop]
        # The squares of a Hann window at a quarter hop add up to 1.5 everywhere.
        return out.reshape(-1) / np.float32(1.5)


def torch_compatible_frames(samples: Samples, stft: Stft) -> Spectra:
    """Return the frames of a whole recording, as `torch.stft(center=True, pad_mode="constant")` numbers them.

    Shape (1 + len(samples) // hop, bins).
    """
    half = stft.fft // 2
    frames = 1 + len(samples) // stft.hop
    padded = np.zeros((frames - 1) * stft.hop + stft.fft, dtype=np.float32)
    padded[half : half + len(samples)] = samples[: len(padded) - half]
    return stft.forward(padded)
