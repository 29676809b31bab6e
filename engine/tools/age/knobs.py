"""What the user can set on Age, and the machines and media it comes with."""

from __future__ import annotations

from collections.abc import Mapping

from engine.tools.tool import Knob, Value


def _switch(group: str, label: str, default: bool, hint: str) -> Knob:
    return Knob(group, label, "bool", default, group=group, hint=hint)


def _number(
    group: str, name: str, label: str, default: float, low: float, high: float, step: float, unit: str, hint: str
) -> Knob:
    return Knob(name, label, "float", default, low, high, step, unit, group=group, hint=hint)


KNOBS: tuple[Knob, ...] = (
    Knob("seed", "Seed", "int", 1, 0, 2**31 - 1, 1, option="--seed",
         hint="Another number draws other damage; the same one repeats it."),
    _switch("distortion", "Distortion", True, "Bends loud sound as an overdriven groove or tape does."),
    _number("distortion", "drive", "Drive", 2.0, 0.05, 20, 0.05, "×", "Sound is bent from 1 / drive of full scale."),
    _number("distortion", "asymmetry", "Asymmetry", 0.0, 0, 1, 0.01, "", "Bends one half-wave more: even overtones."),
    _switch("resonance", "Resonance", False, "Makes a horn ring at three frequencies."),
    _number("resonance", "resonance_db", "Gain", 6.0, 0, 18, 0.5, "dB", "Of the lowest peak; the others are weaker."),
    _number("resonance", "resonance_hz", "Frequency", 900.0, 100, 5000, 10, "Hz", "Of the lowest peak."),
    _number("resonance", "resonance_q", "Sharpness", 3.0, 0.5, 20, 0.1, "", "Frequency divided by width."),
    _switch("band", "Band limits", True, "Cuts off what the medium never held."),
    _number("band", "low_pass_hz", "Low-pass", 3500.0, 500, 96000, 50, "Hz", "Highs above fall by 24 dB per octave."),
    _number("band", "high_pass_hz", "High-pass", 200.0, 10, 2000, 5, "Hz", "Lows below fall by 24 dB per octave."),
    Knob(
        "phase", "Phase", "choice", "linear", choices=("linear", "causal"), group="band",
        hint="Linear keeps every sample in its place; causal delays as old electronics did.",
    ),
    _switch("wow", "Wow and flutter", True, "Makes the speed uneven; start, end and length stay."),
    _number("wow", "wow_percent", "Wow", 0.3, 0, 5, 0.01, "%", "Peak deviation of the speed, once per turn."),
    _number("wow", "wow_hz", "Wow rate", 1.30, 0.1, 5, 0.01, "Hz", "78 rpm: 1.30, 45 rpm: 0.75, 33⅓ rpm: 0.556."),
    _number("wow", "flutter_percent", "Flutter", 0.1, 0, 2, 0.01, "%", "Peak deviation of the speed, fast."),
    _number("wow", "flutter_hz", "Flutter rate", 8.0, 2, 100, 0.1, "Hz", "From motor and capstan."),
    _number("wow", "drift_percent", "Drift", 0.0, 0, 2, 0.01, "%", "Slow, irregular deviation, RMS."),
    _switch("hum", "Hum", False, "Adds mains hum with harmonics."),
    _number("hum", "hum_db", "Level", -45.0, -100, 0, 0.5, "dB", "RMS of the whole hum, below full scale."),
    _number("hum", "hum_hz", "Frequency", 50.0, 40, 70, 0.1, "Hz", "50 in most of the world, 60 in the Americas."),
    Knob("hum_harmonics", "Harmonics", "int", 10, 1, 20, 1, group="hum", hint="Number of tones, the first included."),
    _switch("rumble", "Rumble", False, "Adds the noise of a motor, 10 to 40 Hz."),
    _number("rumble", "rumble_db", "Level", -45.0, -100, 0, 0.5, "dB", "RMS below full scale."),
    _switch("hiss", "Hiss", True, "Adds steady noise, every channel its own."),
    _number("hiss", "hiss_level", "Level", 0.005, 0, 0.5, 0.0005, "", "Standard deviation; 0.005 is −46 dB."),
    _number("hiss", "hiss_colour", "Colour", 0.0, -9, 6, 0.5, "dB/oct", "0 is white, −3 pink."),
    _switch("crackle", "Crackle", True, "Adds small, very short ticks."),
    _number("crackle", "crackle_per_s", "Rate", 4.0, 0, 500, 0.5, "/s", "On the mean; they come at random."),
    _number("crackle", "crackle_level", "Level", 0.06, 0, 1, 0.005, "", "Median peak, of full scale."),
    _switch("clicks", "Clicks", True, "Adds clicks, pops and scratches."),
    _number("clicks", "clicks_per_s", "Rate", 1.0, 0, 60, 0.1, "/s", "On the mean; they come at random."),
    _number("clicks", "clicks_level", "Level", 0.25, 0, 1, 0.01, "", "Median peak, of full scale."),
    _number("clicks", "scratches_per_s", "Scratches", 0.0, 0, 60, 0.1, "/s", "More clicks, returning with every turn."),
    _number("clicks", "scratches_rpm", "Turns", 78.26, 10, 100, 0.01, "rpm", "How fast scratches return."),
    _switch("thumps", "Thumps", False, "Adds low thumps, 10 to 60 ms long."),
    _number("thumps", "thumps_per_s", "Rate", 0.2, 0, 5, 0.05, "/s", "On the mean; they come at random."),
    _number("thumps", "thumps_level", "Level", 0.15, 0, 1, 0.01, "", "Median peak, of full scale."),
)  # fmt: skip

# In the order in which they happen; each is a group of knobs and its switch.
EFFECTS = ("distortion", "resonance", "band", "wow", "hum", "rumble", "hiss", "crackle", "clicks", "thumps")
EVENTS = ("crackle", "clicks", "thumps")


def _preset(**values: Value) -> Mapping[str, Value]:
    """Return values for every knob but the seed: what isn't named is off or at its default."""
    plain = {knob.name: False if knob.name in EFFECTS else knob.default for knob in KNOBS if knob.name != "seed"}
    return {**plain, **values}


# The first one repeats the numbers of a published vintage-effect generator where it gives them (hiss, events, band
# limits); the others were chosen by judgement, nobody measured such a machine.
PRESETS: Mapping[str, Mapping[str, Value]] = {
    "1920s 78 rpm": _preset(distortion=True, band=True, wow=True, hiss=True, crackle=True, clicks=True),
    "1910s acoustic horn": _preset(
        distortion=True, drive=3.0, asymmetry=0.3, resonance=True, resonance_db=9.0, band=True, low_pass_hz=2500.0,
        high_pass_hz=250.0, wow=True, wow_percent=0.5, flutter_percent=0.15, drift_percent=0.1, rumble=True,
        rumble_db=-42.0, hiss=True, hiss_level=0.012, hiss_colour=-2.0, crackle=True, crackle_per_s=30.0, clicks=True,
        clicks_per_s=3.0, scratches_per_s=1.0, thumps=True,
    ),
    "1950s LP": _preset(
        band=True, low_pass_hz=14000.0, high_pass_hz=30.0, wow=True, wow_percent=0.08, wow_hz=0.556,
        flutter_percent=0.03, hum=True, hum_db=-62.0, rumble=True, rumble_db=-52.0, hiss=True, hiss_level=0.0012,
        hiss_colour=-3.0, crackle=True, crackle_per_s=8.0, crackle_level=0.02, clicks=True, clicks_per_s=0.4,
        clicks_level=0.12, scratches_rpm=33.33,
    ),
    "Worn 45": _preset(
        distortion=True, drive=1.0, band=True, low_pass_hz=11000.0, high_pass_hz=45.0, wow=True, wow_percent=0.15,
        wow_hz=0.75, flutter_percent=0.04, rumble=True, rumble_db=-48.0, hiss=True, hiss_level=0.003, hiss_colour=-3.0,
        crackle=True, crackle_per_s=25.0, crackle_level=0.03, clicks=True, clicks_per_s=2.0, scratches_per_s=1.0,
        scratches_rpm=45.0,
    ),
    "Cassette": _preset(
        distortion=True, drive=0.8, band=True, low_pass_hz=12500.0, high_pass_hz=40.0, wow=True, wow_percent=0.1,
        wow_hz=0.8, flutter_percent=0.08, flutter_hz=10.0, drift_percent=0.05, hum=True, hum_db=-66.0, hiss=True,
        hiss_level=0.0025, hiss_colour=1.5,
    ),
    "AM radio": _preset(
        distortion=True, drive=1.5, band=True, low_pass_hz=4500.0, high_pass_hz=100.0, hum=True, hum_db=-48.0,
        hiss=True, hiss_level=0.006, hiss_colour=-1.0, crackle=True, crackle_per_s=3.0,
    ),
    "Noisy transfer": _preset(
        band=True, low_pass_hz=11000.0, high_pass_hz=40.0, hum=True, hum_db=-38.0, hum_harmonics=8, hiss=True,
        hiss_level=0.006, hiss_colour=-1.5, crackle=True, crackle_per_s=6.0, crackle_level=0.04, clicks=True,
        clicks_per_s=2.0, clicks_level=0.3, scratches_per_s=1.0,
    ),
    "Clean": _preset(),
}  # fmt: skip
