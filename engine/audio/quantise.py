"""From float to whole numbers: rounding, dither where bits are lost, and never a change where nothing is.

TPDF dither (two rectangular distributions of one step each, added before rounding) makes the error's mean and power
independent of the sound: Lipshitz, Wannamaker, Vanderkooy, "Quantization and dither", JAES 40(5), 1992.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples


class Quantiser:
    """Turns blocks of a recording, in order, into left-justified 32-bit integers.

    A sample that falls on a step of the new depth passes unchanged, so sound that was not touched stays bit-identical
    and digital silence stays silent; all other samples get dither. 32-bit integers get none: float32 has no finer
    steps to lose near full scale. The dither is the same each time: the same export is the same file.

    Parameters
    ----------
    bits
        8 to 32.
    dither
        Whether to dither at all.
    """

    def __init__(self, bits: int, dither: bool) -> None:
        if not 8 <= bits <= 32:
            raise ValueError(f"bits must be 8 to 32, got {bits}")
        self.bits = bits
        self.overs = 0  # samples that had to be clipped
        self._dither = dither and bits <= 24
        self._random = np.random.Generator(np.random.SFC64(1925))

    def __call__(self, samples: Samples) -> NDArray[np.int32]:
        """Return `samples` as int32 with the low 32 - bits bits zero, same shape."""
        top = float(1 << (self.bits - 1))
        scaled = samples.astype(np.float64) * top
        whole = np.rint(scaled)
        if self._dither:
            off_step = whole != scaled
            if off_step.any():
                noise = self._random.random(samples.shape, dtype=np.float32)
                noise -= self._random.random(samples.shape, dtype=np.float32)
                whole = np.where(off_step, np.rint(scaled + noise), whole)
        # +1.0 itself has no code; the top code is the usual stand-in and no over.
        self.overs += int(np.count_nonzero(np.abs(samples) > 1.0))
        whole = np.clip(whole, -top, top - 1)
        return (whole.astype(np.int64) << (32 - self.bits)).astype(np.int32)
