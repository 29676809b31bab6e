"""What the bandwidth networks are told, and what is made of their answers, held against closed forms."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.audio.stft import Stft, torch_compatible_frames
from engine.inference.band_features import (
    FLOOR,
    Edge,
    band_mask,
    copied_phase,
    flat_tail,
    generated,
    network_input,
    residual,
)

RATE = 48_000
STFT = Stft(2048, 512)
EDGE = Edge(8000.0, 500.0)
bin_hz = np.arange(STFT.bins) * RATE / STFT.fft
Spectra = NDArray[np.complex64]


def noise(seconds: float = 1.0, seed: int = 1) -> NDArray[np.float32]:
    samples = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return samples.astype(np.float32)


def low_passed(seconds: float = 1.0) -> Spectra:
    """Spectra of noise that is silent from the cutoff on."""
    spectrum = np.fft.rfft(noise(seconds))
    spectrum[np.fft.rfftfreq(round(seconds * RATE), 1 / RATE) > EDGE.cutoff_hz] = 0.0
    return torch_compatible_frames(np.fft.irfft(spectrum, round(seconds * RATE)).astype(np.float32), STFT)


def no_answer(spectra: Spectra) -> NDArray[np.float32]:
    return np.zeros((1, spectra.shape[1], spectra.shape[0]), dtype=np.float32)


def test_the_mask_is_a_raised_cosine_between_width_below_the_cutoff_and_the_cutoff() -> None:
    # 1025 bins at 2048 Hz lie 1 Hz apart: cutoff and width fall on bins.
    mask = band_mask(1025, 2048, Edge(600.0, 200.0))
    assert np.all(mask[:401] == 0.0)
    assert np.all(mask[600:] == 1.0)
    assert mask[500] == pytest.approx(0.5, abs=1e-6)
    assert mask[450] == pytest.approx(0.5 - 0.5 * np.cos(np.pi / 4), abs=1e-6)


def test_a_mask_without_width_is_a_step() -> None:
    assert np.array_equal(band_mask(1025, 2048, Edge(600.0, 0.0)), (np.arange(1025) > 600).astype(np.float32))


@pytest.mark.parametrize(("cutoff_hz", "width_hz"), [(0.0, 0.0), (-1.0, 0.0), (500.0, 500.0), (500.0, -1.0)])
def test_an_edge_without_a_low_band_is_refused(cutoff_hz: float, width_hz: float) -> None:
    with pytest.raises(ValueError, match="cutoff"):
        Edge(cutoff_hz, width_hz)


def test_the_tail_of_a_flat_spectrum_goes_on_as_loud() -> None:
    flat = np.full((5, STFT.bins), 3.0, dtype=np.complex64) * np.exp(1j * np.arange(5))[:, None]
    assert np.allclose(flat_tail(flat.astype(np.complex64), RATE, EDGE), np.log(3.0 + FLOOR), atol=1e-6)


def test_the_tail_follows_the_highest_fifth_under_the_edge_only() -> None:
    rising = np.exp(bin_hz / 4000.0)[None].astype(np.complex64)
    rising[:, bin_hz > EDGE.cutoff_hz] = 1e6
    # The mean logarithm of an exponential is the logarithm in the middle: 90 % of cutoff - width.
    assert flat_tail(rising, RATE, EDGE)[0, 0] == pytest.approx(0.9 * 7500.0 / 4000.0, abs=0.01)


def test_the_network_sees_nothing_above_the_edge() -> None:
    spectra, other = low_passed(), low_passed()
    above = bin_hz >= EDGE.cutoff_hz
    other[:, above] = torch_compatible_frames(noise(seed=2), STFT)[:, above]
    rows = network_input(spectra, RATE, EDGE)
    assert np.array_equal(rows, network_input(other, RATE, EDGE))
    assert np.all(rows[0, : STFT.bins][above] == np.float32(np.log(np.float32(FLOOR))))


def test_the_rows_are_log_magnitude_weighted_phase_and_two_constants() -> None:
    spectra = low_passed()
    rows = network_input(spectra, RATE, EDGE)
    assert rows.shape == (1, 3 * STFT.bins + 2, len(spectra))
    number, at = complex(spectra[20, 100]), 100
    assert rows[0, at, 20] == pytest.approx(np.log(abs(number) + FLOOR), abs=1e-5)
    turned = abs(number) ** 0.3 * number / abs(number)
    assert rows[0, STFT.bins + at, 20] == pytest.approx(turned.real, abs=1e-4)
    assert rows[0, 2 * STFT.bins + at, 20] == pytest.approx(turned.imag, abs=1e-4)
    assert np.all(rows[0, -2] == np.float32(1 / 3))
    assert np.all(rows[0, -1] == 1.0)


def test_below_the_edge_nothing_changes() -> None:
    spectra = low_passed()
    made = generated(spectra, no_answer(spectra), RATE, EDGE, STFT)
    below = bin_hz <= EDGE.cutoff_hz - EDGE.width_hz
    assert np.array_equal(made[:, below], spectra[:, below])
    assert np.all(residual(spectra, made, RATE, EDGE)[:, below] == 0.0)


def test_the_generated_band_has_the_magnitude_of_tail_and_answer() -> None:
    spectra = low_passed()
    made = generated(spectra, no_answer(spectra) + 0.5, RATE, EDGE, STFT)
    above = bin_hz > EDGE.cutoff_hz
    wanted = np.exp(flat_tail(spectra, RATE, EDGE) + 0.5) - FLOOR
    assert np.allclose(np.abs(made[:, above]) / wanted, 1.0, atol=1e-3)


def test_consistency_passes_let_the_made_band_survive_synthesis_louder() -> None:
    spectra = low_passed()
    inner, above = slice(16, -16), bin_hz > EDGE.cutoff_hz + 200.0

    def heard_db(passes: int) -> float:
        made = generated(spectra, no_answer(spectra), RATE, EDGE, STFT, passes)
        heard = STFT.forward(STFT.inverse(spectra + residual(spectra, made, RATE, EDGE)))
        ratio = np.abs(heard[inner, above]) / np.abs(made[inner, above])
        return float(10 * np.log10(np.mean(ratio**2)))

    assert -6.0 < heard_db(0) < heard_db(2) < 0.5


def test_a_copied_tone_stays_a_tone() -> None:
    # Shifted by a multiple of four bins, a steady tone goes on turning as the frames demand: synthesis keeps it whole.
    tone = 0.3 * np.sin(2 * np.pi * 7000.0 * np.arange(RATE) / RATE).astype(np.float32)
    spectra = torch_compatible_frames(tone.astype(np.float32), STFT)
    phase = copied_phase(spectra, RATE, EDGE)
    end = int(np.ceil(EDGE.cutoff_hz * STFT.fft / RATE))
    shift = 4 * (end // 8)
    copy = np.zeros_like(spectra)
    copy[:, end : end + shift] = np.abs(spectra[:, end - shift : end]) * phase[:, end : end + shift]
    heard = STFT.forward(STFT.inverse(copy))[8:-8]
    assert np.allclose(heard, copy[8:-8], atol=2e-3 * np.abs(copy).max())


def test_any_span_gives_what_the_whole_gives() -> None:
    spectra = low_passed(2.0)
    answer = np.random.default_rng(3).normal(0.0, 0.3, (1, STFT.bins, len(spectra))).astype(np.float32)
    whole = generated(spectra, answer, RATE, EDGE, STFT)
    first, end, context = 60, 110, 7  # two passes reach six frames
    part = slice(first - context, end + context)
    span = generated(spectra[part], answer[:, :, part], RATE, EDGE, STFT)[context:-context]
    assert np.allclose(span, whole[first:end], rtol=0, atol=1e-4 * np.abs(whole).max())
    assert np.array_equal(network_input(spectra, RATE, EDGE)[:, :, part], network_input(spectra[part], RATE, EDGE))


def test_silence_stays_silent() -> None:
    silence = np.zeros((12, STFT.bins), dtype=np.complex64)
    assert np.all(generated(silence, no_answer(silence) + 3.0, RATE, EDGE, STFT) == 0.0)
    assert np.isfinite(network_input(silence, RATE, EDGE)).all()


def test_nothing_is_missing_where_the_cutoff_lies_beyond_the_highest_frequency() -> None:
    spectra, edge = low_passed(), Edge(40_000.0, 500.0)
    assert np.array_equal(generated(spectra, no_answer(spectra), RATE, edge, STFT), spectra)


def test_a_band_of_a_few_bins_is_enough() -> None:
    made = generated(low_passed(), no_answer(low_passed()), RATE, Edge(60.0, 9.0), STFT)
    assert np.isfinite(made).all()
