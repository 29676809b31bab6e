"""The first line of the window: menus, what is open, every action, layouts."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenuBar, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gui import icons, theme
from gui.panels.controls import label

AIR_PX = 16  # at least, between the title and what stands beside it


class Logo(QWidget):
    """The disc at the left end."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(20, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        icons.paint(QPainter(self), "logo", QRectF(5, 6.5, 15, 15), theme.tokens().a)


class TopBar(QWidget):
    """Menu bar, title, search and layouts in 28 pixels."""

    def __init__(self, actions: dict[str, QAction]) -> None:
        super().__init__()
        self.setObjectName("TopBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.row = row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 12, 0)
        row.setSpacing(2)
        self.menus = QMenuBar()
        self.menus.setNativeMenuBar(False)
        self.menus.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        row.addWidget(Logo())
        row.addWidget(self.menus)
        row.addStretch(1)
        self._add_search(row, actions["all_actions"])
        row.addSpacing(18)
        self.layouts = [self._layout_button(actions[name]) for name in ("layout_work", "layout_focus")]
        for button in self.layouts:
            row.addWidget(button)
        self._name = ""
        self.title = label("", "strong")
        self.title.setParent(self)
        self.title.setStyleSheet("font-weight: 500")
        self.title.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

        theme.CHANGES.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        self.setFixedHeight(max(28, theme.px(28)))

    def _add_search(self, row: QHBoxLayout, action: QAction) -> None:
        self.search = search = QToolButton()
        search.setProperty("kind", "search")
        search.setText("All actions")
        search.setIcon(icons.icon("search", lambda look: look.text3))
        search.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        search.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        search.setAccessibleName("All actions")
        search.clicked.connect(action.trigger)
        row.addWidget(search)
        key = label("Ctrl+K", "key")
        key.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row.addWidget(key, 0, Qt.AlignmentFlag.AlignVCenter)

    def _layout_button(self, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setProperty("kind", "layout")
        button.setCheckable(True)
        button.setText(action.text())
        button.setFixedHeight(22)
        button.setStyleSheet("min-height: 20px")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(action.trigger)
        action.toggled.connect(button.setChecked)
        return button

    def show_title(self, text: str, is_changed: bool) -> None:
        """Show what is open; a dot says that it isn't saved."""
        self._name = f"{text}  •" if is_changed else text
        self.title.setAccessibleName(f"{text}, not saved" if is_changed else text)
        self._place_title()

    def _place_title(self) -> None:
        """Put the title into the middle where there is room for all of it, else beside the menus, cut in its middle."""
        self.row.activate()
        least, most = self.menus.geometry().right() + AIR_PX, self.search.geometry().left() - AIR_PX
        words = self.title.fontMetrics().elidedText(self._name, Qt.TextElideMode.ElideMiddle, max(0, most - least))
        self.title.setText(words)
        self.title.adjustSize()
        left = min(max(least, (self.width() - self.title.width()) // 2), most - self.title.width())
        self.title.move(max(least, left), (self.height() - self.title.height()) // 2)
        self.title.setVisible(self.title.width() <= most - least)

    def resizeEvent(self, event: object) -> None:
        self._place_title()


class Head(QWidget):
    """Top bar over transport."""

    def __init__(self, top: TopBar, transport: QWidget) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(top)
        column.addWidget(transport)
