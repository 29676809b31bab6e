"""A checkpoint at half its size goes on nearly as the whole one would: to three digits, and never by guessing."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from training.packing.halves import LEVELS, halved, pack_checkpoint, unpack_checkpoint, widened  # noqa: E402
from training.recipe import TrainingError  # noqa: E402


def trained(width: int = 96) -> dict[str, Any]:
    """What a checkpoint of a small run holds, after a few real steps of Adam."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.BatchNorm1d(width))
    critic = torch.nn.Linear(width, width)
    optimisers = [torch.optim.AdamW(part.parameters(), lr=1e-3) for part in (network, critic)]
    for _ in range(5):
        for optimiser in optimisers:
            optimiser.zero_grad()
        critic(network(torch.randn(32, width))).square().mean().backward()
        for optimiser in optimisers:
            optimiser.step()
    return {
        "model": network.state_dict(), "average": copy.deepcopy(network.state_dict()),
        "optimiser": optimisers[0].state_dict(),
        "critic": critic.state_dict(), "critic_optimiser": optimisers[1].state_dict(), "critic_step": 5,
        "randomness": [{"torch": torch.get_rng_state()}], "recipe": "small", "step": 5, "steps": None, "rows": "[]",
    }  # fmt: skip


def tensors(value: Any, path: str = "") -> dict[str, torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return {path: value}
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    return {name: tensor for key, part in parts for name, tensor in tensors(part, f"{path}/{key}").items()}


def test_every_number_comes_back_to_three_digits_at_half_the_size() -> None:
    content = trained(512)
    payload, level = pack_checkpoint(content, 2**30)
    whole = io.BytesIO()
    torch.save(content, whole)
    assert level.name == "whole"
    assert len(payload) < 0.52 * whole.tell()
    before, after = tensors(content), tensors(unpack_checkpoint(payload))
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert after[name].dtype == tensor.dtype, name
        # float16 rounds by 2^-11; of second moments the root is rounded, which doubles it.
        torch.testing.assert_close(
            after[name], tensor, rtol=2.1 * 2**-11, atol=1e-9 * float(tensor.abs().max()) + 1e-30
        )


def test_small_tensors_counters_and_random_states_are_kept_to_the_bit() -> None:
    content = trained()
    back = unpack_checkpoint(pack_checkpoint(content, 2**30)[0])
    assert torch.equal(back["model"]["1.running_mean"], content["model"]["1.running_mean"])
    assert torch.equal(back["randomness"][0]["torch"], content["randomness"][0]["torch"])
    assert back["optimiser"]["param_groups"] == content["optimiser"]["param_groups"]
    assert (back["step"], back["steps"], back["rows"]) == (5, None, "[]")


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1.0, 1e6, 1e30])
def test_numbers_beyond_the_range_of_float16_survive(scale: float) -> None:
    numbers = scale * torch.randn(80, 80, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(widened(halved(numbers)), numbers, rtol=2**-11, atol=1e-9 * scale)
    squares = {"exp_avg_sq": numbers.square()} if scale < 1e10 else {"exp_avg_sq": numbers.abs()}
    torch.testing.assert_close(widened(halved(squares)), squares, rtol=2**-10, atol=0.0)


def test_a_tensor_of_zeros_stays_one() -> None:
    assert torch.equal(widened(halved(torch.zeros(100, 100))), torch.zeros(100, 100))


def test_an_optimiser_takes_its_moments_back() -> None:
    content = trained()
    back = unpack_checkpoint(pack_checkpoint(content, 2**30)[0])
    network = torch.nn.Sequential(torch.nn.Linear(96, 96), torch.nn.BatchNorm1d(96))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    optimiser.load_state_dict(back["optimiser"])
    assert optimiser.state_dict()["state"][0]["step"] == 5


def test_what_does_not_fit_is_left_out_in_order_and_said() -> None:
    content = trained(256)
    limits = [10**9, 800_000, 550_000, 350_000]
    found = [pack_checkpoint(content, limit) for limit in limits]
    assert [level for _, level in found] == list(LEVELS)
    assert all(len(payload) <= limit for (payload, _), limit in zip(found, limits, strict=True))
    _, critic_afresh, afresh, average = (unpack_checkpoint(payload) for payload, _ in found)
    assert critic_afresh["optimiser"]["state"]
    assert not critic_afresh["critic_optimiser"]["state"]
    assert not afresh["optimiser"]["state"]
    assert torch.equal(average["model"]["0.weight"], average["average"]["0.weight"])
    assert average["critic"] is not None  # a discriminator that began anew would undo the generator
    with pytest.raises(
        TrainingError, match=r"the weights of small take 0\.\d MiB in float16, and 0\.0 MiB are allowed"
    ):
        pack_checkpoint(content, 10_000)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("code in a checkpoint was run",))


def test_nothing_in_a_payload_is_ever_run() -> None:
    buffer = io.BytesIO()
    torch.save({"average": Bomb()}, buffer)
    for payload in (buffer.getvalue(), pickle.dumps(Bomb(), protocol=2), b"", b"not a checkpoint"):
        with pytest.raises(TrainingError, match="no checkpoint"):
            unpack_checkpoint(payload)
    torch.save({"something": 1}, buffer := io.BytesIO())
    with pytest.raises(TrainingError, match="no checkpoint of a training run"):
        unpack_checkpoint(buffer.getvalue())
