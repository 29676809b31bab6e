"""Teach the cutoff finder's judge, and write its numbers to where the engine reads them.

`python -m training.band_edge` takes six minutes of one core; `--examples 2000 --epochs 3` shows in less that it
works. The file says with which arguments, from which recordings, and how well it does on some held out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from engine.measure.band_edge import CONFIDENT, JUDGE, told
from training.band_edge.examples import Example, draw
from training.band_edge.network import Batch, Judge, batch_of, loss_of, stored
from training.band_edge.sources import Source, held_out, sources
from training.data.licences import data_table, terms_of

BATCH: Final = 48
RATE: Final = 6e-3  # of learning, at its highest
FULL_BAND: Final = 0.9  # of half the rate: an edge above it takes nothing away
NEAR: Final = 0.08


def main(arguments: Sequence[str] | None = None) -> int:
    """Make examples, fit, say how well it does on recordings held out, write."""
    parser = argparse.ArgumentParser(prog="python -m training.band_edge", description=__doc__)
    parser.add_argument("--examples", type=int, default=12_000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=JUDGE)
    asked = parser.parse_args(arguments)
    found = sources()
    taught, held = made(found, asked.examples, asked.seed)
    if len(taught) < BATCH or not held or asked.epochs < 1:
        parser.error(
            f"{len(taught)} examples to learn from, {len(held)} held out and {asked.epochs} passes teach nothing: "
            f"ask for {2 * BATCH} examples and 1 pass at least"
        )
    print(f"{len(found)} excerpts, {len(taught)} examples to learn from, {len(held)} held out", flush=True)
    judge, loss = fitted(batch_of(taught), batch_of(held), asked.epochs, asked.seed)
    right, held_names = shares(judge, held), held_out(found)
    print(*(f"{kind}: {100.0 * share:.1f} % of {count}" for kind, (share, count) in right.items()), sep="\n")
    stated = {
        "command": f"python -m training.band_edge --examples {asked.examples} --epochs {asked.epochs} "
        f"--seed {asked.seed}",
        **account([source for source in found if source.name not in held_names]),
        "held out": {
            "examples": len(held),
            "loss": round(loss, 4),
            "right": {kind: {"share": round(share, 4), "of": count} for kind, (share, count) in right.items()},
        },
    }
    asked.out.write_text(written(stated, judge), encoding="utf-8")
    print(f"written to {asked.out}")
    return 0


def account(taught: Sequence[Source]) -> dict[str, Any]:
    """Return which recordings were learnt from, and under which licence the numbers therefore stand."""
    rows = {row.path: row for source in taught for row in source.rows}.values()
    terms = terms_of(rows)
    return {"licence": terms.licence, "attribution": terms.attribution, "data": data_table(rows)}


def written(stated: Mapping[str, Any], judge: Judge) -> str:
    """Return what the engine's file holds: a line for each thing that is stated, and one for each layer."""
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in stated.items()]
    layers = ",\n".join(f"{json.dumps(name)}: {json.dumps(layer)}" for name, layer in stored(judge).items())
    return "{" + ",\n".join([*lines, f'"layers": {{\n{layers}}}']) + "}\n"


def made(found: Sequence[Source], count: int, seed: int) -> tuple[list[Example], list[Example]]:
    """Return examples to learn from and examples of recordings that are held out."""
    rng, held_names = np.random.default_rng(seed), held_out(found)
    weights = np.array([source.weight for source in found])
    taught: list[Example] = []
    held: list[Example] = []
    while len(taught) + len(held) < count:
        source = found[int(rng.choice(len(found), p=weights / weights.sum()))]
        example = draw(source, rng)
        if example is not None:
            (held if source.name in held_names else taught).append(example)
    return taught, held


def fitted(taught: Batch, held: Batch, epochs: int, seed: int) -> tuple[Judge, float]:
    """Return a judge after so many passes, and its loss on what is held out; prints both losses of each pass."""
    torch.manual_seed(seed)
    # Of several threads on a busy machine each waits for the others at every small product: one was ten times as fast.
    torch.set_num_threads(1)
    judge, began = Judge(), time.monotonic()
    optimiser = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=1e-2)
    steps = len(taught) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * steps + 1, pct_start=0.1)
    for epoch in range(epochs):
        order, losses = torch.randperm(len(taught)), []
        for step in range(steps):
            optimiser.zero_grad()
            loss = loss_of(judge, taught[order[step * BATCH : (step + 1) * BATCH]])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        took = time.monotonic() - began
        print(
            f"pass {epoch + 1}: {np.mean(losses):.3f}, held out {mean_loss(judge, held):.3f}, {took:.0f} s", flush=True
        )
    return judge, mean_loss(judge, held)


def mean_loss(judge: Judge, batch: Batch) -> float:
    """Return the loss over all of them, some at once."""
    with torch.no_grad():
        pieces = [torch.arange(first, min(first + 256, len(batch))) for first in range(0, len(batch), 256)]
        return sum(float(loss_of(judge, batch[piece])) * len(piece) for piece in pieces) / len(batch)


def shares(judge: Judge, held: list[Example]) -> dict[str, tuple[float, int]]:
    """Return of each kind of example the share answered within 8 %, or rightly with no edge, and their count."""
    right: dict[str, list[bool]] = defaultdict(list)
    for example in held:
        batch = batch_of([example])
        with torch.no_grad():
            odds, widths = (row[0].double().numpy() for row in judge(batch.traits))
        edge = told(example.octaves, float(odds[0]), odds[1:], widths)
        is_none = edge.confidence < CONFIDENT or edge.hertz > FULL_BAND * 2.0 ** example.octaves[-1]
        if example.edge_octave:
            is_near = abs(edge.hertz / 2.0**example.edge_octave - 1.0) <= NEAR
            right[example.kind + (", hiss" if example.is_hissy else "")].append(
                edge.confidence >= CONFIDENT and is_near
            )
        else:
            right[example.kind].append(is_none)
    return {kind: (float(np.mean(hits)), len(hits)) for kind, hits in sorted(right.items())}


if __name__ == "__main__":
    sys.exit(main())
