"""The commands that train and try out AFiLM and TFiLM: every argument works, and what comes out is what was asked."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from export.licences import terms_of_table  # noqa: E402
from models.tfilm.network import TFiLM  # noqa: E402
from tests.training.data.recordings_on_disk import write, write_manifest  # noqa: E402
from tests.training.test_resume import differences  # noqa: E402
from training import recipes  # noqa: E402
from training.recipe import Settings  # noqa: E402
from training.state import checkpoint  # noqa: E402
from training.upsample import films, pairs  # noqa: E402
from training.upsample.films import Film, recipe_of  # noqa: E402
from training.upsample.prepare import main as prepare  # noqa: E402
from training.upsample.test import main as try_out  # noqa: E402
from training.upsample.train import film_recipe, licences_of, parser, set_heard  # noqa: E402
from training.upsample.train import main as train  # noqa: E402

LENGTH = 512  # of a patch: the least work


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "nothing"))


def archive(path: Path, patches: int = 6, axes: int = 3, seed: int = 1) -> Path:
    """An archive as somebody else would make it: tones with overtones, without any attribute."""
    rng = np.random.default_rng(seed)
    time = np.arange(patches * LENGTH) / pairs.RATE
    high = sum(0.05 * np.sin(2 * np.pi * rng.uniform(100, 900) * n * time) for n in range(1, 12))
    both = pairs.pair(high.astype(np.float32), 2)
    shape = (patches, LENGTH, 1)[:axes]
    with h5py.File(path, "w") as file:
        for name, samples in both.items():
            file.create_dataset(name, data=samples.reshape(shape))
    return path


def training(tmp_path: Path, *words: str) -> dict[str, Any]:
    """Run the command on two small archives; the checkpoint."""
    places = [path if path.exists() else archive(path) for path in (tmp_path / "train.h5", tmp_path / "val.h5")]
    train(["--train", str(places[0]), "--val", str(places[1]), "--batch-size", "2", "--threads", "1", *words])
    return checkpoint(tmp_path / "out" / "checkpoint.pt")


@pytest.mark.parametrize("axes", [2, 3])
def test_an_archive_made_elsewhere_trains_by_epochs_and_draws_both_curves(tmp_path: Path, axes: int) -> None:
    archive(tmp_path / "train.h5", axes=axes)
    archive(tmp_path / "val.h5", axes=axes, seed=2)
    out = tmp_path / "out"
    content = training(
        tmp_path, "--model", "tfilm", "--r", "2", "--epochs", "2", "--lr", "1e-3", "--device", "cpu",
        "--save-path", str(out),
    )  # fmt: skip
    assert (content["recipe"], content["step"], content["steps"]) == ("tfilm_x2", 6, 6)
    assert content["optimiser"]["param_groups"][0]["lr"] < 1e-3
    for name in ("mse_r2.png", "rmse_r2.png", "training_loss.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((out / "log.csv").read_text().splitlines()))
    validated = [int(float(row["step"])) for row in rows if row["validation mse_r2"]]
    trained = [int(float(row["step"])) for row in rows if row["mse_r2"]]
    assert validated == trained == [3, 6]  # after each epoch, both
    for row in rows:
        for side in ("", "validation "):
            if row[f"{side}mse_r2"]:
                assert float(row[f"{side}rmse_r2"]) > 0.0
    assert {"validation snr_db", "validation snr_db of the spline", "validation lsd"} <= rows[0].keys()


def test_training_that_was_stopped_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--model", "afilm", "--epochs", "2", "--save-path", str(tmp_path / "out"))
    undisturbed = training(tmp_path, *words)
    (tmp_path / "out").rename(tmp_path / "undisturbed")
    batches = films.batches

    def broken(film: Film, settings: Settings, step: int) -> Any:
        for number, batch in enumerate(batches(film, settings, step), step):
            if number == 4:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(films, "batches", broken)
    with pytest.raises(SystemExit, match="--resume goes on"):
        training(tmp_path, *words)
    assert checkpoint(tmp_path / "out" / "checkpoint.pt")["step"] == 3  # saved with the epoch
    monkeypatch.setattr(films, "batches", batches)
    resumed = training(tmp_path, *words, "--resume")
    for content in (undisturbed, resumed):
        del content["seconds"], content["rows"]
    assert differences(undisturbed, resumed) == []


def test_weights_from_an_archive_of_unknown_origin_never_get_a_card(tmp_path: Path) -> None:
    content = training(tmp_path, "--model", "tfilm", "--steps", "1", "--save-path", str(tmp_path / "out"))
    assert content["data"] == ""


def test_an_archive_of_unknown_origin_is_nobodys_clean_recordings_and_overwrites_no_run(tmp_path: Path) -> None:
    words = ["--model", "tfilm", "--train", str(archive(tmp_path / "own.h5")), "--steps", "1", "--batch-size", "2"]
    shipped = tmp_path / "runs" / "tfilm_x2" / "checkpoint.pt"
    shipped.parent.mkdir(parents=True)
    shipped.write_bytes(b"what the room was filled from")
    with pytest.raises(SystemExit, match=r"own\.h5 doesn't say .* give --save-path"):
        train([*words, "--threads", "1"])
    assert shipped.read_bytes() == b"what the room was filled from"
    content = training(tmp_path, *words[:2], "--steps", "1", "--save-path", str(tmp_path / "out"))
    assert content["licences"] == "all"
    assert content["inputs"].endswith("; pairs of unknown making")


def test_an_archive_of_ones_own_recordings_counts_as_all_licences(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("a", "b"):
        soundfile.write(tmp_path / "mine" / f"{name}.wav", sound(32_000, pairs.RATE), pairs.RATE)
    prepare([str(tmp_path / "mine.h5"), "--r", "2", "--folder", str(tmp_path / "mine")])
    assert set_heard(tmp_path / "mine.h5") is None
    assert licences_of(tmp_path / "mine.h5") == "all"
    assert licences_of(None) == "clean"


def actors(folder: Path) -> None:
    """Two actors under a non-commercial licence, one for each split."""
    rows = []
    for split, name in (("train", "Actor_01/a"), ("validation", "Actor_02/b")):
        write(folder / f"multi/{name}.wav", sound(32_000, pairs.RATE)[:, 0].astype(np.float64), pairs.RATE)
        rows.append(f"multi/{name}.wav,speech_multi,{split},16000,1,2.0,CC BY-NC-SA 4.0,someone/somewhere,8000,")
    write_manifest(folder, *rows)


def test_weights_that_heard_many_speakers_lie_apart_and_carry_the_licence_of_those(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors(tmp_path / "data")
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "data"))
    for split in ("train", "validation"):
        cut = [str(tmp_path / f"{split}.h5"), "--r", "2", "--set", "multi", "--split", split, "--share", "1"]
        prepare([*cut, "--data", "all"])
    both = ["--train", str(tmp_path / "train.h5"), "--val", str(tmp_path / "validation.h5")]
    train(["--model", "tfilm", *both, "--steps", "1", "--batch-size", "1", "--threads", "1"])
    content = checkpoint(tmp_path / "runs" / "tfilm_x2-all" / "checkpoint.pt")
    assert content["licences"] == "all"
    (row,) = json.loads(content["data"])
    assert (row["name"], row["recordings"], row["sources"]) == ("speech_multi", 1, ["someone/somewhere"])
    terms = terms_of_table([row])
    assert terms.licence == "CC BY-NC-SA 4.0"
    assert "someone/somewhere" in terms.attribution


def test_weights_that_learned_other_pairs_than_a_card_names_get_no_card_and_the_checkpoint_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors(tmp_path / "data")
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "data"))
    cut = ["--r", "2", "--set", "multi", "--data", "all", "--share", "1"]
    for name, further in (("own", []), ("aliased", ["--no-low-pass"])):
        prepare([str(tmp_path / f"{name}.h5"), *cut, *further])
    words = ["--model", "tfilm", "--steps", "1", "--batch-size", "1", "--threads", "1"]
    seen = {}
    for name in ("own", "aliased"):
        asked = ["--train", str(tmp_path / f"{name}.h5"), "--save-path", str(tmp_path / name)]
        train([*words, *asked])
        content = checkpoint(tmp_path / name / "checkpoint.pt")
        assert content["inputs"].endswith(f"; {pairs.content(2, low_pass=name == 'own')}")
        seen[name] = content["data"]
        if name == "aliased":
            with pytest.raises(SystemExit, match=r"aliased\.h5 doesn't say that it holds pairs .* give --save-path"):
                train([*words, *asked[:2]])
    assert "speech_multi" in seen["own"]
    assert seen["aliased"] == ""


@pytest.mark.parametrize(
    ("attribute", "value"), [("split", "validation"), ("sets", ""), ("folder", "own"), ("format", "another")]
)
def test_an_archive_that_isnt_a_whole_sets_training_split_says_nothing_for_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attribute: str, value: str
) -> None:
    actors(tmp_path / "data")
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "data"))
    prepare([str(tmp_path / "train.h5"), "--r", "2", "--set", "multi", "--data", "all", "--share", "1"])
    assert set_heard(tmp_path / "train.h5") == "speech_multi"
    with h5py.File(tmp_path / "train.h5", "r+") as file:
        file.attrs[attribute] = value
    assert set_heard(tmp_path / "train.h5") is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--train", "{}/none.h5"], "there is no archive"),
        (["--train", "{}/val.h5", "--val", "{}/val.h5"], "the same archive"),
        (["--train", "{}/odd.h5"], "multiple of 256"),
        (["--train", "{}/lone.h5"], "no dataset 'label'"),
        (
            ["--train", "{}/train.h5", "--save-path", "{}", "--batch-size", "100", "--epochs", "1"],
            "don't fill a batch of 100",
        ),
        (["--train", "{}/train.h5", "--save-path", "{}", "--device", "abacus"], "there is no device 'abacus'"),
    ],
)
def test_what_cant_be_trained_on_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    archive(tmp_path / "train.h5")
    archive(tmp_path / "val.h5")
    for name, sets in (("odd", {"data": (4, 300), "label": (4, 300)}), ("lone", {"data": (4, 512)})):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            for key, shape in sets.items():
                file.create_dataset(key, data=np.zeros(shape, dtype=np.float32))
    with pytest.raises(SystemExit) as end:
        train(["--model", "afilm", *(word.format(tmp_path) for word in words)])
    assert sentence in str(end.value)


def test_arguments_of_the_films_mean_nothing_to_the_others() -> None:
    with pytest.raises(SystemExit, match="--r is for afilm and tfilm"):
        train(["--model", "bwe48", "--r", "2"])


def test_the_bandwidth_networks_are_trained_by_the_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr("training.upsample.train.train_by_recipe", lambda words: asked.append(list(words)))
    train(["--model", "bwe48", "--minutes", "50", "--resume", "--threads", "1"])
    assert asked == [["bwe48", "--device", "cpu", "--seed", "0", "--minutes=50.0", "--threads=1", "--resume"]]


def test_every_film_has_a_recipe_slim_and_full_and_only_slim_ones_a_room() -> None:
    found = {name: recipe for name, recipe in recipes.all_recipes().items() if "film" in name}
    assert set(found) == {
        f"{kind}{size}_x{r}" for kind in ("afilm", "tfilm") for size in ("", "_full") for r in (2, 4, 8)
    }
    for name, recipe in found.items():
        assert (recipe.room is None) == ("full" in name)
        if recipe.room:
            room = recipe.room()
            assert (room.name, room.file) == (name[:5], f"{name[6:]}.onnx")
            assert room.answer[0].name != room.given[0].name
            assert room.facts["factor"] == int(name[-1])


def low_pass_only(tmp_path: Path) -> Path:
    """A checkpoint of a network that gives back what it gets."""
    path = archive(tmp_path / "train.h5")
    film = Film("tfilm", 2, TFiLM, train=path, validation=path, batch=2)
    from training.loop import run

    checkpoint_path = run(recipe_of(film, has_room=False), Settings(steps=1, save_to=tmp_path / "fresh"))
    content = torch.load(checkpoint_path, weights_only=True)
    content["average"] = TFiLM().state_dict()
    torch.save(content, checkpoint_path)
    return checkpoint_path


def sound(frames: int, rate: int, channels: int = 1) -> NDArray[np.float32]:
    time = np.arange(frames) / rate
    tones = [0.2 * np.sin(2 * np.pi * 300.0 * (n + 1) * time) + 0.02 * np.sin(2 * np.pi * 5000.0 * time)
             for n in range(channels)]  # fmt: skip
    return np.stack(tones, axis=1).astype(np.float32)


def test_a_folder_is_tried_out_and_every_sample_counts(tmp_path: Path) -> None:
    model, given, out = low_pass_only(tmp_path), tmp_path / "in", tmp_path / "tried"
    given.mkdir()
    soundfile.write(given / "mono.wav", sound(10_001, 16_000), 16_000, subtype="FLOAT")
    soundfile.write(given / "stereo.flac", sound(9000, 16_000, 2), 16_000)
    soundfile.write(given / "silent.wav", np.zeros(4000, dtype=np.float32), 16_000)
    try_out([
        "--model-path", str(model), "--input-dir", str(given), "--output-dir", str(out), "--r", "2", "--sr", "16000",
    ])  # fmt: skip
    for name, frames, channels in (("mono", 10_001, 1), ("stereo", 9000, 2), ("silent", 4000, 1)):
        for kind, rate, length in (("lr", 8000, -(-frames // 2)), ("hr", 16_000, frames), ("pr", 16_000, frames)):
            facts = soundfile.info(str(out / f"{name}.{kind}.wav"))
            assert (facts.samplerate, facts.frames, facts.channels) == (rate, length, channels)
    original, _ = soundfile.read(out / "mono.hr.wav", dtype="float32")
    np.testing.assert_array_equal(original, sound(10_001, 16_000)[:, 0])
    scored = json.loads((out / "scores.json").read_text())
    assert "Chebyshev" in scored["low_pass"]
    assert scored["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    mono = scored["files"]["mono"]
    # This network adds nothing: its scores are the spline's. What is missing is the tone at 5 kHz, a tenth as loud.
    assert mono["network"]["snr_db"] == pytest.approx(mono["spline"]["snr_db"], abs=0.01)
    assert mono["network"]["snr_db"] == pytest.approx(20.0, abs=0.2)
    assert scored["files"]["silent"]["network"]["snr_db"] is None  # silence has none
    assert scored["means"]["network"]["lsd"] > 0.0
    made, _ = soundfile.read(out / "silent.pr.wav")
    assert not made.any()


def test_files_that_are_low_already_are_only_raised(tmp_path: Path) -> None:
    model, given, out = low_pass_only(tmp_path), tmp_path / "in", tmp_path / "tried"
    given.mkdir()
    soundfile.write(given / "old.wav", sound(5001, 8000), 8000, subtype="FLOAT")
    words = ["--model-path", str(model), "--input-dir", str(given), "--output-dir", str(out), "--r", "2"]
    try_out([*words, "--already-low"])
    assert sorted(path.name for path in out.iterdir()) == ["old.lr.wav", "old.pr.wav", "scores.json"]
    assert soundfile.info(str(out / "old.pr.wav")).frames == 10_002
    assert json.loads((out / "scores.json").read_text())["means"] == {}
    with pytest.raises(SystemExit, match="not of a factor of 4"):
        try_out([*words[:-1], "4"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="there is no recording in"):
        try_out([*words[:3], str(tmp_path / "empty"), *words[4:]])


def test_with_another_batch_a_network_still_says_what_it_began_with(tmp_path: Path) -> None:
    def recipe(*words: str) -> Any:
        return film_recipe(parser().parse_args(["--model", "afilm", "--r", "4", *words]))

    for words in ((), ("--batch-size", "4")):
        made = recipe(*words)
        assert made.needs.networks == ("afilm_x2",)
        assert made.room().facts["began_with"] == "afilm_x2"
        assert made.prepare is not None
    own = recipe("--train", str(archive(tmp_path / "own.h5")), "--save-path", str(tmp_path))
    assert (own.prepare, own.needs.networks) == (None, ())


def test_a_recording_that_lacks_the_band_it_would_be_scored_by_is_refused(tmp_path: Path) -> None:
    model, given, out = low_pass_only(tmp_path), tmp_path / "in", tmp_path / "tried"
    given.mkdir()
    soundfile.write(given / "a.wav", sound(4000, 16_000), 16_000)
    soundfile.write(given / "b.wav", sound(4000, 11_025), 11_025)
    words = ["--model-path", str(model), "--input-dir", str(given), "--output-dir", str(out), "--r", "2"]
    with pytest.raises(SystemExit, match=r"b\.wav has 11025 Hz.*--already-low"):
        try_out(words)
    assert not out.exists()
    (given / "b.wav").unlink()
    try_out(words)
    assert (out / "a.hr.wav").exists()
