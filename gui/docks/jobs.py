"""Running work, in a dock and as a pill in the status bar: progress, speed, time left, cancel."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import theme
from gui.jobs import Task
from gui.numbers import clock
from gui.panels.controls import ElidedLabel, IconButton, label
from gui.panels.foot import Progress

WORDS = {"running": "", "done": "finished", "failed": "failed", "cancelled": "cancelled"}


def pace_text(task: Task, separator: str = "  ·  ") -> str:
    """Return how far a task is: `40 % · ×7.2 · 0:12 left`."""
    parts = [task.phase] if task.phase else []
    parts.append(f"{100 * task.fraction:.0f} %")
    if task.speed is not None:
        parts.append(f"×{task.speed:.1f}")
    if task.left_s is not None:
        parts.append(f"{clock(task.left_s, 0)} left")
    return separator.join(parts)


class Pill(QWidget):
    """One running task in one line."""

    cancel_wanted = Signal(object)

    def __init__(self, width: int = 120) -> None:
        super().__init__()
        self._task: Task | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.name = label("", "strong")
        self.bar = Progress(width)
        self.state = label("", "label")
        self.cross = IconButton("close", "Cancel (Esc)", side=22, icon_side=11)
        self.cross.clicked.connect(lambda: self.cancel_wanted.emit(self._task))
        for widget in (self.name, self.bar, self.state, self.cross):
            row.addWidget(widget)
        self.show_task(None)

    def show_task(self, task: Task | None, waiting: int = 0) -> None:
        """Show `task`, or nothing. `waiting` others are said in words."""
        self._task = task
        self.setVisible(task is not None)
        if task is not None:
            self.name.setText(task.name)
            self.bar.show_fraction(task.fraction)
            more = f"  ·  {waiting} more" if waiting else ""
            self.state.setText(pace_text(task) + more)
            self.setAccessibleName(f"{task.name}, {self.state.text()}")


class JobList(QWidget):
    """All running tasks and the last ones that ended."""

    cancel_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(4, 0, 0, 0)
        self._column.setSpacing(3)
        self._nothing = label("Nothing is running.", "second")
        self._column.addWidget(self._nothing)
        self._pills: list[Pill] = []
        self._past: list[ElidedLabel] = []

    def show_tasks(self, running: Sequence[Task], ended: Sequence[Task]) -> None:
        """Show both lists; widgets are kept, so that nothing flickers at 20 Hz."""
        while len(self._pills) < len(running):
            pill = Pill(60)
            pill.cancel_wanted.connect(self.cancel_wanted)
            self._pills.append(pill)
            self._column.insertWidget(len(self._pills) - 1, pill)
        for index, pill in enumerate(self._pills):
            pill.show_task(running[index] if index < len(running) else None)
        lines = [f"{task.name}: {WORDS[task.state]}" for task in list(ended)[:6]]
        while len(self._past) < len(lines):
            line = ElidedLabel("", "second")
            self._past.append(line)
            self._column.addWidget(line)
        for index, line in enumerate(self._past):
            line.setVisible(index < len(lines))
            line.setText(lines[index] if index < len(lines) else "")
        self._nothing.setVisible(not running and not lines)
        self.setMinimumHeight(theme.px(22))
