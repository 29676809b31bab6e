"""A Signal becomes a file: written beside its name, re-opened and checked, then renamed.

Rate and depth are those of the source unless asked otherwise. Nothing is ever half there: an error, a full disk or a
cancel leaves no file, and the source itself can't be the target.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import stat
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from engine.audio import id3
from engine.audio.formats import (
    GIB,
    PCM_BITS,
    FileInfo,
    WriteFormat,
    different_formats,
    spell,
    spell_bytes,
    write_format,
)
from engine.audio.loudness import integrated_lufs, true_peak_dbtp
from engine.audio.nonfinite import all_sound
from engine.audio.opening import ForwardFile
from engine.audio.quantise import Quantiser
from engine.audio.resample import ResampledSignal
from engine.audio.signal import SameShape, Samples, Signal, blocks, check_span
from engine.errors import OutputError, OutputExistsError, UnsupportedFormatError

Check = Callable[[], None]
Progress = Callable[[float, str], None]

BLOCK = 1 << 16  # frames; libsndfile's Vorbis encoder overflows its stack with very long blocks
WAV_LIMIT_BYTES = 4 * GIB - (1 << 20)  # room for the header and tags
_FULL_BYTES = 1 << 16
EMPTY_FLAC_BLOCK = 4096


@dataclass(frozen=True)
class WriteOptions:
    """How to write. None means: as the source."""

    container: str | None = None  # WAV, RF64, FLAC, AIFF, CAF, OGG, OPUS, MP3; None: by the ending of the name
    subtype: str | None = None  # such as PCM_16
    rate: int | None = None  # Hz
    dither: bool = True  # TPDF where bits are reduced
    force: bool = False  # replace an existing file
    tags: Mapping[str, str] | None = None  # None: copied from the source
    loudness_lufs: float | None = None  # normalise to this integrated loudness
    ceiling_dbtp: float = -1.0  # normalising keeps the true peak below this
    quality: float = 0.8  # of OGG, Opus, MP3: 0 small to 1 best


@dataclass(frozen=True)
class WriteReport:
    """What was written, as read back from the file."""

    path: Path
    format: str  # "WAV", "RF64", "FLAC", ...
    subtype: str
    rate: int
    channels: int
    frames: int
    peak: float  # sample peak, linear
    overs: int  # samples above full scale: clipped, except in float files
    gain_db: float  # by loudness normalisation
    note: str  # sentences for the user, empty if there is nothing to say


@dataclass(frozen=True)
class _Plan:
    """Everything decided before the first byte is written."""

    path: Path
    format: WriteFormat
    container: str  # as libsndfile calls it
    subtype: str
    rate: int
    notes: tuple[str, ...]


def write(
    signal: Signal,
    path: Path,
    options: WriteOptions | None = None,
    like: FileInfo | None = None,
    check: Check | None = None,
    progress: Progress | None = None,
) -> WriteReport:
    """Write `signal` to `path`.

    Parameters
    ----------
    signal
        What to write.
    path
        Its directory must exist.
    options
        Format, rate, depth, loudness.
    like
        The source: gives container, depth and tags where `options` doesn't, and may not be overwritten.
    check
        Called at least five times a second; may raise Cancelled, which leaves nothing behind.
    progress
        Called with a fraction and a text.

    Raises
    ------
    UsageError
        The name doesn't say which format.
    UnsupportedFormatError
        The format can't hold this many channels, zero frames or so much sound.
    OutputExistsError
        The file exists and `options.force` is off, or it is the source.
    OutputError
        The place is read-only, full or missing, or the file read back isn't what was written.
    """
    options = options or WriteOptions()
    check = check or _nothing
    path = _target(Path(path), options, like, signal)
    plan = _plan(signal, path, options, like)
    sound = signal if plan.rate == signal.rate else ResampledSignal(signal, plan.rate)
    sound, gain_db, loudness_note = _normalised(sound, options, check, progress)
    _check_space(plan, sound)
    tags = dict(options.tags if options.tags is not None else (like.tags if like else {}))
    part = path.parent / f".shellac-{uuid.uuid4().hex[:12]}.part"
    try:
        with _spoken(path):
            written = _write_part(sound, part, plan, options, tags, check, progress)
            _verify(part, plan, sound, written, check)
            _put_in_place(part, path, options.force)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    notes = [*plan.notes, loudness_note, _overs_note(plan, written)]
    return WriteReport(
        path, plan.container, plan.subtype, plan.rate, sound.channels, sound.frames, written.peak, written.overs,
        gain_db, "; ".join(note for note in notes if note),
    )  # fmt: skip


def _nothing() -> None:
    pass


def _target(path: Path, options: WriteOptions, like: FileInfo | None, signal: Signal) -> Path:
    """Return where the file will really lie, or raise if it may not lie there."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder", "give a file name in it")
    if path.is_symlink():
        path = path.resolve()
    if not path.parent.is_dir():
        raise OutputError(f"there is no folder {path.parent}", "create it first, or choose another place")
    for source in (like.path if like else None, getattr(signal, "path", None)):
        if source is not None and _is_same(path, source):
            raise OutputExistsError(f"{path} is the source itself, which is never overwritten", "choose another name")
    if path.exists() and not options.force:
        raise OutputExistsError(f"{path} exists already", "choose another name, or allow replacing it (--force)")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path.parent} may not be written by this user", "choose another place")
    return path


def _is_same(path: Path, source: Path) -> bool:
    try:
        return path.samefile(source)
    except OSError:  # one of them doesn't exist
        return path.absolute() == Path(source).absolute()


def _plan(signal: Signal, path: Path, options: WriteOptions, like: FileInfo | None) -> _Plan:
    container = options.container
    if container is None and not path.suffix and like is not None:
        container = "OPUS" if like.subtype == "OPUS" else like.container
    chosen = write_format(path, container)
    _check_layout(signal, chosen)
    subtype, depth_note = _subtype(chosen, options, like)
    wanted = options.rate or signal.rate
    if wanted < 1:
        raise ValueError(f"rate must be positive, got {wanted}")
    rate = chosen.nearest_rate(wanted)
    notes = [depth_note]
    if rate != wanted:
        notes.append(f"{chosen.label} has no {wanted} Hz, so {rate} Hz were taken")
    name = chosen.container
    size = _pcm_bytes(signal, rate, subtype)
    if name == "WAV" and size > WAV_LIMIT_BYTES:
        name = "RF64"
        notes.append("written as RF64, because a WAV ends at 4 GiB")
    if chosen.limit_bytes is not None and size > chosen.limit_bytes:
        able = tuple(f for f in different_formats() if f.limit_bytes is None and f.is_lossless)
        raise UnsupportedFormatError(
            f"{chosen.label} ends at 4 GiB and this needs {size / GIB:.1f} GiB", f"choose {spell(able)}"
        )
    return _Plan(path, chosen, name, subtype, rate, tuple(note for note in notes if note))


def _check_layout(signal: Signal, chosen: WriteFormat) -> None:
    if not 1 <= signal.channels <= chosen.max_channels:
        able = tuple(f for f in different_formats() if f.max_channels >= signal.channels)
        raise UnsupportedFormatError(
            f"{chosen.label} holds at most {chosen.max_channels} channels and this has {signal.channels}",
            f"choose {spell(able)}",
        )
    if signal.frames == 0 and not chosen.holds_empty:
        able = tuple(f for f in different_formats() if f.holds_empty)
        raise UnsupportedFormatError(f"{chosen.label} can't hold a recording of zero samples", f"choose {spell(able)}")


def _subtype(chosen: WriteFormat, options: WriteOptions, like: FileInfo | None) -> tuple[str, str]:
    """Return the sample format and, where the source's own isn't to be had here, a sentence that says so."""
    if options.subtype is not None:
        asked = options.subtype.upper()
        if asked not in chosen.subtypes:
            raise UnsupportedFormatError(f"{chosen.label} can't hold {asked}", f"choose {', '.join(chosen.subtypes)}")
        return asked, ""
    own = like.subtype if like else chosen.subtypes[0]
    if own in chosen.subtypes:
        return own, ""
    bits = PCM_BITS.get(own)
    if bits is not None and chosen.is_lossless:
        same = [s for s in chosen.subtypes if PCM_BITS.get(s) == bits]
        if same:
            return same[0], ""
    best = chosen.subtypes[0]
    is_less = chosen.is_lossless and (own in ("FLOAT", "DOUBLE") or (bits or 0) > 24)
    return best, f"{chosen.label} has no {own}, so {best} was taken" if is_less else ""


def _sample_bytes(subtype: str) -> float:
    """Return about how many bytes a sample takes on disk, at most."""
    if subtype in ("FLOAT", "DOUBLE"):
        return 4.0 if subtype == "FLOAT" else 8.0
    if subtype in PCM_BITS:
        return math.ceil(PCM_BITS[subtype] / 8)
    return 1.0  # ULAW, ALAW; for lossy ones far above what they take


def _pcm_bytes(signal: Signal, rate: int, subtype: str) -> float:
    return signal.frames * rate / signal.rate * signal.channels * _sample_bytes(subtype)


def _check_space(plan: _Plan, sound: Signal) -> None:
    needed = _pcm_bytes(sound, plan.rate, plan.subtype)
    if not plan.format.is_lossless:
        needed = min(needed, sound.frames / sound.rate * 40_000 * max(1, sound.channels / 2))  # 320 kbit/s a pair
    elif plan.subtype.startswith("ALAC") or plan.container == "FLAC":
        needed *= 0.7
    needed += 65536
    free = shutil.disk_usage(plan.path.parent).free
    if needed > free:
        raise OutputError(
            f"{plan.path.name} needs {spell_bytes(needed)} and {plan.path.parent} has {spell_bytes(free)} free",
            "free some space, or choose another place or a smaller format",
        )


@dataclass(frozen=True)
class _Scaled(SameShape):
    """A Signal times a constant."""

    signal: Signal
    gain: float

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        return self.signal.read(start, stop) * np.float32(self.gain)


def _normalised(
    sound: Signal, options: WriteOptions, check: Check, progress: Progress | None
) -> tuple[Signal, float, str]:
    """Return `sound` brought to the wanted loudness, the gain in dB and a sentence if the ceiling forbade all of it."""
    if options.loudness_lufs is None:
        return sound, 0.0, ""
    if progress is not None:
        progress(0.0, "measuring loudness")
    loudness = integrated_lufs(sound, check=check)
    if not math.isfinite(loudness):
        return sound, 0.0, "too quiet or too short to measure its loudness, so the level was kept"
    wanted = options.loudness_lufs - loudness
    room = options.ceiling_dbtp - true_peak_dbtp(sound, check=check)
    gain_db = min(wanted, room)
    note = ""
    if room < wanted:
        note = (
            f"{loudness + gain_db:.1f} LUFS instead of {options.loudness_lufs:g}: "
            f"louder would exceed {options.ceiling_dbtp:g} dBTP"
        )
    return _Scaled(sound, 10 ** (gain_db / 20)), gain_db, note


@dataclass(frozen=True)
class _Written:
    peak: float  # of the samples handed over, before clipping
    overs: int
    checksum: int | None  # of what a lossless file must give back


def _write_part(
    sound: Signal,
    part: Path,
    plan: _Plan,
    options: WriteOptions,
    tags: Mapping[str, str],
    check: Check,
    progress: Progress | None,
) -> _Written:
    check()
    if sound.frames == 0 and plan.container == "FLAC":
        part.write_bytes(_empty_flac(plan, sound.channels))
        return _Written(0.0, 0, 0)
    is_mp3 = plan.container == "MP3"
    with part.open("wb") as head:
        prefix = id3.tag(tags) if is_mp3 else b""
        head.write(prefix)
    sound_part = part.with_suffix(".sound") if prefix else part
    try:
        with _new_file(sound_part, plan, sound.channels, options) as file:
            if not is_mp3:
                _set_tags(file, tags)
            written = _write_blocks(file, sound, plan, options, check, progress)
        if prefix:
            with sound_part.open("rb") as source, part.open("ab") as whole:
                shutil.copyfileobj(source, whole, 1 << 20)
    finally:
        if prefix:
            sound_part.unlink(missing_ok=True)
    return written


def _new_file(part: Path, plan: _Plan, channels: int, options: WriteOptions) -> Any:
    extra: dict[str, Any] = {}
    if not plan.format.is_lossless:
        extra["compression_level"] = 1.0 - min(1.0, max(0.0, options.quality))
    if plan.container == "MP3":
        extra["bitrate_mode"] = "VARIABLE"
    return soundfile.SoundFile(part, "w", plan.rate, channels, plan.subtype, format=plan.container, **extra)


def _set_tags(file: Any, tags: Mapping[str, str]) -> None:
    for name, text in tags.items():
        # Each container knows some tags only; a missing one is no reason to lose the sound.
        with contextlib.suppress(soundfile.LibsndfileError, AttributeError, TypeError):
            if name in ("title", "copyright", "artist", "comment", "date", "album", "license", "tracknumber", "genre"):
                setattr(file, name, text)


def _write_blocks(
    file: Any, sound: Signal, plan: _Plan, options: WriteOptions, check: Check, progress: Progress | None
) -> _Written:
    bits = PCM_BITS.get(plan.subtype)
    quantise = Quantiser(bits, options.dither) if bits is not None else None
    peak, overs, checksum = 0.0, 0, 0
    for span in blocks(sound.frames, BLOCK):
        check()
        samples = sound.read(*span)
        if not all_sound(samples):
            raise OutputError(
                f"the result has a sample that is no number near {span.start / sound.rate:.1f} s",
                "switch the devices off one by one to find the one that makes it",
                "nothing was written",
            )
        peak = max(peak, float(np.abs(samples).max(initial=0.0)))
        if quantise is not None:
            whole = quantise(samples)
            checksum = zlib.crc32(np.ascontiguousarray(whole).data, checksum)
            file.write(whole)
        else:
            overs += int(np.count_nonzero(np.abs(samples) > 1.0))
            checksum = zlib.crc32(np.ascontiguousarray(samples).data, checksum)
            file.write(samples)
        if progress is not None:
            progress(0.9 * span.stop / sound.frames, f"writing {plan.path.name}")
    is_exact = quantise is not None or plan.subtype in ("FLOAT", "DOUBLE")
    return _Written(peak, quantise.overs if quantise else overs, checksum if is_exact else None)


def _verify(part: Path, plan: _Plan, sound: Signal, written: _Written, check: Check) -> None:
    """Read the file back. Lossless ones must give the very samples that were written, lossy ones their length."""
    is_float = plan.subtype in ("FLOAT", "DOUBLE")
    frames, peak, checksum = 0, 0.0, 0
    if sound.frames == 0 and plan.container == "FLAC":
        return
    with part.open("rb") as raw, ForwardFile(os.dup(raw.fileno()), closefd=True) as file:
        same_shape = file.samplerate == plan.rate and file.channels == sound.channels
        kind = "float32" if is_float or written.checksum is None else "int32"
        while same_shape:
            check()
            block = file.read(BLOCK, dtype=kind, always_2d=True)
            if not len(block):
                break
            frames += len(block)
            if written.checksum is not None:
                checksum = zlib.crc32(np.ascontiguousarray(block).data, checksum)
            else:
                peak = max(peak, float(np.abs(block).max()))
    is_same = same_shape and frames == sound.frames
    if written.checksum is not None:
        is_same = is_same and checksum == written.checksum
    elif written.peak > 0.001:
        # A codec moves the peak by a few dB, narrow-band noise by more; a lost or doubled channel would show.
        is_same = is_same and peak > 0.1 * min(1.0, written.peak)
    if not is_same:
        raise OutputError(
            f"{plan.path.name} read back isn't what was written ({frames} of {sound.frames} frames)",
            "check the disk, then try again or choose another format",
            "nothing was replaced",
        )


def _put_in_place(part: Path, path: Path, force: bool) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    if force:
        if path.exists():
            part.chmod(stat.S_IMODE(path.stat().st_mode))
        part.replace(path)
        return
    try:
        os.link(part, path)  # a rename would replace what appeared meanwhile
    except FileExistsError as error:
        raise OutputExistsError(f"{path} appeared while it was being written", "choose another name") from error
    except OSError as error:  # a disk without links: nearly as good
        if path.exists():
            raise OutputExistsError(f"{path} appeared while it was being written", "choose another name") from error
        part.replace(path)


def _empty_flac(plan: _Plan, channels: int) -> bytes:
    """Return a FLAC of zero frames, which libsndfile doesn't write: the marker and a STREAMINFO block (RFC 9639)."""
    bits = PCM_BITS[plan.subtype]
    packed = plan.rate << 44 | (channels - 1) << 41 | (bits - 1) << 36
    sizes = EMPTY_FLAC_BLOCK.to_bytes(2, "big") * 2 + bytes(6)
    md5_of_nothing = bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e")
    return b"fLaC" + b"\x80\x00\x00\x22" + sizes + packed.to_bytes(8, "big") + md5_of_nothing


def _overs_note(plan: _Plan, written: _Written) -> str:
    if not written.overs:
        return ""
    peak_db = 20 * math.log10(written.peak)
    if plan.subtype in ("FLOAT", "DOUBLE"):
        return f"{written.overs} samples lie above full scale (peak {peak_db:+.1f} dBFS); the float file keeps them"
    return (
        f"{written.overs} samples above full scale were clipped (peak {peak_db:+.1f} dBFS): "
        "to keep them, write WAV or AIFF in 32-bit float (--subtype FLOAT)"
    )


@contextlib.contextmanager
def _spoken(path: Path) -> Iterator[None]:
    """Turn the errors of the system and of libsndfile into sentences."""
    try:
        yield
    except (OSError, soundfile.SoundFileError, AssertionError) as error:
        free = shutil.disk_usage(path.parent).free if path.parent.is_dir() else 0
        reason = getattr(error, "strerror", None) or str(error).rstrip(".") or "the disk may be full"
        if free < _FULL_BYTES and isinstance(error, soundfile.SoundFileError):
            reason = "the disk is full"  # libsndfile knows but doesn't say
        raise OutputError(
            f"{path.name} can't be written ({reason}; {spell_bytes(free)} free in {path.parent})",
            "free some space or choose another place",
            "nothing was left behind",
        ) from error
