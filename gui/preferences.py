"""What the user prefers, kept in an ini file beside the journal; and the dialog that changes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSlider,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from engine.errors import ShellacError
from engine.settings import Settings, cores
from gui import theme
from gui.actions import TABLE, keys_of
from gui.numbers import size
from gui.panels.controls import Chooser, label
from gui.sound import NO_DEVICE, SoundChoice

LATENCIES_MS = (80, 200, 300)


@dataclass(frozen=True)
class Preferences:
    """Everything the dialog can change."""

    theme: str = "dark"
    type_percent: int = 100
    device: str = ""  # "" the system's own, "null" none
    latency_ms: int = 200
    cursor_offset_ms: int = 0
    cache_folder: str = ""  # "" the default place
    cache_limit_gb: int = 8
    threads: int = 0  # 0: cores - 1
    provider: str = "CPUExecutionProvider"

    @property
    def sound(self) -> SoundChoice:
        return SoundChoice(self.device, self.latency_ms / 1000)

    def settings(self) -> Settings:
        """Return the engine's settings for a window: one core is left to it."""
        plain = Settings()
        order = dict.fromkeys((self.provider, "CPUExecutionProvider"))
        return replace(
            plain,
            threads=self.threads or max(1, cores() - 1),
            providers=tuple(order),
            cache_folder=Path(self.cache_folder) if self.cache_folder else plain.cache_folder,
            chunk_limit_bytes=self.cache_limit_gb * 1_000_000_000,
        )


def open_store(folder: Path) -> QSettings:
    """Return the ini file for preferences and window geometry."""
    return QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)


def load(stored: QSettings) -> Preferences:
    """Read the preferences; what makes no sense stands at its default."""
    plain = Preferences()

    def number(name: str, usual: int, least: int, most: int) -> int:
        try:
            return max(least, min(most, int(str(stored.value(f"preferences/{name}", usual)))))
        except ValueError:
            return usual

    def words(name: str, usual: str) -> str:
        return str(stored.value(f"preferences/{name}", usual) or usual)

    chosen = words("theme", plain.theme)
    return Preferences(
        theme=chosen if chosen in theme.THEMES else plain.theme,
        type_percent=number("type_percent", 100, 90, 150),
        device=words("device", ""),
        latency_ms=number("latency_ms", 200, 20, 1000),
        cursor_offset_ms=number("cursor_offset_ms", 0, -500, 500),
        cache_folder=words("cache_folder", ""),
        cache_limit_gb=number("cache_limit_gb", 8, 1, 1000),
        threads=number("threads", 0, 0, 256),
        provider=words("provider", plain.provider),
    )


def store(stored: QSettings, wanted: Preferences) -> None:
    """Write the preferences."""
    for name, value in vars(wanted).items():
        stored.setValue(f"preferences/{name}", value)
    stored.sync()


@dataclass(frozen=True)
class Machine:
    """What there is to choose from."""

    devices: tuple[str, ...]
    sound_note: str  # why there are none
    providers: tuple[str, ...]
    cache_bytes: int


def look_at_machine(cache_bytes: int) -> Machine:
    """Ask PortAudio and ONNX Runtime what there is. Takes a moment: not for the window's thread."""
    from engine.inference.network import available_providers
    from engine.playback.output import list_devices

    note = ""
    devices: tuple[str, ...] = ()
    try:
        devices = tuple(device.name for device in list_devices())
        note = "" if devices else "No sound card was found: the transport runs on a silent clock."
    except ShellacError as error:
        note = str(error)
    return Machine(devices, note, available_providers(), cache_bytes)


class PreferencesDialog(QDialog):
    """Four pages. Nothing is changed before OK."""

    def __init__(self, now: Preferences, stored: QSettings, machine: Machine, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.setModal(True)
        self.resize(theme.px(620), theme.px(460))
        self._now, self._stored = now, stored
        self.pages = QTabWidget()
        self.pages.addTab(self._sound_page(machine), "Sound")
        self.pages.addTab(self._look_page(), "Look")
        self.pages.addTab(self._engine_page(machine), "Processing")
        self.pages.addTab(self._keys_page(), "Keys")
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 14, 18, 16)
        column.setSpacing(12)
        column.addWidget(self.pages, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.button(QDialogButtonBox.StandardButton.Ok).setProperty("kind", "primary")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def _form(self) -> tuple[QWidget, QFormLayout]:
        page = QWidget()
        form = QFormLayout(page)
        form.setContentsMargins(6, 18, 6, 6)
        form.setHorizontalSpacing(20)
        form.setVerticalSpacing(12)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        return page, form

    def _sound_page(self, machine: Machine) -> QWidget:
        page, form = self._form()
        names = machine.devices
        self.device = Chooser("Sound device")
        own = [self._now.device] if self._now.device not in ("", NO_DEVICE, *names) else []
        choices = [
            ("", "System default"),
            *((name, name) for name in (*names, *own)),
            (NO_DEVICE, "None (silent clock)"),
        ]
        self.device.show_choices(choices, self._now.device)
        self.latency = Chooser("Latency")
        known = {80: "80 ms, quick machines", 200: "200 ms, usual", 300: "300 ms, busy machines"}
        self.latency.show_choices([(str(ms), known[ms]) for ms in LATENCIES_MS], str(self._now.latency_ms))
        self.offset = QSpinBox()
        self.offset.setRange(-500, 500)
        self.offset.setSuffix(" ms")
        self.offset.setValue(self._now.cursor_offset_ms)
        self.offset.lineEdit().setTextMargins(6, 0, 0, 0)
        self.offset.setAccessibleName("Cursor offset")
        form.addRow(label("Device"), self.device)
        form.addRow(label("Latency"), self.latency)
        form.addRow(label("Cursor offset"), self.offset)
        if machine.sound_note:
            form.addRow("", _wrapped(machine.sound_note))
        return page

    def _look_page(self) -> QWidget:
        page, form = self._form()
        row = QHBoxLayout()
        self.theme_group = QButtonGroup(self)
        for name, text in (("dark", "Dark"), ("light", "Light")):
            button = QRadioButton(text)
            button.setObjectName(name)
            button.setChecked(self._now.theme == name)
            self.theme_group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        self.type_size = QSlider(Qt.Orientation.Horizontal)
        self.type_size.setRange(90, 150)
        self.type_size.setSingleStep(5)
        self.type_size.setPageStep(10)
        self.type_size.setValue(self._now.type_percent)
        self.type_size.setAccessibleName("Size of type")
        shown = label(f"{self._now.type_percent} %", "value")
        self.type_size.valueChanged.connect(lambda value: shown.setText(f"{value} %"))
        sizes = QHBoxLayout()
        sizes.addWidget(self.type_size, 1)
        sizes.addWidget(shown)
        form.addRow(label("Theme"), row)
        form.addRow(label("Size of type"), sizes)
        form.addRow("", _wrapped("Sizes of panels follow at the next start."))
        return page

    def _engine_page(self, machine: Machine) -> QWidget:
        page, form = self._form()
        self.provider = Chooser("Networks run on")
        names = list(dict.fromkeys([*machine.providers, self._now.provider]))
        self.provider.show_choices(
            [(name, name.removesuffix("ExecutionProvider")) for name in names], self._now.provider
        )
        self.threads = QSpinBox()
        self.threads.setRange(0, cores())
        self.threads.setSpecialValueText(f"All but one ({max(1, cores() - 1)})")
        self.threads.setValue(self._now.threads)
        self.threads.lineEdit().setTextMargins(6, 0, 0, 0)
        self.threads.setAccessibleName("Threads")
        self.folder = QLineEdit(self._now.cache_folder)
        self.folder.setPlaceholderText(str(Settings().cache_folder))
        self.folder.setAccessibleName("Cache folder")
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._choose_folder)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(choose)
        self.limit = QSpinBox()
        self.limit.setRange(1, 1000)
        self.limit.setSuffix(" GB")
        self.limit.setValue(self._now.cache_limit_gb)
        self.limit.lineEdit().setTextMargins(6, 0, 0, 0)
        self.limit.setAccessibleName("Cache limit")
        form.addRow(label("Networks run on"), self.provider)
        form.addRow(label("Threads"), self.threads)
        form.addRow(label("Cache folder"), row)
        form.addRow(label("Rendered sound, at most"), self.limit)
        used = f"{size(machine.cache_bytes)} in use. The cache is safe to delete: it can be computed again."
        form.addRow("", _wrapped(f"{used} These settings hold for what is opened from now on."))
        return page

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Cache folder", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _keys_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 12, 0, 0)
        table = QTableWidget(len(TABLE), 2)
        table.setAccessibleName("Keys")
        table.horizontalHeader().hide()
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.setColumnWidth(1, theme.px(170))
        self.keys: dict[str, QKeySequenceEdit] = {}
        for row, entry in enumerate(TABLE):
            name = QTableWidgetItem(f"{entry.menu} ▸ {entry.text}")
            name.setFlags(Qt.ItemFlag.ItemIsEnabled)
            table.setItem(row, 0, name)
            edit = QKeySequenceEdit()
            edit.setMaximumSequenceLength(1)
            now = keys_of(entry, self._stored)
            if now:
                edit.setKeySequence(now[0])
            edit.setAccessibleName(f"Key of {entry.text}")
            edit.setClearButtonEnabled(True)
            table.setCellWidget(row, 1, edit)
            table.setRowHeight(row, theme.px(32))
            self.keys[entry.name] = edit
        column.addWidget(table)
        return page

    def chosen_keys(self) -> dict[str, str]:
        """Return the user's own keys by action; "" where the usual ones hold."""
        usual = {entry.name: [key.toString() for key in keys_of(entry)] for entry in TABLE}
        return {
            name: "" if edit.keySequence().toString() in (*usual[name][:1], "") else edit.keySequence().toString()
            for name, edit in self.keys.items()
        }

    def chosen(self) -> Preferences:
        """Return what the dialog says."""
        checked = self.theme_group.checkedButton()
        return Preferences(
            theme=checked.objectName() if checked is not None else self._now.theme,
            type_percent=self.type_size.value(),
            device=str(self.device.currentData() or ""),
            latency_ms=int(self.latency.currentData() or self._now.latency_ms),
            cursor_offset_ms=self.offset.value(),
            cache_folder=self.folder.text().strip(),
            cache_limit_gb=self.limit.value(),
            threads=self.threads.value(),
            provider=str(self.provider.currentData() or self._now.provider),
        )


def _wrapped(text: str) -> QLabel:
    made = label(text, "second")
    made.setWordWrap(True)
    return made
