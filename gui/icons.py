"""Icons as strokes: 16 × 16 grid, 1.5 px lines with round ends, drawn in the colour of the theme in force.

Each is a few SVG path commands, so it is crisp at every scale and costs no image file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gui import theme


@cache
def paths() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the parts of every icon as (S or F, path): S strokes, F fills. They stand in `icons.tsv`."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for row in (resources.files("gui") / "icons.tsv").read_text(encoding="utf-8").splitlines():
        if not row.startswith("#"):
            name, kind, path = row.split("\t")
            found[name] = (*found.get(name, ()), (kind, path))
    return found


@cache
def _renderer(name: str, colour: str, opacity: float) -> QSvgRenderer:
    shapes = []
    for kind, path in paths()[name]:
        style = f'fill="{colour}"' if kind == "F" else f'fill="none" stroke="{colour}"'
        shapes.append(f'<path d="{path}" {style} stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>')
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    svg = f'{head}<g opacity="{opacity}">{"".join(shapes)}</g></svg>'
    return QSvgRenderer(QByteArray(svg.encode()))


def paint(painter: QPainter, name: str, rect: QRectF, colour: str, opacity: float = 1.0) -> None:
    """Draw the icon `name` into `rect` in `colour` (#rrggbb)."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _renderer(name, colour, opacity).render(painter, rect)


def pixmap(name: str, colour: str, size: int = 16, ratio: float = 1.0) -> QPixmap:
    """Return the icon as a picture of `size` logical pixels."""
    made = QPixmap(round(size * ratio), round(size * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    paint(painter, name, QRectF(0, 0, size, size), colour)
    painter.end()
    return made


class StrokeIcon(QIconEngine):
    """An icon that takes its colour from the theme whenever it is painted."""

    def __init__(self, name: str, colour: Callable[[theme.Tokens], str] | None = None) -> None:
        super().__init__()
        self._name = name
        self._colour = colour

    def paint(self, painter: QPainter, rect: object, mode: QIcon.Mode, state: QIcon.State) -> None:
        look = theme.tokens()
        if mode == QIcon.Mode.Disabled:
            colour, opacity = look.text3, 0.6
        else:
            chosen = self._colour(look) if self._colour else (look.text if state == QIcon.State.On else look.text2)
            colour, opacity = chosen, 1.0
        box = QRectF(rect)  # type: ignore[call-overload]
        side = min(box.width(), box.height())
        paint(
            painter,
            self._name,
            QRectF(box.center().x() - side / 2, box.center().y() - side / 2, side, side),
            colour,
            opacity,
        )

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRectF(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return made

    def clone(self) -> QIconEngine:
        return StrokeIcon(self._name, self._colour)


def icon(name: str, colour: Callable[[theme.Tokens], str] | None = None) -> QIcon:
    """Return the icon `name`; `colour` picks its colour from the theme, else text-2 (text where checked)."""
    if name not in paths():
        raise ValueError(f"no icon called {name!r}")
    return QIcon(StrokeIcon(name, colour))
