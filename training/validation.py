"""Validation material and the yardsticks that stand beside our own network.

Nothing here is ever trained on. The yardsticks are written out in full so that they don't depend on the product: a
decision-directed Wiener filter (Ephraim and Malah, 1984) on a quantile noise profile, and the oracle mask.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.stft import Stft, torch_compatible_frames
from training import degradations
from training.data import (
    RATE,
    Recording,
    Samples,
    UnreadableError,
    audit,
    data_folder,
    read_mono,
    recordings,
    usable_recordings,
)
from training.notes import Note, sample_players

STFT: Final = Stft()
EXTRA: Final = 4  # silent frames put at either end of a clip
SECONDS: Final = 10.0  # longest excerpt
QUANTILE: Final = 0.10
RENDERED: Final = ("Schubert_D783_no15_p01", "Schubert_D783_no15_p12")  # performances that are played here
_EXCERPT_AT: Final = 20.0  # seconds into long files, past the fade-in


@dataclass(frozen=True)
class Clip:
    """A clean excerpt of validation material; a copy of its own that nobody can write to."""

    name: str
    kind: str  # music, violin, speech, singing, piano
    rate: int
    samples: Samples  # (samples,), mono

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", read_only(self.samples))

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self.samples.flags.writeable = False  # on its way to another process an array forgets it


def read_only(samples: Samples) -> Samples:
    """Return a copy that can't be written to."""
    copy = np.array(samples)
    copy.flags.writeable = False
    return copy


def snr_db(target: Samples, estimate: Samples) -> float:
    """10 log10(sum y^2 / sum (y - x)^2); capped at 200 dB for equality."""
    wanted = np.asarray(target, dtype=np.float64)
    error = float(np.sum((wanted - estimate) ** 2))
    return float(10.0 * np.log10((np.sum(wanted**2) + 1e-30) / max(error, 1e-20 * float(np.sum(wanted**2)) + 1e-30)))


def log_spectrum(samples: Samples, rate: int) -> NDArray[np.float32]:
    """10 log10(max(power, 1e-8)) at -25 LUFS, shape (frames, bins): what the log-spectral distance compares."""
    import pyloudnorm

    loudness = pyloudnorm.Meter(rate).integrated_loudness(np.asarray(samples, dtype=np.float64))
    gain = 10.0 ** ((-25.0 - loudness) / 20.0) if np.isfinite(loudness) else 1.0
    spectra = torch_compatible_frames((samples * np.float32(gain)).astype(np.float32), STFT)
    return np.asarray(10.0 * np.log10(np.maximum(spectra.real**2 + spectra.imag**2, 1e-8)), dtype=np.float32)


def log_spectral_distance(target: NDArray[np.float32], estimate: NDArray[np.float32]) -> float:
    """LSD in dB of two log spectra: RMS over frequency, mean over time."""
    return float(np.sqrt(((target - estimate) ** 2).mean(axis=1)).mean())


def clean_rows() -> tuple[Recording, ...]:
    """Return every validation recording as listed."""
    return recordings("validation", "all")


def denoising_rows() -> tuple[Recording, ...]:
    """Return the recordings of the hiss rows as listed: music, violin, voices, percussion."""
    rows = clean_rows()
    chosen = [row for row in rows if row.set in ("music", "violin")]
    chosen += [row for row in rows if row.set == "speech_single"][::15]
    chosen += [row for row in rows if row.set == "singing"][::10]
    return tuple(chosen)


def denoising_clips() -> list[Clip]:
    """Return the excerpts for the hiss rows, and piano rendered from MIDI; what can't be used is left out.

    Raises
    ------
    NoRecordingsError
        If no validation recording can be used.
    """
    # Chosen first: one recording less must not put others in the place of those that stay.
    usable = set(usable_recordings("validation", "all"))
    return [_clip(row) for row in denoising_rows() if row in usable] + rendered_piano()


def clean_clips() -> list[Clip]:
    """Return every validation recording that can be used at its own rate, whole up to 30 s.

    Raises
    ------
    NoRecordingsError
        If none can be used.
    """
    return [
        Clip(row.path, kind_of(row), row.rate, read_mono(row, row.rate)[: 30 * row.rate])
        for row in usable_recordings("validation", "all")
    ]


def left_out() -> dict[str, str]:
    """Return the validation material that can't be used: the reason, by path."""
    bad = {row.path: reason for row, reason in audit(clean_rows()).bad}
    for name in RENDERED:
        try:
            _render(name)
        except UnreadableError as error:
            bad[f"rendered {name}"] = str(error)
    return bad


def kind_of(row: Recording) -> str:
    """The kind of material, for the table."""
    return "speech" if row.set.startswith("speech") or "reader" in row.note else row.set


def _clip(row: Recording) -> Clip:
    samples = read_mono(row)
    start = round(_EXCERPT_AT * RATE) if len(samples) > (_EXCERPT_AT + SECONDS) * RATE else 0
    return Clip(row.path, kind_of(row), RATE, samples[start : start + round(SECONDS * RATE)])


def rendered_piano() -> list[Clip]:
    """Two pianists' Schubert (a validation piece) on the sampled piano; the piece is unseen, the instrument isn't."""
    clips = []
    for name in RENDERED:
        try:
            clips.append(_render(name))
        except UnreadableError:
            continue  # `left_out` says why
    return clips


def _render(name: str) -> Clip:
    path = data_folder() / "performances" / "vienna" / f"{name}.csv"
    if not path.is_file():
        raise UnreadableError(f"{path} is missing: put it back")
    players = sample_players("piano")
    if len(players) < 2:
        raise UnreadableError(f"the sampled piano in {data_folder()} lacks its second dynamic: put it back")
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["onset_s"]]
    notes = [
        Note(float(r["onset_s"]), float(r["offset_s"]) - float(r["onset_s"]), int(r["midi_pitch"]),
             (float(r["velocity"]) / 127.0) ** 2)
        for r in rows if float(r["onset_s"]) < SECONDS
    ]  # fmt: skip
    return Clip(f"rendered {name}", "piano", RATE, players[1].play(notes, SECONDS, 0.15))


def white_hiss(clip: Clip, seed: int) -> Samples:
    """White noise, RMS 1."""
    return np.random.default_rng(seed).standard_normal(len(clip.samples), dtype=np.float32)


def coloured_hiss(clip: Clip, seed: int) -> Samples:
    """Noise of a random colour that is not white, RMS 1."""
    rng = np.random.default_rng(seed)
    shape = degradations.random_hiss_shape(rng)
    while np.ptp(shape.gain_db) == 0.0:
        shape = degradations.random_hiss_shape(rng)
    return degradations.hiss(rng, len(clip.samples), clip.rate, shape)


def hiss_with_crackle(clip: Clip, seed: int) -> Samples:
    """Coloured hiss and crackle 6 dB under it, 30 per second, RMS 1."""
    rng = np.random.default_rng(seed + 7)
    noise = coloured_hiss(clip, seed) + np.float32(0.5) * degradations.crackle(rng, len(clip.samples), clip.rate, 30.0)
    louder: Samples = (noise / np.float32(noise.std())).astype(np.float32)
    return louder


def mixed(clip: Clip, noise: Samples, at_db: float) -> Samples:
    """Add noise at this signal-to-noise ratio."""
    gain = np.sqrt(np.mean(clip.samples**2, dtype=np.float64) / 10.0 ** (at_db / 10.0))
    return clip.samples + np.float32(gain) * noise


def quantile_profile(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """The 0.10 quantile over time, divided by what it is of the mean of an exponential distribution."""
    profile: NDArray[np.float32] = np.quantile(power, QUANTILE, axis=0) / -np.log(1.0 - QUANTILE)
    return profile.astype(np.float32)


def wiener_gain(power: NDArray[np.float32], profile: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decision-directed Wiener gain, alpha 0.98, a-priori SNR not under -25 dB; power is (frames, bins)."""
    posterior = power / np.maximum(profile, 1e-30)
    gain = np.empty_like(power)
    before = np.maximum(posterior[0] - 1.0, 0.0)
    for frame, now in enumerate(posterior):
        prior = np.maximum(0.98 * before + 0.02 * np.maximum(now - 1.0, 0.0), 10.0**-2.5)
        gain[frame] = prior / (1.0 + prior)
        before = gain[frame] ** 2 * now
    return gain


def with_gain(mix: Samples, gain: NDArray[np.float32], spectra: NDArray[np.complex64]) -> Samples:
    """Resynthesise a whole clip from `padded_frames`; shape of `mix`."""
    start = STFT.fft + STFT.fft // 2
    return STFT.inverse((spectra * gain).astype(np.complex64))[start : start + len(mix)]


def padded_frames(samples: Samples) -> NDArray[np.complex64]:
    """All frames that touch a clip and a few beyond it; (frames, bins). Frame EXTRA is centred on its first sample."""
    extra = np.zeros(EXTRA * STFT.hop, dtype=np.float32)
    return torch_compatible_frames(np.concatenate([extra, samples, extra]), STFT)


def inner(frames: NDArray[Any], samples: int) -> NDArray[Any]:
    """The rows of `padded_frames` that `torch.stft` would return for a clip of so many samples."""
    return frames[EXTRA : EXTRA + 1 + samples // STFT.hop]


def wiener(mix: Samples) -> Samples:
    """Blind decision-directed Wiener on the quantile profile, no floor."""
    spectra = padded_frames(mix)
    power = spectra.real**2 + spectra.imag**2
    return with_gain(mix, wiener_gain(power, quantile_profile(inner(power, len(mix)))), spectra)


def oracle(mix: Samples, clean: Samples) -> Samples:
    """The best real gain between 0 and 1 in every bin of every frame."""
    spectra, wanted = padded_frames(mix), padded_frames(clean)
    power = spectra.real**2 + spectra.imag**2
    gain = (wanted * np.conj(spectra)).real / np.maximum(power, 1e-20)
    return with_gain(mix, np.clip(gain, 0.0, 1.0).astype(np.float32), spectra)
