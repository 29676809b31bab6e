"""A waveform network over a recording of any length, in torch: the windows and cross-fades of the product.

Windows of 8192 samples lie every 4096, each answers for its middle half, and neighbours fade into each other over 512
samples. A window of silence, that the product leaves alone, is given to the network here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from engine.tools.upsample.film import FADE as FADE
from engine.tools.upsample.film import HOP as HOP
from engine.tools.upsample.film import WINDOW as WINDOW
from engine.tools.upsample.film import fade
from training.data import Samples

_BEFORE: Final = (WINDOW - HOP) // 2  # samples of a window before the stretch it answers for
_BATCH: Final = 16


@torch.no_grad()
def applied(network: nn.Module, given: Samples, device: str = "cpu") -> Samples:
    """Return what a network in eval mode makes of a spline-raised recording; (samples,) to the same shape."""
    if not len(given):
        return given
    # Window k answers for sample k * HOP and on. The first one answers for what lies before the recording.
    count = (len(given) - 1 + FADE // 2) // HOP + 2
    padded = np.pad(given, (HOP + _BEFORE, count * HOP))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: count * HOP : HOP]
    out = np.zeros(count * HOP + FADE, dtype=np.float32)  # from half a fade before the first window's stretch on
    weights = fade()
    for first in range(0, count, _BATCH):
        answers = _answers(network, torch.from_numpy(windows[first : first + _BATCH].copy()), device)
        for number, answer in enumerate(answers, first):
            stretch = answer[_BEFORE - FADE // 2 : _BEFORE + HOP + FADE // 2] * weights
            out[number * HOP : number * HOP + HOP + FADE] += stretch
    return out[HOP + FADE // 2 :][: len(given)]


def _answers(network: nn.Module, windows: Tensor, device: str) -> Samples:
    answer: Samples = network(windows[:, None].to(device)).float().cpu().numpy()[:, 0]
    return answer
