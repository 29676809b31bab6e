"""Sound files in and out: everything the rest of Shellac needs to know about them.

Opening is in `opening`, writing in `writing`, the tables in `formats`.
"""

from engine.audio.formats import OPEN_SUFFIXES, WRITE_FORMATS, FileInfo, WriteFormat
from engine.audio.nonfinite import Repair
from engine.audio.opening import FileSignal, fingerprint, is_same_content, open_signal, read_info
from engine.audio.writing import WriteOptions, WriteReport, write

__all__ = [
    "OPEN_SUFFIXES",
    "WRITE_FORMATS",
    "FileInfo",
    "FileSignal",
    "Repair",
    "WriteFormat",
    "WriteOptions",
    "WriteReport",
    "fingerprint",
    "is_same_content",
    "open_signal",
    "read_info",
    "write",
]
