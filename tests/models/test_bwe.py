"""The bandwidth networks: their size, their reach, and what an answer depends on."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from engine.inference.card import load_card  # noqa: E402
from models.bandwidth import BandExtender, BandExtenderConfig, triangles  # noqa: E402
from models.bwe16.network import build as build_bwe16  # noqa: E402
from models.bwe48.network import build as build_bwe48  # noqa: E402

REACH = 24
SMALL = BandExtenderConfig(bins=33, channels=16, bumps=4, gates=4)


def awake(network: BandExtender) -> BandExtender:
    """A network whose last layers aren't zero any more."""
    torch.manual_seed(1)
    torch.nn.init.normal_(network.outlet.weight)
    torch.nn.init.normal_(network.gate.weight)
    return network.eval()


def features(frames: int, cutoff: float = 0.5) -> torch.Tensor:
    torch.manual_seed(2)
    rows = torch.randn(1, 3 * 33 + 2, frames)
    rows[:, -2], rows[:, -1] = cutoff, 1.0
    return rows


@pytest.mark.parametrize(("room", "network"), [("bwe48", build_bwe48()), ("bwe16", build_bwe16())])
def test_a_network_has_the_size_that_its_card_states(room: str, network: BandExtender) -> None:
    file = load_card(room).file()
    assert sum(parameter.numel() for parameter in network.parameters()) == file.parameters
    (given,), (answer,) = file.facts["input"], file.facts["output"]
    sizes = {"frames": 8}
    asked, told = ([sizes.get(size, size) for size in port["shape"]] for port in (given, answer))
    assert list(network(torch.full(asked, 0.5)).shape) == told


@pytest.mark.parametrize("room", ["bwe48", "bwe16"])
def test_a_network_looks_as_far_as_its_card_states(room: str) -> None:
    assert load_card(room).file().facts["context"]["frames"] == REACH


def test_an_answer_depends_on_24_frames_to_each_side_and_on_no_others() -> None:
    network, given = awake(BandExtender(SMALL)), features(101)
    given.requires_grad_(True)
    network(given)[:, :, 50].sum().backward()
    assert given.grad is not None
    reached = given.grad.abs().sum(dim=(0, 1)).nonzero().flatten()
    assert (int(reached[0]), int(reached[-1])) == (50 - REACH, 50 + REACH)


def test_a_span_with_its_context_gives_what_the_whole_gives() -> None:
    network, given = awake(BandExtender(SMALL)), features(120)
    with torch.no_grad():
        whole, part = network(given), network(given[:, :, 30:100])
    assert torch.allclose(whole[:, :, 30 + REACH : 100 - REACH], part[:, :, REACH:-REACH], atol=1e-4)


def test_log_magnitudes_above_the_edge_change_nothing() -> None:
    network, given = awake(BandExtender(SMALL)), features(60, cutoff=0.5)
    other = given.clone()
    other[:, 17:33] += 3.0
    with torch.no_grad():
        assert torch.allclose(network(given), network(other), atol=1e-4)


def test_gates_share_every_bin_out() -> None:
    share = triangles(1025, 24)
    assert torch.allclose(share.sum(dim=1), torch.ones(1025), atol=1e-5)
    assert bool((share >= 0.0).all())
    assert bool((share.sum(dim=0) > 0.0).all())


@pytest.mark.parametrize("cutoff", [-1.0, 0.0, 1e-30, 3.0])
def test_an_edge_out_of_range_gives_no_holes(cutoff: float) -> None:
    with torch.no_grad():
        assert torch.isfinite(awake(BandExtender(SMALL))(features(30, cutoff))).all()
