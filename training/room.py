"""What a room's network takes and gives: the part of its card that isn't measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from training.data.licences import Source

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
    trained_sets: tuple[str, ...]  # of the manifest; the licence of the weights follows from them; (): no recordings
    file: str = "weights.onnx"
    further_sources: tuple[Source, ...] = ()  # beside recordings: a sound font, recorded rooms; they count likewise
    tool: str = ""  # upsample, restyle, restore or align: in whose budget of megabytes it counts
    channels: int = 1
    context_frames: int = 0  # the network's own, to each side
    stft: Mapping[str, int | str] | None = None  # fft, hop, window; None: the network reads samples
    facts: Mapping[str, Any] = field(default_factory=dict)  # anything else that a host needs
    # (figures on the card before, SHA-256 of the room's files by name once this export is done) to figures
    figures: Callable[[Mapping[str, Any], Mapping[str, str]], Mapping[str, Any]] | None = None
    smallest: Mapping[str, int] = field(default_factory=dict)  # least length of a free axis, by its word (1 if absent)
    multiples: Mapping[str, int] = field(default_factory=dict)  # what its length must be a multiple of (1 if absent)

    def axes(self) -> Sequence[str]:
        """The words that stand for free lengths, in order of appearance."""
        return list(dict.fromkeys(size for port in self.given for size in port.shape if isinstance(size, str)))

    def multiple(self, word: str) -> int:
        """What the length of a free axis must be a multiple of."""
        return self.multiples.get(word, 1)

    def least(self, word: str) -> int:
        """The least length of a free axis: a multiple, too."""
        step = self.multiple(word)
        return -(-max(1, self.smallest.get(word, 1)) // step) * step
