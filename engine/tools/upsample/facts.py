"""The facts that Upsample learns of a recording, as they stand in reports and in the cache; `learned` finds them.

Apart from the listening itself, because the window reads them and shouldn't wait for SciPy.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from engine.tools.tool import Analysis

LEAST_CONFIDENCE: Final = 0.3
DOUBTFUL_CONFIDENCE: Final = 0.1  # from here on an edge that isn't believed is worth a word


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
    hiss_on_top: bool = False  # no edge was found, and steady noise may be what hides it
    silent: tuple[int, ...] = ()  # channels under -90 dBFS from end to end: they stay as they are

    @property
    def gain(self) -> float:
        """`level_db` as a factor."""
        return float(10.0 ** (self.level_db / 20.0))

    @property
    def advice(self) -> tuple[str, ...]:
        """What is better done before a band is generated, wherever it begins."""
        if not self.noisy:
            return ()
        where = f"right under {self.noise_hz:.0f} Hz"
        if self.cutoff_confidence < LEAST_CONFIDENCE:
            lowest_hz = self.noise_hz / 2.0 ** (1.0 / 3.0)
            where = f"where it was measured, from {lowest_hz:.0f} to {self.noise_hz:.0f} Hz (nothing ends there),"
        return (
            f"{where} the noise is within 20 dB of the sound, and the generated band follows it: restore the "
            "recording first",
        )

    @property
    def is_hidden(self) -> bool:
        """Whether no edge was found, and hiss or a doubtful one says that there may be one all the same."""
        if self.cutoff_confidence >= LEAST_CONFIDENCE:
            return False
        return self.hiss_on_top or self.cutoff_confidence >= DOUBTFUL_CONFIDENCE

    def sounding(self, channels: int) -> tuple[int, ...]:
        """Return the channels in which anything sounds at all."""
        return tuple(channel for channel in range(channels) if channel not in self.silent)

    def analysis(self) -> Analysis:
        """Return the facts as an Analysis."""
        return Analysis({**asdict(self), "warnings": list(self.warnings), "silent": list(self.silent)})

    @staticmethod
    def of(analysis: Analysis) -> Learned:
        """Read what `analysis` wrote."""
        facts = analysis.facts
        lists = {"warnings": tuple(facts["warnings"]), "silent": tuple(facts.get("silent", ()))}
        return Learned(**{**facts, **lists})
