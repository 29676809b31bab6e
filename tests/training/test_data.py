"""Splits and licences are kept apart; items repeat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training import data

MANIFEST = """\
path,set,split,sample_rate,channels,seconds,licence,source_repository,bandwidth_hz,note
a.flac,music,train,44100,1,3.0,CC BY 4.0,x/y,12000,
b.flac,music,train,44100,1,3.0,CC BY-NC 3.0,x/y,12000,NON-COMMERCIAL
c.flac,speech_multi,train,48000,1,3.0,CC BY-NC-SA 4.0,x/y,12000,NON-COMMERCIAL
d.flac,music,validation,44100,1,3.0,public domain,x/y,12000,
e.mid,performances,train,,,3.0,none stated,x/y,,
"""


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "manifest.csv").write_text(MANIFEST, encoding="utf-8")
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path))


@pytest.mark.usefixtures("manifest")
def test_weights_that_are_sold_see_no_non_commercial_material() -> None:
    assert [row.path for row in data.recordings("train")] == ["a.flac"]
    assert [row.path for row in data.recordings("train", "all")] == ["a.flac", "b.flac", "c.flac"]


@pytest.mark.usefixtures("manifest")
def test_splits_are_those_of_the_manifest() -> None:
    assert [row.path for row in data.recordings("validation", "all")] == ["d.flac"]


def test_an_unknown_choice_of_licences_is_refused() -> None:
    with pytest.raises(ValueError, match="some"):
        data.recordings("train", "some")


def test_the_real_manifest_keeps_shipped_weights_clean() -> None:
    if not (data.data_folder() / "manifest.csv").exists():
        pytest.skip("no development data here")
    rows = data.recordings("train")
    assert rows
    assert not [row.path for row in rows if "NC" in row.licence or "NON-COMMERCIAL" in row.note]
    assert not {"singing", "speech_multi", "performances"} & {row.set for row in rows}


def test_an_item_is_made_again_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (data.data_folder() / "manifest.csv").exists():
        pytest.skip("no development data here")
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))
    from training.items import build_item, load_item, save_item

    item, again = build_item("validation", 3), build_item("validation", 3)
    np.testing.assert_array_equal(item.clean, again.clean)
    np.testing.assert_array_equal(item.noise, again.noise)
    power = np.mean(item.clean**2) / max(float(np.mean(item.noise**2)), 1e-20)
    if np.isfinite(item.snr_db):
        # Rounding to 16 bits, and silence put at the ends, move it by a little.
        assert 10 * np.log10(power) == pytest.approx(item.snr_db, abs=1.0)
    save_item(item, tmp_path / "item.npz")
    back = load_item(tmp_path / "item.npz")
    np.testing.assert_array_equal(back.clean, item.clean)
    np.testing.assert_allclose(back.features, item.features, atol=0.02)
