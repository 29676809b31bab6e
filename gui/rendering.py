"""Keeps B up to date: asks the engine for the result of the rack, cursor first, and says how far it is.

Nothing here waits: signals arrive on the window's thread, the work is done in a task.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtCore import Signal as QtSignal

from engine.audio.resample import ResampledSignal
from engine.audio.signal import Signal, Span
from engine.errors import ShellacError
from engine.playback.pair import AtOnce
from engine.session.device import Device
from engine.session.recipe import Step
from engine.session.render import RenderedSignal, Renderer
from engine.session.session import Track
from engine.settings import Settings
from engine.tools.tool import Analysis, Job
from gui.band_edge import account_of, generated_words, kept_words, learnt_words, warnings_of
from gui.banner import Message, message_of
from gui.document import Document
from gui.jobs import Fault, Jobs, Pace, Task
from gui.panels.foot import Doing

MARKS_REST_MS = 2000  # while rendering, the engine's doubts are collected so often
REST_MS = 300  # a changed knob rests so long before B is rendered again
ANALYSIS_SHARE = 0.2  # of the engine's own progress
WINDOWS = 16  # places where a device's effect is measured
WINDOW_S = 1.0


@dataclass(frozen=True)
class Effect:
    """What a device did, over sampled places of its finished sound."""

    change_db: float  # energy of (output − input) against the input's
    level_db: float
    is_unchanged_outside: bool | None = None  # of the scope; None where that is the whole track
    account: Mapping[str, Any] = field(default_factory=dict)  # what the tool measured of its own work, for reports


class Rendering(QObject):
    """The result of the rack in front: the Signal, which spans of it are finished, and the task that goes on."""

    begun = QtSignal()  # rendering begins anew: what was said about the last attempt is past
    ready = QtSignal()  # another result; `rendered` and `finished` hold it
    chunk_landed = QtSignal(object)  # Span of the result
    changed = QtSignal()  # progress, state
    marks_found = QtSignal(object)  # tuple of SanityMark
    settled = QtSignal()  # all is rendered, or it was stopped
    message = QtSignal(object)
    _ready_in_thread = QtSignal(object)
    _chunk_in_thread = QtSignal(object)

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self.renderer = Renderer(document.settings)
        self.rendered: RenderedSignal | None = None
        self.finished: tuple[Span, ...] = ()
        self.is_stale = False
        self.is_stopped = False
        self.is_analysing = False
        self.error: ShellacError | Fault | None = None
        self.effects: dict[str, Effect] = {}
        self._analyses: dict[str, Analysis] = {}  # asked for at every repaint of a card
        self.cursor_frame = 0  # read by the task's thread: where the listener is
        self.loop: Span | None = None
        self._track: Track | None = None
        self._task: Task | None = None
        self._task_id: object = None
        self._pace = Pace()
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._begin)
        self._marks_rest = QTimer(self)
        self._marks_rest.setSingleShot(True)
        self._marks_rest.setInterval(MARKS_REST_MS)
        self._marks_rest.timeout.connect(self._look_for_marks)
        self.settled.connect(self._look_for_marks)
        self._ready_in_thread.connect(self._take_result)
        self._chunk_in_thread.connect(self._take_chunk)

    @property
    def is_running(self) -> bool:
        return self._task is not None and self._task.state == "running"

    def use(self, settings: Settings) -> None:
        """Render with other threads, providers or another cache folder from the next rendering on."""
        self.renderer = Renderer(settings)

    @property
    def task(self) -> Task | None:
        """The task that renders, if there is one."""
        return self._task

    def follow(self, is_new_source: bool = False) -> None:
        """Look at the document: if its rack is another one, render it, at once or after a rest."""
        track, source = self._document.track, self._document.source
        if track is None or source is None:
            self.stop_quietly()
            self._track, self.rendered, self.finished = None, None, ()
            self.changed.emit()
            return
        if not is_new_source and self._track is not None and _sounds_same(track, self._track):
            return
        self.is_stale = True
        self.stop_quietly()
        is_drag = bool(self._document.entries) and bool(
            self._document.history and self._document.entries[self._document.history.index].gesture
        )
        self._rest.start(REST_MS if is_drag and not is_new_source else 0)
        self.changed.emit()

    def stop_quietly(self) -> None:
        """Stop the running task; what is finished stays in the store."""
        self._rest.stop()
        self._task_id = None  # whatever it has still to say is about another rack
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def stop(self) -> None:
        """Stop because the user asked for it."""
        if self.is_running:
            self.stop_quietly()
            self.is_stopped = True
            self.changed.emit()
            self.settled.emit()

    def go_on(self) -> None:
        """Go on after `stop`, or try again after a failure."""
        self._begin()

    def _begin(self) -> None:
        track, source = self._document.track, self._document.source
        if track is None or source is None:
            return
        self.stop_quietly()
        self._track, self.is_stopped, self.error, self.is_analysing = track, False, None, False
        self.begun.emit()
        self._pace = Pace()

        renderer = self.renderer

        def work(job: Job) -> dict[str, Effect]:
            rendered = renderer.result(track, source)
            self._ready_in_thread.emit((task_id, rendered, rendered.finished))
            renderer.work(
                rendered,
                lambda: self.cursor_frame,
                lambda: self.loop,
                job,
                lambda span: self._chunk_in_thread.emit((task_id, span)),
            )
            return measure_effects(rendered, track.recipe.steps, job)

        def done(effects: dict[str, Effect]) -> None:
            if task_id is self._task_id:
                self._done(effects)

        def failed(error: ShellacError | Fault) -> None:
            if task_id is self._task_id:
                self._failed(error)

        name = " + ".join(self._document.label_of(step) for step in track.recipe.steps if step.is_heard)
        task_id = object()
        self._task_id = task_id
        self._task = self._jobs.start(name or "Source", work, done, failed, is_shown=bool(name))
        self._task.share = self._share
        self._task.progressed.connect(self.changed)
        self._task.ended.connect(self.changed)
        self.changed.emit()

    def _take_result(self, given: tuple[object, RenderedSignal, tuple[Span, ...]]) -> None:
        task_id, rendered, finished = given
        if task_id is not self._task_id:
            return
        self.rendered, self.finished, self.is_stale = rendered, finished, False
        self.effects, self._analyses = {}, {}
        self._pace.start(self.finished_s, time.perf_counter())
        self.ready.emit()
        self.changed.emit()
        for problem in rendered.problems[:1]:
            self.message.emit(_message_of_problem(problem.error))

    def _take_chunk(self, given: tuple[object, Span]) -> None:
        task_id, span = given
        if task_id is not self._task_id or self.rendered is None:
            return
        self.finished = _joined((*self.finished, span))
        self._pace.add(self.finished_s, time.perf_counter())
        if self._task is not None:
            self._task.speed, self._task.left_s = self._pace.speed, self._pace.left_s(self.total_s)
        self.chunk_landed.emit(span)
        self.changed.emit()
        if not self._marks_rest.isActive():
            self._marks_rest.start()

    def _look_for_marks(self) -> None:
        rendered = self.rendered
        if rendered is None:
            return

        def found(marks: object) -> None:
            if rendered is self.rendered:
                self.marks_found.emit(marks)

        self._jobs.start("Marks", lambda _job: rendered.marks, found, lambda _error: None, is_shown=False)

    @property
    def total_s(self) -> float:
        return self.rendered.frames / self.rendered.rate if self.rendered is not None else 0.0

    @property
    def finished_s(self) -> float:
        if self.rendered is None:
            return 0.0
        return sum(span.frames for span in self.finished) / self.rendered.rate

    @property
    def fraction(self) -> float:
        return self.finished_s / self.total_s if self.total_s else 1.0

    def _share(self, fraction: float) -> float:
        """Return what the pill shows: the analysis first, then how much of B is there."""
        self.is_analysing = fraction < ANALYSIS_SHARE and self.fraction < 1.0
        if self._task is not None:
            self._task.phase = "analysing" if self.is_analysing else ""
        return min(1.0, fraction / ANALYSIS_SHARE) if self.is_analysing else self.fraction

    def _done(self, effects: dict[str, Effect]) -> None:
        self.effects = effects
        self.changed.emit()
        self.settled.emit()

    def _failed(self, error: ShellacError | Fault) -> None:
        self.error = error
        made = message_of(error, (("Try again", self.go_on),))
        self.message.emit(replace(made, topic="render"))
        self.changed.emit()
        self.settled.emit()

    def doing(self, step: Step) -> Doing:
        """Return what the foot of a device's card says."""
        if step.tool not in self._document.tool_by_name:
            return Doing("missing", note="kept in the project, does nothing")
        if not step.is_heard:
            return Doing("off", note="mix is 0 %" if step.enabled else "")
        problem = self._problem(step)
        if problem:
            return Doing("failed", note=problem)
        if self.is_stale:
            return Doing("stale")
        if self.error is not None:
            return Doing("failed", note=str(getattr(self.error, "what", "see the message")))
        if self.is_stopped:
            return Doing("stopped", note=f"{100 * self.fraction:.0f} % finished")
        if self._task is None or self.rendered is None:
            return Doing("waiting")
        if self.is_analysing:
            return Doing("analysing", self._task.fraction)
        if self._task.state == "running" and self.fraction < 1.0:
            rendering = Doing("rendering", self.fraction, self._pace.speed, self._pace.left_s(self.total_s))
            return self._with_learnt(rendering, step)
        return self._with_learnt(self._done_words(step), step)

    def _done_words(self, step: Step) -> Doing:
        effect = self.effects.get(step.id)
        if effect is None:
            return Doing("done")
        if self._document.tool_by_name[step.tool].is_generative:
            return Doing("done", generated=generated_words(effect.account), kept=kept_words(effect.account))
        return Doing(
            "done",
            removed_db=effect.change_db,
            level_lu=effect.level_db,
            is_unchanged_outside=effect.is_unchanged_outside,
        )

    def _with_learnt(self, doing: Doing, step: Step) -> Doing:
        """Return `doing` with what the card says of the analysis."""
        device = self.rendered.device(step.id) if self.rendered is not None else None
        analysis = self.analysis(step)
        if device is None or analysis is None:
            return doing
        return replace(doing, learnt=learnt_words(device, analysis), warnings=warnings_of(device, analysis))

    def analysis(self, step: Step) -> Analysis | None:
        """Return what a device has learnt of the recording, None while that isn't known."""
        if step.id not in self._analyses and self.rendered is not None:
            found = self.rendered.analysis(step.id)
            if found is not None:
                self._analyses[step.id] = found
        return self._analyses.get(step.id)

    def _problem(self, step: Step) -> str:
        if self.rendered is None or self.is_stale:
            return ""
        return next((p.error.what for p in self.rendered.problems if p.step_id == step.id), "")


def _message_of_problem(error: ShellacError) -> Message:
    made = message_of(error)
    return Message(made.text, made.detail, "warn", made.copyable, (), "device")


def _sounds_same(one: Track, other: Track) -> bool:
    return one.source == other.source and one.recipe == other.recipe


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.start <= out[-1].stop:
            out[-1] = Span(out[-1].start, max(out[-1].stop, span.stop))
        else:
            out.append(span)
    return tuple(out)


def measure_effects(rendered: RenderedSignal, steps: Sequence[Step], job: Job) -> dict[str, Effect]:
    """Return what each device did, from `WINDOWS` places of a second, spread evenly, and what its tool measures itself.

    The change is the energy of (output − input) against the input's; level the change of energy, both in dB. The input
    of a device that changes the rate is resampled first; a device on another time axis is left out.
    """
    found: dict[str, Effect] = {}
    for step in steps:
        device = rendered.device(step.id)
        if device is None:
            continue
        before, after = rendered.before(step.id), rendered.after(step.id)
        given: Signal = AtOnce(before)
        if before.rate != after.rate:
            given = ResampledSignal(given, after.rate)
        if (given.frames, given.channels) == (after.frames, after.channels):
            effect = _effect(given, after, device, job)
            if effect is not None:
                account = account_of(device, before, after, job)
                found[step.id] = replace(effect, account=account)
    return found


def _effect(before: Signal, after: RenderedSignal, device: Device, job: Job) -> Effect | None:
    scope = device.inside
    sums = np.zeros(3)
    is_unchanged = True
    length = min(after.frames, round(WINDOW_S * after.rate))
    for place in range(WINDOWS):
        job.check()
        start = (after.frames - length) * place // max(1, WINDOWS - 1)
        x, y = before.read(start, start + length), after.read_available(start, start + length)[0]
        outside = np.ones(length, dtype=np.bool_)
        outside[max(0, scope.start - start) : max(0, scope.stop - start)] = False
        is_unchanged = is_unchanged and bool(np.array_equal(x[outside], y[outside]))
        wide_x, wide_y = x[~outside].astype(np.float64), y[~outside].astype(np.float64)
        sums += (np.sum(wide_x**2), np.sum((wide_y - wide_x) ** 2), np.sum(wide_y**2))
    if not (sums[0] > 0 and sums[2] > 0):
        return None
    is_partial = scope.frames < after.frames
    change_db, level_db = 10 * np.log10(max(sums[1] / sums[0], 1e-12)), 10 * np.log10(sums[2] / sums[0])
    return Effect(float(change_db), float(level_db), is_unchanged if is_partial else None)
