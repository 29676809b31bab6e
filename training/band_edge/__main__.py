"""Teach the cutoff finder's judge, and write its numbers to where the engine reads them.

`python -m training.band_edge` takes about twenty minutes on one core; `--examples 2000 --epochs 3` shows in less
that it works.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch

from engine.measure.band_edge import CONFIDENT, JUDGE, told
from training.band_edge.examples import Example, draw
from training.band_edge.network import Batch, Judge, batch_of, loss_of, stored
from training.band_edge.sources import Source, sources

HELD_OUT_EACH: Final = 6  # every so many-th recording is held out to choose by
BATCH: Final = 48
RATE: Final = 6e-3  # of learning, at its highest
FULL_BAND: Final = 0.9  # of half the rate: an edge above it takes nothing away
NEAR: Final = 0.08
TAUGHT_BY: Final = (
    "LJ Speech by PhilippMatthes/dc_tts (Apache-2.0); librosa/data and MTG/sms-tools (CC BY, public domain, CC0); "
    "Bach violin by John Garner and Minji Kim (CC BY 3.0), Emil Telmanyi (public domain); Splendid Grand Piano "
    "(public domain); VSCO 2 Community Edition (CC0)"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make examples, fit, say how well it does on recordings held out, write."""
    parser = argparse.ArgumentParser(prog="python -m training.band_edge", description=__doc__)
    parser.add_argument("--examples", type=int, default=18_000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=JUDGE)
    asked = parser.parse_args(arguments)
    found = sources()
    taught, held = made(found, asked.examples, asked.seed)
    print(f"{len(found)} recordings, {len(taught)} examples to learn from, {len(held)} held out", flush=True)
    judge = fitted(batch_of(taught), batch_of(held), asked.epochs, asked.seed)
    print(*shares(judge, held), sep="\n")
    text = json.dumps({"command": "python -m training.band_edge", "taught by": TAUGHT_BY, "layers": stored(judge)})
    asked.out.write_text(text.replace('}, "', '},\n"') + "\n", encoding="utf-8")
    print(f"written to {asked.out}")
    return 0


def made(found: list[Source], count: int, seed: int) -> tuple[list[Example], list[Example]]:
    """Return examples to learn from and examples of recordings that are held out."""
    rng = np.random.default_rng(seed)
    weights = np.array([source.weight for source in found])
    taught: list[Example] = []
    held: list[Example] = []
    while len(taught) + len(held) < count:
        number = int(rng.choice(len(found), p=weights / weights.sum()))
        example = draw(found[number], rng)
        if example is not None:
            (taught if number % HELD_OUT_EACH else held).append(example)
    return taught, held


def fitted(taught: Batch, held: Batch, epochs: int, seed: int) -> Judge:
    """Return a judge after so many passes; prints its loss on what it learns from and on what is held out."""
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
        with torch.no_grad():
            pieces = [torch.arange(first, min(first + 256, len(held))) for first in range(0, len(held), 256)]
            parts = [float(loss_of(judge, held[piece])) * len(piece) for piece in pieces]
        took = time.monotonic() - began
        print(
            f"pass {epoch + 1}: {np.mean(losses):.3f}, held out {sum(parts) / len(held):.3f}, {took:.0f} s", flush=True
        )
    return judge


def shares(judge: Judge, held: list[Example]) -> list[str]:
    """Return how often each kind of example is answered within 8 %, or rightly with no edge."""
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
    return [f"{kind}: {100.0 * np.mean(hits):.1f} % of {len(hits)}" for kind, hits in sorted(right.items())]


if __name__ == "__main__":
    sys.exit(main())
