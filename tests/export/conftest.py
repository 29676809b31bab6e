"""Small networks with every kind of layer that a room may hold, and what the export needs to know of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from torch import Tensor, nn  # noqa: E402

from export import cost  # noqa: E402
from training import state  # noqa: E402
from training.recipe import Recipe, Settings  # noqa: E402
from training.room import Port, Room  # noqa: E402

RATE = 16_000


class Line(nn.Module):
    """One convolution, a weight for the scale, and a buffer that no float16 could hold."""

    offset: Tensor

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.inlet = nn.Conv1d(1, channels, 5, padding=2)
        self.outlet = nn.Conv1d(channels, 1, 1)
        self.register_buffer("offset", torch.tensor(1.0 + 2.0**-20))

    def forward(self, audio: Tensor) -> Tensor:
        answer: Tensor = self.outlet(torch.tanh(self.inlet(audio))) + self.offset
        return answer


@dataclass(frozen=True)
class Kit:
    """Makes rooms, recipes and checkpoints for a test."""

    folder: Path

    def room(self, **changes: Any) -> Room:
        """A room whose network takes and gives samples, tried out at three lengths."""
        given, answer = Port("audio", (1, 1, "samples"), "as it is"), Port("answer", (1, 1, "samples"), "one louder")
        room = Room("line", "adds one", (given,), (answer,), trials, lambda tensors: tensors[0].shape[-1] / RATE,
                    "none", (RATE,), ())  # fmt: skip
        return replace(room, **changes)

    def recipe(self, recipe: str = "line", build: Callable[[], nn.Module] = Line, **room: Any) -> Recipe:
        """A recipe that is only exported, with changes to its room."""
        refused: Any = None
        return Recipe(recipe, build, refused, refused, refused, room=lambda: self.room(**room))

    def checkpoint(self, recipe: Recipe, seed: int = 0, **changes: Any) -> Path:
        """A checkpoint with random weights, as the loop would leave it."""
        begun = state.start(recipe, Settings(steps=7, seed=seed))
        for name, value in {
            "step": 7,
            "seconds": 60.0,
            "machines": ["cpu, 2 threads"],
            "data": "[]",
            "loss_mode": "safe",
            **changes,
        }.items():
            setattr(begun, name, value)
        path = self.folder / f"{recipe.name}-{seed}.pt"
        state.save(begun, path)
        return path


def trials() -> dict[str, tuple[Tensor, ...]]:
    chance = torch.Generator().manual_seed(1)
    lengths = (40, 333, 1600)
    noise = {f"noise, {n}": (torch.randn(1, 1, n, generator=chance),) for n in lengths}
    return noise | {f"silence, {n}": (torch.zeros(1, 1, n),) for n in lengths}


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kit:
    monkeypatch.setattr(cost, "_LONG_ENOUGH_SECONDS", 0.0)  # two runs are enough for a test
    return Kit(tmp_path)
