"""Spectral losses: prepared targets, terms and weights, buffers, states, and what wrong arguments are told."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from training import losses  # noqa: E402
from training.losses import fused  # noqa: E402
from training.losses.banks import a_weighting  # noqa: E402
from training.losses.transform import Resolution, transform  # noqa: E402

RATE = 44_100
SIZES: dict[str, Any] = {"fft_sizes": [256, 512], "hop_sizes": [64, 128], "win_lengths": [256, 400]}
CASES: dict[str, Any] = {
    "stft": lambda **more: losses.STFTLoss(256, 64, 256, **more),
    "mel": lambda **more: losses.MelSTFTLoss(RATE, n_mels=20, **more),
    "chroma": lambda **more: losses.ChromaSTFTLoss(RATE, **more),
    "several": lambda **more: losses.MultiResolutionSTFTLoss(**SIZES, w_lin_mag=0.1, **more),
    "phase": lambda **more: losses.MultiResolutionSTFTLoss(**SIZES, w_phs=0.1, **more),
    "weighted": lambda **more: losses.STFTLoss(256, 64, 256, sample_rate=RATE, perceptual_weighting=True, **more),
    "sum and difference": lambda **more: losses.SumAndDifferenceSTFTLoss(**SIZES, **more),
    "random": lambda **more: losses.RandomResolutionSTFTLoss(max_fft_size=1024, **more),
}
every_case = pytest.mark.parametrize("case", CASES)
both_modes = pytest.mark.parametrize("mode", ["safe", "parity"])


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """So little work gains nothing from a second thread, and loses much to one on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pair(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return 0.1 * torch.randn(*shape, generator=generator), 0.1 * torch.randn(*shape, generator=generator)


@every_case
@both_modes
def test_a_prepared_target_gives_the_same_value_and_gradient(case: str, mode: str) -> None:
    pred, target = pair(3, 2, 3000)
    results = []
    for prepared in (False, True):
        loss = CASES[case](mode=mode)
        signal = pred.clone().requires_grad_()
        value = loss(signal, loss.prepare(target) if prepared else target)
        value.backward()
        results.append((value.detach(), signal.grad))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


def test_a_prepared_target_is_at_home_in_another_loss() -> None:
    pred, target = pair(2, 1, 3000)
    reference = CASES["stft"]().prepare(target)
    for case in ("several", "mel", "weighted"):
        loss = CASES[case]()
        torch.testing.assert_close(loss(pred, reference), loss(pred, target), rtol=0, atol=0)


def test_a_prepared_target_does_not_follow_later_changes_of_the_signal_it_was_made_of() -> None:
    pred, target = pair(2, 1, 3000)
    loss = CASES["stft"](w_complex=0.0)
    reference = loss.prepare(target)
    before = loss(pred, reference)
    target.zero_()
    torch.testing.assert_close(loss(pred, reference), before, rtol=0, atol=0)


@every_case
@both_modes
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_terms_times_weights_are_the_total(case: str, mode: str, reduction: str) -> None:
    pred, target = pair(3, 2, 3000)
    loss = CASES[case](mode=mode, output="full", reduction=reduction)
    total, terms = loss(pred, target)
    weights = loss.weights()
    assert terms.keys() == weights.keys()
    torch.testing.assert_close(sum(weights[name] * term for name, term in terms.items()), total)
    assert total.shape == ((3,) if reduction == "none" else ())
    torch.testing.assert_close(CASES[case](mode=mode, reduction=reduction)(pred, target), total)


@every_case
def test_every_term_alone_has_a_gradient(case: str) -> None:
    pred, target = pair(2, 2, 3000)
    for name, term in CASES[case](output="full")(pred.requires_grad_(), target)[1].items():
        if name != "silence":
            (gradient,) = torch.autograd.grad(term, pred, retain_graph=True)
            assert float(gradient.abs().max()) > 0, name


@every_case
@both_modes
def test_inputs_stay_as_they_are(case: str, mode: str) -> None:
    pred, target = pair(2, 2, 3000)
    kept = pred.clone(), target.clone()
    CASES[case](mode=mode)(pred.requires_grad_(), target).backward()
    assert torch.equal(pred, kept[0])
    assert torch.equal(target, kept[1])


def test_one_and_two_axes_are_the_same() -> None:
    pred, target = pair(2, 1, 3000)
    loss = losses.MultiResolutionSTFTLoss(**SIZES)
    torch.testing.assert_close(loss(pred[:, 0], target[:, 0]), loss(pred, target), rtol=0, atol=0)


def test_constants_follow_the_loss_and_stay_out_of_its_state() -> None:
    loss = losses.MelSTFTLoss(RATE, perceptual_weighting=True)
    assert loss.state_dict() == {}
    assert {name for name, _ in loss.named_buffers()} == {"views.0.window", "views.0.bank", "prefilter.taps"}
    assert all(buffer.device.type == "meta" for buffer in loss.to("meta").buffers())


def test_random_resolutions_go_on_where_the_state_was_saved() -> None:
    pred, target = pair(1, 1, 3000)
    loss = CASES["random"](randomize_rate=2)
    for _ in range(3):
        loss(pred, target)
    file = io.BytesIO()
    torch.save(loss.state_dict(), file)
    file.seek(0)
    resumed = CASES["random"](randomize_rate=2, seed=7)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    for _ in range(5):
        assert float(resumed(pred, target)) == float(loss(pred, target))


def test_safe_random_resolutions_come_from_48_and_fit_the_input() -> None:
    loss = losses.RandomResolutionSTFTLoss(resolutions=2000)
    assert len(set(loss.draw(100_000))) == 48
    assert max(one.size.fft for one in loss.draw(3000)) == 2048
    assert {one.size.fft for one in loss.draw(5)} == {16}


def test_safe_default_hops_are_a_quarter_of_the_window() -> None:
    sizes = {view.size for view in losses.MultiResolutionSTFTLoss().views}
    assert sizes == {Resolution(512, 128, 512), Resolution(1024, 256, 1024), Resolution(2048, 512, 2048)}


def test_half_the_amplitude_costs_what_the_definitions_say() -> None:
    _, target = pair(2, 1, 8192)
    _, terms = losses.STFTLoss(output="full")(0.5 * target, target)
    assert float(terms["sc"]) == pytest.approx(0.5, rel=1e-4)
    assert float(terms["log"]) == pytest.approx(math.log(2.0), rel=1e-4)


def test_the_same_error_costs_the_same_at_any_level() -> None:
    pred, target = pair(1, 1, 8192)
    loss = losses.MultiResolutionSTFTLoss()
    values = [float(loss(gain * pred, gain * target)) for gain in (8.0, 1.0, 0.1, 0.01)]
    assert values == pytest.approx([values[1]] * 4, rel=1e-3)


def test_a_silent_item_leaves_the_terms_of_others_alone() -> None:
    pred, target = pair(2, 1, 3000)
    target[1] = 0.0
    total, terms = losses.STFTLoss(output="full", reduction="none")(pred, target)
    assert float(terms["silence"][0]) == 0.0
    assert float(terms["sc"][1]) == float(terms["log"][1]) == float(terms["complex"][1]) == 0.0
    torch.testing.assert_close(total[1], 10.0 * pred[1].abs().mean())


def test_mono_pays_nothing_for_its_silent_difference() -> None:
    pred, target = pair(2, 1, 3000)
    loss = losses.SumAndDifferenceSTFTLoss(**SIZES, output="full")
    _, terms = loss(pred.expand(-1, 2, -1), target.expand(-1, 2, -1))
    assert float(terms["diff"]) == 0.0
    torch.testing.assert_close(terms["sum"], losses.MultiResolutionSTFTLoss(**SIZES)(2 * pred, 2 * target))


def test_what_is_kept_for_the_backward_pass_is_less_than_one_spectrogram() -> None:
    pred, target = pair(4, 1, 16384)
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        losses.MultiResolutionSTFTLoss(mode="parity")(pred.requires_grad_(), target)
    assert sum(kept.values()) < 4 * 513 * (16384 // 120) * 8


def test_the_transform_and_its_backward_pass_equal_torch() -> None:
    for fft, hop, win, samples in ((64, 16, 64, 200), (64, 17, 40, 200), (15, 4, 9, 64), (16, 30, 8, 200)):
        signal = torch.randn(2, samples, dtype=torch.float64, requires_grad=True)
        window = torch.hann_window(win, dtype=torch.float64)
        ours = transform(signal, window, Resolution(fft, hop, win))
        theirs = torch.stft(signal, fft, hop, win, window, return_complex=True).transpose(1, 2)
        torch.testing.assert_close(ours, theirs)
        direction = torch.randn_like(theirs)
        slopes = [torch.autograd.grad((one * direction).real.sum(), signal)[0] for one in (ours, theirs)]
        torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("scale", [None, "mel"])
def test_gradients_of_a_few_items_at_a_time_equal_those_of_all(scale: str | None, monkeypatch: Any) -> None:
    pred, target = pair(5, 2, 2000)
    loss = losses.STFTLoss(256, 64, 256, scale=scale, sample_rate=RATE, n_bins=20 if scale else None)
    whole = torch.autograd.grad(loss(pred.requires_grad_(), target), pred)[0]
    monkeypatch.setattr(fused, "CHUNK_BINS", 1)
    apart = torch.autograd.grad(loss(pred, target), pred)[0]
    torch.testing.assert_close(apart, whole, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("case", ["stft", "mel", "several", "sum and difference"])
def test_a_second_derivative_is_refused(case: str) -> None:
    pred, target = pair(2, 2, 3000)
    loss = CASES[case]()(pred.requires_grad_(), target)
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(loss, pred, create_graph=True)


def test_compared_spectra_are_shared_by_losses_that_keep_the_same() -> None:
    kept = losses.CompressedMagnitudeLoss(256, 64, 256).prepare(pair(2, 1, 3000)[1])
    assert kept.key == losses.OverSuppressionLoss(256, 64, 256).key()
    assert kept.key != losses.PhaseLoss(256, 64, 256).key()
    assert kept.key != losses.ComplexSTFTLoss(256, 64, 256).key()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", ["aw", "hp", "fd"])
@both_modes
def test_filters_compute_half_precision_in_full(kind: str, mode: str, dtype: Any) -> None:
    signal = pair(2, 2, 500)[0].to(dtype)
    filtered = losses.FIRFilter(kind, mode=mode)
    with torch.autocast("cpu", dtype=dtype):
        found, _ = filtered(signal, signal)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, filtered(signal.float(), signal.float())[0], rtol=0, atol=0)


def test_a_weighting_follows_the_standard_from_1_to_8_khz() -> None:
    taps = a_weighting(48_000).double()
    nominal_db = {1000: 0.0, 2000: 1.2, 4000: 1.0, 8000: -1.1}  # IEC 61672-1, table 3
    for hz, expected in nominal_db.items():
        angles = 2 * math.pi * hz / 48_000 * torch.arange(len(taps), dtype=torch.float64)
        gain = torch.complex((taps * angles.cos()).sum(), (taps * angles.sin()).sum()).abs()
        assert 20 * math.log10(float(gain)) == pytest.approx(expected, abs=0.8), hz  # 101 taps ripple by half a dB


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"mode": "fast"}, "mode must be one of safe, parity"),
        ({"reduction": "max"}, "reduction must be one of"),
        ({"output": "all"}, "output must be one of"),
        ({"mag_distance": "L3"}, "mag_distance must be 'L1' or 'L2'; it is 'L3'"),
        ({"scale": "bark"}, "scale must be None, 'mel' or 'chroma'; it is 'bark'"),
        ({"scale": "mel"}, "needs sample_rate"),
        ({"perceptual_weighting": True}, "needs sample_rate"),
        ({"window": "square"}, "no window 'square'"),
        ({"w_sc": 0.0, "w_log_mag": 0.0, "w_complex": 0.0}, "all weights are 0"),
        ({"mode": "parity", "w_complex": 0.1}, "a term of safe mode"),
        ({"fft_sizes": [512], "hop_sizes": [128, 64], "win_lengths": [512]}, "as many FFT sizes as hops"),
        ({"fft_sizes": [512], "hop_sizes": [128], "win_lengths": [1024]}, "window of 1 to fft samples"),
    ],
)
def test_wrong_arguments_are_told(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        losses.MultiResolutionSTFTLoss(**arguments)


def test_wrong_inputs_are_told() -> None:
    pred, target = pair(2, 1, 3000)
    loss = losses.STFTLoss()
    with pytest.raises(ValueError, match=r"same shape; they have \(2, 1, 3000\) and \(2, 1, 2999\)"):
        loss(pred, target[..., :-1])
    with pytest.raises(TypeError, match="floating point"):
        loss(pred, (1000 * target).short())
    for given in ((pred.tolist(), target), (pred, target.numpy())):
        with pytest.raises(TypeError, match=r"must be a tensor; this is a (list|ndarray)"):
            loss(*given)
    with pytest.raises(ValueError, match="not empty"):
        loss(pred[..., :0], target[..., :0])
    with pytest.raises(ValueError, match="need stereo"):
        losses.SumAndDifferenceSTFTLoss()(pred, target)
    with pytest.raises(ValueError, match="longer than 32768"):
        losses.RandomResolutionSTFTLoss(mode="parity")(pred, target)
