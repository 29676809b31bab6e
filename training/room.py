"""What a room's network takes and gives: the part of its card that isn't measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class Port:
    """One input or output; a shape entry that is a word ("frames") is any length."""

    name: str
    shape: tuple[int | str, ...]
    meaning: str


@dataclass(frozen=True)
class Room:
    """A network as the export sees it. A room may hold several files (x2.onnx, x4.onnx), each from its own recipe."""

    name: str  # the folder in models/
    task: str
    given: tuple[Port, ...]
    answer: tuple[Port, ...]
    trials: Callable[[], Mapping[str, Inputs]]  # inputs to compare with: noise, silence, real audio, three lengths each
    seconds: Callable[[Inputs], float]  # of audio that these inputs stand for: for GMAC/s and real-time factor
    normalisation: str
    sample_rates_hz: tuple[int, ...]
    trained_sets: tuple[str, ...]  # of the manifest; the licence of the weights follows from them
    file: str = "weights.onnx"
    channels: int = 1
    context_frames: int = 0  # the network's own, to each side
    stft: Mapping[str, int | str] | None = None  # fft, hop, window; None: the network reads samples
    facts: Mapping[str, Any] = field(default_factory=dict)  # anything else that a host needs
    figures: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None  # (figures of the card before) to figures
    smallest: Mapping[str, int] = field(
        default_factory=dict
    )  # least length of each free axis, by its word (1 if absent)

    def axes(self) -> Sequence[str]:
        """The words that stand for free lengths, in order of appearance."""
        return list(dict.fromkeys(size for port in self.given for size in port.shape if isinstance(size, str)))
