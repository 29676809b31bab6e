"""Our dynamic time warping is everybody's: the cheapest path, as librosa finds it."""

from __future__ import annotations

import numpy as np
import pytest

from training.align.baselines import dtw, spectral, straight, synctoolbox_dtw
from training.align.baselines.librosa_dtw import chroma_dtw
from training.align.contenders import CONTENDERS
from training.align.pair import Samples

RATE = 22_050


@pytest.mark.parametrize(("cost", "metric"), [(dtw.cosine_cost, "cosine"), (dtw.euclidean_cost, "euclidean")])
@pytest.mark.parametrize("shape", [(300, 270), (1, 7), (7, 1), (257, 512)])
def test_no_path_is_cheaper(cost: dtw.Cost, metric: str, shape: tuple[int, int]) -> None:
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(shape[0])
    first, second = (rng.standard_normal((frames, 6)).astype(np.float32) for frames in shape)
    path = dtw.warping_path(first, second, cost)
    table, _ = librosa.sequence.dtw(X=first.T, Y=second.T, metric=metric)
    paid = cost(first, second)[path[:, 0], path[:, 1]].sum(dtype=np.float64)
    assert paid == pytest.approx(table[-1, -1], rel=1e-5)
    assert (path[0] == 0).all()
    assert tuple(path[-1]) == (shape[0] - 1, shape[1] - 1)
    steps = np.diff(path, axis=0)
    assert steps.min(initial=0) >= 0
    assert steps.max(initial=1) == 1


def test_a_path_is_read_as_the_mean_of_each_frames_cells() -> None:
    path = np.array([[0, 0], [1, 1], [1, 2], [1, 3], [2, 3], [3, 3]])
    answer = dtw.path_answer(path, 0.5, 0.25)
    np.testing.assert_allclose(answer.reference_s, [0.0, 0.5, 1.0, 1.5])
    np.testing.assert_allclose(answer.target_s, [0.0, 0.5, 0.75, 0.75])


def chirps(seconds: float, stretch: float) -> Samples:
    """Tones of 0.25 s that rise by a semitone each, `stretch` times as long."""
    time = np.arange(round(seconds * stretch * RATE)) / RATE
    step = np.floor(time / (0.25 * stretch))
    since = time - 0.25 * stretch * step
    tone = np.sin(2.0 * np.pi * 220.0 * 2.0 ** ((step * 7) % 24 / 12.0) * time) * np.exp(-4.0 * since)
    return np.asarray(tone, dtype=np.float32)


@pytest.mark.parametrize(
    ("aligner", "within_s"), [(spectral.mel_dtw, 0.03), (spectral.mfcc_dtw, 0.03), (chroma_dtw, 0.06)]
)
def test_tones_played_slower_are_followed_to_about_a_hop(aligner: object, within_s: float) -> None:
    pytest.importorskip("librosa")
    reference, target = chirps(5.0, 1.0), chirps(5.0, 1.3)
    answer = aligner(reference, target, RATE)  # type: ignore[operator]
    onsets = np.arange(0.25, 4.75, 0.25)
    assert np.abs(answer.at(onsets) - 1.3 * onsets).mean() < within_s
    # What starts late is late: the line knows nothing of it, the path does.
    late = np.concatenate([np.zeros(RATE, dtype=np.float32), target])
    line = straight.straight_line(reference, late, RATE)
    assert np.abs(line.at(onsets) - 1.3 * onsets - 1.0).mean() > 0.2
    moved = aligner(reference, late, RATE)  # type: ignore[operator]
    assert np.abs(moved.at(onsets) - 1.3 * onsets - 1.0).mean() < within_s


def test_a_peer_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synctoolbox_dtw.importlib.util, "find_spec", lambda name: None)
    peer = next(contender for contender in CONTENDERS if contender.name == "synctoolbox")
    assert peer.missing() == "not installed: not run"


def test_synctoolbox_follows_tones_too() -> None:
    if synctoolbox_dtw.missing():
        pytest.skip("synctoolbox isn't installed")
    answer = synctoolbox_dtw.synctoolbox_dtw(chirps(5.0, 1.0), chirps(5.0, 1.3), RATE)
    onsets = np.arange(0.25, 4.75, 0.25)
    assert np.abs(answer.at(onsets) - 1.3 * onsets).mean() < 0.06
