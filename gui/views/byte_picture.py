"""Bytes with a table of colours as something Qt can paint: the one way in which arrays reach the screen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage


def byte_picture(picture: NDArray[np.uint8], colours: Sequence[int], ratio: float) -> QImage:
    """Return an image of its own memory.

    Parameters
    ----------
    picture
        Shape (height, width), device pixels.
    colours
        0xAARRGGBB of each byte; bytes beyond the end aren't allowed.
    ratio
        Device pixels per logical pixel.
    """
    height, width = picture.shape
    # Qt wants rows of whole 32-bit words.
    padded = np.ascontiguousarray(np.pad(picture, ((0, 0), (0, -width % 4))) if width % 4 else picture)
    shared = QImage(padded.data, width, height, padded.shape[1], QImage.Format.Format_Indexed8)
    image = shared.copy()
    image.setColorTable(list(colours))
    image.setDevicePixelRatio(ratio)
    return image
