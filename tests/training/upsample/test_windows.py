"""A network over a whole recording: any length, no delay, no seam, and the same as the product makes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from engine.audio.signal import ArraySignal, Span, read_padded  # noqa: E402
from engine.inference import card  # noqa: E402
from engine.inference.network import forget_networks  # noqa: E402
from engine.tools.tool import NO_JOB  # noqa: E402
from engine.tools.upsample import film  # noqa: E402
from engine.tools.upsample.film import FADE, HOP, WINDOW, fade  # noqa: E402
from engine.tools.upsample.plan import Plan  # noqa: E402
from training.upsample.windows import applied  # noqa: E402


class Doubling(nn.Module):
    """Knows nothing of its surroundings."""

    def forward(self, samples: Tensor) -> Tensor:
        return 2.0 * samples


class Counting(nn.Module):
    """Answers every window with its number."""

    def __init__(self) -> None:
        super().__init__()
        self.next = 0

    def forward(self, samples: Tensor) -> Tensor:
        assert samples.shape[1:] == (1, WINDOW)
        numbers = torch.arange(self.next, self.next + len(samples), dtype=torch.float32)
        self.next += len(samples)
        return numbers[:, None, None].expand_as(samples)


@pytest.mark.parametrize("frames", [1, 2, 31, 4095, 4096, 8193, 100_003])
def test_what_each_window_alone_would_do_is_done_to_all_of_any_length(frames: int) -> None:
    given = np.random.default_rng(1).standard_normal(frames).astype(np.float32)
    made = applied(Doubling(), given)
    assert made.shape == (frames,)
    # Two weights add up to 1 within the rounding of float32.
    np.testing.assert_allclose(made, 2.0 * given, atol=1e-6, rtol=1e-6)


def test_no_samples_give_none() -> None:
    assert applied(Doubling(), np.zeros(0, dtype=np.float32)).shape == (0,)


def test_every_window_answers_for_its_middle_half_and_fades_into_the_next() -> None:
    made = applied(Counting(), np.zeros(3 * HOP, dtype=np.float32))
    for number in range(3):
        inner = made[number * HOP + FADE // 2 : (number + 1) * HOP - FADE // 2]
        np.testing.assert_array_equal(inner, number + 1)  # window 0 answers for what lies before
    join = made[HOP - FADE // 2 : HOP + FADE // 2]
    assert np.all(np.diff(join) > 0)
    np.testing.assert_allclose(fade()[:FADE] + fade()[HOP:], 1.0, atol=1e-7)


class Placed(nn.Module):
    """Answers every sample by where in its window it lies: another layout of windows is another answer."""

    def __init__(self) -> None:
        super().__init__()
        self.place = torch.linspace(0.5, 2.0, WINDOW)[None, None]

    def forward(self, samples: Tensor) -> Tensor:
        return torch.tanh(samples * self.place) + 0.1 * self.place


def placed_room(folder: Path) -> None:
    """Put the same network as an ONNX file into a room of its own."""
    onnx = pytest.importorskip("onnx")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    place = Placed().place.numpy()
    graph = helper.make_graph(
        [helper.make_node("Mul", ["samples", "place"], ["scaled"]), helper.make_node("Tanh", ["scaled"], ["bent"]),
         helper.make_node("Add", ["bent", "lift"], ["raised"])],
        "placed",
        [helper.make_tensor_value_info("samples", number, [1, 1, WINDOW])],
        [helper.make_tensor_value_info("raised", number, [1, 1, WINDOW])],
        [helper.make_tensor("place", number, place.shape, place),
         helper.make_tensor("lift", number, place.shape, np.float32(0.1) * place)],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    content = model.SerializeToString()
    folder.mkdir(parents=True)
    (folder / "x2.onnx").write_bytes(content)
    lines = ['task = "a toy"', 'tool = "upsample"', 'licence = "CC0-1.0"', '[files."x2.onnx"]']
    (folder / "card.toml").write_text("\n".join([*lines, f'sha256 = "{hashlib.sha256(content).hexdigest()}"', ""]))


@pytest.mark.parametrize("frames", [700, 4096, 4352, 30_000])
def test_the_product_makes_the_same_of_a_recording_from_its_first_window_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    placed_room(tmp_path / "afilm")
    monkeypatch.setattr(card, "models_folder", lambda: tmp_path)
    forget_networks()
    given = np.random.default_rng(3).uniform(-0.5, 0.5, frames).astype(np.float32)
    span = Span(0, frames)
    read = film.reads(span)
    around = read_padded(ArraySignal(given[:, None], 16_000), *read)[:, 0]
    made = film.made(around, span, Plan("afilm", "x2.onnx", 16_000, 16_000, 2), 1.0, NO_JOB)
    forget_networks()
    np.testing.assert_allclose(applied(Placed(), given), made, atol=2e-6)
    assert np.abs(made).min() < 0.2 < np.abs(made).max()
