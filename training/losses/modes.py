"""Hears in which mode losses are used, so that a log and a card say what a run trained on, not what somebody typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Final, ParamSpec, TypeVar

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from training.losses.base import Loss

P = ParamSpec("P")
R = TypeVar("R")
OWN: Final = "own"  # no loss of training.losses took part: the recipe's own arithmetic
_RANKS: Final = (OWN, "safe", "parity")
_listeners: Final[list[set[str]]] = []


@contextmanager
def modes_heard() -> Iterator[set[str]]:
    """Yield a set that takes in the mode of every loss which is used inside; slow, for single steps."""
    heard: set[str] = set()

    def hear(module: nn.Module, _given: object) -> None:
        if isinstance(module, Loss):
            heard.add(module.mode)

    hook = register_module_forward_pre_hook(hear)
    _listeners.append(heard)
    try:
        yield heard
    finally:
        _listeners[:] = [other for other in _listeners if other is not heard]
        hook.remove()


def safe(function: Callable[P, R]) -> Callable[P, R]:
    """Let a loss that is a function be heard; it has no other mode."""

    @wraps(function)
    def noted(*given: P.args, **named: P.kwargs) -> R:
        if not torch.compiler.is_compiling():
            for heard in _listeners:
                heard.add("safe")
        return function(*given, **named)

    return noted


def widest(*modes: str) -> str:
    """What to call a run with these modes: one loss in parity mode makes it "parity"."""
    return max((mode for mode in modes if mode), key=_RANKS.index, default=OWN)
