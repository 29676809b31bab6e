"""Export audio: one page. What, which format, which name; the command that does the same; then a job."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.audio.files import FileSignal
from engine.audio.formats import WriteFormat, different_formats
from engine.audio.signal import Span
from engine.tools.tool import Job
from gui import theme
from gui.banner import Level, Message, message_of
from gui.canvas_link import CanvasLink
from gui.document import Document
from gui.exporting import (
    LOUDNESS,
    SAME,
    Exported,
    ExportPlan,
    What,
    at_rate,
    bytes_needed,
    command_of,
    export,
    fill_pattern,
    folder_beside,
    format_notes,
    free_name,
    lacking,
    residue_notes,
    tool_word,
)
from gui.jobs import Jobs
from gui.numbers import channels, clock, depth, kilohertz, size
from gui.panels.controls import Chooser, ElidedLabel, Segments, label, rule, set_role
from gui.rendering import Rendering
from gui.window import MainWindow

RATES = (8000, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
PATTERN = "{name}_{tool}"


class ExportDialog(QDialog):
    """Decides an `ExportPlan`. Nothing is written before Export."""

    def __init__(
        self, document: Document, rendering: Rendering, link: CanvasLink, jobs: Jobs, window: MainWindow
    ) -> None:
        super().__init__(window)
        self._document, self._rendering, self._link = document, rendering, link
        self._jobs, self._window = jobs, window
        self.setWindowTitle("Export audio")
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(theme.px(600))
        self.what: What = "B"
        self.is_selection = False
        self._formats = {entry.suffix: entry for entry in different_formats()}
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 18)
        column.setSpacing(12)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(18)
        self._grid.setVerticalSpacing(10)
        self._grid.setColumnMinimumWidth(0, theme.px(92))
        self._grid.setColumnStretch(1, 1)
        column.addLayout(self._grid)
        self._add_what()
        self._add_format()
        self._add_extras()
        self._add_file()
        column.addWidget(rule())
        self._add_command(column)
        self._add_end(column)
        self._refresh()

    # --- building -------------------------------------------------------------------------------------------------

    def _row(self, name: str, content: QWidget | QHBoxLayout) -> None:
        row = self._grid.rowCount()
        self._grid.addWidget(label(name), row, 0)
        if isinstance(content, QWidget):
            self._grid.addWidget(content, row, 1)
        else:
            self._grid.addLayout(content, row, 1)

    def _add_what(self) -> None:
        self.sides = Segments("What", (("B", "B  Result"), ("A", "A  Original"), ("delta", "Δ  Difference")))
        self.sides.picked.connect(self._take_what)
        self.parts = Segments("Part", (("whole", "Whole track"), ("selection", "Selection")))
        self.parts.picked.connect(self._take_part)
        self.parts.setEnabled(self._link.state.selection is not None)
        self._row("What", self.sides)
        self._row("Part", self.parts)

    def _add_format(self) -> None:
        source = self._source()
        self.format = Chooser("Format")
        entries = [(suffix, entry.label) for suffix, entry in self._formats.items()]
        usual = next((s for s in self._formats if source.path.suffix.lower() == s), ".wav")
        self.format.show_choices(entries, usual)
        self.format.picked.connect(lambda _value: self._refresh())
        self.rate = Chooser("Rate")
        self.rate.picked.connect(lambda _value: self._refresh())
        self.bits = Chooser("Depth")
        self.bits.picked.connect(lambda _value: self._refresh())
        self.loudness = Chooser("Loudness")
        self.loudness.show_choices(LOUDNESS, "")
        self.loudness.picked.connect(lambda _value: self._refresh())
        row = QHBoxLayout()
        row.setSpacing(8)
        for chooser in (self.format, self.rate, self.bits):
            row.addWidget(chooser, 1)
        self._row("Format", row)
        loud = QHBoxLayout()
        loud.setSpacing(12)
        loud.addWidget(self.loudness)
        self.ceiling = label("true peak at most −1 dBTP", "second")
        loud.addWidget(self.ceiling)
        loud.addStretch(1)
        self._row("Loudness", loud)

    def _add_extras(self) -> None:
        self.tags = QCheckBox("Copy tags")
        self.tags.setChecked(True)
        self.note = QCheckBox("Say in the tags what was done")
        self.note.setChecked(True)
        self.page = QCheckBox("Report as a page")
        self.json = QCheckBox("Report as JSON")
        first, second = QHBoxLayout(), QHBoxLayout()
        for row, boxes in ((first, (self.tags, self.note)), (second, (self.page, self.json))):
            row.setSpacing(22)
            for box in boxes:
                box.toggled.connect(lambda _on: self._refresh())
                row.addWidget(box)
            row.addStretch(1)
        self._row("Metadata", first)
        self._row("Report", second)

    def _add_file(self) -> None:
        self.pattern = QLineEdit(PATTERN)
        self.pattern.setAccessibleName("Name, {name} and {tool} are filled in")
        self.pattern.setToolTip("{name} is the recording's name, {tool} the devices of the rack")
        self.pattern.textChanged.connect(lambda _text: self._refresh())
        self.folder = QLineEdit(str(folder_beside(self._source().path)))
        self.folder.setAccessibleName("Folder")
        self.folder.textChanged.connect(lambda _text: self._refresh())
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._choose_folder)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.folder, 1)
        row.addWidget(choose)
        self._row("Name", self.pattern)
        self._row("Folder", row)
        self.file_name = ElidedLabel("", "strong")
        self._row("", self.file_name)
        self.said = ElidedLabel("", "second")
        self._row("", self.said)

    def _add_command(self, column: QVBoxLayout) -> None:
        head = QHBoxLayout()
        head.addWidget(label("The same as a command", "label"))
        head.addStretch(1)
        self.copy = QPushButton("Copy")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.toPlainText()))
        head.addWidget(self.copy)
        column.addLayout(head)
        self.command: QPlainTextEdit = QPlainTextEdit()
        self.command.setReadOnly(True)
        self.command.setFixedHeight(theme.px(66))
        self.command.setStyleSheet(f'font-family: "JetBrains Mono"; font-size: {theme.px(11)}px')
        self.command.setAccessibleName("The same as a command")
        column.addWidget(self.command)

    def _add_end(self, column: QVBoxLayout) -> None:
        row = QHBoxLayout()
        row.addWidget(label("The recording itself is never overwritten.", "second"))
        row.addStretch(1)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        self.go = QPushButton("Export")
        self.go.setProperty("kind", "primary")
        self.go.setDefault(True)
        self.go.setMinimumWidth(theme.px(110))
        self.go.clicked.connect(self._start)
        row.addWidget(cancel)
        row.addWidget(self.go)
        column.addLayout(row)

    # --- deciding -------------------------------------------------------------------------------------------------

    def _source(self) -> FileSignal:
        source = self._document.source
        if source is None:
            raise ValueError("there is nothing to export")
        return source

    def _take_what(self, what: What) -> None:
        self.what = what
        self._refresh()

    def _take_part(self, part: str) -> None:
        self.is_selection = part == "selection"
        self._refresh()

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def chosen_format(self) -> WriteFormat:
        """Return the format in the list."""
        return self._formats[str(self.format.currentData())]

    def plan(self) -> ExportPlan:
        """Return what the page says."""
        chosen, source = self.chosen_format(), self._source()
        stem = fill_pattern(self.pattern.text(), source.path.stem, tool_word(self._document.recipe, self.what))
        selection = self._link.state.selection
        rate = int(self.rate.currentData() or 0)
        loudness = str(self.loudness.currentData() or "")
        path = free_name(Path(self.folder.text()).expanduser(), stem, chosen.suffix, source.path)
        return ExportPlan(
            what=self.what,
            span=selection.span if self.is_selection and selection is not None else None,
            path=path,
            container=chosen.suffix[1:].upper(),
            subtype=str(self.bits.currentData() or SAME),
            rate=rate or None,
            loudness_lufs=float(loudness) if loudness else None,
            keeps_tags=self.tags.isChecked(),
            notes_processing=self.note.isChecked(),
            reports=tuple(s for s, box in ((".html", self.page), (".json", self.json)) if box.isChecked()),
        )

    def _refresh(self) -> None:
        source, chosen = self._source(), self.chosen_format()
        own = source.info.subtype
        same = depth(own) if own in chosen.subtypes else depth(chosen.subtypes[0])
        now = str(self.bits.currentData() or SAME)
        choices = [(SAME, f"Same ({same})"), *((name, depth(name)) for name in chosen.subtypes if name != own)]
        self.bits.show_choices(choices, now if now in {value for value, _text in choices} else SAME)
        self._show_rates()
        self.sides.show_value(self.what)
        self.parts.show_value("selection" if self.is_selection else "whole")
        plan = self.plan()
        self.ceiling.setVisible(plan.loudness_lufs is not None)
        self.file_name.setText(plan.path.name)
        notes, is_possible = self._notes(plan)
        self.said.setText("; ".join(notes) or self._facts(plan))
        set_role(self.said, "warn" if notes else "second")
        self.go.setEnabled(is_possible)
        changes_rate = self._rate() != source.rate
        command = command_of(plan, self._document.recipe, source.path, changes_rate)
        self.command.setPlainText(command or lacking(plan, changes_rate))
        self.copy.setEnabled(bool(command))

    def _rate(self) -> int:
        """Return the rate that what is written has by itself: A's is the recording's, B's and Δ's the result's."""
        source, rendered = self._source(), self._rendering.rendered
        return source.rate if self.what == "A" or rendered is None else rendered.rate

    def _show_rates(self) -> None:
        own, now = self._rate(), str(self.rate.currentData() or "0")
        choices = [("0", f"Same ({kilohertz(own)})"), *((str(rate), kilohertz(rate)) for rate in RATES if rate != own)]
        self.rate.show_choices(choices, now if now in {value for value, _text in choices} else "0")

    def _length(self, plan: ExportPlan) -> tuple[int, int]:
        rendered, rate = self._rendering.rendered, self._rate()
        if rendered is None:
            return 0, 1
        frames = (plan.span or Span(0, rendered.frames)).frames
        return round(frames * rate / rendered.rate), rate

    def _facts(self, plan: ExportPlan) -> str:
        frames, rate = self._length(plan)
        count = self._source().channels
        return f"{clock(frames / rate, 1)} · {channels(count)} · verified by reading it back"

    def _notes(self, plan: ExportPlan) -> tuple[list[str], bool]:
        source, chosen = self._source(), self.chosen_format()
        frames, rate = self._length(plan)
        notes, is_possible = format_notes(chosen, plan.rate or rate, source.channels, source.info.subtype, plan.subtype)
        if plan.what != "A":
            notes += residue_notes(self._document.recipe, self._document.tool_by_name)
        if not plan.path.parent.is_dir():
            return [f"There is no folder {plan.path.parent}: choose another one"], False
        need = bytes_needed(
            round(frames * (plan.rate or rate) / rate), source.channels, plan.subtype or source.info.subtype
        )
        free = shutil.disk_usage(plan.path.parent).free
        if chosen.container in ("WAV", "RF64", "AIFF", "CAF") and need > free:
            return [f"This needs {size(need)}, {size(free)} are free: choose another folder"], False
        if frames == 0 and not chosen.holds_empty:
            return [f"{chosen.label} can't hold a recording without sound: choose WAV"], False
        return notes, is_possible

    # --- doing ----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        track, source, plan = self._document.track, self._source(), self.plan()
        renderer, window, rate = self._rendering.renderer, self._window, self._link.state.rate
        if track is None:
            return

        def work(job: Job) -> Exported:
            rendered = renderer.result(track, source)  # B may be older than the rack; what is finished is shared
            return export(at_rate(plan, rate, rendered.rate), source, rendered, track.recipe, job)

        def done(result: Exported) -> None:
            report = result.report
            facts = (
                f"{kilohertz(report.rate)}, {depth(report.subtype)}, {clock(report.frames / report.rate, 1)}, verified"
            )
            detail = "; ".join(text for text in (facts, report.note) if text)
            folder = QUrl.fromLocalFile(str(report.path.parent))
            actions = (("Open folder", partial(_open_url, folder)),)
            level: Level = "warn" if report.overs else "ok"
            window.show_message(Message(f"Exported {report.path.name}", detail, level, "", actions, "export"))

        self._jobs.start(
            f"Export {plan.path.name}",
            work,
            done,
            lambda error: window.show_message(message_of(error)),
        )
        self.accept()


def _open_url(url: QUrl) -> None:
    QDesktopServices.openUrl(url)
