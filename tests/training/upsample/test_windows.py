"""A network over a whole recording: any length, no delay, no seam, and the same as the product makes."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from training.upsample.windows import FADE, HOP, WINDOW, applied, fade  # noqa: E402


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


def test_the_windows_are_those_of_the_product() -> None:
    film = pytest.importorskip("engine.tools.upsample.film")
    assert (WINDOW, HOP, FADE) == (film.WINDOW, film.HOP, film.FADE)
