"""Who takes part in the scoreboard of Upsample: resampling, spline, flat tail, the product's networks, and two bounds.

Peers see what is given and where its band ends, never the target.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.ndimage

from engine.audio.signal import format_of
from engine.audio.spline import SplineSignal
from engine.audio.stft import Stft
from engine.inference.band_features import FLOOR, Edge, flat_tail, generated, residual
from engine.tools.tool import Analysis, Value, complete
from engine.tools.upsample import UPSAMPLE
from engine.tools.upsample.learned import ACTIVE_DB, FRAME_SECONDS, LEVEL_DB, LOUD_SHARE
from training.quality.cases import Material, Samples
from training.quality.contenders import Answer, Contender, tool_contender
from training.quality.measures.bandwidth import base_of, edge_width_hz
from training.rooms import room_folder

ROOM_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "bwe48": ("weights.onnx",),
    "bwe16": ("weights.onnx",),
    "afilm": ("x2.onnx", "x4.onnx", "x8.onnx"),
    "tfilm": ("x2.onnx", "x4.onnx", "x8.onnx"),
}
FILMS: Final = ("afilm", "tfilm")
WAYS: Final = ("decimate", "aliased")  # that films learn from, by words of their cards
EDGE_GIVEN: Final = ", edge given"  # after the name of a network
KEPT: Final = ", band kept"  # after the name of a film: the tool's own setting
# Of the cutoff: an edge that was found so well is not given again. At 12 kHz 1 % is as wide as the cross-fade: a gap.
FOUND_SHARE: Final = 0.002
_EXTRA: Final = 8  # frames of silence at either end, for the consistency passes
_SMOOTH: Final = (5, 17)  # frames and bins over which "perfect level" is taken
Draw = Callable[["Drawing"], np.ndarray]  # the spectra with a band above


@dataclass(frozen=True)
class Drawing:
    """What a hand-drawn band starts from; spectra of shape (frames, bins), at the level of the tool."""

    spectra: np.ndarray  # of the raised input
    target: np.ndarray  # of the truth: for bounds alone
    rate: int
    edge: Edge
    stft: Stft


@dataclass(frozen=True)
class _Drawn:
    """Draws a band above the edge of the raised input, and cross-fades as the tool does."""

    draw: Draw

    def __call__(self, material: Material, /) -> Answer:
        base, rate = base_of(material), material.rate
        cutoff = float(material.facts["cutoff_hz"])
        edge, stft = Edge(cutoff, edge_width_hz(cutoff)), stft_at(rate)
        gain = np.float32(10.0 ** (LEVEL_DB / 20.0) / active_rms(base, rate))
        drawing = Drawing(_frames(base * gain, stft), _frames(material.target * gain, stft), rate, edge, stft)
        added = residual(drawing.spectra, self.draw(drawing), rate, edge)
        start = (_EXTRA + 2) * stft.hop
        samples = stft.inverse(added.astype(np.complex64))[start : start + len(base)]
        return Answer(base + samples / gain, rate)


def stft_at(rate: int) -> Stft:
    """Return the STFT of the networks at this rate."""
    return Stft(1024, 256) if rate <= 16_000 else Stft(2048, 512)


def active_rms(samples: Samples, rate: int) -> float:
    """Return the RMS of the blocks that the tool takes for no pauses; 1 if there are none."""
    size = min(len(samples), round(FRAME_SECONDS * rate))
    blocks = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    powers = np.mean(blocks**2, axis=1)
    sounding = powers[powers > 10.0 ** (ACTIVE_DB / 10.0) * np.quantile(powers, LOUD_SHARE)]
    return float(np.sqrt(sounding.mean())) if len(sounding) else 1.0


def _frames(samples: Samples, stft: Stft) -> np.ndarray:
    # Two hops reach to the middle of the first window: frame _EXTRA is centred on sample 0.
    ahead = (_EXTRA + 2) * stft.hop
    count = 2 * _EXTRA + 1 + -(-len(samples) // stft.hop)
    padded = np.zeros((count - 1) * stft.hop + stft.fft, dtype=np.float32)
    padded[ahead : ahead + len(samples)] = samples
    return stft.forward(padded)


def _flat_tail(drawing: Drawing) -> np.ndarray:
    frames, bins = drawing.spectra.shape
    nothing = np.zeros((1, bins, frames), dtype=np.float32)
    return generated(drawing.spectra, nothing, drawing.rate, drawing.edge, drawing.stft)


def _true_magnitude(drawing: Drawing) -> np.ndarray:
    logs = np.log(np.abs(drawing.target) + np.float32(FLOOR))
    answer = logs - flat_tail(drawing.spectra, drawing.rate, drawing.edge)
    return generated(drawing.spectra, answer.T[None], drawing.rate, drawing.edge, drawing.stft)


def _noise_at_level(drawing: Drawing) -> np.ndarray:
    power = np.abs(drawing.target).astype(np.float64) ** 2
    # The filter keeps a running sum, which leaves rounding below zero after a loud frame.
    size = np.sqrt(np.maximum(scipy.ndimage.uniform_filter(power, _SMOOTH, mode="nearest"), 0.0))
    frames = len(size)
    noise = np.random.default_rng(0).standard_normal((frames - 1) * drawing.stft.hop + drawing.stft.fft)
    spectra = drawing.stft.forward(noise.astype(np.float32))
    return np.asarray(size * spectra / np.float32(np.sqrt(0.375 * drawing.stft.fft)))  # Hann: mean square 0.375


def _sinc(material: Material) -> Answer:
    return Answer(base_of(material), material.rate)


def _spline(material: Material) -> Answer:
    given = material.signal
    raised = SplineSignal(given, material.rate // given.rate)
    return Answer(raised.read(0, raised.frames).reshape(material.target.shape), material.rate)


SINC: Final = Contender("sinc", "floor", _sinc)
SPLINE: Final = Contender("spline", "floor", _spline)
FLAT_TAIL: Final = Contender("flat tail", "floor", _Drawn(_flat_tail))
NOISE_AT_LEVEL: Final = Contender("noise, true level", "ceiling", _Drawn(_noise_at_level))
TRUE_MAGNITUDE: Final = Contender("true magnitude", "ceiling", _Drawn(_true_magnitude))


def files_here(room: str) -> tuple[str, ...]:
    """Return which weights of a room are here, each of which takes part."""
    folder = room_folder(room)
    return tuple(file for file in ROOM_FILES[room] if (folder / "card.toml").is_file() and (folder / file).is_file())


def why_absent() -> dict[str, str]:
    """Return what can't take part or not with all its networks, and why, by room."""
    return {
        room: f"models/{room} lacks {', '.join(lacking)}"
        for room, files in ROOM_FILES.items()
        if (lacking := [file for file in ("card.toml", *files) if not (room_folder(room) / file).is_file()])
    }


def network(room: str, rate: int, is_edge_given: bool = False) -> list[Contender]:
    """Return the tool with a frame network as a contender, and again with the true edge; none if that isn't here."""
    if not files_here(room):
        return []
    values: dict[str, Value] = {"model": room, "rate_hz": rate}
    blind = _tooled(values, room)
    given = Contender(room + EDGE_GIVEN, blind.role, _EdgeGiven(_run(values)))
    return [blind, given] if is_edge_given else [blind]


def films(factor: int, kept: Sequence[bool] = (False, True)) -> list[Contender]:
    """Return AFiLM and TFiLM as far as they are here: the networks alone, and with the band kept as the tool does."""
    return [
        _tooled({"model": room, "factor": str(factor), "keep_band": keeps}, room + KEPT * keeps)
        for room in FILMS
        if f"x{factor}.onnx" in files_here(room)
        for keeps in kept
    ]


def trained_ways(room: str, factor: int) -> tuple[str, ...]:
    """Return the ways to a lower rate that a film's card says it learned from; decimation if it says nothing."""
    path = room_folder(room) / "card.toml"
    card = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    said = str(card.get("files", {}).get(f"x{factor}.onnx", {}).get("facts", {}).get("pairs", ""))
    return tuple(way for way in WAYS if way in said) or WAYS[:1]


@dataclass(frozen=True)
class _Edged:
    """The tool, and from where on it generated."""

    values: tuple[tuple[str, Value], ...]

    def __call__(self, material: Material, /) -> Answer:
        # Twice asked is once computed: an edge that was found well is as good as a given one.
        return material.once(("answer", self.values), lambda: self._answer(material))

    def _answer(self, material: Material) -> Answer:
        answer = tool_contender(UPSAMPLE.name, dict(self.values), read=_facts).run(material)
        params, given = complete(UPSAMPLE, dict(self.values)), format_of(material.signal)
        band = UPSAMPLE.generated_band(given, params, Analysis(answer.facts))
        # Where nothing was found missing, the recording's own band is taken to go all the way.
        cutoff_hz = band[0] if band else material.rate / 2.0
        return Answer(
            answer.samples, answer.rate, {"cutoff_hz": cutoff_hz, "edge_width_hz": answer.facts["edge_width_hz"]}
        )


@dataclass(frozen=True)
class _EdgeGiven:
    """The tool with its cutoff set to the true one, as by hand, where it doesn't find that by itself."""

    blind: _Edged

    def __call__(self, material: Material, /) -> Answer:
        found, cutoff_hz = self.blind(material), float(material.facts["cutoff_hz"])
        if abs(found.facts["cutoff_hz"] - cutoff_hz) < FOUND_SHARE * cutoff_hz:
            return found
        return _Edged((*self.blind.values, ("cutoff_hz", cutoff_hz)))(material)


def _tooled(values: Mapping[str, Value], name: str) -> Contender:
    role = tool_contender(UPSAMPLE.name, values, name).role  # refuses values out of range, here and not an hour later
    return Contender(name, role, _run(values))


def _run(values: Mapping[str, Value]) -> _Edged:
    return _Edged(tuple(sorted(values.items())))


def _facts(analysis: Analysis) -> Mapping[str, Any]:
    return analysis.facts
