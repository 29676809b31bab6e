"""The random states that a run depends on: kept with a checkpoint, and out of reach of everything but the steps."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

RandomStates = Mapping[str, Tensor]  # bytes, so that torch.load(weights_only=True) reads them


def random_states() -> dict[str, Tensor]:
    """Return the states of torch (CPU and every GPU), numpy and Python, as byte tensors."""
    states = {"torch": torch.get_rng_state(), "numpy": _numpy_state(), "python": _bytes(random.getstate())}
    if torch.cuda.is_available():
        states |= {f"cuda {n}": torch.cuda.get_rng_state(n) for n in range(torch.cuda.device_count())}
    return states


def set_random_states(states: RandomStates) -> None:
    """Go back to kept states; a GPU that wasn't there then keeps its own."""
    torch.set_rng_state(states["torch"])
    name, keys, place, has_gauss, gauss = _content(states["numpy"])
    np.random.set_state((name, np.array(keys, dtype=np.uint32), place, has_gauss, gauss))
    version, numbers, following = _content(states["python"])
    random.setstate((version, tuple(numbers), following))
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if f"cuda {number}" in states:
            torch.cuda.set_rng_state(states[f"cuda {number}"], number)


def seed_everything(seed: int) -> None:
    """Begin all random states anew."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


@contextmanager
def untouched_randomness() -> Iterator[None]:
    """Whatever is drawn inside leaves no trace: when a run validates must not change what it learns."""
    kept = random_states()
    try:
        yield
    finally:
        set_random_states(kept)


def _numpy_state() -> Tensor:
    name, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)
    return _bytes((name, np.asarray(keys).tolist(), place, has_gauss, gauss))


def _bytes(content: object) -> Tensor:
    return torch.frombuffer(bytearray(json.dumps(content).encode()), dtype=torch.uint8)


def _content(state: Tensor) -> list:  # type: ignore[type-arg]
    return list(json.loads(bytes(state.tolist()).decode()))
