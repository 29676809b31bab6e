"""Mel and chroma banks against librosa's, which none of them needs."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest

torch = pytest.importorskip("torch")

from training.losses.banks import bank  # noqa: E402

SIZES = ((44_100, 1024), (48_000, 2048), (22_050, 512), (16_000, 1023), (8000, 64))


@pytest.mark.parametrize(("rate", "fft"), SIZES)
@pytest.mark.parametrize("bands", [12, 40, 128])
@pytest.mark.parametrize("scale", ["mel", "chroma"])
def test_banks_equal_librosa_s(scale: str, rate: int, fft: int, bands: int) -> None:
    filters = pytest.importorskip("librosa.filters")
    if bands > fft:
        pytest.skip("more bands than the FFT has samples")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Empty filters")
        if scale == "mel":
            theirs = filters.mel(sr=rate, n_fft=fft, n_mels=bands)
        else:
            theirs = filters.chroma(sr=rate, n_fft=fft, n_chroma=bands)
    expected = torch.from_numpy(theirs[theirs.any(axis=1)])
    torch.testing.assert_close(
        bank(scale, rate, fft, bands, warn=False), expected, rtol=1e-6, atol=1e-6 * float(expected.max())
    )


def test_a_machine_without_librosa_builds_them() -> None:
    program = (
        "import sys; sys.modules['librosa'] = None\n"
        "from training.losses import ChromaSTFTLoss, MelSTFTLoss\n"
        "ChromaSTFTLoss(44100); MelSTFTLoss(44100, n_mels=64)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
