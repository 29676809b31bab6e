"""The main window: top bar, transport, canvas between docks, status bar. It places things; `commands` make them act."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QByteArray, QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMainWindow, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from gui import actions, icons, theme
from gui.banner import BEYOND_FILE, Banner, Message
from gui.docks.frame import Dock, DockTitle, Sentence
from gui.docks.jobs import JobList
from gui.docks.lists import HistoryPainter, RowList, TrackPainter, TrackRow, history_rows
from gui.docks.measured import Facts, Loudness, MeasuredTable
from gui.drops import DropOverlay, files_of
from gui.empty import EmptyPage
from gui.panels.controls import IconButton
from gui.statusbar import StatusBar
from gui.topbar import Head, TopBar
from gui.transport import Transport

LEFT_WIDTH, RIGHT_WIDTH = 220, 340
LAYOUT_VERSION = 1
BANNERS = 3  # more at once would push the canvas off the screen


class MainWindow(QMainWindow):
    """The widgets, by name. It knows no document: `gui.commands` connects it to one."""

    painted = Signal()  # the first paint has happened
    files_dropped = Signal(list, bool)  # paths, add as tracks
    close_asked = Signal(object)  # QCloseEvent
    resized = Signal()

    def __init__(self, stored: QSettings) -> None:
        super().__init__()
        self.stored = stored
        self.setObjectName("Shellac")
        self.setWindowTitle("Shellac")
        screen = self.screen().availableSize()
        offscreen = QGuiApplication.platformName() == "offscreen"  # its screen is 800 × 800 whatever is asked
        most = QSize(10_000, 10_000) if offscreen else screen
        self.setMinimumSize(min(theme.px(960), most.width()), min(theme.px(600), most.height()))
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(False)
        self.setAnimated(False)
        self.actions_by_name: dict[str, QAction] = actions.build(self, stored)
        self.top = TopBar(self.actions_by_name)
        self.menus = actions.fill(self.top.menus, self.actions_by_name)
        self.transport = Transport(self.actions_by_name)
        self.setMenuWidget(Head(self.top, self.transport))
        self.status = StatusBar()
        self.setStatusBar(self.status)
        self._build_centre()
        self._build_left()
        self._build_right()
        self.docks: dict[str, Dock] = {
            "tracks": self.tracks_dock,
            "history": self.history_dock,
            "file": self.file_dock,
            "meters": self.meters_dock,
            "jobs": self.jobs_dock,
            "rack": self.rack_dock,
            "measured": self.measured_dock,
        }
        self.overlay = DropOverlay(self)
        self._has_painted = False
        self._focus_hidden: list[Dock] = []
        self._before_idle: QByteArray | None = None
        self.resize(1440, 900)
        self.restore_layout()
        self.show_file(False)
        self.set_focus_layout(False)

    # --- building -------------------------------------------------------------------------------------------------

    def _build_centre(self) -> None:
        centre = QWidget()
        centre.setObjectName("Centre")
        centre.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        centre.setMinimumWidth(theme.px(500))  # what stands in it may ask for more; the docks keep their widths
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.banners = QVBoxLayout()
        self.banners.setSpacing(1)
        column.addLayout(self.banners)
        self.pages = QStackedWidget()
        self.empty = EmptyPage()
        self.pages.addWidget(self.empty)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(centre)

    def _build_left(self) -> None:
        self.add_track_button = IconButton("plus", "Add a recording as track (Ctrl+Shift+O)")
        self.undo_button = IconButton("undo", "Undo (Ctrl+Z)")
        self.tracks = RowList("Tracks", TrackPainter())
        self.history = RowList("History", HistoryPainter())
        self.facts = Facts(("Format", "Length", "Channels", "Size", "Title", "Note"))
        self.loudness = Loudness()
        self.job_list = JobList()
        self.no_tracks = Sentence("Open or drop a recording.")
        self.no_history = Sentence("Every edit gets a name here.")
        self.tracks_dock = Dock("tracks", DockTitle("Tracks", "", (self.add_track_button,)), self)
        self.history_dock = Dock("history", DockTitle("History", "", (self.undo_button,)), self)
        self.file_dock = Dock("file", DockTitle("File"), self)
        self.meters_dock = Dock("meters", DockTitle("Loudness", "of what is heard"), self)
        self.jobs_dock = Dock("jobs", DockTitle("Jobs"), self)
        for dock, widgets in (
            (self.tracks_dock, (self.no_tracks, self.tracks)),
            (self.history_dock, (self.no_history, self.history)),
            (self.file_dock, (self.facts,)),
            (self.meters_dock, (self.loudness,)),
            (self.jobs_dock, (self.job_list,)),
        ):
            for widget in widgets:
                dock.column.addWidget(widget)
            self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        for dock in (self.file_dock, self.meters_dock, self.jobs_dock):
            dock.column.addStretch(1)

    def _build_right(self) -> None:
        self.add_button = QPushButton(icons.icon("plus", lambda look: look.text), "  Add")
        self.add_button.setFixedHeight(28)
        self.add_button.setAccessibleName("Add a device")
        self.add_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        title = DockTitle("Devices", "what Shellac can do", (self.add_button,), is_large=True)
        title.setFixedHeight(theme.px(40))
        self.rack_dock = Dock("rack", title, self)
        self.rack_dock.column.setContentsMargins(0, 0, 0, 0)
        self.measured_dock = Dock("measured", DockTitle("Measured"), self)
        self.table = MeasuredTable()
        self.measured_dock.column.addWidget(self.table)
        self.measured_dock.head.second.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for dock in (self.rack_dock, self.measured_dock):
            self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)

    def add_canvas(self, canvas: QWidget) -> None:
        """Put the canvas behind the empty page."""
        self.pages.addWidget(canvas)

    # --- layouts --------------------------------------------------------------------------------------------------

    def place_docks(self) -> None:
        """Set every dock where the Work layout has it."""
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        for name in ("tracks", "history", "file", "meters", "jobs"):
            self.addDockWidget(left, self.docks[name])
        for name in ("rack", "measured"):
            self.addDockWidget(right, self.docks[name])
        for name, dock in self.docks.items():
            dock.setFloating(False)
            dock.setVisible(name != "jobs")
        lefts = [self.docks[name] for name in ("tracks", "history", "file", "meters")]
        rights = [self.docks[name] for name in ("rack", "measured")]
        self.resizeDocks(
            [lefts[0], rights[0]], [theme.px(LEFT_WIDTH), theme.px(RIGHT_WIDTH)], Qt.Orientation.Horizontal
        )
        self.resizeDocks(lefts, [150, 360, 140, 160], Qt.Orientation.Vertical)
        self.resizeDocks(rights, [600, 190], Qt.Orientation.Vertical)

    def restore_layout(self) -> None:
        """Put docks and window where they were at the last end, else where Work has them."""
        self.place_docks()
        geometry, docks = self.stored.value("window/geometry"), self.stored.value("window/docks")
        if geometry is not None:
            self.restoreGeometry(geometry)
        if docks is not None:
            self.restoreState(docks, LAYOUT_VERSION)

    def save_layout(self) -> None:
        """Remember where everything stands."""
        self.set_focus_layout(False)
        self._hide_idle(False)
        self.stored.setValue("window/geometry", self.saveGeometry())
        self.stored.setValue("window/docks", self.saveState(LAYOUT_VERSION))
        self.stored.sync()

    @property
    def is_focus_layout(self) -> bool:
        """True while the canvas stands alone."""
        return bool(self._focus_hidden)

    def set_focus_layout(self, is_focus: bool) -> None:
        """Hide the docks and leave the canvas alone, or bring back those that were there."""
        if is_focus and not self._focus_hidden:
            self._focus_hidden = [dock for dock in self.docks.values() if not dock.isHidden()]
            for dock in self._focus_hidden:
                dock.hide()
        elif not is_focus:
            for dock in self._focus_hidden:
                dock.show()
            self._focus_hidden = []
        self.actions_by_name["layout_work"].setChecked(not is_focus)
        self.actions_by_name["layout_focus"].setChecked(is_focus)

    # --- showing --------------------------------------------------------------------------------------------------

    def show_file(self, is_open: bool) -> None:
        """Show the canvas, or the empty page."""
        self.pages.setCurrentIndex(1 if is_open and self.pages.count() > 1 else 0)
        for entry in actions.TABLE:
            if entry.needs_file:
                self.actions_by_name[entry.name].setEnabled(is_open)
        self.add_track_button.setEnabled(is_open)
        self.no_tracks.setVisible(not is_open)
        self.no_history.setVisible(not is_open)
        self.tracks.setVisible(is_open)
        self.history.setVisible(is_open)
        self.file_dock.body.setVisible(True)
        self.add_button.setVisible(is_open)
        self.rack_dock.head.title.setText("Rack" if is_open else "Devices")
        self.rack_dock.head.second.setText("heard as you build it" if is_open else "what Shellac can do")
        self._hide_idle(not is_open)

    def _hide_idle(self, is_idle: bool) -> None:
        """Hide the docks that have nothing to say without a file, and bring back those that were there."""
        if is_idle and self._before_idle is None:
            self._before_idle = self.saveState(LAYOUT_VERSION)
            for dock in (self.file_dock, self.meters_dock, self.measured_dock):
                dock.hide()
            self.resizeDocks([self.tracks_dock, self.history_dock], [90, 700], Qt.Orientation.Vertical)
        elif not is_idle and self._before_idle is not None:
            self.restoreState(self._before_idle, LAYOUT_VERSION)
            self._before_idle = None

    def show_tracks(self, rows: list[TrackRow]) -> None:
        """Show the recordings of the project."""
        self.tracks.show_rows(rows, [f"{row.name}, {row.facts}" for row in rows])

    def show_history(self, entries: list[tuple[str, datetime]], current: int) -> None:
        """Show the history."""
        rows = history_rows(entries, current)
        self.history.show_rows(rows, [f"{row.name}, {row.time}" for row in rows])

    def show_facts(self, facts: dict[str, str]) -> None:
        """Show the facts of the file in front."""
        self.facts.show_facts(facts)

    def show_message(self, message: Message) -> None:
        """Show a banner over the canvas. The same words aren't shown twice."""
        for banner in self.shown_banners():
            same_topic = bool(message.topic) and banner.message.topic == message.topic
            if banner.message.text == message.text or same_topic:
                self._close_banner(banner)
        while len(self.shown_banners()) >= BANNERS:
            self._close_banner(self.shown_banners()[0])
        banner = Banner(message, lambda: self._close_banner(banner))
        self.banners.addWidget(banner)
        self.announce(f"{message.text}. {message.detail}")

    def shown_banners(self) -> list[Banner]:
        """Return the banners that stand over the canvas."""
        items = (self.banners.itemAt(index) for index in range(self.banners.count()))
        widgets = (item.widget() for item in items if item is not None)
        return [widget for widget in widgets if isinstance(widget, Banner)]

    def close_messages(self, topic: str) -> None:
        """Take back the messages of a topic: their cause has gone."""
        for banner in self.shown_banners():
            if banner.message.topic == topic:
                self._close_banner(banner)

    def close_messages_of_file(self) -> None:
        """Take back what was said about the file that was open: another one has come, or none.

        An error without a topic stays: it names what it is about, which may be a file that couldn't be opened.
        """
        for banner in self.shown_banners():
            message = banner.message
            is_own_error = message.level == "error" and not message.topic
            if not is_own_error and message.topic not in BEYOND_FILE:
                self._close_banner(banner)

    def _close_banner(self, banner: Banner) -> None:
        self.banners.removeWidget(banner)
        banner.hide()
        banner.deleteLater()

    def announce(self, text: str) -> None:
        """Have a screen reader say something."""
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def say(self, text: str) -> None:
        """Show a short note in the status bar, and have it read out."""
        self.status.note.setText(text)
        self.announce(text)
        QTimer.singleShot(4000, self.status, lambda: self._forget_note(text))

    def _forget_note(self, text: str) -> None:
        if self.status.note.full_text() == text:
            self.status.note.setText("")

    # --- events ---------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._has_painted:
            self._has_painted = True
            QTimer.singleShot(0, self.painted.emit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.overlay.isVisible():
            self.overlay.setGeometry(self.rect())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.setFocus()  # else the first button has it, and Space would press that

    def closeEvent(self, event: QCloseEvent) -> None:
        self.close_asked.emit(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if files_of(event.mimeData()):
            event.acceptProposedAction()
            self.overlay.show_over(event.position().x(), self.actions_by_name["add_track"].isEnabled())

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if files_of(event.mimeData()):
            event.acceptProposedAction()
            self.overlay.show_over(event.position().x(), self.actions_by_name["add_track"].isEnabled())

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = files_of(event.mimeData())
        is_left = self.actions_by_name["add_track"].isEnabled() and event.position().x() < self.width() / 2
        self.overlay.hide()
        if paths:
            event.acceptProposedAction()
            self.files_dropped.emit(paths, is_left)
