"""Memory that was freed is the system's again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Threads that each make arrays of 5 to 8 MB and free them: what drawing a recording looks like.
PROGRAM = """
import sys
import threading
import numpy as np
from engine.allocator import give_memory_back

if sys.argv[1] == "with":
    assert give_memory_back()

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

def draw():
    held = []
    for size in range(5, 9):
        large = [np.ones(size << 20, dtype=np.uint8) for _ in range(4)]
        held.append(np.ones(64 << 10, dtype=np.uint8))
        del large
    kept.append(held)
    done.wait()

kept, done = [], threading.Barrier(7)
before = resident_mb()
threads = [threading.Thread(target=draw) for _ in range(6)]
for thread in threads:
    thread.start()
done.wait()
print(resident_mb() - before)
"""


def kept_mb(how: str) -> float:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator isn't glibc's")
def test_large_arrays_are_given_back_at_once() -> None:
    assert kept_mb("with") < 20
    assert kept_mb("without") > 20  # else the setting is of no use any more: take it out


# Small arrays of which every hundredth stays: what a list of clicks looks like.
PIECES = """
import numpy as np
from engine.allocator import give_freed_pages_back, give_memory_back

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

give_memory_back()
pieces = [np.ones(20_000, dtype=np.uint8) for _ in range(4000)]
kept = pieces[::100]
del pieces
before = resident_mb()
assert give_freed_pages_back()
print(before - resident_mb())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator isn't glibc's")
def test_pages_between_small_arrays_are_given_back_when_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", PIECES], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 40
