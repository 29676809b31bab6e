"""The named states of a session, and where among them the user stands. A step back swaps one value for another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from engine.session.session import Session


@dataclass(frozen=True)
class Entry:
    """One state and the name of the edit that led to it."""

    name: str
    session: Session
    time: datetime
    gesture: str = ""


class History:
    """Entries from the first state to the last one known; those after `index` can be redone.

    Parameters
    ----------
    session
        The first state.
    name
        What the first entry is called.
    """

    def __init__(self, session: Session, name: str = "Open") -> None:
        self._entries = [Entry(name, session, datetime.now(UTC))]
        self._index = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries)

    @property
    def index(self) -> int:
        return self._index

    @property
    def entry(self) -> Entry:
        return self._entries[self._index]

    @property
    def current(self) -> Session:
        return self.entry.session

    @property
    def can_undo(self) -> bool:
        return self._index > 0

    @property
    def can_redo(self) -> bool:
        return self._index + 1 < len(self._entries)

    def push(self, name: str, session: Session, gesture: str = "") -> None:
        """Add a state after the current one; what could be redone is gone.

        Parameters
        ----------
        gesture
            Names one movement of the user, such as the drag of a knob: states of the same gesture are one entry.
        """
        del self._entries[self._index + 1 :]
        entry = Entry(name, session, datetime.now(UTC), gesture)
        if gesture and self.can_undo and self.entry.gesture == gesture:
            self._entries[self._index] = entry
            return
        self._entries.append(entry)
        self._index += 1

    def replace_current(self, session: Session) -> None:
        """Change what needs no undo, such as cursor, loop or selection, in the current entry."""
        now = self.entry
        self._entries[self._index] = Entry(now.name, session, now.time, now.gesture)

    def undo(self) -> Session:
        """Go one entry back, if there is one, and return the session there."""
        return self.go_to(max(0, self._index - 1))

    def redo(self) -> Session:
        """Go one entry forward, if there is one, and return the session there."""
        return self.go_to(min(len(self._entries) - 1, self._index + 1))

    def go_to(self, index: int) -> Session:
        """Go to any entry and return the session there. Raises IndexError if there is none."""
        if not 0 <= index < len(self._entries):
            raise IndexError(index)
        self._index = index
        return self.current
