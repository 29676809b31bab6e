"""What the user can set on Restore, and the settings that come with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.tools.tool import Knob, Value

NO_FLOOR_DB: Final = -80.0


def _switch(name: str, label: str, hint: str) -> Knob:
    return Knob(name, label, "bool", True, invalidates="analyse", group=name, hint=hint)


def _strength(stage: str, hint: str) -> Knob:
    return Knob(f"{stage}_strength", "Strength", "float", 100.0, 0.0, 100.0, 1.0, "%", group=stage, hint=hint)


KNOBS: Final = (
    _switch("declick", "Declick", "Replaces ticks and pops of up to 3 ms by what the music around them predicts."),
    Knob("declick_sensitivity", "Sensitivity", "float", 50.0, 0.0, 100.0, 1.0, "%", invalidates="analyse",
         group="declick", hint="Higher finds quieter clicks, and takes more of speech and percussion for clicks."),
    _strength("declick", "100 % replaces a click, 50 % leaves half of it."),
    _switch("dehum", "Dehum", "Subtracts the steady tones of the mains; does nothing where it finds none."),
    Knob("hum_base", "Mains", "choice", "auto", choices=("auto", "50 Hz", "60 Hz"), invalidates="analyse",
         group="dehum", hint="The mains frequency, followed within 1 Hz; auto looks for both."),
    Knob("hum_harmonics", "Harmonics", "int", 20, 1, 20, 1, invalidates="analyse", group="dehum",
         hint="How many multiples of the mains frequency may be taken out."),
    Knob("rumble", "Rumble filter", "bool", False, invalidates="analyse", group="dehum",
         hint="Cuts everything below the frequency beside it, without shifting phases."),
    Knob("rumble_hz", "Below", "float", 30.0, 20.0, 80.0, 1.0, "Hz", invalidates="analyse", group="dehum",
         hint="Where the rumble filter has lost 6 dB."),
    _strength("dehum", "How much of the hum and the rumble is subtracted."),
    _switch("denoise", "Denoise", "Takes steady noise away: hiss, surface noise, the noise of a room."),
    Knob("engine", "Engine", "choice", "neural", choices=("neural", "classical"), invalidates="analyse",
         option="--engine", group="denoise",
         hint="Neural: our own networks. Classical: filters from the books, without a network."),
    Knob("classical_method", "Classical method", "choice", "wiener",
         choices=("wiener", "subtraction", "median", "median + wiener", "median + subtraction"),
         group="denoise", hint="Wiener filter, spectral subtraction, or the median where samples leap out."),
    Knob("noise_from", "Learn noise from selection", "span", "", invalidates="analyse", group="denoise",
         hint="A selection that holds noise alone; empty: the noise is estimated from the whole recording."),
    Knob("floor_db", "Floor", "float", -18.0, NO_FLOOR_DB, 0.0, 1.0, "dB", group="denoise",
         hint="The most that may be taken away: some noise left sounds more natural than none. -80 means no floor."),
    _strength("denoise", "How much of what the engine would remove is removed."),
    Knob("listen", "Listen to", "choice", "result", choices=("result", "declick", "dehum", "denoise"),
         hint="The result, or what one stage takes away."),
)  # fmt: skip

PRESETS: Final[Mapping[str, Mapping[str, Value]]] = {
    "standard": {},
    "gentle": {"declick_sensitivity": 30.0, "floor_db": -9.0, "denoise_strength": 80.0},
    "strong": {"declick_sensitivity": 65.0, "floor_db": -30.0, "rumble": True, "rumble_hz": 25.0},
    "78 rpm transfer": {"declick_sensitivity": 75.0, "rumble": True, "rumble_hz": 45.0, "floor_db": -22.0},
    # Glottal pulses are short bursts too, and nothing of a voice lies below 70 Hz.
    "speech": {"declick_sensitivity": 25.0, "rumble": True, "rumble_hz": 70.0, "floor_db": -24.0},
}
