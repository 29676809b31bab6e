"""What FluidSynth renders is in tune, on time, dry, and the same every time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from training.notes import fluidsynth
from training.notes.composer import compose
from training.notes.fluidsynth import Vibrato, render
from training.notes.instruments import INSTRUMENTS, Instrument
from training.notes.note import Note
from training.recipe import TrainingError

RATE = 44_100
pytestmark = pytest.mark.usefixtures("fluid")


def partial_hz(sound: np.ndarray, near_hz: float) -> float:
    """The strongest frequency within 80 cents: the peak of a Hann-windowed, padded FFT."""
    mono = sound.mean(axis=1) if sound.ndim == 2 else sound
    spectrum = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), 2**21))
    low, high = (round(near_hz * 2.0 ** (side * 80 / 1200) * 2**21 / RATE) for side in (-1, 1))
    return float((low + spectrum[low:high].argmax()) * RATE / 2**21)


def cents(hz: float, reference_hz: float) -> float:
    return float(1200.0 * np.log2(hz / reference_hz))


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda instrument: instrument.name)
def test_a_note_is_in_tune_with_equal_temperament(instrument: Instrument) -> None:
    """The samples themselves were recorded with up to a fifth of a semitone of vibrato and detuning."""
    pitch = 69
    sound = render((Note(0.1, 1.5, pitch),), instrument.program, 1.6)
    assert abs(cents(partial_hz(sound[RATE // 2 :], 440.0), 440.0)) < 20.0


def test_tuning_in_cents_is_exact() -> None:
    """Against the untuned render of the same sample, so that the sample's own pitch drops out."""
    plain, sharp = (render((Note(0.0, 2.0, 69),), 73, 2.0, cents=by) for by in (0.0, 35.0))
    assert cents(partial_hz(sharp, 440.0), partial_hz(plain, 440.0)) == pytest.approx(35.0, abs=1.0)


def test_vibrato_swings_as_deep_and_as_fast_as_asked() -> None:
    """Instantaneous frequency of the clarinet's fundamental, from the analytic signal."""
    sound = render((Note(0.0, 4.0, 69),), 71, 4.0, vibrato=Vibrato(6.0, 30.0, 0.2)).mean(axis=1)
    spectrum = np.fft.fft(sound)
    spectrum[np.abs(np.fft.fftfreq(len(sound), 1.0 / RATE) - 440.0) > 60.0] = 0.0
    phase = np.unwrap(np.angle(np.fft.ifft(spectrum)))[RATE : 3 * RATE]
    swing = 1200.0 * np.log2(np.gradient(phase) * RATE / (2.0 * np.pi) / 440.0)
    swing -= swing.mean()
    swings = np.abs(np.fft.rfft(swing))
    assert swings[1:].argmax() + 1 == 12  # periods in two seconds
    assert 2.0 * swings[12] / len(swing) == pytest.approx(30.0, rel=0.1)


def test_notes_begin_when_they_should() -> None:
    """FluidSynth starts a note at the nearest block of 64 samples: at most 0.73 ms off, measured on a sharp attack."""
    times = np.random.default_rng(0).uniform(0.0, 0.3, 12).round(4) + np.arange(12)
    sound = render(tuple(Note(float(at), 0.3, 76, 0.9) for at in times), 0, 13.0).mean(axis=1)
    first = render((Note(0.0, 0.3, 76, 0.9),), 0, 1.0).mean(axis=1)
    attack = np.argmax(np.abs(first) > 0.02 * np.abs(first).max())
    for number, at in enumerate(times):
        second = np.abs(sound[number * RATE : (number + 1) * RATE])
        found = np.argmax(second > 0.02 * np.abs(first).max()) - attack + number * RATE
        assert found / RATE == pytest.approx(at, abs=0.0009)


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda instrument: instrument.name)
def test_the_sound_is_dry(instrument: Instrument) -> None:
    """Measured with FluidSynth's own hall switched on: -74 to -87 dB a second after the release, -130 dB after two."""
    sound = np.abs(render((Note(0.0, 0.5, 69),), instrument.program, 4.0))
    assert sound[: RATE // 2].max() > 0.02
    if instrument.name != "guitar":
        assert sound[round(1.5 * RATE) :].max() < 10.0 ** (-100.0 / 20.0) * sound.max()
    # The guitar's own release is the slowest, and over too.
    assert not sound[round(2.6 * RATE) :].any()


def test_notes_add_up_without_touching_each_other() -> None:
    """Linear: no compressor, no limiter, no stolen voice; the sum of two renders is the render of both."""
    one, other = (Note(0.0, 1.0, 60),), (Note(0.2, 1.0, 67), Note(0.5, 0.5, 60))
    both = render((*one, *other), 40, 2.0)
    np.testing.assert_allclose(both, render(one, 40, 2.0) + render(other, 40, 2.0), atol=1e-6)


def test_a_louder_note_sounds_louder() -> None:
    levels = [float(np.abs(render((Note(0.0, 0.5, 69, velocity),), 0, 0.6)).max()) for velocity in (0.3, 0.6, 0.9)]
    assert levels == sorted(levels)
    assert levels[2] > 2.0 * levels[0]


def test_two_runs_are_equal_to_the_bit(tmp_path: Path) -> None:
    """In this process, after other music, and in another process."""
    notes = compose(np.random.default_rng(1), "chorale", 4.0, 4, 55, 96)
    here = render(notes, 40, 4.0, vibrato=Vibrato())
    render(notes, 0, 1.0)
    np.testing.assert_array_equal(render(notes, 40, 4.0, vibrato=Vibrato()), here)
    program = (
        "import sys, numpy as np\n"
        "from training.notes.composer import compose\n"
        "from training.notes.fluidsynth import Vibrato, render\n"
        "notes = compose(np.random.default_rng(1), 'chorale', 4.0, 4, 55, 96)\n"
        "np.save(sys.argv[1], render(notes, 40, 4.0, vibrato=Vibrato()))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "there.npy")], check=True, timeout=120)
    np.testing.assert_array_equal(np.load(tmp_path / "there.npy"), here)


def test_shape_and_rate_are_those_asked_for() -> None:
    notes = (Note(0.0, 5.0, 69),)
    assert render(notes, 40, 0.5, 48_000).shape == (24_000, 2)
    assert render(notes, 40, 0.0).shape == (0, 2)
    assert not render((), 40, 0.1).any()
    assert not render((Note(1.0, 1.0, 60),), 40, 0.5).any()


@pytest.mark.parametrize(
    ("wrong", "said"), [({"program": 128}, "128"), ({"rate": 100}, "100"), ({"cents": 300.0}, "300")]
)
def test_what_cannot_be_rendered_is_refused_with_the_value(wrong: dict[str, float], said: str) -> None:
    arguments = {"program": 0, "seconds": 0.1, **wrong}
    with pytest.raises(ValueError, match=said):
        render((Note(0.0, 1.0, 60),), **arguments)  # type: ignore[arg-type]


def test_a_file_that_is_no_soundfont_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.sf2"
    path.write_bytes(b"RIFF nothing")
    with pytest.raises(TrainingError, match=r"broken\.sf2"):
        render((Note(0.0, 1.0, 60),), 0, 0.1, soundfont=path)
    capfd.readouterr()


def test_a_missing_soundfont_comes_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHELLAC_SOUNDFONT", raising=False)
    monkeypatch.setattr(fluidsynth, "SOUNDFONTS", ("/nowhere/FluidR3_GM.sf2",))
    with pytest.raises(TrainingError, match="sudo apt-get install fluid-soundfont-gm"):
        render((Note(0.0, 1.0, 60),), 0, 0.1)
    monkeypatch.setenv("SHELLAC_SOUNDFONT", "/nowhere/mine.sf2")
    with pytest.raises(TrainingError, match=r"/nowhere/mine\.sf2"):
        render((Note(0.0, 1.0, 60),), 0, 0.1)
    assert not fluidsynth.is_available()
