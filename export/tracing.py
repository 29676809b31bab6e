"""Lets layers be traced at any length that torch by itself would follow at one length only.

An LSTM is unrolled step by step where torch needs its shapes; here it answers with the one operator that ONNX has for
it (https://onnx.ai/onnx/operators/onnx__LSTM.html). `max_pool1d` takes a kernel that knows no free lengths; here it is
`max_pool2d` over a single row. Parameters keep their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from onnxscript import opset20
from torch import Tensor, nn

from export.errors import ExportError

_GATES: Final = (0, 3, 1, 2)  # torch keeps input, forget, cell, output; ONNX wants input, output, forget, cell
_Answer = tuple[Tensor, tuple[Tensor, Tensor]]


@torch.library.custom_op("shellac::lstm", mutates_args=())
def one_layer(
    x: Tensor, inward: Tensor, around: Tensor, bias: Tensor, hidden: Tensor, cell: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """ONNX's LSTM: (time, batch, channels) to (time, directions, batch, hidden) and its last state; only traced."""
    raise NotImplementedError("this operator stands for ONNX's while a network is traced; torch never runs it")


@one_layer.register_fake
def _(
    x: Tensor, inward: Tensor, around: Tensor, bias: Tensor, hidden: Tensor, cell: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    y = x.new_empty(x.shape[0], around.shape[0], x.shape[1], around.shape[2])
    return y, torch.empty_like(hidden), torch.empty_like(cell)


def _in_onnx(x: Any, inward: Any, around: Any, bias: Any, hidden: Any, cell: Any) -> Any:
    ways, _, size = (int(length) for length in around.shape)
    direction = "bidirectional" if ways == 2 else "forward"
    # The lengths of the sequences stay open: all are as long as the input.
    return opset20.LSTM(x, inward, around, bias, None, hidden, cell, hidden_size=size, direction=direction)


TRANSLATIONS: Final[dict[Callable[..., Any], Callable[..., Any]]] = {torch.ops.shellac.lstm.default: _in_onnx}


@contextmanager
def at_any_length() -> Iterator[None]:
    """Trace `nn.LSTM` and `max_pool1d` inside so that no length is fixed."""
    lstm, pool = nn.LSTM.forward, nn.functional.max_pool1d
    nn.LSTM.forward = _forward  # type: ignore[method-assign]
    nn.functional.max_pool1d = _max_pool1d  # type: ignore[assignment]
    try:
        yield
    finally:
        nn.LSTM.forward = lstm  # type: ignore[method-assign]
        nn.functional.max_pool1d = pool


def _max_pool1d(
    x: Tensor,
    kernel_size: int | tuple[int],
    stride: int | tuple[int] | None = None,
    padding: int | tuple[int] = 0,
    dilation: int | tuple[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """What `max_pool1d` answers, from its sister over two axes."""
    if return_indices:
        raise ExportError("max_pool1d with indices can't be exported: it would fix the length")
    kernel, step, edge, gap = (
        size[0] if isinstance(size, (tuple, list)) else size
        for size in (kernel_size, kernel_size if stride is None else stride, padding, dilation)
    )
    rows = x.unsqueeze(-2)  # (..., channels, 1, length)
    return nn.functional.max_pool2d(rows, (1, kernel), (1, step), (0, edge), (1, gap), ceil_mode).squeeze(-2)


def _forward(self: nn.LSTM, given: Tensor, state: tuple[Tensor, Tensor] | None = None) -> _Answer:
    """What `nn.LSTM.forward` answers, for a batch of sequences."""
    if self.proj_size or not isinstance(given, Tensor) or given.dim() != 3:
        raise ExportError("only an LSTM without projection, over a (batch, time, channels) tensor, can be exported")
    x = given.transpose(0, 1) if self.batch_first else given  # (time, batch, channels)
    directions = 2 if self.bidirectional else 1
    last_hidden, last_cell = [], []
    for layer in range(self.num_layers):
        rows = slice(layer * directions, (layer + 1) * directions)
        begin = None if state is None else (state[0][rows], state[1][rows])
        x, hidden, cell = _layer(self, layer, x, begin)
        last_hidden.append(hidden)
        last_cell.append(cell)
    answer = x.transpose(0, 1) if self.batch_first else x
    return answer, (torch.cat(last_hidden), torch.cat(last_cell))


def _layer(lstm: nn.LSTM, layer: int, x: Tensor, begin: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
    """One layer, both ways if it has both: (time, batch, directions * hidden) and its last state."""
    suffixes = [f"_l{layer}", f"_l{layer}_reverse"] if lstm.bidirectional else [f"_l{layer}"]
    inward = torch.stack([_gates(getattr(lstm, f"weight_ih{suffix}")) for suffix in suffixes])
    around = torch.stack([_gates(getattr(lstm, f"weight_hh{suffix}")) for suffix in suffixes])
    if lstm.bias:
        names = [(f"bias_ih{suffix}", f"bias_hh{suffix}") for suffix in suffixes]
        bias = torch.stack([torch.cat([_gates(getattr(lstm, name)) for name in pair]) for pair in names])
    else:
        bias = x.new_zeros(len(suffixes), 8 * lstm.hidden_size)
    zeros = x.new_zeros(len(suffixes), x.shape[1], lstm.hidden_size)
    hidden, cell = begin or (zeros, zeros)
    y, hidden, cell = one_layer(x, inward, around, bias, hidden, cell)
    # (time, directions, batch, hidden) to torch's order.
    return y.transpose(1, 2).flatten(2), hidden, cell


def _gates(weight: Tensor) -> Tensor:
    """The four gates along the first axis in ONNX's order."""
    gates = weight.reshape(4, weight.shape[0] // 4, *weight.shape[1:])
    return gates.index_select(0, torch.tensor(_GATES)).flatten(0, 1)
