"""Says how far a long preparation is: a bar on a terminal, elsewhere a line every ten seconds."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")
EVERY_SECONDS: Final = 10.0


def told(things: Iterable[T], total: int, doing: str) -> Iterator[T]:
    """Yield `things`, and say on standard error how many of `total` are done; `doing` as in "building examples"."""
    if sys.stderr.isatty() and importlib.util.find_spec("tqdm"):
        from tqdm import tqdm

        yield from tqdm(things, total=total, desc=doing, file=sys.stderr, leave=False)
        return
    began = said = time.monotonic()
    for done, thing in enumerate(things, start=1):
        yield thing
        now = time.monotonic()
        if now - said >= EVERY_SECONDS and done < total:
            said, left = now, (now - began) / done * (total - done)
            print(f"{doing}: {done} of {total}, about {left:.0f} s to go", file=sys.stderr, flush=True)
