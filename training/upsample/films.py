"""The recipes of AFiLM and TFiLM: speech at 8, 4 or 2 kHz back to 16 kHz, by mean square error.

They learn from archives of patches (see `training.upsample.prepare`), and begin with what another has learned. A
validation hears passages of sentences that nobody trained on, and says what the spline would have got.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn

from models.blocks import FilmNetwork
from training.data import Samples, cached_mono, read_mono, recordings, runs_folder, usable_recordings
from training.data.archive import PatchArchive
from training.data.patches import write_archive
from training.figures import upsample_figures
from training.packing.needs import Needs
from training.recipe import Batch, Example, Phase, Recipe, Settings, Terms, TrainingError
from training.room import Inputs, Port, Room
from training.upsample import pairs
from training.upsample.pairs import FACTORS, LEVEL_DBFS, RATE
from training.upsample.prepare import CORPORA, pair_plan
from training.upsample.scores import lsd, snr_db
from training.upsample.starting import learned, patches, take_over
from training.upsample.windows import FADE, HOP, WINDOW, applied

TRAINED_SET: Final = CORPORA["single"].name
BATCH: Final = 8  # patches: on a CPU, twice as many steps teach more than twice as large ones
GAIN_DB: Final = 4.0  # a host's level differs from ours: it knows the low band only
VALIDATED: Final = 10  # files
VALIDATED_SECONDS: Final = 3.0  # of each
VALIDATED_PATCHES: Final = 64  # of an archive
DRAWN: Final = 2
_POWER: Final = 10.0 ** (LEVEL_DBFS / 10.0)  # the loss is relative to it


@dataclass(frozen=True)
class Film:
    """One network for one factor."""

    room: str  # afilm or tfilm
    factor: int
    build: Callable[[], nn.Module]
    start: str = ""  # the recipe whose weights it begins with
    train: Path | None = None  # an archive; None: cut from the development data
    validation: Path | None = None
    batch: int = BATCH
    heard: str = TRAINED_SET  # the set that its patches are of: its licence is that of the weights

    @property
    def name(self) -> str:
        """Of the recipe."""
        return f"{self.room}_x{self.factor}"


def archive_of(film: Film, settings: Settings) -> Path:
    """Where the patches lie that a run learns from."""
    return film.train or runs_folder() / "cache" / f"pairs_x{film.factor}_train_{settings.licences}.h5"


def make_items(film: Film, settings: Settings, _workers: int) -> None:
    """Cut the archive if it isn't there.

    Raises
    ------
    TrainingError
        If a folder of one's own is asked for: its archive is cut by another command.
    """
    if settings.folder is not None:
        raise TrainingError(
            f"{film.name} learns from archives: cut one with python -m training.upsample.prepare OUT.h5 --folder "
            f"{settings.folder}, then give it to python -m training.upsample.train --train OUT.h5"
        )
    if film.train is None:
        path = archive_of(film, settings)
        path.parent.mkdir(parents=True, exist_ok=True)
        plan = pair_plan("single", "train", film.factor, licences=settings.licences)
        write_archive(path, plan, pairs.pairing(film.factor))


def batches(film: Film, settings: Settings, step: int) -> Iterator[Batch]:
    """Yield random patches for ever, each at a random level around the one that hosts set."""
    archive = PatchArchive.open(archive_of(film, settings))
    for now in itertools.count(step):
        arrays = archive.batch(settings.seed, now, film.batch, ("data", "label"))
        gain_db = np.random.default_rng((settings.seed, now, 1)).uniform(-GAIN_DB, GAIN_DB, (film.batch, 1, 1))
        batch = {name: torch.from_numpy(array.astype(np.float32))[:, None] for name, array in arrays.items()}
        batch["gain"] = torch.from_numpy((10.0 ** (gain_db / 20.0)).astype(np.float32))
        yield {name: tensor.to(settings.device) for name, tensor in batch.items()}


def inputs(film: Film, settings: Settings) -> str:
    """What the batches follow from, besides seed and step."""
    path = archive_of(film, settings)
    if not path.exists():
        return ""
    archive = PatchArchive.open(path)
    told = f"{archive.attributes.get('plan_sha256', path.stat().st_size)} {film.batch}"
    # An archive of one's own may hold other pairs than the recipe cuts: the checkpoint keeps what it says of them.
    return told if film.train is None else f"{told}; {archive.attributes.get('content', 'pairs of unknown making')}"


def terms(film: Film, model: nn.Module, batch: Batch, _phase: Phase) -> Terms:
    """Return the mean square error, of files at their level, and by how much it beats the spline's."""
    data, label, gain = batch["data"], batch["label"], batch["gain"]
    estimate = model(gain * data) / gain
    mse, before = (estimate - label).square().mean(), (data - label).square().mean()
    return {
        "loss": mse / _POWER,
        f"mse_r{film.factor}": mse,
        f"rmse_r{film.factor}": mse.sqrt(),
        "gain_db": 10.0 * torch.log10((before + 1e-12) / (mse + 1e-12)),
    }


@dataclass(frozen=True)
class Passage:
    """A validation passage: what the network is given and what it should make of it, shape (samples,)."""

    name: str
    data: Samples
    label: Samples


@lru_cache(maxsize=8)
def passages(factor: int, licences: str, heard: str = TRAINED_SET) -> tuple[Passage, ...]:
    """The middle of files of the validation split of a set."""
    rows = usable_recordings("validation", licences, sets=(heard,))
    chosen = rows[:: max(1, len(rows) // VALIDATED)][:VALIDATED]
    return tuple(_passage(row.path, np.asarray(cached_mono(row, RATE)), factor) for row in chosen)


def _passage(path: str, samples: Samples, factor: int) -> Passage:
    both = pairs.pair(samples, factor)
    frames = round(VALIDATED_SECONDS * RATE)
    start = max(0, len(samples) - frames) // 2
    return Passage(Path(path).stem, *(both[name][start : start + frames] for name in ("data", "label")))


def validate(film: Film, model: nn.Module, settings: Settings) -> dict[str, float]:
    """Errors on material that nobody trained on, and SNR and LSD of ours and of the spline."""
    if film.validation is not None:
        return _figures(film, list(_patch_answers(film.validation, model, settings.device)))
    heard = passages(film.factor, settings.licences, film.heard)
    return _figures(film, [(part.data, applied(model, part.data, settings.device), part.label) for part in heard])


def _figures(film: Film, answers: list[tuple[Samples, Samples, Samples]]) -> dict[str, float]:
    """Means over (given, answer, target)."""
    mse = float(np.mean([np.mean((answer - target) ** 2) for _, answer, target in answers]))
    found: dict[str, list[float]] = {}
    for given, answer, target in answers:
        if not target.any() or not (given - target).any():
            continue  # silence and equality have no SNR
        for name, samples in (("", answer), (" of the spline", given)):
            found.setdefault(f"snr_db{name}", []).append(snr_db(target, samples))
            found.setdefault(f"lsd{name}", []).append(lsd(target, samples, RATE))
    figures = {name: float(np.mean(values)) for name, values in found.items()}
    if figures:
        figures["gain_db"] = figures["snr_db"] - figures["snr_db of the spline"]
    return {"loss": mse / _POWER, f"mse_r{film.factor}": mse, f"rmse_r{film.factor}": mse**0.5, **figures}


@torch.no_grad()
def _patch_answers(path: Path, model: nn.Module, device: str) -> Iterator[tuple[Samples, Samples, Samples]]:
    """Patches of an archive, spread evenly."""
    archive = PatchArchive.open(path)
    picks = np.unique(np.linspace(0, len(archive) - 1, VALIDATED_PATCHES).astype(np.int64))
    for first in range(0, len(picks), BATCH):
        some = picks[first : first + BATCH]
        given, wanted = (archive.read(name, some).astype(np.float32) for name in ("data", "label"))
        answer = model(torch.from_numpy(given)[:, None].to(device)).float().cpu().numpy()[:, 0]
        yield from zip(given, answer, wanted, strict=True)


def examples(film: Film, model: nn.Module, settings: Settings) -> list[Example]:
    """A few validation passages as spectrograms."""
    if film.validation is not None:
        return []
    return [
        Example(part.name, RATE, part.data, applied(model, part.data, settings.device), part.label)
        for part in passages(film.factor, settings.licences, film.heard)[:DRAWN]
    ]


def begin(film: Film, model: nn.Module, settings: Settings) -> None:
    """Load what a network begins with: a lower factor's weights, or those of the other kind.

    Raises
    ------
    TrainingError
        If there are none.
    """
    source = learned(film.start, settings).to(settings.device)
    assert isinstance(model, FilmNetwork)
    assert isinstance(source, FilmNetwork)
    take_over(model, source, patches(PatchArchive.open(archive_of(film, settings))).to(settings.device))


def trials() -> Mapping[str, Inputs]:
    """Windows to compare with torch: noise, silence and speech, each at three levels."""
    rng = np.random.default_rng(5)
    windows = {"noise": rng.standard_normal(WINDOW).astype(np.float32) * 0.06}
    windows["silence"] = (1e-6 * rng.choice((-1.0, 1.0), WINDOW)).astype(np.float32)
    windows["speech"] = _speech()
    return {
        f"{name}, {level_db} dB": (torch.from_numpy(samples * np.float32(10.0 ** (level_db / 20.0)))[None, None],)
        for name, samples in windows.items()
        for level_db in (0, -20, 12)
    }


def _speech() -> Samples:
    try:
        row = next(row for row in recordings("validation") if row.set == TRAINED_SET)
        return pairs.pair(read_mono(row, RATE)[RATE : RATE + WINDOW], 2)["data"]
    except (FileNotFoundError, StopIteration):
        time = np.arange(WINDOW) / RATE
        return (0.1 * np.sin(2 * np.pi * 150.0 * time) ** 3 * np.sin(2 * np.pi * 3.0 * time)).astype(np.float32)


def room_of(film: Film) -> Room:
    """What the host gives this network and gets from it."""
    low = f"speech at {RATE // film.factor} Hz, raised to {RATE} Hz by a spline"
    return Room(
        name=film.room,
        task=f"speech at {' or '.join(str(RATE // factor) for factor in FACTORS)} Hz, raised to {RATE} Hz",
        given=(Port("samples", (1, 1, WINDOW), low),),
        answer=(Port("raised", (1, 1, WINDOW), "the same with the band that was missing"),),
        trials=trials,
        seconds=lambda _: HOP / RATE,  # a window answers for its middle half
        normalisation=f"one gain for the whole recording, that brings its active frames' RMS to {LEVEL_DBFS:g} dBFS; "
        "undone afterwards",
        sample_rates_hz=(RATE,),
        trained_sets=(film.heard,),
        file=f"x{film.factor}.onnx",
        tool="upsample",
        figures=upsample_figures(film.room),
        facts={
            "factor": film.factor,
            "level_dbfs": LEVEL_DBFS,
            "window": WINDOW,
            "hop": HOP,
            "fade": FADE,
            "pairs": pairs.decimation(low_pass=True),
            **({"began_with": film.start} if film.start else {}),
        },
    )


def recipe_of(film: Film, *, has_room: bool = True) -> Recipe:
    """Return how a network is trained."""
    return Recipe(
        name=film.name,
        build=film.build,
        batches=partial(batches, film),
        terms=partial(terms, film),
        validate=partial(validate, film),
        room=partial(room_of, film) if has_room else None,
        examples=partial(examples, film),
        prepare=partial(begin, film) if film.start else None,
        make_items=partial(make_items, film),
        inputs=partial(inputs, film),
        needs=Needs(rate=RATE, sets=(film.heard,), networks=(film.start,) if film.start else ()),
        peak_rate=2e-3,
        weight_decay=0.0,
        warmup_steps=40,
        ema=0.99,
        bf16=True,
    )


def recipes_of(
    room: str, slim: Callable[[], nn.Module], full: Callable[[], nn.Module], start: Mapping[int, str]
) -> tuple[Recipe, ...]:
    """Return the recipes of one kind of network: the slim ones, that are shipped, and the published size.

    `start` names the recipe that the slim one for a factor begins with.
    """
    small = [Film(room, factor, slim, start.get(factor, "")) for factor in FACTORS]
    large = [Film(room, factor, full) for factor in FACTORS]
    named = [replace(recipe_of(film, has_room=False), name=f"{room}_full_x{film.factor}") for film in large]
    return (*map(recipe_of, small), *named)
