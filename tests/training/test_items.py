"""Items repeat, hold what they say, and hear a person's own hiss where he has a folder of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, welch

from tests.training.data.recordings_on_disk import Samples, tone, write, write_manifest
from training import items, material
from training.data import auditing
from training.data.own import own_folder
from training.errors import TrainingError
from training.items import build_item, build_items, load_item, make, numbers_for, paths, pcm_of, save_item
from training.material import Origin, colour_of, own_noise

recipe = pytest.importorskip("training.recipe")
RATE = 44_100
LOW_PASS_HZ = 2000.0
# Version, then samples, RMS of the music and RMS of the noise of the first three items of the folder below.
KNOWN_ITEMS = [2, 641850, 0.031637, 0.033450, 559070, 0.025407, 0.017309, 393556, 0.025725, 0.0010094]


def hiss(seconds: float, seed: int = 0, rate: int = RATE) -> Samples:
    """Noise whose spectrum falls steeply above 2 kHz: unlike any hiss of the product's own choice."""
    white = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    return 0.05 * sosfilt(butter(4, LOW_PASS_HZ, fs=rate, output="sos"), white)


def tune(seconds: float, hertz: float) -> Samples:
    time = np.arange(round(seconds * RATE)) / RATE
    return sum(0.1 * np.sin(2 * np.pi * hertz * k * time) * np.exp(-3.0 * (time % 0.6)) / k for k in range(1, 9))


def bands_db(samples: Samples) -> np.ndarray:
    """Power at 500, 1500, 3000 and 5000 Hz relative to that at 500 Hz."""
    hertz, power = welch(samples, RATE, nperseg=4096)
    level = [10 * np.log10(power[np.abs(hertz - at) < 150.0].mean()) for at in (500.0, 1500.0, 3000.0, 5000.0)]
    return np.array(level) - level[0]


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("SHELLAC_DATA", raising=False)
    auditing._told.clear()
    for cached in (own_folder, material._surface, material._pools):
        cached.cache_clear()
    yield
    for cached in (own_folder, material._surface, material._pools):
        cached.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's folder, and nothing else on the machine."""
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "none"))
    place = tmp_path / "mine"
    write(place / "noise" / "side a.wav", hiss(4.0))
    write(place / "noise" / "side b.wav", np.stack([hiss(0.7, 1, 22_050)] * 2, axis=1), 22_050)
    for number, hertz in enumerate((220.0, 277.0, 330.0)):
        write(place / "music" / f"tune {chr(97 + number)}.wav", tune(6.0, hertz))
    return place


@pytest.mark.parametrize("seconds", [0.5, 1.0, 4.0])
def test_own_noise_of_any_length_keeps_its_colour_and_its_level(folder: Path, seconds: float) -> None:
    truth = bands_db(hiss(30.0, 9))
    write(folder / "noise" / "one.wav", hiss(seconds))
    own_folder.cache_clear()
    pool = [s for side in own_folder(folder).noise for s in side if s.recording.path == "noise/one.wav"][:1]
    colours = []
    for seed in range(8):
        noise = own_noise(np.random.default_rng(seed), pool, 10 * RATE)
        assert noise.shape == (10 * RATE,)
        assert noise.std() == pytest.approx(1.0, rel=1e-3)
        blocks = noise.reshape(-1, RATE // 2).std(axis=1)
        assert blocks.min() > 0.8  # no gap where a loop begins again
        assert blocks.max() < 1.2
        colours.append(bands_db(noise))
    # Half are tilted by up to 2 dB an octave, symmetrically; half a second tells a band to about 1 dB.
    np.testing.assert_allclose(np.mean(colours, axis=0), truth, atol=3.5)
    assert np.std([colour[2] for colour in colours]) > 0.2  # and they aren't all the same


def test_the_colour_of_half_a_second_is_that_of_the_noise() -> None:
    shape = colour_of(hiss(0.5).astype(np.float32))
    hertz = np.array([500.0, 1500.0, 3000.0, 5000.0])
    found = 20 * np.log10(shape.at(hertz))
    # Butterworth, order 4: -10 log10(1 + (f / fc)^8), as bilinear filters have it to 0.3 dB at these frequencies.
    truth = -10 * np.log10(1 + (np.tan(np.pi * hertz / RATE) / np.tan(np.pi * LOW_PASS_HZ / RATE)) ** 8)
    np.testing.assert_allclose(found - found[0], truth - truth[0], atol=2.5)  # 11 averaged spectra, 2 to 12 bins


def test_a_persons_items_hold_his_hiss_and_his_music_without_any_other_data(folder: Path) -> None:
    origin, truth = Origin(folder=folder), bands_db(hiss(30.0, 9))
    noisy, like_his = 0, 0
    for number in range(10):
        item = build_item("train", number, origin)
        assert 5 * RATE <= len(item.clean) <= 20 * RATE
        if np.isfinite(item.snr_db):
            noisy += 1
            power = np.mean(item.clean**2) / np.mean(item.noise**2)
            assert 10 * np.log10(power) == pytest.approx(item.snr_db, abs=1.5)  # silence at the ends moves it a little
            like_his += bool(np.abs(bands_db(item.noise) - truth)[3] < 10.0)
    assert noisy >= 6
    assert like_his >= 0.5 * noisy  # 85 % are his; some of those have crackle or a band limit over it


def test_an_item_of_a_folder_is_made_again_by_its_number(folder: Path) -> None:
    item, again = (build_item("train", 3, Origin(folder=folder)) for _ in range(2))
    np.testing.assert_array_equal(item.clean, again.clean)
    np.testing.assert_array_equal(item.noise, again.noise)


def test_a_quick_run_builds_few_items_in_a_folder_of_their_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "FEWEST_ITEMS", 4)
    monkeypatch.setattr(items, "OWN_VALIDATION_ITEMS", 2)
    settings = recipe.Settings(steps=1, folder=folder)
    make(settings, 1)
    train, validation = paths("train", settings), paths("validation", settings)
    assert len(train) == 4
    assert len(validation) == 2
    assert train[0].parent.parent.name.startswith("own-")
    assert not paths("train", recipe.Settings(steps=1))  # the items of the development data lie elsewhere
    stamps = [path.stat().st_mtime_ns for path in train]
    make(settings, 1)
    assert [path.stat().st_mtime_ns for path in paths("train", settings)] == stamps
    write(folder / "noise" / "side c.wav", hiss(2.0, 5))
    own_folder.cache_clear()
    assert not paths("train", settings)  # another listing, other items


def test_ten_minutes_on_ones_own_hiss_want_few_items_and_the_full_run_all(folder: Path) -> None:
    def count(**settings: object) -> int:
        return len(numbers_for(recipe.Settings(**settings))["train"][0])

    assert count(minutes=10.0, folder=folder) == 320
    assert count(minutes=20.0) == items.TRAIN_ITEMS
    assert count(minutes=90.0) == items.TRAIN_ITEMS
    assert count(minutes=1.0) < 500
    assert count(steps=400, minutes=1.0) == count(steps=400, minutes=90.0)  # steps decide where they are given
    assert count(steps=1) == items.FEWEST_ITEMS


def test_noise_without_any_music_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "none"))
    write(tmp_path / "mine" / "noise" / "a.wav", hiss(2.0))
    with pytest.raises(TrainingError, match=r"holds noise but no music.*put clean recordings into .*music"):
        build_items("train", range(1), 1, Origin(folder=tmp_path / "mine"))
    write(tmp_path / "mine" / "music" / "a.wav", tune(0.9, 300.0))  # under two halves of a second
    own_folder.cache_clear()
    with pytest.raises(TrainingError, match="too short to keep a part for validation"):
        build_items("train", range(1), 1, Origin(folder=tmp_path / "mine"))
    with pytest.raises(TrainingError, match="no development data"):
        build_items("train", range(1), 1)


def test_an_item_comes_back_from_its_file_and_knows_the_code_that_built_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = build_item("validation", 0, Origin(folder=folder))
    save_item(item, tmp_path / "item.npz")
    back = load_item(tmp_path / "item.npz")
    np.testing.assert_array_equal(back.clean, item.clean)
    np.testing.assert_allclose(back.features, item.features, atol=0.02)
    with np.load(tmp_path / "item.npz") as file:  # the mapped samples are those that numpy finds
        np.testing.assert_array_equal(pcm_of(tmp_path / "item.npz"), file["pcm"])
    assert items.is_current(tmp_path / "item.npz")
    monkeypatch.setattr(items, "BUILT_BY", items.BUILT_BY + 1)
    assert not items.is_current(tmp_path / "item.npz")


def test_what_the_numbers_mean_changes_only_with_the_version_of_the_items(folder: Path) -> None:
    # If this fails, items of the same numbers have become others: raise BUILT_BY, then write down what is printed.
    found = [items.BUILT_BY]
    for number in (0, 1, 2):
        item = build_item("train", number, Origin(folder=folder))
        found += [len(item.clean), float(np.sqrt(np.mean(item.clean**2))), float(np.sqrt(np.mean(item.noise**2)))]
    print(found)  # shown if it fails
    assert found == pytest.approx(KNOWN_ITEMS, rel=2e-3)  # libraries differ in the last bits


def test_items_of_earlier_code_are_counted_and_made_anew_on_request(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(items, "FEWEST_ITEMS", 2)
    monkeypatch.setattr(items, "OWN_VALIDATION_ITEMS", 1)
    monkeypatch.setattr(items, "_own_name", lambda folder, licences: "own-test")  # otherwise they would lie apart
    settings = recipe.Settings(steps=1, folder=folder)
    make(settings, 1)
    assert "earlier version" not in capsys.readouterr().out
    monkeypatch.setattr(items, "BUILT_BY", items.BUILT_BY + 1)
    make(settings, 1)
    assert "2 of 2 training items were built by an earlier version" in capsys.readouterr().out
    assert items.remove_older("train", range(2), Origin(folder=folder)) == 2
    make(settings, 1)
    assert "earlier version" not in capsys.readouterr().out


ROW = "{}.wav,music,{},44100,1,1.0,{},us/tones,20000,"


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Development data of three tones."""
    place = tmp_path / "data"
    for name in "abc":
        write(place / f"{name}.wav", tone(1.0))
    write_manifest(place, ROW.format("a", "train", "CC0 1.0"), ROW.format("b", "train", "CC BY 4.0"),
                   ROW.format("c", "validation", "CC0 1.0"))  # fmt: skip
    monkeypatch.setenv("SHELLAC_DATA", str(place))
    return place


@pytest.mark.parametrize("change", ["licence", "length", "gone", "more"])
def test_items_of_other_recordings_are_left_alone(recordings: Path, change: str) -> None:
    before, measured = items.item_folder("train"), items.item_folder("validation")
    assert items.item_folder("train") == before
    manifest = recordings / "manifest.csv"
    untouched = manifest.read_text()
    if change == "licence":  # what may no longer go into weights that are sold
        manifest.write_text(untouched.replace("CC BY 4.0", "CC BY-NC 4.0"))
    elif change == "length":
        write(recordings / "b.wav", tone(0.9))
    elif change == "gone":
        (recordings / "b.wav").unlink()
    else:
        manifest.write_text(untouched + ROW.format("d", "train", "CC0 1.0") + "\n")
    after = items.item_folder("train")
    assert after != before
    assert after.is_dir()
    assert items.item_folder("train") == after
    assert items.item_folder("validation") == measured  # of which nothing has changed
    if change in ("licence", "more"):  # and back again
        manifest.write_text(untouched)
        assert items.item_folder("train") == before


def test_items_that_dont_say_what_made_them_count_as_made_of_what_lies_there(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FEWEST_ITEMS", "VALIDATION_ITEMS"):
        monkeypatch.setattr(items, name, 1)
    monkeypatch.setattr(items, "DENSE_ITEMS", 0)
    built: list[Path] = []
    monkeypatch.setattr(items, "_build", lambda job: built.append(items._item_path(*job)))
    settings, place = recipe.Settings(steps=1), tmp_path / "runs" / "cache" / "items" / "train"
    place.mkdir(parents=True)
    silence = np.zeros(RATE, np.float32)
    item = items.Item(silence, silence, np.zeros((36, 1025), np.float32), np.zeros(1025, np.float32), 1.0, 9.0)
    save_item(item, place / "000000.npz")
    make(settings, 1)
    assert paths("train", settings) == [place / "000000.npz"]
    assert "have changed" not in capsys.readouterr().out
    write_manifest(recordings, ROW.format("a", "train", "CC0 1.0"), ROW.format("c", "validation", "CC0 1.0"))
    make(settings, 1)
    assert "have changed since training items were made" in capsys.readouterr().out
    assert built[-1].parent != place
    assert (place / "000000.npz").exists()


def test_items_of_a_folder_follow_its_licences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "none"))
    mine = tmp_path / "mine"
    for name, hertz in (("a", 220.0), ("b", 330.0)):
        write(mine / f"{name}.wav", tone(6.0, hertz))
    write_manifest(mine, "a.wav,songs,train,", "b.wav,songs,train,CC BY-NC 4.0,", header="path,set,split,licence,note")
    with pytest.raises(TrainingError, match="wants its author named"):
        items.item_folder("train", "all", mine)
    write_manifest(mine, "a.wav,songs,train,,", "b.wav,songs,train,CC BY-NC 4.0,us/b",
                   header="path,set,split,licence,source_repository")  # fmt: skip
    own_folder.cache_clear()
    places = {items.item_folder(split, kind, mine) for split in ("train", "validation") for kind in ("clean", "all")}
    assert len(places) == 4
    for kind, heard in (("clean", {"a.wav"}), ("all", {"a.wav", "b.wav"})):
        own = Origin(kind, mine).own
        assert own is not None
        assert {row.path for row in own.rows()} == heard


def test_an_item_of_the_development_data_is_made_again_by_its_number(
    development_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_DATA", str(development_data))
    item, again = build_item("validation", 3), build_item("validation", 3)
    np.testing.assert_array_equal(item.clean, again.clean)
    np.testing.assert_array_equal(item.noise, again.noise)
    power = np.mean(item.clean**2) / max(float(np.mean(item.noise**2)), 1e-20)
    if np.isfinite(item.snr_db):
        # Rounding to 16 bits, and silence put at the ends, move it by a little.
        assert 10 * np.log10(power) == pytest.approx(item.snr_db, abs=1.0)
