"""The facts that Upsample learns of a recording, as they stand in reports and in the cache; `learned` finds them.

Apart from the listening itself, because the window reads them and shouldn't wait for SciPy.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from engine.tools.tool import Analysis

LEAST_CONFIDENCE: Final = 0.3


@dataclass(frozen=True)
class Learned:
    """What is known of a whole recording, whatever the knobs say."""

    cutoff_hz: float  # -6 dB edge of the recording's own band; half its rate where none was found
    cutoff_confidence: float  # 0 to 1
    edge_width_hz: float  # below the cutoff: from 1 dB to 6 dB down; 0 where none was found
    level_db: float  # one gain for the file: takes its active RMS to LEVEL_DB
    side_active: bool
    side_sign: float  # 1 or -1: of the first sample by which left and right differ
    full_band: bool
    noisy: bool  # its noise lies within 20 dB of what sounds in the third of an octave under ...
    noise_hz: float  # ... here
    warnings: tuple[str, ...]  # doubts about the edge

    @property
    def gain(self) -> float:
        """`level_db` as a factor."""
        return float(10.0 ** (self.level_db / 20.0))

    @property
    def advice(self) -> tuple[str, ...]:
        """What is better done before a band is generated, wherever it begins."""
        if not self.noisy:
            return ()
        return (
            f"right under {self.noise_hz:.0f} Hz the noise is within 20 dB of the sound, and the generated band "
            "follows it: restore the recording first",
        )

    def analysis(self) -> Analysis:
        """Return the facts as an Analysis."""
        return Analysis({**asdict(self), "warnings": list(self.warnings)})

    @staticmethod
    def of(analysis: Analysis) -> Learned:
        """Read what `analysis` wrote."""
        return Learned(**{**analysis.facts, "warnings": tuple(analysis.facts["warnings"])})
