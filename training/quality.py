"""`python -m training.quality`: what restoration gains on recordings it never saw, beside the yardsticks.

Everything called "neural" goes through the product's own tool `restore`. Prints tables; writes a report (JSON) and two
pictures.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.audio.signal import ArraySignal, Span
from engine.tools.restore import RESTORE
from engine.tools.restore.knobs import NO_FLOOR_DB
from engine.tools.tool import Value
from training import validation
from training.data import Samples, data_folder, runs_folder
from training.rooms import weights_sha256
from training.validation import Clip, log_spectral_distance, log_spectrum, snr_db

LEVELS_DB: Final = (5, 10, 20, 30)
SEED: Final = 1000
ALONE: Final[Mapping[str, Value]] = {"declick": False, "dehum": False}
FLOORS_DB: Final = {5: 2.5, 10: 3.0, 20: 4.0}  # what neural has to be ahead of Wiener by
CLEAN_FLOOR_DB: Final = 60.0
DECLICK_FLOORS_DB: Final = {"clicks medium": 8.0, "clicks strong": 12.0}  # mean SNR gain
PERCUSSION_FLOOR_DB: Final = 40.0  # SNR of the worst clip
LOSS_TARGET_DB: Final = -1.0  # what no clip should lose at 30 dB; the only line that is a target, not a floor
ROOMS: Final = ("denoiser", "noise_profile")  # the networks that take part in every figure
Row = dict[str, float]


@dataclass(frozen=True)
class Case:
    """One measurement: a clip under one kind of damage."""

    kind: str  # "white", "coloured", "with crackle", "clean", "clicks medium", "clicks strong", "percussion"
    clip: Clip
    number: int
    at_db: float = 0.0


def restored(samples: Samples, rate: int, values: Mapping[str, Value]) -> Samples:
    """Run the product's tool on one channel, as a user would; shape (samples,)."""
    return restored_with_floors(samples, rate, values, (NO_FLOOR_DB,))[0]


def restored_with_floors(
    samples: Samples, rate: int, values: Mapping[str, Value], floors_db: Sequence[float]
) -> list[Samples]:
    """The same for several floors of the denoiser, which need one analysis only."""
    signal = ArraySignal(samples[:, None], rate)
    params = {knob.name: values.get(knob.name, knob.default) for knob in RESTORE.knobs}
    analysis = RESTORE.analyse(signal, params, {})
    everything = Span(0, signal.frames)
    return [
        RESTORE.render(signal, {**params, "floor_db": floor}, analysis, {}, everything)[:, 0] for floor in floors_db
    ]


def measure(case: Case) -> Row:
    """Return the figures of one case."""
    if case.kind == "clean":
        return clean_row(case.clip)
    if case.kind.startswith("clicks"):
        return clicks_row(case)
    if case.kind == "percussion":
        return percussion_row(case.clip)
    return hiss_row(case)


def hiss_row(case: Case) -> Row:
    """SNR gain and LSD of ours and of the yardsticks."""
    noises: dict[str, Callable[[Clip, int], Samples]] = {
        "white": validation.white_hiss,
        "coloured": validation.coloured_hiss,
        "with crackle": validation.hiss_with_crackle,
    }
    clip, stages = case.clip, ALONE
    mix = validation.mixed(clip, noises[case.kind](clip, SEED + case.number), case.at_db)
    open_end, floored = restored_with_floors(mix, clip.rate, stages, (NO_FLOOR_DB, -18.0))
    results = {
        "neural": open_end,
        "neural, floor -18 dB": floored,
        "classical": restored(mix, clip.rate, {**stages, "engine": "classical"}),
        "wiener": validation.wiener(mix),
        "oracle mask": validation.oracle(mix, clip.samples),
    }
    if case.kind == "with crackle":
        results["declick + neural"] = restored(mix, clip.rate, {"dehum": False})
    before = snr_db(clip.samples, mix)
    row = {f"gain {name}": snr_db(clip.samples, result) - before for name, result in results.items()}
    target = log_spectrum(clip.samples, clip.rate)
    for name, result in {"noisy": mix, **results}.items():
        row[f"lsd {name}"] = log_spectral_distance(target, log_spectrum(result, clip.rate))
    return row


def clean_row(clip: Clip) -> Row:
    """How much of a clean recording is left alone, without a floor."""
    return {"snr denoise": snr_db(clip.samples, restored(clip.samples, clip.rate, ALONE))}


def clicks_row(case: Case) -> Row:
    """Five clicks a second, 0.05 to 1 ms long: SNR gain of declick alone."""
    rng = np.random.default_rng(SEED + case.number)
    clip = case.clip
    damage = clicks(rng, len(clip.samples), clip.rate, 5.0)
    wanted = 10.0 ** ((15.5 if case.kind.endswith("strong") else 24.0) / 10.0)
    scale = np.sqrt(np.mean(clip.samples**2) / wanted / max(float(np.mean(damage**2)), 1e-20))
    mix = clip.samples + np.float32(scale) * damage
    result = restored(mix, clip.rate, {"dehum": False, "denoise": False})
    return {"gain declick": snr_db(clip.samples, result) - snr_db(clip.samples, mix)}


def clicks(rng: np.random.Generator, frames: int, rate: int, per_second: float) -> Samples:
    """Decaying oscillations of 0.05 to 1 ms with a log-normal spread of 5 dB."""
    out = np.zeros(frames + rate // 100, dtype=np.float32)
    for at in np.sort(rng.integers(0, frames, rng.poisson(per_second * frames / rate))):
        seconds = 10.0 ** rng.uniform(np.log10(5e-5), -3.0)
        moments = np.arange(max(2, round(seconds * rate))) / rate
        wave = np.exp(-4.0 * moments / seconds) * np.cos(2 * np.pi * rng.uniform(0.5, 4.0) * moments / seconds)
        out[at : at + len(wave)] += (rng.choice((-1.0, 1.0)) * 10.0 ** (rng.normal(0.0, 0.25)) * wave).astype("f4")
    return out[:frames]


def percussion_row(clip: Clip) -> Row:
    """What declick does to clean attacks."""
    result = restored(clip.samples, clip.rate, {"dehum": False, "denoise": False})
    return {
        "snr declick": snr_db(clip.samples, result),
        "touched %": 100.0 * float(np.mean(result != clip.samples)),
    }


def cases(quick: bool) -> list[Case]:
    """Return everything to be measured; `quick` takes every fifth clip and two levels."""
    hissy, clean = validation.denoising_clips(), validation.clean_clips()
    music = [clip for clip in hissy if clip.kind in ("music", "violin", "piano")]
    attacks = [c for c in music if any(name in c.name for name in ("bendir", "mridangam", "vibraphone", "trumpet"))]
    if quick:
        hissy, clean, music = hissy[::5], clean[::12], music[::5]
    levels = LEVELS_DB[1:3] if quick else LEVELS_DB
    result = [
        Case(kind, clip, number, at_db)
        for kind in ("white", "coloured", "with crackle")
        for at_db in levels
        if not (kind == "with crackle" and at_db > 20)
        for number, clip in enumerate(hissy)
    ]
    result += [Case("clean", clip, 0) for clip in clean if len(clip.samples) >= 1.2 * clip.rate]
    result += [Case(kind, c, i) for kind in ("clicks medium", "clicks strong") for i, c in enumerate(music)]
    return result + [Case("percussion", clip, 0) for clip in attacks]


def measure_all(everything: list[Case], workers: int) -> list[Row]:
    """Measure in parallel processes, in the order given."""
    os.environ["OMP_NUM_THREADS"] = "1"
    if workers == 1:
        return [measure(case) for case in everything]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        return list(pool.imap(measure, everything, chunksize=4))


def summary(everything: list[Case], rows: list[Row]) -> dict[str, Any]:
    """Mean, worst and count of every figure of every row of the table."""
    groups: dict[str, list[tuple[str, Row]]] = defaultdict(list)
    for case, row in zip(everything, rows, strict=True):
        name = f"{case.kind} {case.at_db:g} dB" if case.at_db else case.kind
        groups[name].append((case.clip.name, row))
    table: dict[str, Any] = {}
    for name, entries in groups.items():
        table[name] = {"count": len(entries)}
        for figure in entries[0][1]:
            values = [row[figure] for _, row in entries]
            pick = np.argmax(values) if figure.startswith(("lsd", "touched")) else np.argmin(values)
            table[name][figure] = {
                "mean": round(float(np.mean(values)), 2),
                "worst": round(values[int(pick)], 2),
                "worst clip": entries[int(pick)][0],
            }
    return table


def print_summary(table: dict[str, Any]) -> None:
    """Print the rows of hiss as one table, the others line by line."""
    hiss = [name for name in table if "gain neural" in table[name]]
    print("SNR gain in dB (mean; worst of neural; with a floor of -18 dB), then LSD in dB (mean), n clips.")
    print("wiener: decision-directed on the 0.10 quantile; ahead: neural over it; classic: the product's other engine.")
    print(f"{'row':20}{'neural':>8}{'worst':>8}{'-18 dB':>8}{'wiener':>8}{'ahead':>7}{'classic':>8}{'oracle':>8}"
          f"{'|  noisy':>9}{'neural':>8}{'wiener':>8}{'classic':>8}{'oracle':>8}{'n':>5}")  # fmt: skip
    for name in hiss:
        row = table[name]
        gain = {k[5:]: v["mean"] for k, v in row.items() if k.startswith("gain ")}
        lsd = {k[4:]: v["mean"] for k, v in row.items() if k.startswith("lsd ")}
        print(f"{name:20}{gain['neural']:8.2f}{row['gain neural']['worst']:8.2f}{gain['neural, floor -18 dB']:8.2f}"
              f"{gain['wiener']:8.2f}{gain['neural'] - gain['wiener']:7.2f}{gain['classical']:8.2f}"
              f"{gain['oracle mask']:8.2f}{lsd['noisy']:9.2f}{lsd['neural']:8.2f}{lsd['wiener']:8.2f}"
              f"{lsd['classical']:8.2f}{lsd['oracle mask']:8.2f}"
              f"{row['count']:5}")  # fmt: skip
        if "declick + neural" in gain:
            print(f"{'':20}{gain['declick + neural']:8.2f}   with declick before it")
    for name in table:
        if name not in hiss:
            figures = [f"{k} {v['mean']} (worst {v['worst']}: {Path(v['worst clip']).name})"
                       for k, v in table[name].items() if k != "count"]  # fmt: skip
            print(f"{name:20}{'; '.join(figures)}; n {table[name]['count']}")


def verdicts(table: dict[str, Any]) -> list[str]:
    """Say for every floor whether it is met."""
    lines = []
    for name, row in table.items():
        level = round(float(name.split()[-2])) if "gain neural" in row else 0
        if level in FLOORS_DB and not name.startswith("with"):
            ahead = row["gain neural"]["mean"] - row["gain wiener"]["mean"]
            lines.append(_verdict(f"{name}: neural ahead of Wiener", ahead, FLOORS_DB[level]))
        if name == "clean":
            worst = row["snr denoise"]
            lines.append(_verdict(f"clean input ({Path(worst['worst clip']).name})", worst["worst"], CLEAN_FLOOR_DB))
        if name in DECLICK_FLOORS_DB:
            lines.append(_verdict(f"{name}: mean gain", row["gain declick"]["mean"], DECLICK_FLOORS_DB[name]))
        if name == "percussion":
            worst = row["snr declick"]
            lines.append(
                _verdict(f"percussion ({Path(worst['worst clip']).name})", worst["worst"], PERCUSSION_FLOOR_DB)
            )
        if level == 30 and not name.startswith("with"):
            worst = row["gain neural"]
            text = f"{name}: worst clip ({Path(worst['worst clip']).name})"
            lines.append(_verdict(text, worst["worst"], LOSS_TARGET_DB, "target"))
    return lines


def _verdict(text: str, value: float, bound: float, kind: str = "floor") -> str:
    missed = "MISSED" if kind == "floor" else "short "
    return f"{'met   ' if value >= bound else missed} {text}: {value:.2f} dB, {kind} {bound:g} dB"


def card_figures(table: dict[str, Any]) -> dict[str, Any]:
    """The short form that the cards carry."""
    figures: dict[str, Any] = {}
    for name, row in table.items():
        if "gain neural" in row:
            figures[name] = {
                "gain_db": row["gain neural"]["mean"],
                "gain_db_worst": row["gain neural"]["worst"],
                "gain_db_floor_18": row["gain neural, floor -18 dB"]["mean"],
                "wiener_db": row["gain wiener"]["mean"],
                "classical_db": row["gain classical"]["mean"],
                "oracle_db": row["gain oracle mask"]["mean"],
                "lsd_db": row["lsd neural"]["mean"],
                "clips": row["count"],
            }
        elif name == "clean":
            figures[name] = {"snr_db_worst": row["snr denoise"]["worst"], "clips": row["count"]}
    return figures


def measured_networks() -> dict[str, str]:
    """SHA-256 of the weights that restoration uses now, by room."""
    return {room: weights_sha256(room) for room in ROOMS}


def draw_gains(table: dict[str, Any], path: Path) -> None:
    """Bars of SNR gain per row."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [name for name in table if "gain neural" in table[name]]
    figure, axis = pyplot.subplots(figsize=(11, 4.5))
    for offset, key in enumerate(("wiener", "classical", "neural", "oracle mask")):
        heights = [table[name][f"gain {key}"]["mean"] for name in names]
        axis.bar(np.arange(len(names)) + 0.21 * (offset - 1.5), heights, 0.2, label=key)
    axis.set_xticks(np.arange(len(names)), [name.replace(" dB", "\ndB") for name in names], fontsize=7)
    axis.set_ylabel("SNR gain (dB)")
    axis.axhline(0.0, color="black", linewidth=0.6)
    axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def draw_example(case: Case, path: Path) -> None:
    """Spectrograms of clean, noisy, ours and Wiener."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    mix = validation.mixed(case.clip, validation.coloured_hiss(case.clip, SEED + case.number), case.at_db)
    ours = restored(mix, case.clip.rate, ALONE)
    pictures = {"clean": case.clip.samples, f"hiss at {case.at_db:g} dB": mix, "neural": ours,
                "wiener, 0.10 quantile": validation.wiener(mix)}  # fmt: skip
    figure, axes = pyplot.subplots(2, 2, figsize=(14, 9), sharex=True, sharey=True)
    # Far below the picture's range: digital silence has no logarithm.
    dither = np.float32(1e-9) * validation.white_hiss(case.clip, 0)
    for axis, (title, samples) in zip(axes.flat, pictures.items(), strict=True):
        axis.specgram(samples + dither, NFFT=2048, Fs=case.clip.rate, noverlap=1536, vmin=-140, vmax=-40, cmap="magma")
        axis.set_title(f"{title}   {snr_db(case.clip.samples, samples):.1f} dB" if title != "clean" else title)
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    pyplot.close(figure)


def main() -> int:
    """Run the command line; 1 if a floor was missed."""
    parser = argparse.ArgumentParser(prog="python -m training.quality", description="Measure restoration.")
    parser.add_argument("--json", type=Path, help="where the report goes (default: OUT/quality.json)")
    parser.add_argument("--out", type=Path, help="folder for report and pictures (default: runs/quality)")
    parser.add_argument("--quick", action="store_true", help="a few clips only")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    if not (data_folder() / "manifest.csv").exists():
        print("no development data here (SHELLAC_DATA, or ../shared/data): nothing measured")
        return 0
    out: Path = arguments.out or runs_folder() / "quality"
    out.mkdir(parents=True, exist_ok=True)
    began, everything, networks = time.monotonic(), cases(arguments.quick), measured_networks()
    rows = measure_all(everything, arguments.workers)
    table = summary(everything, rows)
    print_summary(table)
    judged = verdicts(table)
    print(*judged, sep="\n")
    clips = [{"row": c.kind, "at_db": c.at_db, "clip": c.clip.name, **r} for c, r in zip(everything, rows, strict=True)]
    report = {
        "networks": networks,
        "quick": arguments.quick,
        "rows": table,
        "card": card_figures(table),
        "clips": clips,
    }
    (arguments.json or out / "quality.json").write_text(json.dumps(report, indent=1))
    draw_gains(table, out / "quality.png")
    draw_example(next(c for c in everything if c.kind == "coloured" and c.at_db == 10), out / "example.png")
    print(f"{len(everything)} measurements in {time.monotonic() - began:.0f} s; report and pictures in {out}")
    return int(any(line.startswith("MISSED") for line in judged))


if __name__ == "__main__":
    sys.exit(main())
