"""Everything that can go wrong in a way a user should hear about.

ShellacError                    may be shown as it stands: what happened, what was kept, what to do
├── UsageError                  wrong options or values                                  exit 2
├── InputError                  the recording or project given can't be used             exit 3
│   ├── MissingFileError        no such file, or it is a folder
│   ├── UnreadableFileError     not audio, mis-named, damaged beyond use
│   ├── UnsupportedFormatError  a format or layout that this installation can't read or write
│   ├── EmptyRecordingError     zero frames where sound is needed
│   ├── NonFiniteError          too many NaN or infinite samples
│   └── ProjectError            a project, recipe or journal that can't be understood
├── OutputError                 the result can't be written: exists, read-only, disk full
├── NetworkError                a network is missing, damaged or doesn't run             exit 4
└── SoundDeviceError            no sound card, or it vanished
Cancelled                       the user changed their mind: no failure                  exit 130

`ValueError` and `TypeError` are a programmer's mistake and are never shown as they stand.
"""

from __future__ import annotations


class ShellacError(Exception):
    """A sentence for the user, in up to three parts.

    Parameters
    ----------
    what
        What happened, with the offending value in it.
    todo
        What the user can do about it.
    kept
        What is safe, where that isn't obvious.
    """

    exit_status = 4

    def __init__(self, what: str, todo: str = "", kept: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo
        self.kept = kept

    def __str__(self) -> str:
        tail = "; ".join(part for part in (self.kept, self.todo) if part)
        return f"{self.what}: {tail}" if tail else self.what


class UsageError(ShellacError):
    """Wrong options or values."""

    exit_status = 2


class InputError(ShellacError):
    """The recording or project given can't be used."""

    exit_status = 3


class MissingFileError(InputError):
    """There is no such file, or it is a folder."""


class UnreadableFileError(InputError):
    """The file isn't audio, is mis-named or damaged beyond use."""


class UnsupportedFormatError(InputError):
    """A format or layout that this installation can't read or write."""


class EmptyRecordingError(InputError):
    """The recording has zero frames where sound is needed."""


class NonFiniteError(InputError):
    """The recording has more NaN or infinite samples than can be repaired."""


class ProjectError(InputError):
    """A project, recipe or journal that can't be understood."""


class OutputError(ShellacError):
    """The result can't be written: it exists, the place is read-only, or the disk is full."""

    exit_status = 3


class OutputExistsError(OutputError):
    """The output exists and nobody said that it may be replaced."""

    exit_status = 2


class NetworkError(ShellacError):
    """A network is missing, damaged or doesn't run."""


class SoundDeviceError(ShellacError):
    """No sound card, or it vanished."""


class Cancelled(Exception):  # noqa: N818 - it is no error
    """The user changed their mind. Finished work is kept."""

    exit_status = 130
