"""A dock as the house draws it: a title of one line, a body, no decoration. Drag the title to move it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gui import theme
from gui.panels.controls import ElidedLabel, label


class DockTitle(QWidget):
    """The line a dock is dragged by. `buttons` stand at its right."""

    def __init__(self, title: str, second: str = "", buttons: tuple[QWidget, ...] = (), is_large: bool = False) -> None:
        super().__init__()
        self.setObjectName("DockTitle")
        self.setFixedHeight(theme.px(38 if is_large else 34))
        row = QHBoxLayout(self)
        row.setContentsMargins(13 if is_large else 12, 4 if is_large else 0, 12 if is_large else 8, 0)
        row.setSpacing(10)
        self.title = label(title, "title" if is_large else "dock-title")
        self.second = ElidedLabel(second, "second")
        row.addWidget(self.title)
        row.addWidget(self.second, 1)
        for button in buttons:
            row.addWidget(button)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.height())

    def minimumSizeHint(self) -> QSize:
        # A dock asks for this, not for the fixed height.
        return QSize(60, self.minimumHeight())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color(theme.tokens().panel))
        painter.fillRect(0, 0, self.width(), 1, theme.color(theme.tokens().line))


class Dock(QDockWidget):
    """A dock with a `body` column. Its object name is its key in the saved layout."""

    def __init__(self, name: str, title: DockTitle, parent: QWidget) -> None:
        super().__init__(title.title.text(), parent)
        self.setObjectName(f"dock-{name}")
        self.setTitleBarWidget(title)
        self.head = title
        self.setAllowedAreas(Qt.DockWidgetArea.LeftDockWidgetArea | Qt.DockWidgetArea.RightDockWidgetArea)
        self.body = QWidget()
        self.body.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.column = QVBoxLayout(self.body)
        self.column.setContentsMargins(8, 0, 8, 8)
        self.column.setSpacing(2)
        self.setWidget(self.body)
        self.body.setAccessibleName(title.title.text())


class Sentence(ElidedLabel):
    """A quiet sentence where there is nothing to list yet; it may break into lines."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "second")
        self.setWordWrap(True)
        self.setContentsMargins(4, 2, 4, 10)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)

    def _fit(self) -> None:
        if self.text() != self.full_text():
            super(ElidedLabel, self).setText(self.full_text())
        self.setAccessibleName(self.full_text())
