"""Builds the folder that travels: everything one training run needs, within a budget that is kept or refused."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from training.data import data_folder, runs_folder
from training.loop import folder_facts
from training.packing import carried
from training.packing.halves import pack_checkpoint
from training.packing.hashes import write_hashes
from training.packing.pages import RUN, readme
from training.packing.parts import MOST_PARTS, PART_BYTES, write_parts
from training.packing.plan import CODE, DATA, EARLIER, OWN, PRESETS, RECIPES, SITE, Plan, read_plan
from training.packing.presets import preset_sources, write_presets
from training.packing.recordings import Taken, development_sources, own_sources, write_recordings
from training.recipe import Recipe, TrainingError
from training.state import FILE, checkpoint, run_folder

MIB: Final = 2**20
PRESET_BYTES: Final = round(2.5 * MIB)  # for a program, at most
_PRESETS_SHARE: Final = 0.4  # of what is left for sound, at most
_OWN_SHARE: Final = 0.5  # where development data want the rest
_PAGES: Final = 128 * 1024  # for README, plan, list of hashes
_LEAST_SOUND: Final = 512 * 1024
_EVERY_FILE: Final = 110  # bytes of a line in the list of hashes


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    recipe: Recipe
    folder: Path  # where the pack shall lie
    licences: str = "clean"
    budget: int = 60 * MIB
    reserve: int = 0  # of it, kept free for what an earlier job brought back
    own: Path | None = None
    seed: int = 0
    minutes: float = 20.0
    steps: int | None = None
    bf16: bool = True
    has_packages: bool = True
    resumes: bool = False


@dataclass
class Contents:
    """What has been put in, for the table."""

    lines: list[tuple[str, int, float, int]] = field(default_factory=list)  # what, files, minutes, bytes

    def add(self, what: str, folder: Path) -> int:
        """Take down everything in a folder; its bytes."""
        sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()] if folder.exists() else []
        if sizes:
            self.lines.append((what, len(sizes), 0.0, sum(sizes)))
        return sum(sizes)

    def add_sound(self, taken: list[Taken], prefix: str = "") -> None:
        """Take down recordings."""
        for t in taken:
            self.lines.append((f"{prefix}{t.set}, {t.split}", t.files, t.seconds / 60.0, t.bytes))

    def table(self, budget: int) -> str:
        """What takes how much."""
        rows = [f"  {what:34s}{files:6d} files {f'{m:7.1f} min' if m else '':>11s}{size / MIB:8.2f} MiB"
                for what, files, m, size in self.lines]  # fmt: skip
        total = sum(size for *_, size in self.lines)
        files = sum(count for _, count, *_ in self.lines)
        rows.append(f"  {'together':34s}{files:6d} files {'':11s}{total / MIB:8.2f} MiB of {budget / MIB:g}")
        return "\n".join(rows)


def pack(wish: Wish) -> str:
    """Build the pack in place of an older one of the same folder; return the table of its contents.

    Raises
    ------
    TrainingError
        If it can't fit, something it needs is missing, or the folder holds something else. Then nothing has changed.
    """
    check(wish)
    unfinished = wish.folder.with_name(f".{wish.folder.name}.{os.getpid()}.tmp")
    unfinished.mkdir(parents=True)
    try:
        table = _fill(unfinished, wish)
        if wish.folder.exists():
            shutil.rmtree(wish.folder)
        unfinished.replace(wish.folder)
    except OSError as error:
        raise TrainingError(f"{wish.folder} can't be written ({error.strerror}): make room, or name another") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return table


def check(wish: Wish) -> None:
    """Refuse what would destroy something or can't work.

    Raises
    ------
    TrainingError
        With one sentence.
    """
    if wish.folder.exists():
        if not wish.folder.is_dir() or (any(wish.folder.iterdir()) and not (wish.folder / "pack.json").exists()):
            raise TrainingError(f"{wish.folder} is there and is no pack: name another folder with -o")
        if (wish.folder / "pack.json").exists():
            read_plan(wish.folder)
    for name in wish.recipe.needs.networks:
        if not carried.room_exists(name):
            raise TrainingError(
                f"{wish.recipe.name} needs the network {name}, and there is no such room: train it first"
            )
    if wish.budget <= 0 or not 0 <= wish.reserve < wish.budget:
        raise TrainingError("the budget must be over 0 and larger than what is reserved of it")


def _fill(pack: Path, wish: Wish) -> str:
    contents, needs = Contents(), wish.recipe.needs
    carried.copy_code(pack / CODE)
    fixed = contents.add("code", pack / CODE)
    before = fixed
    carried.copy_networks(pack / CODE, needs, wish.licences, wish.own)
    fixed = _size(pack / CODE)
    if fixed > before:
        contents.lines.append(("networks " + ", ".join(needs.networks), 2 * len(needs.networks), 0.0, fixed - before))
    carried.copy_recipes(pack / RECIPES)
    fixed += contents.add("own recipes", pack / RECIPES)
    if wish.has_packages:
        carried.copy_packages(pack / SITE, needs)
        fixed += contents.add("packages for Python 3.12", pack / SITE)
    fixed += _EVERY_FILE * sum(1 for _ in pack.rglob("*")) + _PAGES
    left = wish.budget - max(wish.reserve, 0) - fixed
    wants_sound = needs.sets != () or needs.programs or wish.own
    if left < (_LEAST_SOUND if wants_sound else 0):
        raise TrainingError(
            f"{wish.budget / MIB:g} MiB can't hold the pack: code and packages take {fixed / MIB:.1f}, reserved are "
            f"{wish.reserve / MIB:.1f}, {left / MIB:.1f} would be left for recordings; give --budget-mib "
            f"{(fixed + wish.reserve) / MIB + 10:.0f} or more"
        )
    _add_sound(pack, wish, left, contents)
    plan = _plan(pack, wish)
    if wish.resumes:
        _add_earlier(pack, wish, plan, contents)
    plan.write(pack)
    (pack / "run.sh").write_text(RUN, encoding="utf-8")
    (pack / "run.sh").chmod(0o755)
    table = contents.table(wish.budget)
    places = {path.name for path in pack.iterdir()}
    (pack / "README.txt").write_text(readme(plan, table, places), encoding="utf-8")
    write_hashes(pack)
    total = _size(pack)
    if total > wish.budget:
        raise TrainingError(
            f"the pack takes {total / MIB:.2f} MiB of {wish.budget / MIB:g}: give a larger --budget-mib"
        )
    return f"{table}\n  with pages and list of hashes: {total / MIB:.2f} MiB"


def _add_sound(pack: Path, wish: Wish, left: int, contents: Contents) -> None:
    needs, weights = wish.recipe.needs, dict(wish.recipe.needs.weights)
    if needs.programs:
        budget = min(PRESET_BYTES * len(needs.programs), round(_PRESETS_SHARE * left))
        sources = preset_sources(needs.programs, needs.rate, needs.channels)
        (pack / PRESETS).mkdir()
        _, size = write_presets(pack / PRESETS, sources, needs.rate, budget, wish.seed)
        contents.add("notes of FluidR3", pack / PRESETS)
        left -= size
    development = development_sources(needs, wish.licences)
    if wish.own:
        own = pack / OWN / wish.own.resolve().name
        budget = round(_OWN_SHARE * left) if development else left
        mine = own_sources(wish.own, needs.rate, wish.licences)
        taken = write_recordings(own, mine, needs, budget, wish.seed, {"noise": 2.0})
        contents.add_sound(taken, "own ")
        left -= _size(own)
    if needs.note_lists:
        (pack / DATA).mkdir(exist_ok=True)
        left -= _note_list_bytes(pack, wish, contents)
    if development:
        taken = write_recordings(pack / DATA, development, needs, left - 64 * 1024, wish.seed, weights)
        if not any(t.split == "train" for t in taken):
            raise TrainingError("no recording fits into what is left of the budget: give a larger --budget-mib")
        contents.add_sound(taken)
        carried.copy_maps(pack / DATA)
    if needs.note_lists:
        carried.copy_note_lists(pack / DATA, wish.licences)


def _note_list_bytes(pack: Path, wish: Wish, contents: Contents) -> int:
    from training.data import performances

    rows = [row for split in ("train", "validation") for row in performances(split, wish.licences)]
    size = sum((data_folder() / row.path).stat().st_size for row in rows)
    if rows:
        contents.lines.append(("note lists", len(rows), 0.0, size))
    return size + 400 * len(rows)


def _plan(pack: Path, wish: Wish) -> Plan:
    digest = hashlib.sha256(f"{wish.recipe.name} {wish.licences} {wish.seed}".encode())
    for manifest in sorted([*pack.glob(f"{DATA}/manifest.csv"), *pack.glob(f"{OWN}/*/manifest.csv")]):
        digest.update(manifest.read_bytes())
    return Plan(
        recipe=wish.recipe.name,
        run=run_folder(wish.recipe.name, wish.licences, wish.own).name,
        licences=wish.licences,
        seed=wish.seed,
        minutes=wish.minutes,
        steps=wish.steps,
        folder=wish.own.resolve().name if wish.own else "",
        folder_facts=folder_facts(wish.own, wish.licences),
        bf16=wish.bf16,
        id=digest.hexdigest()[:12],
    )


def _add_earlier(pack: Path, wish: Wish, plan: Plan, contents: Contents) -> None:
    """Take along the run as it stands here, as much of it as was reserved."""
    path = runs_folder() / plan.run / FILE
    content = checkpoint(path)
    limit = min(wish.reserve or wish.budget, MOST_PARTS * PART_BYTES)
    payload, level = pack_checkpoint(content, limit - 4096 * MOST_PARTS)
    facts: dict[str, str | int] = {"run": plan.run, "recipe": plan.recipe, "pack": plan.id,
                                   "step": int(content["step"]), "level": level.name}  # fmt: skip
    write_parts(pack / EARLIER, payload, facts)
    contents.add(f"the run so far ({level.name})", pack / EARLIER)
    print(f"the run goes on from step {content['step']}: {level.meaning}")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
