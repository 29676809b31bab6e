"""`shellac upsample`: what it writes, what it says, and how it ends when it can't."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine import cli
from engine.audio.files import WriteOptions
from engine.audio.signal import Samples
from engine.cli.process import process
from engine.errors import Cancelled
from engine.session.recipe import Recipe, Step
from engine.settings import Settings
from engine.tools.tool import Job

pytestmark = pytest.mark.usefixtures("toy_rooms")


def shellac(*words: object) -> int:
    return cli.main([str(word) for word in words])


def written(path: Path, rate: int, seconds: float = 2.0, channels: int = 1, level: float = 0.1) -> Path:
    """Write swelling noise as a float file."""
    chance = np.random.default_rng(3)
    samples = level * chance.standard_normal((round(seconds * rate), channels))
    samples *= 0.6 + 0.4 * np.sin(9.0 * np.arange(len(samples)) / rate)[:, None]
    soundfile.write(path, samples, rate, "FLOAT")
    return path


def muffled(path: Path, rate: int, cutoff_hz: float, seconds: float = 4.0) -> Path:
    """Write the same, cut off steeply at a frequency."""
    import scipy.signal

    samples, _ = soundfile.read(written(path, rate, seconds), dtype="float64")
    sos = scipy.signal.ellip(10, 0.1, 90, cutoff_hz, fs=rate, output="sos")
    soundfile.write(path, scipy.signal.sosfiltfilt(sos, samples), rate, "FLOAT")
    return path


def heard(path: Path) -> Samples:
    samples: Samples = soundfile.read(path, dtype="float32", always_2d=True)[0]
    return samples


def level_db(samples: Samples, rate: int, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(samples[:, 0].astype(np.float64) * np.hanning(len(samples)))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    return float(10 * np.log10(power[(hertz >= low_hz) & (hertz < high_hz)].mean() + 1e-30))


@pytest.mark.parametrize(
    ("rate", "words", "wanted"),
    [
        (8_000, ["--factor", "2"], 16_000),
        (8_000, ["--rate", "48000"], 48_000),
        (22_050, [], 48_000),
        (44_100, [], 44_100),
        (16_000, ["--rate", "16000"], 16_000),
        (4_000, ["--factor", "4", "--model", "tfilm"], 16_000),
        (8_000, ["--model", "afilm"], 16_000),
        (8_000, ["--preset", "fill to 48 kHz", "--factor", "2"], 16_000),
        (8_000, ["--preset", "telephone speech"], 16_000),
    ],
)
def test_the_result_has_the_rate_asked_for_and_the_length_that_goes_with_it(
    rate: int, words: list[str], wanted: int, tmp_path: Path
) -> None:
    source = written(tmp_path / "in.wav", rate, 1.0, 2)
    out = tmp_path / "out.wav"
    assert shellac("upsample", source, "-o", out, *words, "--quiet") == 0
    info = soundfile.info(out)
    assert (info.samplerate, info.channels, info.frames, info.subtype) == (wanted, 2, wanted, "FLOAT")


def test_the_rate_of_the_recording_is_allowed_and_the_band_above_the_cutoff_is_filled(tmp_path: Path) -> None:
    source = muffled(tmp_path / "in.wav", 48_000, 9_000.0)
    out = tmp_path / "out.wav"
    assert shellac("upsample", source, "-o", out, "--rate", 48_000, "--quiet") == 0
    before, after = heard(source), heard(out)
    assert len(after) == len(before)
    assert level_db(after, 48_000, 11_000, 20_000) > level_db(before, 48_000, 11_000, 20_000) + 40.0
    assert level_db(after - before, 48_000, 100, 7_500) < level_db(before, 48_000, 100, 7_500) - 90.0


def test_the_file_and_the_report_say_that_sound_was_generated(tmp_path: Path, capsys: Any) -> None:
    source = muffled(tmp_path / "in.wav", 24_000, 5_000.0)
    out = tmp_path / "out.wav"
    assert shellac("upsample", source, "-o", out, "--json", "--report", tmp_path / "r.html") == 0
    with soundfile.SoundFile(out) as file:
        assert "Upsample (bwe48/weights.onnx" in file.comment
        assert "may contain sound that was never recorded" in file.comment
    report = json.loads(capsys.readouterr().out)
    step = report["steps"][0]
    assert report["generated_sound"]
    assert "generated, not recovered" in step["account"]["text"]
    assert not {"label", "generated_to_hz"} & set(step["learnt"])
    assert step["learnt"]["cutoff_hz"] == pytest.approx(5_000, rel=0.08)
    assert step["learnt"]["cutoff_confidence"] > 0.3
    assert [network["room"] for network in step["networks"]] == ["bwe48"]
    account = step["account"]
    assert account["kept_null_db"] < -90.0
    assert account["lsd_lf_db"] < 0.01
    assert -80.0 < account["generated_db"] < -10.0
    assert account["generated_to_hz"] == 24_000
    assert "found with confidence" in account["text"]
    assert "generated, not recovered" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (24_000, ["--set", "generate=off"]),
        (44_100, []),
        (32_000, ["--rate", "32000"]),
        (24_000, ["--start", "60"]),
        (24_000, ["--set", "amount=0"]),
    ],
    ids=["switched off", "whole", "whole at a rate of no network", "beyond the end", "an amount of nothing"],
)
def test_where_nothing_was_generated_nothing_says_so(rate: int, words: list[str], tmp_path: Path, capsys: Any) -> None:
    source, out = written(tmp_path / "in.wav", rate, 3.0), tmp_path / "out.wav"
    assert shellac("upsample", source, "-o", out, *words, "--json", "--report", tmp_path / "r.html") == 0
    with soundfile.SoundFile(out) as file:
        assert "Upsample" in file.comment
        assert "never recorded" not in file.comment
        assert "onnx" not in file.comment
    report = json.loads(capsys.readouterr().out)
    assert not report["generated_sound"]
    assert not report["steps"][0]["can_invent_sound"]
    assert report["steps"][0]["networks"] == []
    assert report["steps"][0]["account"] == {}
    assert "never recorded" not in (tmp_path / "r.html").read_text()


def test_of_three_files_in_a_room_the_one_that_was_run_is_named(tmp_path: Path, capsys: Any) -> None:
    source, out = written(tmp_path / "in.wav", 8_000, 1.0), tmp_path / "out.wav"
    assert shellac("upsample", source, "-o", out, "--model", "afilm", "--json") == 0
    with soundfile.SoundFile(out) as file:
        assert "afilm/x2.onnx" in file.comment
        assert "x4.onnx" not in file.comment
    (network,) = json.loads(capsys.readouterr().out)["steps"][0]["networks"]
    assert (network["room"], [entry["file"] for entry in network["files"]]) == ("afilm", ["x2.onnx"])


@pytest.mark.parametrize(
    ("rate", "words", "status", "said"),
    [
        (48_000, ["--rate", "44100"], 2, "upsample raises the rate; use resample in writing"),
        (48_000, ["--rate", "48000", "--factor", "2"], 2, "not allowed with"),
        (48_000, ["--factor", "3"], 2, "2 or 4 or 8"),
        (44_100, ["--factor", "2", "--model", "afilm"], 3, "--model auto"),
        (4_000, ["--factor", "2", "--model", "afilm"], 3, "--factor 4"),
        (16_000, ["--model", "tfilm"], 3, "--model auto"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_what_can(
    rate: int, words: list[str], status: int, said: str, tmp_path: Path, capsys: Any
) -> None:
    source = written(tmp_path / "in.wav", rate, 0.2)
    assert shellac("upsample", source, "-o", tmp_path / "out.wav", *words, "--quiet") == status
    found = capsys.readouterr()
    assert said in found.err
    assert found.err.count("\n") == 1
    assert found.out == ""
    assert not (tmp_path / "out.wav").exists()


def test_in_a_recipe_a_lower_rate_is_the_recipes_fault(tmp_path: Path, capsys: Any) -> None:
    source = written(tmp_path / "in.wav", 48_000, 0.2)
    recipe = tmp_path / "down.json"
    recipe.write_text(Recipe((Step("upsample", {"rate_hz": 44_100}, id="u"),)).dumps())
    assert shellac("run", recipe, source, "--out", tmp_path / "out", "--quiet") == 3
    assert "upsample raises the rate" in capsys.readouterr().err


def test_an_empty_recording_is_status_3(tmp_path: Path, capsys: Any) -> None:
    soundfile.write(tmp_path / "in.wav", np.zeros((0, 1)), 8_000, "FLOAT")
    assert shellac("upsample", tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--quiet") == 3
    assert "empty" in capsys.readouterr().err


@pytest.mark.parametrize("frames", [1, 100, 1000])
@pytest.mark.parametrize("words", [["--factor", "2"], ["--rate", "48000"], ["--model", "afilm"]])
def test_less_than_a_window_is_processed_at_its_exact_length(frames: int, words: list[str], tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", 8_000, frames / 8_000)
    assert shellac("upsample", source, "-o", tmp_path / "out.wav", *words, "--quiet") == 0
    info = soundfile.info(tmp_path / "out.wav")
    assert info.frames == frames * info.samplerate // 8_000


def test_a_recording_without_a_clear_edge_is_taken_up_to_its_nyquist_with_a_warning(
    tmp_path: Path, capsys: Any
) -> None:
    time = np.arange(3 * 16_000) / 16_000
    soundfile.write(tmp_path / "in.wav", 0.1 * np.sin(2 * np.pi * 150 * time), 16_000, "FLOAT")
    assert shellac("upsample", tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--rate", 48_000) == 0
    assert "no edge was found below 8000 Hz" in capsys.readouterr().err


def test_a_chosen_cutoff_needs_no_warning(tmp_path: Path, capsys: Any) -> None:
    source = muffled(tmp_path / "in.wav", 16_000, 600.0)
    words = ("upsample", source, "-o", tmp_path / "out.wav", "--rate", 48_000, "--set", "cutoff_hz=600")
    assert shellac(*words) == 0
    assert "edge" not in capsys.readouterr().err
    assert level_db(heard(tmp_path / "out.wav"), 48_000, 1_000, 6_000) > -60.0


def test_a_recording_that_lacks_nothing_is_copied_with_a_note(tmp_path: Path, capsys: Any) -> None:
    source = written(tmp_path / "in.wav", 44_100, 3.0)
    assert shellac("upsample", source, "-o", tmp_path / "out.wav") == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "nothing is missing, so it was copied" in said
    assert np.array_equal(heard(tmp_path / "out.wav"), heard(source))


def test_a_noisy_recording_is_processed_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from engine.measure.cutoff import Cutoff
    from engine.tools.upsample import learned

    # The finder's own judgement of noise is tested where it lives.
    monkeypatch.setattr(learned, "find_cutoff", lambda *given: Cutoff(5_000.0, 0.9, 300.0, False, True, 5_000.0))
    source = written(tmp_path / "in.wav", 16_000, 1.0)
    assert shellac("upsample", source, "-o", tmp_path / "out.wav") == 0
    assert "restore the recording first" in capsys.readouterr().err
    assert (tmp_path / "out.wav").exists()


def test_a_peak_above_full_scale_is_said_and_kept(tmp_path: Path, capsys: Any) -> None:
    source = written(tmp_path / "in.wav", 24_000, 1.0, level=0.5)
    assert shellac("upsample", source, "-o", tmp_path / "out.wav") == 0
    said = capsys.readouterr().err
    assert np.abs(heard(tmp_path / "out.wav")).max() > 1.0
    assert "above full scale" in said
    assert "the float file keeps them" in said


def test_start_and_stop_hold_at_the_new_rate(tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", 24_000, 4.0)
    plain, out = tmp_path / "plain.wav", tmp_path / "out.wav"
    assert shellac("upsample", source, "-o", plain, "--set", "generate=off", "--quiet") == 0
    assert shellac("upsample", source, "-o", out, "--start", 1, "--stop", 2, "--quiet") == 0
    a, b = heard(plain), heard(out)
    assert np.array_equal(a[:48_000], b[:48_000])
    assert np.array_equal(a[96_000:], b[96_000:])
    assert level_db(b[50_000:94_000], 48_000, 13_000, 20_000) > level_db(a[50_000:94_000], 48_000, 13_000, 20_000) + 40


class ChangesMind(Job):
    """A job that is cancelled when it has come to a share of its work."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at = at

    def progress(self, fraction: float, text: str = "") -> None:
        if fraction >= self.at:
            self.cancel()
        super().progress(fraction, text)


@pytest.mark.parametrize("at", [0.12, 0.3, 0.6, 0.85])
def test_a_cancel_leaves_no_file(at: float, tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", 24_000, 12.0)
    recipe = Recipe((Step("upsample", {}, id="u"),))
    before = threading.active_count()
    with pytest.raises(Cancelled):
        process(
            source, recipe, tmp_path / "out.wav", WriteOptions(), Settings(cache_folder=tmp_path / "c"), ChangesMind(at)
        )
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["in.wav"]
    assert threading.active_count() == before
