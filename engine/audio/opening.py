"""A sound file becomes a Signal: sample formats of constant size are read in place, all others are decoded once.

What a header says is never believed: lengths come from the bytes that are there or from the frames that were decoded,
and the container from the content, not from the name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from engine.audio import codecs
from engine.audio.decode_cache import DecodeCache, RawFile
from engine.audio.formats import IN_PLACE_CONTAINERS, IN_PLACE_SUBTYPES, FileInfo
from engine.audio.headers import Layout, PatchedFile, has_mp3_length, is_misnamed, look, ogg_breaks_off, sniff
from engine.audio.nonfinite import Repair, all_sound, find_repairs, read_repaired
from engine.audio.signal import Samples, Span, check_span
from engine.errors import MissingFileError, UnreadableFileError, UnsupportedFormatError
from engine.settings import Settings

Check = Callable[[], None]
Progress = Callable[[float, str], None]

MAX_FRAMES = 1 << 40  # libsndfile says SF_COUNT_MAX where it doesn't know
MAX_RATE = 768_000
# Up to here a float file is searched for non-finite samples while opening (about 0.2 s); a longer one while it is read.
SCAN_AT_ONCE_BYTES = 256 << 20
PIECE = 1 << 16
WHOLE_BYTES = 64 << 20  # hashed whole: 50 ms


def open_signal(
    path: Path,
    settings: Settings | None = None,
    check: Check | None = None,
    progress: Progress | None = None,
    thorough: bool = False,
) -> FileSignal:
    """Open a recording.

    Parameters
    ----------
    path
        The file, whatever its name ends in.
    check
        Called often; may raise Cancelled.
    progress
        Called with a fraction and a text while a compressed file is decoded.
    thorough
        Search float files of any size for non-finite samples now, instead of while they are read.

    Raises
    ------
    MissingFileError
        No such file, a folder, or not readable for this user.
    UnreadableFileError
        Not sound, or damaged beyond use.
    UnsupportedFormatError
        Sound that this installation can't read.
    NonFiniteError
        More NaN or infinite samples than can be repaired.
    OutputError
        The decoded copy doesn't fit on the disk.
    """
    path = Path(path)
    size = _size_of(path)
    container, layout = _first_look(path, size)
    check = check or _nothing
    print_ = fingerprint(path)
    if container in ("M4A", "AAC"):
        signal = _open_codec(path, size, container, print_, settings or Settings(), check, progress)
    else:
        with _sound_file(path, layout) as file:
            info = _info(path, size, container, file)
            in_place = info.container in IN_PLACE_CONTAINERS and info.subtype in IN_PLACE_SUBTYPES
        if in_place:
            signal = _open_in_place(info, layout, print_)
        else:
            signal = _open_decoded(info, layout, print_, settings or Settings(), check, progress)
    if signal.may_hold_non_finite and (thorough or size <= SCAN_AT_ONCE_BYTES):
        try:
            signal.scan(check)
        except BaseException:
            signal.close()
            raise
    return signal


def read_info(path: Path) -> FileInfo:
    """Return what a file says about itself, without decoding it: of a compressed file the length is its own claim.

    Raises
    ------
    MissingFileError, UnreadableFileError, UnsupportedFormatError
        As `open_signal`.
    """
    path = Path(path)
    size = _size_of(path)
    container, layout = _first_look(path, size)
    if container in ("M4A", "AAC"):
        return _codec_info(path, size, container)[0]
    with _sound_file(path, layout) as file:
        info = _info(path, size, container, file)
    if info.container in IN_PLACE_CONTAINERS and info.subtype in IN_PLACE_SUBTYPES:
        return _in_place_info(info, layout)
    return replace(info, frames=info.frames if info.frames < MAX_FRAMES else 0, note=_misnamed_note(info))


class FileSignal:
    """A recording on disk. `read` may be called from several threads."""

    def __init__(self, info: FileInfo, fingerprint: str, source: RawFile | _InPlace, may_hold_non_finite: bool) -> None:
        self.info = info
        self.path = info.path
        self.rate = info.rate
        self.channels = info.channels
        self.frames = info.frames
        self.fingerprint = fingerprint
        self.repairs: tuple[Repair, ...] = ()  # complete after `scan`
        self._source = source
        self.may_hold_non_finite = may_hold_non_finite

    def read(self, start: int, stop: int) -> Samples:
        """Return frames, shape (stop - start, channels), every sample finite, read-only.

        Raises
        ------
        ValueError
            Unless 0 <= start <= stop <= frames.
        MissingFileError
            If the file vanished or broke off since it was opened.
        NonFiniteError
            If the span touches a fault too long to repair (only in float files too large to be searched on opening).
        """
        check_span(self, start, stop)
        try:
            if self.may_hold_non_finite:
                samples = read_repaired(
                    self._source.read, Span(start, stop), self.frames, self.rate, self.info.path.name
                )
            else:
                samples = self._source.read(start, stop)
        except (OSError, soundfile.LibsndfileError) as error:
            raise MissingFileError(
                f"{self.path.name} can't be read any more", "bring the file or its disk back, then open it again"
            ) from error
        samples.flags.writeable = False
        return samples

    def scan(self, check: Check | None = None, progress: Callable[[float], None] | None = None) -> None:
        """Search the whole recording for samples that are no numbers and list the repairs.

        Raises
        ------
        NonFiniteError
            If there are more than can be repaired.
        """
        if self.may_hold_non_finite:
            self.repairs = find_repairs(self._source.read, self.frames, self.rate, self.info.path.name, check, progress)

    def close(self) -> None:
        """Give the file back. Reading after this raises."""
        self._source.close()


class _InPlace:
    """Samples of constant size inside a WAV, RF64, W64, AIFF, CAF or AU file.

    Each reading thread takes a handle of its own from a small pool, so the player never waits for the peaks.
    """

    def __init__(self, path: Path, layout: Layout, frames: int) -> None:
        self._path = path
        self._layout = layout
        self._frames = frames
        self._idle: list[Any] = []
        self._lock = threading.Lock()
        self._closed = False

    def read(self, start: int, stop: int) -> Samples:
        with self._lock:
            if self._closed:
                raise OSError(errno.EBADF, "closed")
            file = self._idle.pop() if self._idle else None
        if file is None:
            file = _sound_file(self._path, self._layout)
        try:
            file.seek(start)
            samples = _read_floats(file, stop - start)
        except BaseException:
            file.close()
            raise
        with self._lock:
            if self._closed or len(self._idle) >= 4:
                file.close()
            else:
                self._idle.append(file)
        if len(samples) != stop - start:
            raise OSError(errno.EIO, "the file became shorter")
        return samples

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for file in self._idle:
                file.close()
            self._idle.clear()


def _read_floats(file: Any, frames: int) -> Samples:
    """Return the next frames. What libsndfile converts it reads 8 KB at a time, which takes five times as long."""
    if file.subtype == "PCM_16":
        whole: NDArray[np.int16] = file.read(frames, dtype="int16", always_2d=True)
        samples: Samples = np.multiply(whole, np.float32(1.0 / 32_768.0), dtype=np.float32)  # as libsndfile, bit by bit
        return samples
    samples = file.read(frames, dtype="float32", always_2d=True)
    return samples


def fingerprint(path: Path) -> str:
    """Return a name for a file's content: what is rendered or decoded from it is kept under this name.

    Up to 64 MiB it is the SHA-256 of the whole file. Of a larger one, which must open at once, it is the SHA-256 over
    its size and 64 KiB at 16 places, and after a dash the time of its last change: an editor that repairs half a
    second between those places must not be answered with sound of yesterday.
    """
    status = path.stat()
    digest = hashlib.sha256(str(status.st_size).encode())
    with path.open("rb") as file:
        if status.st_size <= WHOLE_BYTES:
            while piece := file.read(16 * PIECE):
                digest.update(piece)
            return digest.hexdigest()
        for i in range(16):
            file.seek((status.st_size - PIECE) * i // 15)
            digest.update(file.read(PIECE))
    return f"{digest.hexdigest()}-{status.st_mtime_ns:x}"


def is_same_content(one: str, other: str) -> bool:
    """Return False if two fingerprints tell of different content. A copy made at another time is the same."""
    return one.partition("-")[0] == other.partition("-")[0]


def _nothing() -> None:
    pass


def _size_of(path: Path) -> int:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise MissingFileError(f"{path} is a folder", "choose a sound file in it")
        # Asked before it is opened: opening a pipe waits for somebody to write into it.
        if not stat.S_ISREG(mode):
            raise MissingFileError(f"{path} is no ordinary file", "choose a sound file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError as error:
        raise MissingFileError(f"there is no file {path}", "check the name") from error
    except PermissionError as error:
        raise MissingFileError(f"{path} may not be read by this user", "change its permissions") from error
    except (OSError, ValueError) as error:
        raise MissingFileError(f"{path} can't be opened ({error})", "check the disk and the name") from error
    if size == 0:
        raise UnreadableFileError(f"{path.name} is empty (0 bytes)", "copy it again from where it came from")
    return size


def _first_look(path: Path, size: int) -> tuple[str, Layout]:
    """Return the container by content and what its header says, or raise if it is no sound."""
    with path.open("rb") as file:
        container = sniff(file.read(64))
        if container is None:
            raise UnreadableFileError(
                f"{path.name} is no sound file that Shellac knows, whatever its name says",
                "open WAV, AIFF, FLAC, OGG, Opus, MP3, CAF, RF64 or M4A",
            )
        layout = look(file, container, size)
    if layout.channels == 0:
        raise UnreadableFileError(f"{path.name} says that it has 0 channels", "its header is damaged: export it again")
    return container, layout


class ForwardFile(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is only read from its start to its end.

    soundfile seeks after each read to where the file stands already. In an MP3 that loses the bit reservoir and gives
    other samples than one long read (measured: an error as high as the sound itself).
    """

    def seekable(self) -> bool:
        return False


def _sound_file(path: Path, layout: Layout, kind: type[Any] = soundfile.SoundFile) -> Any:
    """Open with libsndfile by content: a path would let it guess by the name, and it can't say why opening fails."""
    file: BinaryIO = path.open("rb", buffering=0)
    try:
        if layout.patches:
            return kind(PatchedFile(file, layout.patches))
        # libsndfile closes this descriptor itself, also when it fails.
        opened = kind(os.dup(file.fileno()), closefd=True)
        file.close()
        return opened
    except (soundfile.SoundFileError, ValueError, TypeError) as error:
        file.close()
        container = sniff(_head(path)) or "sound"
        raise UnreadableFileError(
            f"{path.name} begins like {_article(container)} file but can't be understood",
            "it may be damaged or incomplete: copy or export it again",
        ) from error
    except BaseException:
        file.close()
        raise


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _article(container: str) -> str:
    return f"{'an' if container[0] in 'AOMR' else 'a'} {container}"


def _info(path: Path, size: int, container: str, file: Any) -> FileInfo:
    if not 1 <= file.samplerate <= MAX_RATE:
        raise UnreadableFileError(
            f"{path.name} says that its rate is {file.samplerate} Hz", "its header is damaged: export it again"
        )
    tags = {name: _mended(text) for name, text in file.copy_metadata().items() if text and name != "software"}
    kind = "WAV" if file.format == "WAVEX" else file.format
    return FileInfo(path, kind, file.subtype, file.samplerate, file.channels, max(0, file.frames), size, tags)


def _mended(text: str) -> str:
    """Return UTF-8 that was taken for Latin-1 (as tags of MP3 files are) as what it means."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _misnamed_note(info: FileInfo) -> str:
    if is_misnamed(info.container, info.path.suffix):
        return f"this is really {_article(info.container)} file, although it is named {info.path.suffix}"
    return ""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:05.2f}"


def _broken_note(info: FileInfo, promised: int | None) -> str:
    said = f" of {_clock(promised / info.rate)}" if promised is not None and promised < MAX_FRAMES else ""
    return f"opened {_clock(info.seconds)}{said}; the file breaks off there"


def _with_notes(info: FileInfo, is_truncated: bool, promised: int | None) -> FileInfo:
    notes = [_misnamed_note(info), _broken_note(info, promised) if is_truncated else ""]
    return replace(info, is_truncated=is_truncated, note="; ".join(note for note in notes if note))


def _in_place_info(info: FileInfo, layout: Layout) -> FileInfo:
    stride = IN_PLACE_SUBTYPES[info.subtype] * info.channels
    frames = min(info.frames, info.bytes // stride)
    promised = None
    if layout.patches:
        frames = min(frames, (layout.present_bytes or 0) // stride)
    if layout.promised_bytes is not None:
        promised = layout.promised_bytes // stride
    broken = (layout.is_short and promised is not None and promised > frames) or bool(layout.patches)
    return _with_notes(replace(info, frames=frames), broken, promised)


def _open_in_place(info: FileInfo, layout: Layout, print_: str) -> FileSignal:
    info = _in_place_info(info, layout)
    source = _InPlace(info.path, layout, info.frames)
    return FileSignal(info, print_, source, info.subtype in ("FLOAT", "DOUBLE"))


def _open_decoded(
    info: FileInfo, layout: Layout, print_: str, settings: Settings, check: Check, progress: Progress | None
) -> FileSignal:
    promised = info.frames if info.frames < MAX_FRAMES else None
    likely = min(promised, info.bytes * 4096) if promised is not None else None  # a lying header asks for terabytes

    def decode(facts: dict[str, object]) -> Iterator[Samples]:
        done = 0
        with _sound_file(info.path, layout, ForwardFile) as file:
            while True:
                check()
                block, broke = _next_block(file)
                if len(block):
                    done += len(block)
                    facts["odd"] = facts.get("odd", False) or not all_sound(block)
                    yield block
                if progress is not None and promised:
                    progress(min(1.0, done / promised), f"decoding {info.path.name}")
                if broke or not len(block):
                    facts["broke"] = broke and promised is not None
                    return

    cache = DecodeCache.of(settings)
    version = soundfile.__libsndfile_version__
    key = hashlib.sha256(f"{print_} {info.subtype} {info.channels} {version}".encode()).hexdigest()
    decoded = cache.get(key, info.channels, likely, decode)
    frames = decoded.raw.frames
    broken = _is_cut(info, frames, promised, bool(decoded.facts.get("broke")))
    if frames == 0 and broken:
        decoded.raw.close()
        raise UnreadableFileError(f"{info.path.name} breaks off before its first sound", "copy it again")
    info = _with_notes(replace(info, frames=frames), broken, promised)
    return FileSignal(info, print_, decoded.raw, bool(decoded.facts.get("odd")))


def _next_block(file: Any) -> tuple[Samples, bool]:
    """Return about a second, and whether the decoder stumbled. All that it read before stumbling is kept."""
    pieces: list[Samples] = []
    for _ in range(16):
        piece = np.full((4096, file.channels), np.nan, dtype=np.float32)
        try:
            piece = file.read(4096, dtype="float32", always_2d=True, out=piece)
        except soundfile.LibsndfileError:
            # How far it came isn't said, so what is left of the filling tells.
            left = np.flatnonzero(np.isnan(piece[:, -1]))
            pieces.append(piece[: left[0]] if len(left) else piece)
            return _stacked(pieces, file.channels), True
        if not len(piece):
            break
        pieces.append(piece)
    return _stacked(pieces, file.channels), False


def _stacked(pieces: list[Samples], channels: int) -> Samples:
    return np.concatenate(pieces) if pieces else np.zeros((0, channels), dtype=np.float32)


def _is_cut(info: FileInfo, frames: int, promised: int | None, broke: bool) -> bool:
    if broke:
        return True
    with info.path.open("rb") as file:
        if info.container == "OGG":
            return ogg_breaks_off(file, info.bytes)
        if info.container == "MP3" and not has_mp3_length(file):
            return False
    return promised is not None and frames < promised


def _codec_info(path: Path, size: int, container: str) -> tuple[FileInfo, codecs.Heard]:
    heard = codecs.describe(path)
    if not 1 <= heard.rate <= MAX_RATE or heard.channels < 1:
        raise UnsupportedFormatError(
            f"{path.name} holds {heard.codec} at {heard.rate} Hz, {heard.channels} channels", "convert it to WAV"
        )
    info = FileInfo(path, container, heard.codec.upper(), heard.rate, heard.channels, heard.frames or 0, size)
    return replace(info, tags=heard.tags, note=_misnamed_note(info)), heard


def _open_codec(
    path: Path, size: int, container: str, print_: str, settings: Settings, check: Check, progress: Progress | None
) -> FileSignal:
    info, heard = _codec_info(path, size, container)

    def decode(facts: dict[str, object]) -> Iterator[Samples]:
        done = 0
        for block in codecs.decode(path, heard):
            check()
            done += len(block)
            facts["odd"] = facts.get("odd", False) or not all_sound(block)
            yield block
            if progress is not None and info.frames:
                progress(min(1.0, done / info.frames), f"decoding {path.name}")

    key = hashlib.sha256(f"{print_} {info.subtype} {info.channels} av".encode()).hexdigest()
    likely = min(info.frames, size * 4096) if info.frames else None
    decoded = DecodeCache.of(settings).get(key, info.channels, likely, decode)
    frames = decoded.raw.frames
    if frames == 0 and heard.frames != 0:
        decoded.raw.close()
        raise UnreadableFileError(f"{path.name} breaks off before its first sound", "copy it again")
    info = _with_notes(replace(info, frames=frames), frames < info.frames, info.frames)
    return FileSignal(info, print_, decoded.raw, bool(decoded.facts.get("odd")))
