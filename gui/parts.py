"""The parts of one running window, handed to whatever connects them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gui.document import Document
from gui.jobs import Jobs
from gui.listening import Listening
from gui.rendering import Rendering
from gui.window import MainWindow

if TYPE_CHECKING:
    from gui.canvas_link import CanvasLink


@dataclass
class Parts:
    """One of each. The canvas is built after the first paint: until then there is none."""

    window: MainWindow
    jobs: Jobs
    document: Document
    rendering: Rendering
    listening: Listening
    link: CanvasLink | None = None
