"""The recipes of the bandwidth networks: steps that teach, runs that go on where they stopped, rooms that fit."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.bandwidth import BandExtender, BandExtenderConfig  # noqa: E402
from tests.training.upsample.sounds import SMALL, pools_in  # noqa: E402
from training import loop  # noqa: E402
from training.randomness import random_states  # noqa: E402
from training.recipe import WHOLE_RUN, Adversary, Phase, Recipe, Settings  # noqa: E402
from training.recipes import bwe16, bwe48, find_recipe  # noqa: E402
from training.upsample import bwe_recipe, bwe_validation  # noqa: E402
from training.upsample.bwe_adversary import (  # noqa: E402
    Discriminator,
    DiscriminatorConfig,
    discriminator_terms,
    generator_terms,
)
from training.upsample.bwe_recipe import Bandwidth  # noqa: E402
from training.upsample.bwe_sources import Source  # noqa: E402

TINY = BandExtenderConfig(bins=SMALL.stft.bins, channels=16, blocks=2, bumps=4, gates=4)
BANDWIDTH = Bandwidth(replace(SMALL, frames=80))


@pytest.fixture(autouse=True)
def pools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Source, ...]]:
    """Two recordings of the test's own instead of the development data."""
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    found = pools_in(tmp_path / "data")
    monkeypatch.setattr(bwe_recipe, "sources", lambda *_: found)
    monkeypatch.setattr(bwe_validation, "has_development_data", lambda: False)
    bwe_validation.validation_cases.cache_clear()
    bwe_validation.controls.cache_clear()
    yield found
    bwe_validation.validation_cases.cache_clear()
    bwe_validation.controls.cache_clear()


def recipe(name: str = "tiny", **changes: object) -> Recipe:
    whole = replace(
        bwe48.RECIPE, name=name, build=lambda: BandExtender(TINY), batches=BANDWIDTH.batches, terms=BANDWIDTH.terms,
        phases=(WHOLE_RUN,), validate=BANDWIDTH.validate, examples=None, make_items=None, inputs=BANDWIDTH.inputs,
        room=None, bf16=False,
    )  # fmt: skip
    return replace(whole, **changes)


def judged(name: str = "tiny_gan") -> Recipe:
    adversary = Adversary(
        lambda: Discriminator(DiscriminatorConfig(channels=4, strided=1)), discriminator_terms, generator_terms
    )
    phases = (Phase("alone", 0.5), Phase("judged", 1.0, {"adversarial": True}))
    return recipe(name, adversary=adversary, phases=phases)


def test_a_fresh_network_leaves_the_flat_tail_as_it_is() -> None:
    features = torch.randn(1, 3 * SMALL.stft.bins + 2, 30)
    features[:, -2:] = 0.4
    assert not BandExtender(TINY)(features).any()


def test_twenty_steps_lower_the_loss() -> None:
    torch.manual_seed(1)
    model = BandExtender(TINY)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    batch = next(BANDWIDTH.batches(Settings(), 0))
    losses = []
    for _ in range(20):
        terms = BANDWIDTH.terms(model, batch, WHOLE_RUN)
        optimiser.zero_grad()
        terms["loss"].backward()
        optimiser.step()
        losses.append(float(terms["loss"].detach()))
    assert losses[-1] < 0.95 * losses[0]


def test_a_stop_changes_no_batch() -> None:
    unbroken = list(itertools.islice(BANDWIDTH.batches(Settings(), 0), 3))
    resumed = next(BANDWIDTH.batches(Settings(), 2))
    assert all(torch.equal(unbroken[2][name], resumed[name]) for name in resumed)
    assert not torch.equal(unbroken[0]["features"], resumed["features"])


def test_two_processes_share_out_a_batch() -> None:
    whole = next(BANDWIDTH.batches(Settings(), 1))["features"]
    parts = [next(BANDWIDTH.batches(Settings(processes=2, rank=rank), 1))["features"] for rank in (0, 1)]
    assert torch.equal(whole, torch.cat(parts))


def test_making_batches_takes_no_random_number_from_the_training() -> None:
    before = random_states()
    next(BANDWIDTH.batches(Settings(), 0))
    assert all(torch.equal(before[kind], state) for kind, state in random_states().items())


@pytest.mark.parametrize("make", [recipe, judged])
def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(make: object) -> None:
    settings = Settings(steps=4, log_steps=1)
    whole = torch.load(loop.run(make("whole"), settings), weights_only=True)  # type: ignore[operator]
    broken = make("broken")  # type: ignore[operator]
    loop.run(broken, replace(settings, stop_after_minutes=1e-9))
    ended = torch.load(loop.run(broken, replace(settings, resume=True)), weights_only=True)
    assert ended["step"] == whole["step"] == 4
    assert all(torch.equal(value, ended["model"][name]) for name, value in whole["model"].items())


def test_the_discriminator_learns_to_tell_real_from_made() -> None:
    torch.manual_seed(1)
    whole = judged()
    batch = next(whole.batches(Settings(), 0))
    terms = whole.terms(whole.build(), batch, whole.phases[1])
    handed = {name: value.detach() for name, value in terms.items() if name.startswith("_")}
    assert handed["_sound"].shape == handed["_wanted"].shape
    assert whole.adversary is not None
    discriminator = whole.adversary.build()
    optimiser = torch.optim.Adam(discriminator.parameters(), 2e-3)
    losses = []
    for _ in range(15):
        loss = discriminator_terms(discriminator, discriminator, handed)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_the_discriminator_can_not_see_walls() -> None:
    whole = judged()
    batch = next(whole.batches(Settings(), 0))
    batch["weight"] = torch.zeros_like(batch["weight"])  # nothing is known of what was above the edge
    batch["mask"] = (batch["mask"] > 0.0).float()
    terms = whole.terms(whole.build(), batch, whole.phases[1])
    from training.upsample.bwe_losses import analysis

    sound, wanted = (analysis(terms[name].detach(), SMALL.stft)[:, :, 9:-9] for name in ("_sound", "_wanted"))
    above = batch["mask"][: len(sound)] > 0.0
    # Putting together what was taken apart leaks a little over the edge.
    for one, other, bins in zip(sound, wanted, above, strict=True):
        ratio = one[bins].abs().square().sum() / other[bins].abs().square().sum()
        assert 0.5 < float(ratio) < 2.0


@pytest.mark.parametrize("module", [bwe16, bwe48])
def test_the_room_states_what_the_host_gives(module: object) -> None:
    room, sizes = module.room(), module.SIZES  # type: ignore[attr-defined]
    assert room.given[0].shape == (1, 3 * sizes.stft.bins + 2, "frames")
    assert room.answer[0].shape == (1, sizes.stft.bins, "frames")
    assert room.stft == {"fft": sizes.stft.fft, "hop": sizes.stft.hop, "window": "hann"}
    assert room.context_frames == 24
    features = BANDWIDTH.trial_features(np.zeros(44_100, dtype=np.float32))[0]
    assert features.shape[1] == 3 * SMALL.stft.bins + 2


@pytest.mark.parametrize("name", ["bwe16", "bwe48", "bwe16_gan", "bwe48_gan"])
def test_the_recipes_are_found(name: str) -> None:
    found = find_recipe(name)
    assert (found.adversary is not None) == name.endswith("gan")
    assert found.parts_batches


def test_other_recordings_are_other_inputs(pools: dict[str, tuple[Source, ...]], tmp_path: Path) -> None:
    before = BANDWIDTH.inputs(Settings())
    assert before == BANDWIDTH.inputs(Settings())
    from tests.training.upsample.sounds import noise, source_of

    pools["music"] = (source_of(tmp_path / "data", "music", noise(3.0, 48_000, seed=9), 48_000),)
    assert before != BANDWIDTH.inputs(Settings())
