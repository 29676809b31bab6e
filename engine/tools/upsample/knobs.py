"""What the user can set on Upsample, and the settings that come with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.tools.tool import Knob, Value

AUTO: Final = "auto"
NO_FACTOR: Final = "none"
FASTEST_HZ: Final = 768_000
FULL_AMOUNT: Final = 100.0

KEPT_ANYWAY: Final = (
    "Only AFiLM and TFiLM change the band below the cutoff: with the network chosen here it always stays"
)

KNOBS: Final = (
    Knob("rate_hz", "Sample rate", "int", 0, 0, FASTEST_HZ, 1, "Hz", option="--rate", excludes=("factor",),
         hint="Of the result, not below the recording's. 0: 48000 for recordings under 44100, else as it is."),
    Knob("factor", "Factor", "choice", NO_FACTOR, choices=(NO_FACTOR, "2", "4", "8"),
         labels=("None", "×2", "×4", "×8"), option="--factor", excludes=("rate_hz",),
         hint="Raises the rate by this factor, instead of to a rate."),
    Knob("generate", "Generate", "bool", True, group="generate",
         hint="Generates the band above the cutoff; off: the recording is only resampled."),
    Knob("amount", "Amount", "float", FULL_AMOUNT, 0.0, FULL_AMOUNT, 1.0, "%", invalidates="live", group="generate",
         hint="How much of the generated band is added."),
    Knob("model", "Network", "choice", AUTO, choices=(AUTO, "bwe48", "bwe16", "afilm", "tfilm"), group="generate",
         labels=("Automatic", "BWE 48 kHz, all sound", "BWE 16 kHz, speech", "AFiLM, speech", "TFiLM, speech"),
         option="--model",
         hint="auto: bwe48, or bwe16 for results up to 16000 Hz. afilm and tfilm make 16000 Hz of 8000, 4000 or 2000."),
    Knob("cutoff_hz", "Cutoff", "float", 0.0, 0.0, FASTEST_HZ / 2, 1.0, "Hz", group="generate",
         hint="Where the recording's own band ends and the generated one begins. 0: found by listening; else 300 up. "
              "What the recording holds above it is replaced."),
    Knob("tilt_db", "Tilt", "float", 0.0, -6.0, 6.0, 0.5, "dB/oct", group="generate",
         hint="Makes the generated band darker or brighter, the further above the cutoff the more."),
    Knob("keep_band", "Keep band", "bool", True, group="generate",
         hint="afilm and tfilm: the band below the cutoff stays the recording's own. bwe48 and bwe16 never change it."),
    Knob("listen", "Listen to", "choice", "result", choices=("result", "generated"), invalidates="live",
         hint="The result, or the generated band alone."),
)  # fmt: skip

PRESETS: Final[Mapping[str, Mapping[str, Value]]] = {
    "standard": {},
    "fill to 48 kHz": {"rate_hz": 48_000},
    # The shelf of an encoder is a cliff at 16 kHz or so: all above it is missing, and loud when it isn't.
    "mp3 shelf": {"amount": 90.0},
    # A horn's band ends in a slope and the noise of the groove lies above it: less of a band, and a dull one.
    "78 rpm": {"amount": 60.0, "tilt_db": -3.0},
    # Without a rate of its own: this network gives 16 kHz at least.
    "telephone speech": {"model": "bwe16"},
}
