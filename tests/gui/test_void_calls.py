"""PySide6 survives many calls that return nothing.

PySide6 6.12.0 on Python 3.11 loses a reference to None with every void call and aborts the interpreter after about
5,000 of them; a view makes that many in a minute and a half of playing. Hence the upper bound in `pyproject.toml`.
"""

from __future__ import annotations

import subprocess
import sys

CALLS = 50_000

# In a process of its own: if the bug is there, the interpreter aborts and would take the whole test run along.
PROGRAM = f"""
import sys
from PySide6.QtWidgets import QApplication, QWidget

app = QApplication([])
widget = QWidget()
before = sys.getrefcount(None)
for _ in range({CALLS}):
    widget.update()
app.processEvents()
print(before - sys.getrefcount(None))
"""


def test_fifty_thousand_updates_dont_wear_out_none() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    lost = int(result.stdout)
    assert abs(lost) < CALLS / 100, f"{lost} references to None lost in {CALLS} calls"
