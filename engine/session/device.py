"""One device of the rack at work: a layer of sound over another layer, rendered chunk by chunk into the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from engine.audio.signal import Format, Samples, Signal, Span, format_of, resampled_frames
from engine.errors import OutputError, ShellacError, UsageError
from engine.inference.grid import Grid
from engine.inference.network import active_provider
from engine.session import sanity
from engine.session.keys import DeviceKeys, DeviceParams, device_keys
from engine.session.layers import Layer, Unfinished, Workbench, view
from engine.session.recipe import Scope, Step
from engine.session.scope import box_window, composite_box, missed, mix_down
from engine.session.store import Chunk, Shelf
from engine.tools.tool import Analysis, Job, Params, Tool

CHUNK_S: Final = 5.0


class Device:
    """The sound after one step whose tool is known and whose step is heard.

    Raises
    ------
    ShellacError
        If a network or another recording that the step needs isn't there.
    """

    def __init__(
        self,
        bench: Workbench,
        below: Layer,
        step: Step,
        tool: Tool,
        params: DeviceParams,
        inputs: Mapping[str, Signal],
        input_keys: Mapping[str, str],
    ) -> None:
        self._bench = bench
        self._input_keys = input_keys
        self._inputs = inputs
        self.below = below
        self.step = step
        self.tool = tool
        self.params = params
        self.format = _format_made(tool, below.format, params.render, inputs)
        # A scope is in seconds: it holds at another rate too, but means nothing on another time axis.
        self.scope = step.scope if self._has_dry else Scope()
        self.inside = self.scope.span(self.format.rate, self.format.frames)
        self.grid = Grid(max(1, round(CHUNK_S * self.format.rate)))
        self.mix = step.mix if tool.has_mix and self._has_dry else 1.0
        self._keys_of: tuple[object, DeviceKeys] | None = None
        self._resampled: tuple[Job, bool, str, Signal] | None = None  # it remembers what it computed last
        self.keys  # noqa: B018 - asked for here so that a missing network is known before anybody plays

    @property
    def keys(self) -> DeviceKeys:
        """The names of what this device produces. They change when a provider fails and the CPU goes on."""
        now = (self.below.key, active_provider(self._bench.settings))
        if self._keys_of is None or self._keys_of[0] != now:
            settings = self._bench.settings
            keys = device_keys(
                self.below.key, self.step, self.tool, self.params, self._input_keys, settings, self.networks
            )
            self._keys_of = (now, keys)
        return self._keys_of[1]

    @property
    def key(self) -> str:
        return self.keys.output

    @property
    def shelf(self) -> Shelf:
        return self._bench.store.shelf(self.keys.wet)

    @property
    def _has_dry(self) -> bool:
        """True if input and output lie on one time axis, so that they can be mixed."""
        given, made = self.below.format, self.format
        if not self.tool.has_mix:
            return False
        return made.channels == given.channels and made.frames == resampled_frames(given.frames, given.rate, made.rate)

    @property
    def idle_reason(self) -> str:
        """A sentence if the device changes nothing because its scope lies elsewhere, else nothing."""
        reason = missed(self.scope, self.format)
        return f"{self.tool.label} changed nothing: {reason}" if reason else ""

    @property
    def needs_dry(self) -> bool:
        """False if the output is the tool's alone, everywhere."""
        everywhere = self.inside == (0, self.format.frames) and self.scope.channels is None
        return not everywhere or self.mix < 1.0 or self._is_live

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that a recording of this format needs: `room/file`, or `room` for all of its files."""
        tool: Any = self.tool
        choose = getattr(tool, "networks_for", None)
        names = tool.networks(self.params.render) if choose is None else choose(self.below.format, self.params.render)
        return tuple(names)

    @property
    def networks_run(self) -> tuple[str, ...]:
        """Those of `networks` that this recording went through, as far as it is known yet."""
        tool: Any = self.tool
        if self.invents or not (tool.is_generative and hasattr(tool, "generated_band")):
            return self.networks
        analysing = getattr(tool, "networks_of_analysis", tool.networks)
        return tuple(analysing(self.params.analysis)) if self.inside.frames else ()

    @property
    def invents(self) -> bool:
        """Whether the result may hold sound that was never recorded; yes where the tool can't tell yet."""
        generated: Any = getattr(self.tool, "generated_band", None)
        if not self.tool.is_generative or not self.inside.frames:
            return False
        analysis = self.held_analysis() if generated is not None else None
        return analysis is None or generated(self.below.format, self.params.live, analysis) is not None

    def tell_inventing(self, job: Job) -> bool:
        """Return `invents` for sure, learning about the recording first where the tool needs that to tell."""
        if self.tool.is_generative and self.inside.frames and hasattr(self.tool, "generated_band"):
            self.analysis(job)
        return self.invents

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should hear about this recording with these settings, as far as it is known yet."""
        said = [self.idle_reason] if self.idle_reason else []
        tell, analysis = getattr(self.tool, "remarks", None), self.held_analysis()
        if tell is not None and analysis is not None:
            said += [f"{self.tool.label}: {text}" for text in tell(self.below.format, self.params.live, analysis)]
        return tuple(said)

    @property
    def _is_live(self) -> bool:
        return self.params.live != self.params.render

    def parts(self, span: Span | None = None) -> Iterator[Span]:
        """Yield what the store holds or should hold, one part a chunk, in order; only those that touch `span`."""
        wanted = self.inside if span is None else self.inside.intersect(span)
        for index in self.grid.indices(wanted):
            yield self.grid.span(index).intersect(self.inside)

    def missing(self) -> list[Span]:
        """Return the parts that are not rendered."""
        present = self.shelf.present()
        return [part for part in self.parts() if part not in present]

    def read(self, span: Span, job: Job, may_render: bool) -> Samples:
        job.check()
        out = self.read_dry(span, job, may_render).copy() if self.needs_dry else None
        if out is None:
            out = np.empty((span.frames, self.format.channels), dtype=np.float32)
        for part in self.parts(span):
            here = part.intersect(span)
            place = slice(here.start - span.start, here.stop - span.start)
            wet = self._chunk(part, job, may_render).samples[here.start - part.start : here.stop - part.start]
            out[place] = self._composite(out[place], wet, here) if self.needs_dry else wet
        return out

    def _composite(self, x: Samples, wet: Samples, span: Span) -> Samples:
        if self._is_live:
            tool: Any = self.tool
            wet = np.asarray(tool.apply_live(x, wet, self.params.live), dtype=np.float32)
        return mix_down(x, wet, self.mix, self.scope, self.inside, span, self.format.frames, self.format.rate)

    def read_dry(self, span: Span, job: Job, may_render: bool) -> Samples:
        """Return the input on the time axis of the output; silence where the two have none in common."""
        if self.below.format == self.format:
            return self.below.read(span, job, may_render)
        if not self._has_dry:
            return np.zeros((span.frames, self.format.channels), dtype=np.float32)
        held = self._resampled
        if held is None or held[0] is not job or held[1] != may_render or held[2] != self.below.key:
            from engine.audio.resample import ResampledSignal

            signal = ResampledSignal(view(self.below, job, may_render), self.format.rate)
            held = self._resampled = (job, may_render, self.below.key, signal)
        return held[3].read(*span)

    def held_analysis(self) -> Analysis | None:
        """Return the analysis if it is known already."""
        key = self.keys.analysis
        held = self._bench.held_analysis(key)
        if held is None:
            data = self._bench.store.shelf(key).get_analysis()
            held = None if data is None else _read_analysis(data)
            if held is not None:
                self._bench.hold_analysis(key, held)
        return held

    def analysis(self, job: Job) -> Analysis:
        """Return what the tool learnt about the sound below, learning it first if need be."""
        with self._bench.alone_with(self.keys.analysis, job):
            held = self.held_analysis()
            if held is not None:
                return held
            signal = view(self.below, job)
            data = self.tool.analyse(signal, self.params.analysis, self._inputs, job).to_bytes()
            key = self.keys.analysis  # after the fact: the provider may have failed meanwhile
            # Through bytes even now, so that the first render sees the very values a later one reads back.
            fresh = Analysis.from_bytes(data)
            self._bench.hold_analysis(key, fresh)
            try:
                self._bench.store.shelf(key).put_analysis(data)
            except OutputError:
                return fresh  # a full disk costs a second analysis, not the result
            return fresh

    def _chunk(self, part: Span, job: Job, may_render: bool) -> Chunk:
        found = self._find(part)
        if found is not None:
            return found
        if not may_render:
            raise Unfinished
        with self._bench.alone_with((self.keys.wet, part), job):
            found = self._find(part)
            return found if found is not None else self._make(part, job)

    def _find(self, part: Span) -> Chunk | None:
        shelf = self.shelf
        return shelf.get(part) or self._bench.unsaved((shelf.key, part))

    def _make(self, part: Span, job: Job) -> Chunk:
        while True:
            key = self.keys.wet
            chunk = self._render(part, job)
            if key == self.keys.wet:
                break
        try:
            self.shelf.put(part, chunk)
        except OutputError as error:
            self._bench.keep_unsaved((key, part), chunk)
            self._bench.disk_error = error
        return chunk

    def _render(self, part: Span, job: Job) -> Chunk:
        is_box = self.scope.is_box
        window = box_window(part, self.inside) if is_box else part
        analysis = self.analysis(job)
        wet = self.tool.render(view(self.below, job), self.params.render, analysis, self._inputs, window, job)
        job.check()
        self._check_shape(wet, window)
        dry = self.read_dry(window, job, True)
        reasons: tuple[str, ...] = ()
        if not np.isfinite(wet).all():
            wet, reasons = dry, (sanity.NON_FINITE,)
        if is_box:
            wet = composite_box(dry, wet, window, part, self.scope, self.format.rate)
            dry = dry[part.start - window.start : part.stop - window.start]
        if self._has_dry:
            reasons += sanity.reasons(dry, wet, self.format.rate)
        return Chunk(wet, {"reasons": reasons, "edges": sanity.edges(dry, wet)})

    def _check_shape(self, wet: Samples, span: Span) -> None:
        wanted = (span.frames, self.format.channels)
        if not isinstance(wet, np.ndarray) or wet.shape != wanted or wet.dtype != np.float32:
            found = f"{wet.dtype} {wet.shape}" if isinstance(wet, np.ndarray) else type(wet).__name__
            raise ShellacError(
                f"{self.tool.label} returned {found} instead of float32 {wanted}",
                "switch the device off and report this to the tool's author",
                "the original is untouched",
            )


def _format_made(tool: Tool, given: Format, params: Params, inputs: Mapping[str, Signal]) -> Format:
    """Return the format of what `tool` makes. Raises UsageError if a recording that it can't do without isn't given."""
    for name in getattr(tool, "needs", ()):
        if name not in inputs:
            raise UsageError(f"{tool.label} has no {name}", f"give it the {name} it needs, or remove it")
    choose: Any = getattr(tool, "output_format_with", None)
    if choose is None:
        return Format(*tool.output_format(given, params))
    return Format(*choose(given, params, {name: format_of(signal) for name, signal in inputs.items()}))


def _read_analysis(data: bytes) -> Analysis | None:
    try:
        return Analysis.from_bytes(data)
    except (ValueError, KeyError, OSError, EOFError, BadZipFile):
        return None  # damaged: it is learnt again
