"""Promises of AFiLM and TFiLM, full and slim, before and after any training."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from models.afilm.network import FULL as FULL_AFILM  # noqa: E402
from models.afilm.network import AFiLM, positions  # noqa: E402
from models.blocks import BlockScale, DilatedConvolution, doubled  # noqa: E402
from models.tfilm.network import FULL as FULL_TFILM  # noqa: E402
from models.tfilm.network import TFiLM  # noqa: E402
from training.precision import compute_in_bf16  # noqa: E402

BOTH = pytest.mark.parametrize("build", [AFiLM, TFiLM], ids=["afilm", "tfilm"])
Build = Callable[[], nn.Module]


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def learned(build: Build) -> nn.Module:
    """A network whose last convolution isn't zero any more."""
    torch.manual_seed(3)
    model = build()
    nn.init.normal_(model.last.weight, std=0.05)
    return model


@pytest.mark.parametrize(
    ("build", "millions"),
    # Of the table in the specification; the full ones are published as 134 and 68.2.
    [(lambda: AFiLM(FULL_AFILM), 134.7), (lambda: TFiLM(FULL_TFILM), 68.2), (AFiLM, 3.6), (TFiLM, 2.9)],
    ids=["full afilm", "full tfilm", "slim afilm", "slim tfilm"],
)
def test_sizes_are_those_of_the_table(build: Build, millions: float) -> None:
    with torch.device("meta"):  # nothing is drawn
        model = build()
    # The table gives one digit: half of its last one beside one in a hundred.
    limit = 0.01 * millions + 0.05
    assert sum(parameter.numel() for parameter in model.parameters()) / 1e6 == pytest.approx(millions, abs=limit)


@pytest.mark.parametrize("build", [lambda: AFiLM(FULL_AFILM), lambda: TFiLM(FULL_TFILM)], ids=["afilm", "tfilm"])
def test_the_published_size_takes_and_gives_windows(build: Build) -> None:
    with torch.device("meta"):
        model = build()
        assert model(torch.empty(2, 1, 8192)).shape == (2, 1, 8192)


@pytest.mark.slow
@pytest.mark.parametrize("build", [lambda: AFiLM(FULL_AFILM), lambda: TFiLM(FULL_TFILM)], ids=["afilm", "tfilm"])
def test_ten_steps_lower_the_loss_of_the_published_size(build: Build, request: pytest.FixtureRequest) -> None:
    if "slow" not in request.config.option.markexpr:
        pytest.skip("takes a minute: ask for it with -m slow")
    assert_ten_steps_lower_the_loss(build, items=1, samples=256)


@BOTH
def test_ten_steps_lower_the_loss(build: Build) -> None:
    assert_ten_steps_lower_the_loss(build, items=2, samples=512)


def assert_ten_steps_lower_the_loss(build: Build, items: int, samples: int) -> None:
    torch.manual_seed(4)
    model = build()
    optimiser = torch.optim.Adam(model.parameters(), 3e-4)
    given = 0.06 * noise(items, 1, samples)
    wanted = 0.8 * given.roll(1, dims=2)

    def loss() -> Tensor:
        return (model(given) - wanted).square().mean()

    def untroubled() -> float:
        """The loss without dropout, whose noise on one short window is larger than what ten steps learn."""
        model.eval()
        with torch.no_grad():
            found = float(loss())
        model.train()
        return found

    before = untroubled()
    for _ in range(10):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    assert untroubled() < 0.97 * before


@BOTH
def test_a_fresh_network_gives_back_what_it_gets(build: Build) -> None:
    given = noise(2, 1, 1024)
    torch.testing.assert_close(build().eval()(given), given, atol=0, rtol=0)


@BOTH
def test_only_training_is_random(build: Build) -> None:
    model, given = learned(build), 0.06 * noise(1, 1, 1024)
    model.train()
    assert not torch.equal(model(given), model(given))
    model.eval()
    assert torch.equal(model(given), model(given))


@BOTH
@pytest.mark.parametrize("samples", [256, 512, 2816])
def test_any_multiple_of_256_samples_goes_through(build: Build, samples: int) -> None:
    answer = learned(build).eval()(noise(1, 1, samples))
    assert answer.shape == (1, 1, samples)
    assert bool(torch.isfinite(answer).all())


@BOTH
def test_silence_and_the_smallest_numbers_have_finite_answers(build: Build) -> None:
    model = learned(build).eval()
    for level in (0.0, 1e-30, 1e-7, 10.0):
        assert bool(torch.isfinite(model(level * noise(1, 1, 512))).all())


@BOTH
def test_items_of_a_batch_know_nothing_of_each_other(build: Build) -> None:
    model, given = learned(build).eval(), 0.06 * noise(3, 1, 512)
    torch.testing.assert_close(model(given)[1:2], model(given[1:2]), atol=1e-6, rtol=0)


@BOTH
def test_bfloat16_on_a_cpu_learns_what_float32_learns(build: Build) -> None:
    given, wanted = 0.06 * noise(2, 1, 1024), 0.06 * noise(2, 1, 1024, seed=2)
    exact = learned(build).eval()
    narrow = copy.deepcopy(exact)
    compute_in_bf16(narrow, "cpu")
    gradients = []
    for model in (exact, narrow):
        (model(given) - wanted).square().mean().backward()
        parts = [parameter.grad.flatten() for parameter in model.parameters()]
        gradients.append(torch.cat(parts))
    assert bool(torch.isfinite(gradients[1]).all())
    # bfloat16 has 8 bits: after twenty layers the gradients still point the same way.
    assert float(torch.cosine_similarity(*gradients, dim=0)) > 0.98


@pytest.mark.parametrize(("kernel", "samples"), [(9, 64), (33, 64), (65, 32), (1, 8)])
def test_a_dilated_convolution_is_torchs_own(kernel: int, samples: int) -> None:
    torch.manual_seed(1)
    layer = DilatedConvolution(3, 5, kernel)
    x = noise(2, samples, 3)
    plain = nn.functional.conv1d(
        x.transpose(1, 2), layer.plain.weight[:, :, 0], layer.plain.bias, padding=kernel - 1, dilation=2
    )
    ours = layer(x).transpose(1, 2).flatten(1, 2).transpose(1, 2)
    # The same products, perhaps in another order.
    torch.testing.assert_close(ours, plain, atol=1e-6, rtol=1e-5)


def test_a_block_is_multiplied_by_what_becomes_of_the_maxima() -> None:
    x = torch.tensor([1.0, 5.0, -2.0, -7.0, 0.0, 3.0])[None, :, None]  # (batch, positions, channels)
    scaled = BlockScale(nn.Identity(), block=2)(x)
    np.testing.assert_array_equal(scaled.flatten().numpy(), [5.0, 25.0, 4.0, 14.0, 0.0, 9.0])


def test_doubling_puts_half_of_the_channels_between_the_others() -> None:
    x = torch.tensor([[1.0, 2.0, 10.0, 20.0], [3.0, 4.0, 30.0, 40.0]])[None]  # (batch, positions, channels)
    np.testing.assert_array_equal(doubled(x)[0].numpy(), [[1, 2], [10, 20], [3, 4], [30, 40]])


def test_positions_are_the_sines_of_the_transformer() -> None:
    found = positions(50, 32).numpy()
    for step, pair in ((0, 0), (7, 0), (49, 3), (13, 15)):
        angle = step / 10_000 ** (2 * pair / 32)
        np.testing.assert_allclose(found[step, 2 * pair : 2 * pair + 2], [math.sin(angle), math.cos(angle)], atol=1e-5)


def test_attention_reaches_the_other_end_of_a_window_and_an_lstm_looks_back_only() -> None:
    given = 0.06 * noise(1, 1, 8192)
    early, late = given.clone(), given.clone()
    early[:, :, 100] += 0.5
    late[:, :, 8000] += 0.5
    heard = {}
    for build in (AFiLM, TFiLM):
        model = learned(build).eval()
        with torch.no_grad():
            here = model(given)
            heard[build] = [float((model(other) - here)[:, :, far].abs().max()) for other, far in
                            ((early, slice(7000, None)), (late, slice(0, 1000)))]  # fmt: skip
    assert min(heard[AFiLM]) > 0.0
    assert heard[TFiLM][0] > 0.0
    assert heard[TFiLM][1] == 0.0
