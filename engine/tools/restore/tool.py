"""The tool Restore: its stages in order, joined to the promise every tool makes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.audio.signal import Format, Samples, Signal, Span
from engine.tools.restore.chain import Stage, chained, learn_all
from engine.tools.restore.knobs import KNOBS, PRESETS
from engine.tools.restore.memory import MEMORY
from engine.tools.tool import NO_JOB, Analysis, Inputs, Job, Knob, Params, Value


def stages() -> tuple[Stage, ...]:
    """Return the stages in the order they act: clicks first, or a mask would smear them over its 46 ms."""
    # Here, not above: the registry of tools is imported when the window starts, SciPy and the stages when they work.
    from engine.tools.restore.declick import Declick
    from engine.tools.restore.dehum import Dehum
    from engine.tools.restore.denoise import Denoise

    return (Declick(), Dehum(), Denoise())


class Restore:
    """Removes damage and shows what it removed. See `engine.tools.tool.Tool`."""

    name: str = "restore"
    label: str = "Restore"
    summary: str = "Takes clicks, hum and noise away, and lets you hear what it took."
    version: int = 1
    knobs: tuple[Knob, ...] = KNOBS
    presets: Mapping[str, Mapping[str, Value]] = PRESETS
    inputs: tuple[str, ...] = ()
    has_mix: bool = True
    is_generative: bool = False

    def networks(self, params: Params) -> tuple[str, ...]:
        """Return the rooms the denoise stage uses with these settings."""
        if not params["denoise"] or params["engine"] != "neural":
            return ()
        return ("denoiser",) if params["noise_from"] else ("noise_profile", "denoiser")

    def output_format(self, given: Format, params: Params) -> Format:
        """Return `given`: rate, channels and length stay."""
        return given

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        """Let every stage learn from what the stages before it leave at full strength."""
        if signal.frames == 0:
            return Analysis()
        return learn_all(stages(), signal, params, MEMORY.learned, job)

    def render(
        self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span, job: Job = NO_JOB
    ) -> Samples:
        """Return a span of the result, or of what the stage named by `listen` takes away."""
        result, active = chained(stages(), signal, params, analysis, job)
        listen = str(params["listen"])
        if listen == "result":
            return result.read(span.start, span.stop)
        if listen in active:
            return active[listen].taken(span)
        return np.zeros((span.frames, signal.channels), dtype=np.float32)


RESTORE = Restore()
