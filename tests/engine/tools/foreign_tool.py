"""A tool of another package, installed as packages are: a module, a dist-info folder and an entry point."""

from __future__ import annotations

from pathlib import Path

SOURCE = '''
"""A polarity and gain device that somebody else wrote against `engine.tools.tool` alone."""

import numpy as np

from engine.tools.tool import NO_JOB, Analysis, Knob


class Trim:
    name = "trim"
    label = "Trim"
    summary = "Bring the peak to a level, or turn the polarity."
    version = 1
    knobs = (
        Knob("level", "Level", "bool", True, group="level", hint="Brings the peak to a level."),
        Knob("peak_db", "Peak", "float", -6.0, -60.0, 0.0, 0.5, "dB", invalidates="analyse", group="level",
             hint="Of full scale."),
        Knob("level_strength", "Strength", "float", 100.0, 0.0, 100.0, 1.0, "%", group="level", hint="How much of it."),
    )
    presets = {"quiet": {"peak_db": -40.0}}
    inputs = ()
    has_mix = True
    is_generative = False

    def networks(self, params):
        return ()

    def output_format(self, given, params):
        return given

    def analyse(self, signal, params, inputs, job=NO_JOB):
        peak = 0.0
        for start in range(0, signal.frames, 65536):
            job.check()
            part = signal.read(start, min(start + 65536, signal.frames))
            peak = max(peak, float(np.abs(part).max(initial=0.0)))
        return Analysis({"peak": peak})

    def render(self, signal, params, analysis, inputs, span, job=NO_JOB):
        job.check()
        out = signal.read(span.start, span.stop).copy()
        peak = analysis.facts["peak"]
        if not params["level"] or not peak or not params["level_strength"]:
            return out
        gain = 10.0 ** (params["peak_db"] / 20.0) / peak
        gain = 1.0 + params["level_strength"] / 100.0 * (gain - 1.0)
        for start in range(0, len(out), 65536):
            job.check()
            out[start : start + 65536] *= np.float32(gain)
        return out


TRIM = Trim()
'''


def install(folder: Path, entry: str, source: str, package: str = "shellac_trim") -> None:
    """Write a package into `folder` as an installer would; `entry` is `name = module:object`."""
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").write_text(source, encoding="utf-8")
    info = folder / f"{package}-1.2.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: 1.2\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[shellac.tools]\n{entry}\n", encoding="utf-8")
