"""The losses of the bandwidth networks: the host's own arithmetic in torch, and distances in closed form."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.audio.stft import Stft  # noqa: E402
from engine.inference.band_features import (  # noqa: E402
    FLOOR,
    Edge,
    band_mask,
    copied_phase,
    flat_tail,
    generated,
    residual,
)
from tests.training.upsample.sounds import noise  # noqa: E402
from training.upsample.bwe_losses import (  # noqa: E402
    BELS,
    ENDS,
    analysis,
    bands,
    energy_distance,
    level_distance,
    log_distance,
    sounded,
    synthesis,
)

STFT = Stft(256, 64)
RATE = 48_000
EDGE = Edge(8000.0, 1000.0)
INNER = slice(ENDS, -ENDS)


def spectra_of(frames: int = 60) -> np.ndarray:
    samples = noise(1.0, RATE, 8000.0)[: (frames - 1) * STFT.hop + STFT.fft]
    return STFT.forward(samples)


def turned(values: np.ndarray) -> torch.Tensor:
    """(frames, bins) as a batch of one, (1, bins, frames)."""
    return torch.from_numpy(np.ascontiguousarray(values.T))[None]


def test_synthesis_and_analysis_are_the_hosts() -> None:
    spectra = spectra_of()
    samples = synthesis(turned(spectra), STFT)[0].numpy()
    assert np.allclose(samples, STFT.inverse(spectra), atol=1e-6)
    assert np.allclose(analysis(torch.from_numpy(samples)[None], STFT)[0].numpy().T, STFT.forward(samples), atol=1e-4)


@pytest.mark.parametrize("passes", [0, 1, 2])
def test_the_sound_is_the_one_that_the_host_makes(passes: int) -> None:
    spectra = spectra_of()
    answer = np.random.default_rng(1).normal(0.0, 0.5, (1, STFT.bins, len(spectra))).astype(np.float32)
    made = generated(spectra, answer, RATE, EDGE, STFT, passes)
    host = STFT.inverse(spectra + residual(spectra, made, RATE, EDGE))
    ours = sounded(
        torch.from_numpy(answer), turned(flat_tail(spectra, RATE, EDGE)), turned(spectra),
        turned(copied_phase(spectra, RATE, EDGE)), torch.from_numpy(band_mask(STFT.bins, RATE, EDGE))[None],
        STFT, passes,
    )[0].numpy()  # fmt: skip
    ends = ENDS * STFT.hop
    assert np.allclose(ours[ends:-ends], host[ends:-ends], atol=1e-5)
    assert np.abs(host[ends:-ends]).max() > 0.1


def test_a_steady_error_of_10_db_is_a_distance_of_one() -> None:
    wanted = torch.zeros(2, 9, 5)
    weight = torch.tensor([[0.0] * 4 + [1.0] * 5, [1.0] * 9])
    found = wanted + 1.0 / BELS  # 10 dB of power: one power of ten
    assert [float(x) for x in log_distance(found, wanted, weight)] == pytest.approx([1.0, 1.0], abs=1e-5)


def test_bins_that_do_not_count_do_not_matter() -> None:
    wanted, weight = torch.zeros(1, 4, 5), torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    found = torch.tensor([9.0, -9.0, 2.0, 0.0])[None, :, None].expand(1, 4, 5) / BELS
    absolute, root = log_distance(found, wanted, weight)
    assert float(absolute) == pytest.approx(1.0)
    assert float(root) == pytest.approx(np.sqrt(2.0), abs=1e-5)


def test_an_item_without_anything_to_compare_does_not_count() -> None:
    wanted = torch.zeros(2, 4, 5)
    weight = torch.tensor([[0.0] * 4, [1.0] * 4])
    assert float(log_distance(wanted + 1.0 / BELS, wanted, weight)[0]) == pytest.approx(1.0)
    assert float(level_distance(wanted, wanted + 1.0, torch.zeros(2, 4))) == 0.0


def test_a_band_10_db_too_quiet_is_a_level_distance_of_one() -> None:
    wanted = torch.full((1, 129, 20), 5.0)
    assert float(level_distance(0.1 * wanted, wanted, torch.ones(1, 129))) == pytest.approx(1.0, abs=1e-4)


def test_the_first_band_begins_at_the_edge() -> None:
    weight = torch.zeros(1, 129)
    weight[:, 30:100] = 1.0
    share = bands(weight)[0]
    assert share.sum(dim=1).tolist() == [24.0, 24.0, 22.0, 0.0, 0.0, 0.0]
    assert share[0].nonzero().flatten().tolist() == list(range(30, 54))


def test_within_a_band_only_the_sum_matters() -> None:
    one, other = torch.zeros(1, 129, 20), torch.zeros(1, 129, 20)
    one[:, 0:12], other[:, 12:24] = 1.0, 1.0
    weight = torch.zeros(1, 129)
    weight[:, :24] = 1.0
    assert float(level_distance(one, other, weight)) == pytest.approx(0.0, abs=1e-6)


def test_silence_gives_finite_gradients() -> None:
    silence = torch.zeros(1, STFT.bins, 40, dtype=torch.complex64)
    answer = torch.zeros(1, STFT.bins, 40, requires_grad=True)
    tail = torch.full((1, 1, 40), float(np.log(FLOOR)))
    mask = torch.from_numpy(band_mask(STFT.bins, RATE, EDGE))[None]
    sound = sounded(answer, tail, silence, silence, mask, STFT, 2)
    analysis(sound, STFT).abs().clamp(min=1e-7).log().mean().backward()
    assert answer.grad is not None
    assert torch.isfinite(answer.grad).all()
    assert float(sound.detach().abs().max()) == 0.0


def test_the_energy_of_a_crop_is_that_of_its_loudest_frames() -> None:
    weight = torch.ones(1, 48)
    wanted = torch.full((1, 48, 100), 1e-2)
    wanted[:, :, 40:50] = 100.0  # a sibilant
    quiet = wanted.clone()
    quiet[:, :, 40:50] = 1.0  # 20 dB too soft, the rest as it should be
    # Per frame a tenth of the frames err by two powers of ten; over the crop nearly all of the energy does.
    assert float(level_distance(quiet, wanted, weight)) == pytest.approx(0.2, rel=1e-3)
    energies = [(10.0 * loud + 90.0 * 1e-2) / 100.0 for loud in (1.0, 100.0)]
    assert float(energy_distance(quiet, wanted, weight)) == pytest.approx(np.log10(energies[1] / energies[0]), rel=1e-3)
    assert float(energy_distance(wanted, wanted, weight)) == 0.0
