"""What stages learnt lately, so that a knob of a later stage doesn't send the earlier ones through the file again.

Nothing is remembered that wouldn't be computed again to the same bits: the key holds the content of the recording and
every setting the result depends on.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from engine.audio.signal import Signal
from engine.tools.restore.chain import Learned
from engine.tools.tool import Value

LIMIT_BYTES: Final = 64 << 20

Settings = tuple[tuple[str, Value], ...]
_Key = tuple[str, Settings]


class StageMemory:
    """The results of the last learnings, the oldest given up first."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[_Key, Learned] = OrderedDict()

    def learned(self, signal: Signal, settings: Settings, learn: Callable[[], Learned]) -> Learned:
        """Return what is remembered for the recording and settings, else what `learn` finds.

        A Signal that has no `fingerprint` of its content is learnt every time.
        """
        fingerprint = str(getattr(signal, "fingerprint", ""))
        if not fingerprint:
            return learn()
        key = (fingerprint, settings)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        learned = learn()
        with self._lock:
            self._held[key] = learned
            while len(self._held) > 1 and sum(map(_bytes, self._held.values())) > self._limit_bytes:
                self._held.popitem(last=False)
        return learned


def _bytes(learned: Learned) -> int:
    return sum(array.nbytes for array in learned.arrays.values())


MEMORY: Final = StageMemory()
