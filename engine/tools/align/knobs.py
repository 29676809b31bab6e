"""What the user can set on Align. Every choice does something; what isn't built isn't offered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.tools.tool import Knob, Value

LARGEST_LIMIT_MS: Final = 10_000.0

KNOBS: Final = (
    Knob("mode", "Mode", "choice", "auto", choices=("auto", "offset", "drift", "elastic"), invalidates="analyse",
         labels=("Auto", "Offset", "Drift", "Elastic"),
         hint="Offset: moved, at the same speed. Drift: one speed for each match. Elastic: from note to note. Auto: "
         "elastic."),
    Knob("structure", "Structure", "choice", "monotone", choices=("monotone", "follow"), invalidates="analyse",
         labels=("In order", "Follow jumps"),
         hint="Where the target jumps back, such as to a repeat it played only once: silence, or that passage again."),
    Knob("pitch", "Pitch", "choice", "auto", choices=("auto", "keep", "follow"), invalidates="analyse",
         labels=("Auto", "Keep", "Follow the speed"),
         hint="Keep: the target's pitch stays. Follow: it changes with the speed, as on a turntable. Auto: follow "
         "where both are one recording at another speed, else keep."),
    Knob("warp_limit_ms", "Warp limit", "float", 0.0, 0.0, LARGEST_LIMIT_MS, 10.0, "ms", invalidates="analyse",
         hint="How far the map may stray from a straight line; 0: as far as it must."),
    Knob("anchors", "Anchors", "text", "", invalidates="analyse",
         hint="Moments known to belong together, as REFERENCE=TARGET in seconds or M:SS.s: 12.5=13.1 1:20=1:22.25."),
    Knob("engine", "Engine", "choice", "auto", choices=("auto", "handmade"), invalidates="analyse", option="--engine",
         labels=("Auto", "Hand-made features"),
         hint="Auto: the best that is installed. Handmade: features from the books, without a network."),
    Knob("force", "Align anyway", "bool", False, invalidates="analyse",
         hint="Aligns two recordings that don't seem to be the same piece."),
)  # fmt: skip

PRESETS: Final[Mapping[str, Mapping[str, Value]]] = {"auto": {}}
