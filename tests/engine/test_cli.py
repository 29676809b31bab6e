"""The command line is a contract: what it writes, what it says, and how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine import cli
from engine.audio.signal import Format, Samples, Signal, Span
from engine.session.project import save_project
from engine.session.recipe import Recipe, Scope, Step
from engine.session.session import Session, SourceRef, Track
from engine.tools.tool import NO_JOB, Analysis, Inputs, Job, Knob, Params, Value

RATE = 8000


@dataclass
class Quieter:
    """A foreign tool: y = gain * x, and an offset from another recording where one is given."""

    name: str = "quieter"
    label: str = "Quieter"
    summary: str = "Turns the sound down."
    version: int = 1
    knobs: tuple[Knob, ...] = (
        Knob("gain", "Gain", "float", 0.5, 0.0, 2.0, hint="Times the sound."),
        Knob("flip", "Flip", "bool", False),
        Knob("engine", "Engine", "choice", "plain", choices=("plain", "mute"), option="--engine"),
        Knob("seed", "Seed", "int", 1, 0, 99, option="--seed"),
    )
    presets: Mapping[str, Mapping[str, Value]] = field(default_factory=lambda: {"half off": {"gain": 0.25}})
    inputs: tuple[str, ...] = ("reference",)
    has_mix: bool = True
    is_generative: bool = False

    def networks(self, params: Params) -> tuple[str, ...]:
        return ()

    def output_format(self, given: Format, params: Params) -> Format:
        return given

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        return Analysis()

    def render(
        self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span, job: Job = NO_JOB
    ) -> Samples:
        gain = 0.0 if params["engine"] == "mute" else float(params["gain"]) * (-1 if params["flip"] else 1)
        samples = signal.read(*span) * np.float32(gain)
        return samples + inputs["reference"].read(*span) if inputs else samples


@pytest.fixture(autouse=True)
def foreign_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the foreign tool beside our own."""
    import engine.tools

    ours = engine.tools.all_tools()
    monkeypatch.setattr(engine.tools, "all_tools", lambda: (*ours, Quieter()))


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Return 12 s of stereo noise on disk, 24 bits."""
    path = tmp_path / "music.wav"
    samples = 0.1 * np.random.default_rng(1).standard_normal((12 * RATE + 17, 2))
    soundfile.write(path, samples, RATE, "PCM_24")
    return path


def read(path: Path) -> Any:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def shellac(*words: object) -> int:
    return cli.main([str(word) for word in words])


def in_one_line(capsys: Any) -> str:
    """Return the one line on standard error; nothing may stand on standard output."""
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("shellac: ")
    assert said.err.count("\n") == 1
    return str(said.err)


def test_a_tool_writes_its_result_in_the_format_of_the_input(music: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out.wav"
    assert shellac("quieter", music, "-o", out, "--set", "gain=0.25") == 0
    info = soundfile.info(out)
    assert (info.samplerate, info.channels, info.frames, info.subtype) == (RATE, 2, 12 * RATE + 17, "PCM_24")
    # 24 bits with dither: one and a half steps of 2^-23 at most.
    assert np.abs(read(out) - 0.25 * read(music)).max() <= 1.5 / (1 << 23)
    assert capsys.readouterr().out == f"{out}\n"


def test_ending_rate_and_depth_can_be_chosen(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.flac"
    assert shellac("quieter", music, "-o", out, "--rate", 16000, "--subtype", "PCM_16", "--quiet") == 0
    info = soundfile.info(out)
    assert (info.format, info.samplerate, info.subtype, info.frames) == ("FLAC", 16000, "PCM_16", 2 * (12 * RATE + 17))
    assert shellac("quieter", music, "-o", tmp_path / "other.xyz", "--format", "aiff", "--quiet") == 0
    assert soundfile.info(tmp_path / "other.xyz").format == "AIFF"


def test_options_win_over_the_preset(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    words = ("quieter", music, "-o", out, "--preset", "half off", "--set", "flip=on", "--subtype", "FLOAT", "--quiet")
    assert shellac(*words) == 0
    assert np.array_equal(read(out), -0.25 * read(music))
    assert shellac(*words, "--set", "gain=1", "--force") == 0
    assert np.array_equal(read(out), -read(music))
    assert shellac(*words, "--engine", "mute", "--force") == 0
    assert not read(out).any()


def test_another_recording_is_an_option(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    words = ("--set", "gain=0", "--reference", music, "--subtype", "FLOAT", "--quiet")
    assert shellac("quieter", music, "-o", out, *words) == 0
    assert np.array_equal(read(out), read(music))


def test_outside_start_and_stop_every_sample_stays(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    assert shellac("quieter", music, "-o", out, "--start", "0:03.5", "--stop", "7", "--quiet") == 0
    before, after = read(music), read(out)
    start, stop = round(3.5 * RATE), 7 * RATE
    assert np.array_equal(after[:start], before[:start])
    assert np.array_equal(after[stop:], before[stop:])
    assert not np.array_equal(after[start:stop], before[start:stop])


def test_mix_0_gives_the_input_back(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    assert shellac("quieter", music, "-o", out, "--mix", 0, "--quiet") == 0
    assert np.array_equal(read(out), read(music))


def test_the_result_says_in_its_tags_what_was_done(music: Path, tmp_path: Path) -> None:
    shellac("age", music, "-o", tmp_path / "out.wav", "--quiet")
    with soundfile.SoundFile(tmp_path / "out.wav") as file:
        assert "Processed with Shellac" in file.comment
        assert "never recorded" in file.comment


def test_json_is_alone_on_standard_output(music: Path, tmp_path: Path, capsys: Any) -> None:
    assert shellac("quieter", music, "-o", tmp_path / "out.wav", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["source"]["name"] == "music.wav"
    assert report["steps"][0]["params"]["gain"] == 0.5
    assert report["difference"]["removed_energy_db"] == pytest.approx(-6.02, abs=0.01)
    assert report["result"]["subtype"] == "PCM_24"


def test_reports_are_json_or_a_page(music: Path, tmp_path: Path) -> None:
    for name in ("r.json", "r.html"):
        assert (
            shellac("quieter", music, "-o", tmp_path / "o.wav", "--report", tmp_path / name, "--force", "--quiet") == 0
        )
    assert json.loads((tmp_path / "r.json").read_text())["shellac_report"] == 1
    assert "music.wav" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "COMMAND"),
        (["nonsense"], "nonsense"),
        (["upsample", "x", "-o", "OUT", "--rate", "48000", "--factor", "2"], "not allowed with"),
        (["upsample", "x", "-o", "OUT", "--factor", "3"], "none or 2 or 4 or 8"),
        (["upsample", "x", "-o", "OUT", "--model", "warp"], "bwe48"),
        (["restyle"], "not in this version"),
        (["align", "x"], "two recordings"),
        (["quieter"], "no recording"),
        (["quieter", "IN"], "-o"),
        (["quieter", "IN", "-o", "OUT", "--set", "gain"], "KNOB=VALUE"),
        (["quieter", "IN", "-o", "OUT", "--set", "gain=9"], "0 to 2"),
        (["quieter", "IN", "-o", "OUT", "--set", "gain=nan"], "0 to 2"),
        (["quieter", "IN", "-o", "OUT", "--set", "volume=1"], "choose from gain"),
        (["quieter", "IN", "-o", "OUT", "--preset", "none"], "'half off'"),
        (["quieter", "IN", "-o", "OUT", "--engine", "warp"], "plain or mute"),
        (["quieter", "IN", "-o", "OUT", "--seed", "1.5"], "0 to 99"),
        (["quieter", "IN", "-o", "OUT", "--start", "x"], "no time"),
        (["quieter", "IN", "-o", "OUT", "--start", "5", "--stop", "4"], "isn't after"),
        (["quieter", "IN", "-o", "OUT", "--mix", "120"], "0 to 100"),
        (["quieter", "IN", "-o", "OUT", "--rate", "0"], "768000"),
        (["quieter", "IN", "-o", "OUT", "--threads", "0"], "threads"),
        (["quieter", "IN", "-o", "OUT", "--format", "wma"], "FLAC"),
        (["quieter", "IN", "-o", "IN"], "IN"),
        (["run", "x.json"], "--out"),
        (["measure"], "A"),
        (["quieter", "IN", "-o", "OUT", "--forc"], "--forc"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    words: list[str], said: str, music: Path, tmp_path: Path, capsys: Any
) -> None:
    places = {"IN": str(music), "OUT": str(tmp_path / "out.wav")}
    assert shellac(*(places.get(word, word) for word in words)) == 2
    line = in_one_line(capsys)
    assert places.get(said, said) in line
    assert not (tmp_path / "out.wav").exists()


def test_an_existing_file_is_replaced_only_by_force(music: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out.wav"
    out.write_bytes(b"mine")
    assert shellac("quieter", music, "-o", out) == 2
    assert "--force" in in_one_line(capsys)
    assert out.read_bytes() == b"mine"
    assert shellac("quieter", music, "-o", out, "--force", "--quiet") == 0
    assert read(out).shape == read(music).shape


def test_the_source_is_never_overwritten_not_even_by_force(music: Path, capsys: Any) -> None:
    before = music.read_bytes()
    assert shellac("quieter", music, "-o", music, "--force") != 0
    assert "never overwritten" in in_one_line(capsys)
    assert music.read_bytes() == before


def write_empty(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 1)), RATE)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "no file"),
        (lambda path: path.mkdir(), "folder"),
        (lambda path: path.write_bytes(b""), ""),
        (lambda path: path.write_bytes(b"this is no sound" * 100), ""),
        (write_empty, "empty"),
    ],
)
def test_input_that_cannot_be_used_is_one_line_and_status_3(make: Any, said: str, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "input.wav"
    make(path)
    assert shellac("quieter", path, "-o", tmp_path / "out.wav") == 3
    assert said in in_one_line(capsys)
    assert not (tmp_path / "out.wav").exists()
    assert shellac("measure", path) == 3
    assert said in in_one_line(capsys)


def test_a_target_that_cannot_be_written_is_status_3(music: Path, tmp_path: Path, capsys: Any) -> None:
    assert shellac("quieter", music, "-o", tmp_path / "nowhere" / "out.wav") == 3
    assert "no folder" in in_one_line(capsys)


@pytest.mark.parametrize("frames", [1, 2, 5 * RATE])
def test_lengths_are_exact(tmp_path: Path, frames: int) -> None:
    soundfile.write(tmp_path / "in.wav", np.full((frames, 1), 0.25), RATE, "FLOAT")
    assert shellac("quieter", tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--quiet") == 0
    assert np.array_equal(read(tmp_path / "out.wav"), np.full((frames, 1), 0.125, dtype=np.float32))


def test_a_damaged_network_is_a_fault_of_ours(music: Path, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(Quieter, "networks", lambda self, params: ("lost",))
    assert shellac("quieter", music, "-o", tmp_path / "out.wav") == 4
    assert "'lost'" in in_one_line(capsys)


def test_every_knob_is_listed_with_its_range(capsys: Any) -> None:
    assert shellac("quieter", "--list-knobs") == 0
    listed = capsys.readouterr().out
    assert "gain    0 to 2 (default 0.5). Times the sound." in listed
    assert "preset 'half off': gain=0.25" in listed
    assert shellac("quieter", "--help") == 0
    assert "0 to 2 (default 0.5)" in capsys.readouterr().out


def test_every_registered_tool_has_a_command_with_help(capsys: Any) -> None:
    from engine.tools import all_tools

    for tool in all_tools():
        assert shellac(tool.name, "--help") == 0
        said = capsys.readouterr().out
        assert all(knob.name in said for knob in tool.knobs)
    assert shellac("--help") == 0
    assert "quieter" in capsys.readouterr().out


# run


def recipe_file(folder: Path, recipe: Recipe) -> Path:
    path = folder / "recipe.json"
    path.write_text(recipe.dumps())
    return path


HALF = Recipe((Step("quieter", id="q"),))


def test_a_recipe_runs_on_many_files_and_one_failure_stops_no_other(music: Path, tmp_path: Path, capsys: Any) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"nonsense")
    second = tmp_path / "b" / "music.wav"
    second.parent.mkdir()
    second.write_bytes(music.read_bytes())
    out = tmp_path / "results"
    assert shellac("run", recipe_file(tmp_path, HALF), music, bad, second, "--out", out) == 3
    said = capsys.readouterr()
    assert sorted(path.name for path in out.iterdir()) == ["music-2.wav", "music.wav"]
    assert said.out.splitlines() == [str(out / "music.wav"), str(out / "music-2.wav"), "2 of 3 done"]
    assert "bad.wav" in said.err
    assert np.array_equal(read(out / "music.wav"), read(out / "music-2.wav"))


def test_results_beside_their_sources_get_a_number(music: Path, tmp_path: Path, capsys: Any) -> None:
    before = music.read_bytes()
    for force in ((), ("--force",)):
        assert shellac("run", recipe_file(tmp_path, HALF), music, "--out", tmp_path, *force) == 0
    assert music.read_bytes() == before
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "music-2.wav")] * 2


def test_a_batch_reports_each_file_as_json(music: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "results"
    words = ("run", recipe_file(tmp_path, HALF), music, tmp_path / "none.wav", "--out", out, "--json")
    assert shellac(*words, "--report", "html") == 3
    found = json.loads(capsys.readouterr().out)
    assert [entry["ok"] for entry in found["results"]] == [True, False]
    assert found["results"][1]["exit_status"] == 3
    assert found["failed"] == 1
    assert (out / "music.wav-report.html").is_file()


def test_one_recording_fails_with_the_status_of_its_failure(music: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(Quieter, "networks", lambda self, params: ("lost",))
    assert shellac("run", recipe_file(tmp_path, HALF), music, "--out", tmp_path / "out") == 4
    assert shellac("run", recipe_file(tmp_path, HALF), music, music, "--out", tmp_path / "out") == 4


def test_a_project_runs_on_its_own_recordings(music: Path, tmp_path: Path) -> None:
    track = Track("music", SourceRef(music), HALF)
    save_project(Session((track,)), tmp_path / "record.shellac")
    assert (
        shellac("run", tmp_path / "record.shellac", "--out", tmp_path / "results", "--subtype", "FLOAT", "--quiet") == 0
    )
    assert np.array_equal(read(tmp_path / "results" / "music.wav"), read(music) / 2)


def test_copy_as_command_does_what_the_window_did(music: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """The text is taken apart by a real shell; only `shellac` is a stand-in that notes its words and its input."""
    from engine.session.command import run_command, step_command

    stand_in = tmp_path / "bin" / "shellac"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$NOTED.words"\ncat > "$NOTED.input"\n')
    stand_in.chmod(0o755)
    odd = music.rename(tmp_path / "it's $HOME.wav")
    step = Step("quieter", {"gain": 0.25, "flip": True}, scope=Scope(start_s=1.5), id="q")
    environment = {**os.environ, "PATH": f"{stand_in.parent}:{os.environ['PATH']}", "NOTED": str(tmp_path / "noted")}
    text = run_command(Recipe((step,)), [odd], tmp_path / "by recipe")
    subprocess.run(["sh", "-c", text], env=environment, check=True)
    words = (tmp_path / "noted.words").read_text().splitlines()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "noted.input").read_bytes())))
    assert shellac(*words, "--quiet") == 0
    subprocess.run(["sh", "-c", step_command(step, odd, tmp_path / "by step.wav")], env=environment, check=True,
                   stdin=subprocess.DEVNULL)  # fmt: skip
    assert shellac(*(tmp_path / "noted.words").read_text().splitlines(), "--quiet") == 0
    assert np.array_equal(read(tmp_path / "by recipe" / odd.name), read(tmp_path / "by step.wav"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "JSON"),
        ('{"shellac_recipe": 1, "steps": [{"tool": "from elsewhere"}]}', "from elsewhere"),
        ('{"shellac_recipe": 1, "steps": [{"tool": "quieter", "params": {"gain": 99}}]}', "0 to 2"),
        ('{"shellac_recipe": 7, "steps": []}', "newer"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_status_3(
    text: str, said: str, music: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "r.json").write_text(text)
    assert shellac("run", tmp_path / "r.json", music, "--out", tmp_path / "out") == 3
    assert said in in_one_line(capsys)
    assert not list((tmp_path / "out").glob("*"))


# measure, models, doctor


def test_measuring_a_recording_against_itself_at_half_volume(music: Path, tmp_path: Path, capsys: Any) -> None:
    """y/2 against y: SNR 20 log10(2) = 6.02 dB; correlation 1."""
    soundfile.write(tmp_path / "half.wav", read(music) / 2, RATE, "FLOAT")
    assert shellac("measure", music, tmp_path / "half.wav", "--json", "--plots", tmp_path / "plots") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["b_against_a"]["snr_db"] == pytest.approx(6.0206, abs=1e-3)
    assert found["b_against_a"]["correlation"] == pytest.approx(1.0, abs=1e-6)
    for name in ("audio_comparison.png", "spectrogram_comparison.png"):
        assert (tmp_path / "plots" / name).read_bytes().startswith(b"\x89PNG")


def test_the_seed_protocol_shows_what_its_numbers_are_worth(music: Path, tmp_path: Path, capsys: Any) -> None:
    """Silence scores 0 dB; with correlation r the best gain scores -10 log10(1 - r^2) dB where nothing has DC."""
    generator = np.random.default_rng(5)
    noisy = read(music) + 0.1 * generator.standard_normal(read(music).shape)
    soundfile.write(tmp_path / "noisy.wav", noisy, RATE, "FLOAT")
    assert shellac("measure", music, tmp_path / "noisy.wav", "--protocol", "seed", "--json") == 0
    seed = json.loads(capsys.readouterr().out)["seed"]
    assert seed["controls"]["silence_snr_db"] == 0.0
    expected = -10 * np.log10(1 - seed["correlation"] ** 2)
    assert seed["controls"]["best_gain_snr_db"] == pytest.approx(expected, abs=0.01)
    assert seed["snr_db"] == pytest.approx(0.0, abs=0.2)


def test_recordings_of_other_shapes_can_be_measured_together(music: Path, tmp_path: Path, capsys: Any) -> None:
    soundfile.write(tmp_path / "mono.wav", read(music).mean(axis=1)[:-100], RATE, "FLOAT")
    assert shellac("measure", tmp_path / "mono.wav", music, "--json") == 0
    figures = json.loads(capsys.readouterr().out)["b_against_a"]
    assert figures["compared_seconds"] == pytest.approx((12 * RATE + 17 - 100) / RATE)
    assert figures["snr_db"] is None or figures["snr_db"] > 100


def test_models_are_listed_with_their_hashes(capsys: Any) -> None:
    from engine.inference.card import rooms

    assert shellac("models", "--json") == 0
    found = json.loads(capsys.readouterr().out)["rooms"]
    assert {room["room"]: room["files"][0]["sha256"] for room in found} == {
        name: card.files[0].sha256 for name, card in rooms().items()
    }
    assert shellac("models") == 0
    listed = capsys.readouterr().out
    assert all(card.attribution in listed for card in rooms().values())  # CC BY asks for names


def test_the_doctor_names_what_is_missing_and_the_line_that_mends_it(monkeypatch: Any, capsys: Any) -> None:
    import ctypes

    real = ctypes.CDLL

    def without_portaudio(name: str, *rest: Any, **more: Any) -> Any:
        if name and "portaudio" in name:
            raise OSError("not found")
        return real(name, *rest, **more)

    monkeypatch.setattr(ctypes, "CDLL", without_portaudio)
    assert shellac("doctor", "--json") == 4
    found = json.loads(capsys.readouterr().out)
    assert "libportaudio.so.2" in found["libraries_missing"]
    assert found["install"].startswith("sudo apt-get install ")
    assert "libportaudio2" in found["install"].split()
    assert "CPUExecutionProvider" in found["providers"]
    assert "AzureExecutionProvider" not in found["providers"]
    assert found["packages"]["numpy"] == np.__version__


def test_the_demo_comes_closer_to_the_clean_original(tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    assert shellac("demo", "--out", out, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    truth = report["against_the_clean_original"]
    assert truth["after"]["snr_db"] > truth["before"]["snr_db"] + 5
    assert report == json.loads((out / "demo-report.json").read_text())
    assert "data:image/png;base64," in (out / "demo-report.html").read_text()
    assert (out / "before-after.png").read_bytes().startswith(b"\x89PNG")
    assert soundfile.info(out / "restored.wav").frames == report["source"]["frames"]
    assert all(network["licence_of_weights"] for network in report["steps"][0]["networks"])
    assert shellac("demo", "--out", out) == 2
    assert "--force" in in_one_line(capsys)


# processes


def start(*words: object, **more: Any) -> subprocess.Popen[str]:
    program = "import sys; from engine.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_ends_with_130_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, 0.1 * np.random.default_rng(1).standard_normal((48_000 * 300, 1)), 48_000)
    folder = tmp_path / "out"
    folder.mkdir()
    with start("age", long, "-o", folder / "aged.wav") as process:
        while not list(folder.iterdir()) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert out == ""
    assert errors.splitlines()[-1].startswith("shellac: interrupted")
    assert list(folder.iterdir()) == []


def test_output_cut_off_by_its_reader_is_no_error() -> None:
    with start("age", "--list-knobs") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert "Traceback" not in errors


HEAVY = "onnxruntime matplotlib sounddevice PySide6 torch librosa"


@pytest.mark.parametrize(
    ("program", "forbidden"),
    [
        ("import engine, engine.cli", f"{HEAVY} numpy soundfile scipy"),
        ("import engine.cli; engine.cli.main(['--version'])", HEAVY),
        ("import engine.cli; engine.cli.main(['age', '--help'])", HEAVY),
        ("import engine.session.render", HEAVY),
    ],
)
def test_only_what_a_command_needs_is_imported(program: str, forbidden: str) -> None:
    check = f"{program}\nimport sys\nprint([n for n in {forbidden.split()!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_words_are_told_from_files() -> None:
    assert cli.is_command(["restore", "x.wav"])
    assert cli.is_command(["quieter"])
    assert cli.is_command(["--version"])
    assert cli.is_command(["upsample"])
    assert not cli.is_command([])
    assert not cli.is_command(["song.wav"])
    assert not cli.is_command(["./restore"])
