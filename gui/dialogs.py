"""Small windows: every action to search in, the key sheet, diagnostics, about."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAction, QGuiApplication, QIcon, QKeyEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from engine.errors import ShellacError
from engine.inference.card import rooms
from engine.measure.taught import judge_account
from gui import theme
from gui.actions import MENUS, MOUSE, TABLE
from gui.panels.controls import label, rule


class AllActions(QDialog):
    """A list of everything, narrowed down while typing; Enter does the chosen one."""

    def __init__(self, actions: list[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("All actions")
        self.setModal(True)
        self.resize(theme.px(520), theme.px(420))
        self._actions = [action for action in actions if action.isEnabled() and action.text()]
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 14, 14, 14)
        column.setSpacing(10)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Type what you want to do")
        self.field.setAccessibleName("Search all actions")
        self.field.setMinimumHeight(32)
        self.field.textChanged.connect(self._narrow)
        self.field.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setIconSize(QSize(15, 15))
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.setAccessibleName("Actions found")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(lambda _item: self._do())
        column.addWidget(self.field)
        column.addWidget(self.list, 1)
        self._narrow("")

    def _narrow(self, text: str) -> None:
        self.list.clear()
        words = text.lower().split()
        blank = QPixmap(15, 15)
        blank.fill(Qt.GlobalColor.transparent)
        for index, action in enumerate(self._actions):
            name = action.text().replace("&", "")
            if all(word in name.lower() for word in words):
                keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
                item = QTreeWidgetItem([name, keys])
                item.setIcon(0, action.icon() if not action.icon().isNull() else QIcon(blank))
                item.setData(0, Qt.ItemDataRole.UserRole, index)
                item.setForeground(1, theme.color(theme.tokens().text3))
                self.list.addTopLevelItem(item)
        self._choose(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
            count = self.list.topLevelItemCount()
            if step and count:
                chosen = self.list.selectedItems()
                self._choose((self.list.indexOfTopLevelItem(chosen[0]) + step) % count if chosen else 0)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._do()
                return True
        return super().eventFilter(watched, event)

    def _choose(self, row: int) -> None:
        item = self.list.topLevelItem(row)
        if item is not None:
            self.list.setCurrentItem(item)

    def _do(self) -> None:
        chosen = self.list.selectedItems()
        if chosen:
            self.accept()
            self._actions[int(chosen[0].data(0, Qt.ItemDataRole.UserRole))].trigger()


class KeySheet(QDialog):
    """All keys on one page."""

    def __init__(self, actions: Mapping[str, QAction], devices: list[tuple[str, str]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and mouse")
        self.resize(theme.px(860), theme.px(640))
        area = QScrollArea()
        area.setWidgetResizable(True)
        inside = QWidget()
        columns = QHBoxLayout(inside)
        columns.setContentsMargins(20, 16, 20, 16)
        columns.setSpacing(36)
        sides = [QVBoxLayout(), QVBoxLayout()]
        for side in sides:
            columns.addLayout(side, 1)
        for menu in MENUS:
            rows = [(a.text(), a.shortcuts()) for e in TABLE if e.menu == menu for a in (actions[e.name],)]
            lines = [(text, ", ".join(k.toString() for k in keys)) for text, keys in rows if keys]
            if menu == "Tools":
                lines = [*devices, *lines]
            if lines:
                target = sides[0] if menu in ("File", "Edit", "View") else sides[1]
                self._add(target, menu, lines)
        self._add(sides[0], "Mouse", [(does, gesture) for gesture, does in MOUSE])
        for side in sides:
            side.addStretch(1)
        area.setWidget(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(area)

    def _add(self, target: QVBoxLayout, title: str, lines: list[tuple[str, str]]) -> None:
        target.setSpacing(6)
        title_label = label(title, "dock-title")
        title_label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        target.addWidget(title_label)
        target.addWidget(rule())
        grid = QGridLayout()
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        for row, (text, keys) in enumerate(lines):
            grid.addWidget(label(text, "label"), row, 0)
            grid.addWidget(label(keys, "key"), row, 1, Qt.AlignmentFlag.AlignRight)
        target.addLayout(grid)
        target.addSpacing(14)


class TextWindow(QDialog):
    """A text that can be read and copied."""

    def __init__(self, title: str, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(theme.px(680), theme.px(460))
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(12)
        self.text = QPlainTextEdit(text)
        self.text.setReadOnly(True)
        self.text.setFont(theme.mono_font(12))
        self.text.setStyleSheet('font-family: "JetBrains Mono"')
        self.text.setAccessibleName(title)
        column.addWidget(self.text, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = QPushButton("Copy")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def show_text(self, text: str) -> None:
        """Show another text."""
        self.text.setPlainText(text)


def version() -> str:
    """Return the installed version, or `from source`."""
    try:
        return importlib.metadata.version("shellac")
    except importlib.metadata.PackageNotFoundError:
        return "from source"


def about_text() -> str:
    """Return version, licences of the program, of its type, and of every shipped network."""
    lines = [
        f"Shellac {version()}",
        "A workstation for old and damaged recordings.",
        "Licence: Apache-2.0. Qt and PySide6: LGPL-3.0.",
        "Type: Inter and JetBrains Mono, SIL Open Font License 1.1.",
        "",
        "Networks",
        *_networks(),
        "",
        "Built in, learnt from recordings",
        "  band edges: judges where the band of a recording ends",
    ]
    judge = judge_account()
    lines += [f"    licence of the weights: {judge.licence}", f"    attribution {judge.attribution}"]
    lines += [f"    trained on {data}" for data in judge.data]
    return "\n".join(lines)


def _networks() -> list[str]:
    try:
        cards = rooms()
    except ShellacError as error:
        return [f"  {error}"]
    lines: list[str] = []
    for name, card in sorted(cards.items()):
        lines += [f"  {name}: {card.task}", f"    licence of the weights: {card.licence}"]
        lines += [f"    attribution {card.attribution}"] if card.attribution else []
        lines += [f"    trained on {data}" for data in card.data_licences]
    return lines or ["  none"]
