"""The one training loop: plain functions over a State, driven by a recipe.

A run lives in `runs/<recipe>/` (`<recipe>-all`, `<recipe>-own-<folder>` where other recordings take part):
`checkpoint.pt`, `log.csv` and pictures. It can be stopped at any moment, also by force, and goes on as if it never
had been: what happens in a step follows from its number, the seed and the plan alone.
"""

from __future__ import annotations

import copy
import json
import math
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

import numpy as np

from training import distributed, randomness
from training.data.loader import Ahead, ahead
from training.data.own import own_folder
from training.journal import VALIDATION, Progress, set_aside, write_examples, write_journal
from training.losses.modes import modes_heard, widest
from training.precision import uses_bf16
from training.provenance import data_facts, joined
from training.recipe import Batch, CheckpointError, Phase, Recipe, Settings, TrainingError
from training.rooms import load_room_weights, room_licences
from training.schedule import MEASURED_STEPS, learning_rate, phase_at, planned_steps
from training.state import (
    FILE,
    Row,
    State,
    keep_randomness,
    load,
    run_folder,
    save,
    start,
)
from training.step import Trainer, take_step, trainer_of

_PICTURE_SECONDS: Final = 60.0  # pictures of what is still going on are drawn no more often


@dataclass
class Clock:
    """What happens by the clock, and therefore must never touch what is learned."""

    began: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)
    drawn: float = -math.inf
    step_seconds: list[float] = field(default_factory=list)
    validation_seconds: float = 0.0
    is_stop_asked: bool = False


class Averages:
    """Means of figures between two rows of the log; a figure may be absent from some steps, or be no number there."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, figures: dict[str, float]) -> None:
        """Take in the figures of a step."""
        for name, value in figures.items():
            if math.isfinite(value):
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = total + value, count + 1

    def __bool__(self) -> bool:
        return bool(self._sums)

    def take(self) -> dict[str, float]:
        """Return the means, and begin anew."""
        means = {name: float(f"{total / count:.6g}") for name, (total, count) in self._sums.items()}
        self._sums = {}
        return means


def run(recipe: Recipe, settings: Settings, workers: int = 1) -> Path:
    """Train as long as asked (over all resumptions) and return the checkpoint's path.

    Raises
    ------
    TrainingError
        If something stands in the way that a person can mend; what was learned up to the last checkpoint is kept.
    """
    state = start(recipe, settings)
    use_bf16 = uses_bf16(recipe, settings, state.model, *([state.critic.model] if state.critic else []))
    folder = settings.save_to or run_folder(recipe.name, settings.licences, settings.folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    state.folder = folder_facts(settings.folder, settings.licences)
    is_resumed = settings.resume and path.exists()
    if settings.resume and not is_resumed and settings.rank == 0:
        print(f"there is nothing to go on with in {folder}: a new run begins", flush=True)
    if is_resumed:
        load(state, path)
        # Which items there are follows from what was asked for at first.
        tell_of_the_plan(state, settings)
        settings = replace(settings, minutes=state.asked_minutes, steps=state.asked_steps)
        if is_done(state):
            return path
    elif settings.from_room:
        load_room(recipe, state, settings.rate_share)
    if settings.rank == 0:
        seen = data_facts(recipe, replace(settings, resume=is_resumed))
        state.data = joined(state.data, seen) if is_resumed else seen
    if recipe.make_items and settings.rank == 0:
        recipe.make_items(settings, workers)
    distributed.wait(settings)
    note_inputs(recipe, settings, state, use_bf16=use_bf16)
    if not is_resumed:
        prepare(recipe, settings, state)
        keep_the_last(folder, settings)
    begin_randomness(state, settings, is_resumed=is_resumed)
    train(trainer_of(recipe, settings, state, use_bf16=use_bf16), folder)
    return path


def folder_facts(folder: Path | None, licences: str = "clean") -> str:
    """What a checkpoint says of a person's own recordings, as JSON; other recordings have another digest.

    `licences` decides which of them take part, where their manifest.csv states any.

    Raises
    ------
    NoRecordingsError
        If nothing in the folder can be used.
    """
    if folder is None:
        return ""
    own = own_folder(folder, licences)
    rows = own.rows()
    seconds = round(sum(row.seconds for row in rows), 1)
    facts = {"name": folder.resolve().name, "recordings": len(rows), "seconds": seconds}
    return json.dumps(facts | {"digest": own.listing_digest()})


def prepare(recipe: Recipe, settings: Settings, state: State) -> None:
    """Let the recipe measure what its network must know before the first step; shipped weights know it."""
    if recipe.prepare and not settings.from_room:
        recipe.prepare(state.model, settings)
        state.average.load_state_dict(state.model.state_dict())


def tell_of_the_plan(state: State, settings: Settings) -> None:
    """Say how far a run that goes on will go: other minutes don't change its plan."""
    if settings.rank > 0 or state.steps is None:
        return
    begun = "" if state.asked_steps is not None else f" (for the {state.asked_minutes:g} minutes it was begun with)"
    plan = f"planned for {state.steps} steps{begun}, whatever --minutes says now"
    rest = "all of them are taken: begin a new run for more" if is_done(state) else f"it goes on at step {state.step}"
    print(f"{plan}; {rest}", flush=True)


def note_inputs(recipe: Recipe, settings: Settings, state: State, *, use_bf16: bool) -> None:
    """Write down what the run learns from and how it computes; say so if that has changed since it was begun."""
    inputs = recipe.inputs(settings) if recipe.inputs and settings.rank == 0 else ""
    if inputs and state.inputs not in ("", inputs):
        print(
            f"the items that {recipe.name} trains on, or what was worked out from them, have changed since this run "
            "was begun: it goes on, but won't end with the weights that it would have had",
            flush=True,
        )
    if settings.rank == 0 and state.is_bf16 not in (None, use_bf16):
        then, now = ("bfloat16", "float32") if state.is_bf16 else ("float32", "bfloat16")
        print(f"this run was begun in {then} and goes on in {now}: take the other --bf16 to go on alike", flush=True)
    state.inputs, state.is_bf16 = inputs, use_bf16


def keep_the_last(folder: Path, settings: Settings) -> None:
    """Keep the checkpoint of the run before, which this one would overwrite."""
    before = set_aside(folder) if settings.rank == 0 else None
    if before:
        print(f"a new run begins (--resume would have gone on); the last one is kept as {before}", flush=True)
    distributed.wait(settings)


def begin_randomness(state: State, settings: Settings, *, is_resumed: bool) -> None:
    """Go on with the kept random states; processes that weren't there before begin their own."""
    if is_resumed and settings.rank < len(state.randomness):
        randomness.set_random_states(state.randomness[settings.rank])
        return
    source = np.random.SeedSequence((settings.seed, state.step, settings.rank))
    randomness.seed_everything(int(source.generate_state(1)[0]))


def load_room(recipe: Recipe, state: State, rate_share: float) -> None:
    """Begin from the weights that are shipped in the room, at a share of the recipe's learning rate.

    Raises
    ------
    CheckpointError
        If there is no room, or its weights were trained on more than this run may see.
    """
    if recipe.room is None:
        raise CheckpointError(f"{recipe.name} has no room to begin from: leave --from-room out")
    room = recipe.room()
    if state.licences == "clean" and room_licences(room.name) != "clean":
        raise CheckpointError(
            f"the weights in the room {room.name} were trained on non-commercial recordings: take --data all"
        )
    weights = load_room_weights(room.name, room.file)
    state.model.load_state_dict(weights)
    state.average.load_state_dict(weights)
    state.rate_share = rate_share


def train(trainer: Trainer, folder: Path) -> None:
    """Step until the plan is fulfilled or someone asks to stop, logging and saving on the way."""
    state, settings, clock = trainer.state, trainer.settings, Clock()
    is_silent = settings.rank > 0
    with stop_on_signals(clock), Progress(state.step, state.steps, is_silent=is_silent) as progress:
        if settings.from_room and state.step == 0:
            validate(trainer, clock, progress)  # what the shipped weights do: to be beaten
        while not is_done(state) and not clock.is_stop_asked:
            train_phase(trainer, folder, clock, progress)
        if is_done(state):
            validate(trainer, clock, progress)
            if lost := lost_of_shipped(state.rows):
                progress.say(lost)
        else:
            progress.say(f"stopped after step {state.step} of {state.steps or 'a plan to come'}: --resume goes on")
        keep(trainer, folder, clock, is_drawn=True)


def lost_of_shipped(rows: Sequence[Row]) -> str:
    """A sentence for a run that began with shipped weights and ends no better by its validation; else nothing."""
    name = f"{VALIDATION}loss"
    losses = [(row["step"], float(row[name])) for row in rows if name in row]
    if not losses or losses[0][0] != 0.0 or losses[-1][1] < losses[0][1]:
        return ""
    return (
        f"no better than the shipped weights (validation loss {losses[0][1]:.4f} before, {losses[-1][1]:.4f} now): "
        "keep those, or train longer and with more recordings"
    )


def train_phase(trainer: Trainer, folder: Path, clock: Clock, progress: Progress) -> None:
    """Take the steps of the phase that the run stands in."""
    recipe, state, settings = trainer.recipe, trainer.state, trainer.settings
    phase = phase_at(recipe.phases, state.step, state.steps)
    averages, waited, take = Averages(), 0.0, take_heard_step
    with closing(ahead(recipe.batches(replace(settings, phase=phase), state.step))) as batches:
        while not is_done(state) and phase is phase_at(recipe.phases, state.step, state.steps):
            began = time.monotonic()
            figures = take(trainer, next_batch(batches, trainer), phase)
            take = take_step
            if not state.skipped_in_a_row:
                averages.add(figures)
            seconds = time.monotonic() - began
            averages.add({"waited": (batches.waited_seconds - waited) / seconds})
            waited = batches.waited_seconds
            state.seconds += seconds
            state.trained_until = datetime.now(UTC).date().isoformat()
            progress.advance()
            if state.step % settings.log_steps == 0:
                log(trainer, averages.take(), phase, progress)
            clock.step_seconds.append(seconds)
            if state.steps is None and len(clock.step_seconds) == MEASURED_STEPS:
                plan(trainer, clock, progress)
                keep(trainer, folder, clock)
            if settings.epoch_steps and state.step % settings.epoch_steps == 0 and not is_done(state):
                validate(trainer, clock, progress)
                keep(trainer, folder, clock, is_drawn=True)
            if act_on_clock(trainer, folder, clock, progress):
                break
    if averages:
        log(trainer, averages.take(), phase, progress)


def take_heard_step(trainer: Trainer, batch: Batch, phase: Phase) -> dict[str, float]:
    """Take a step and note in which mode its losses were used; the first of every phase will do."""
    with modes_heard() as modes:
        figures = take_step(trainer, batch, phase)
    trainer.state.loss_mode = widest(trainer.state.loss_mode, *modes)
    return figures


def next_batch(batches: Ahead[Batch], trainer: Trainer) -> Batch:
    """Return this process's part of the next batch.

    Raises
    ------
    TrainingError
        If the recipe has no more.
    """
    batch = next(batches, None)
    if batch is None:
        raise TrainingError(
            f"the batches of {trainer.recipe.name} end at step {trainer.state.step}: let its recipe yield them for ever"
        )
    return batch if trainer.recipe.parts_batches else distributed.part(batch, trainer.settings)


def is_done(state: State) -> bool:
    """Whether the plan is fulfilled."""
    return state.steps is not None and state.step >= state.steps


def plan(trainer: Trainer, clock: Clock, progress: Progress) -> None:
    """Turn minutes into steps, once and for all."""
    state = trainer.state
    validate(trainer, clock, progress)
    steps = planned_steps(clock.step_seconds, state.seconds, clock.validation_seconds, trainer.settings)
    # Counted from the steps of this process; a run that was stopped before it had a plan has more behind it.
    steps += state.step - len(clock.step_seconds)
    state.steps = distributed.of_the_first(steps, trainer.settings)
    progress.plan(state.steps)


def act_on_clock(trainer: Trainer, folder: Path, clock: Clock, progress: Progress) -> bool:
    """Save when it is time, and return whether to stop; all processes decide alike."""
    settings, now = trainer.settings, time.monotonic()
    stop_after = math.inf if settings.stop_after_minutes is None else settings.stop_after_minutes * 60.0
    wishes = (
        clock.is_stop_asked or now - clock.began >= stop_after,
        now - clock.saved >= settings.checkpoint_minutes * 60,
    )
    stop, saving = (value > 0.0 for value in distributed.averaged(wishes, settings))
    clock.is_stop_asked = stop
    if saving and not stop and not is_done(trainer.state):
        validate(trainer, clock, progress)
        keep(trainer, folder, clock)
    return stop


def log(trainer: Trainer, means: dict[str, float], phase: Phase, progress: Progress) -> None:
    """Add a row on training."""
    state, recipe = trainer.state, trainer.recipe
    row: Row = {"step": float(state.step), "minutes": round(state.seconds / 60.0, 3)}
    row["rate"] = float(f"{state.rate_share * learning_rate(recipe, state.step - 1, state.steps):.4g}")
    if len(recipe.phases) > 1:
        row["phase"] = phase.name
    row |= means
    row["loss_mode"] = state.loss_mode
    if state.skipped:
        row["skipped"] = float(state.skipped)
    state.rows.append(row)
    progress.tell(row)


def validate(trainer: Trainer, clock: Clock, progress: Progress) -> None:
    """Add a row on the averaged weights; how often that happens must not change what is learned."""
    state, settings = trainer.state, trainer.settings
    began = time.monotonic()
    if settings.rank == 0:
        with untouched(state):
            figures = trainer.recipe.validate(state.average, settings)
        row: Row = {"step": float(state.step), "minutes": round(state.seconds / 60.0, 3)}
        row |= {f"{VALIDATION}{name}": value for name, value in figures.items()}
        state.rows.append(row)
        progress.tell(row)
    distributed.wait(settings)
    clock.validation_seconds = time.monotonic() - began
    state.seconds += clock.validation_seconds


@contextmanager
def untouched(state: State) -> Iterator[None]:
    """Whatever is drawn inside, also by losses with a state of their own, leaves no trace."""
    kept = copy.deepcopy(state.losses.state_dict()) if state.losses else None
    with randomness.untouched_randomness():
        try:
            yield
        finally:
            if state.losses and kept is not None:
                state.losses.load_state_dict(kept)


def keep(trainer: Trainer, folder: Path, clock: Clock, *, is_drawn: bool = False) -> None:
    """Write the checkpoint, then log and pictures, if they are wanted or old; the first process does."""
    state, settings, recipe = trainer.state, trainer.settings, trainer.recipe
    keep_randomness(state, settings)
    if settings.rank == 0:
        save(state, folder / FILE)
        now = time.monotonic()
        if is_drawn or now - clock.drawn >= _PICTURE_SECONDS:
            write_journal(state, folder)
            if recipe.examples:
                with untouched(state):
                    write_examples(recipe.examples(state.average, settings), folder)
            clock.drawn = now
    clock.saved = time.monotonic()
    distributed.wait(settings)


@contextmanager
def stop_on_signals(clock: Clock) -> Iterator[None]:
    """Inside, Ctrl-C and a polite kill end the run after the step and save it; a second one ends it at once."""
    kept = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, _frame: FrameType | None) -> None:
        clock.is_stop_asked = True
        signal.signal(number, kept[number])

    try:
        for number in kept:
            signal.signal(number, ask)
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
