"""The colours of the spectrogram: eight maps as tables of 256 colours, and how levels find their colour.

Tiles are bytes over −120…0 dB, so another map, range or gain is another table, never another transform.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.uint8]  # (256, 3), red green blue
Floats = NDArray[np.float64]

LOWEST_DB, HIGHEST_DB = -120.0, 0.0
DELTA_DB = 36.0  # the Δ view reaches from −36 to +36 dB
DELTA_STEP_DB = (HIGHEST_DB - LOWEST_DB) / 255  # one step of a Δ byte; 128 is no change

# Twenty colours, evenly spaced, of Matplotlib's tables (Smith & van der Walt, CC0; cividis by Nuñez, Anderton and
# Renslow, 2018).
_ANCHORS = {
    "Magma": "000004 08061d 160f3a 29115b 400f73 56147d 6b1c81 802582 952c80 ab337c c13a76 d6446d "
    "e85362 f4685c fa815f fd9a6a feb37b fecc8f fde4a6 fcfdbf",
    "Viridis": "440154 481567 482677 453781 404788 39568c 33638d 2d708e 287d8e 238a8d 1f968b 20a387 "
    "29af7f 3cbb75 55c667 73d055 95d840 b8de29 dce319 fde725",
    "Cividis": "00224e 002c65 0e3570 283e6e 38476c 46516c 535a6d 5f636f 6b6d72 767676 828079 8f8a78 "
    "9c9576 aa9f73 b8aa6e c6b567 d4c15f e3cd54 f2da44 fee838",
}


def _from_anchors(name: str) -> Table:
    codes = _ANCHORS[name].split()
    colours = np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in codes], dtype=np.float64)
    places = np.linspace(0, 255, len(colours))
    return (
        np.stack([np.interp(np.arange(256), places, colours[:, i]) for i in range(3)], axis=1).round().astype(np.uint8)
    )


def oklch_to_srgb(lightness: Floats, chroma: Floats, hue_degrees: Floats) -> Floats:
    """Return sRGB 0 to 1, shape (n, 3), from Ottosson's OKLCh (2020); outside of the gamut values leave 0…1."""
    hue = np.deg2rad(hue_degrees)
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    cones = (
        np.stack(
            (
                lightness + 0.3963377774 * a + 0.2158037573 * b,
                lightness - 0.1055613458 * a - 0.0638541728 * b,
                lightness - 0.0894841775 * a - 1.2914855480 * b,
            )
        )
        ** 3
    )
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = (to_linear @ cones).T
    curved = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curved)


def _from_path(lightness: list[float], chroma: list[float], hue: list[float]) -> Table:
    """Return the table along a path in OKLCh; chroma gives way where the screen has no such colour."""
    at = np.linspace(0, 1, 256)
    light, strong, angle = (np.interp(at, np.linspace(0, 1, len(part)), part) for part in (lightness, chroma, hue))
    for _ in range(40):
        colours = oklch_to_srgb(light, strong, angle)
        outside = (colours < -1e-3).any(axis=1) | (colours > 1.001).any(axis=1)
        if not outside.any():
            break
        strong = np.where(outside, strong * 0.95, strong)
    return (np.clip(colours, 0, 1) * 255).round().astype(np.uint8)


def _ember() -> Table:
    # Glowing coal: black, violet, red, orange, pale yellow; lightness rises evenly, so equal steps look equal.
    return _from_path(
        [0.09, 0.215, 0.325, 0.43, 0.54, 0.655, 0.765, 0.875, 0.98],
        [0.02, 0.10, 0.14, 0.16, 0.17, 0.175, 0.165, 0.155, 0.09],
        [285, 293, 312, 343, 374, 400, 426, 450, 466],
    )


def _grey() -> Table:
    return np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def _blue_orange() -> Table:
    return _from_path(
        [0.10, 0.25, 0.40, 0.52, 0.62, 0.72, 0.82, 0.95],
        [0.04, 0.10, 0.12, 0.06, 0.04, 0.11, 0.15, 0.07],
        [262, 260, 250, 240, 75, 65, 68, 85],
    )


def _diverging() -> Table:
    # Removed sound is Δ's violet, added sound green, no change the canvas.
    removed, none, added = (np.array(rgb, dtype=np.float64) for rgb in ((199, 146, 234), (14, 17, 22), (91, 214, 160)))
    at = np.linspace(-1, 1, 256)[:, None]
    mixed = np.where(at < 0, none + (removed - none) * -at, none + (added - none) * at)
    return mixed.round().astype(np.uint8)


_MAPS: dict[str, Callable[[], Table]] = {
    "Ember": _ember,
    "Magma": lambda: _from_anchors("Magma"),
    "Viridis": lambda: _from_anchors("Viridis"),
    "Cividis": lambda: _from_anchors("Cividis"),
    "Grey": _grey,
    "Inverse grey": lambda: _grey()[::-1],
    "Blue–orange": _blue_orange,
    "Diverging": _diverging,
}
MAP_NAMES = tuple(_MAPS)
UNFINISHED = "Unfinished"  # not to be chosen: what isn't rendered yet


@lru_cache(maxsize=16)
def table(name: str) -> Table:
    """Return the 256 colours of a map, darkest first.

    Raises
    ------
    ValueError
        If there is no such map.
    """
    if name == UNFINISHED:
        dim = 14 + _grey().astype(np.float64) * 0.62
        return (dim * [0.94, 1.0, 1.07]).clip(0, 255).round().astype(np.uint8)
    if name not in _MAPS:
        raise ValueError(f"no colour map called {name!r}")
    return _MAPS[name]()


@lru_cache(maxsize=64)
def colours_of_levels(name: str, floor_db: float, ceiling_db: float) -> tuple[int, ...]:
    """Return the colour (0xAARRGGBB) of each tile byte, with `floor_db` the first and `ceiling_db` the last colour."""
    levels = LOWEST_DB + np.arange(256) * DELTA_STEP_DB
    place = np.clip((levels - floor_db) / (ceiling_db - floor_db), 0, 1) * 255
    return _packed(table(name)[place.round().astype(np.int64)])


@lru_cache(maxsize=4)
def colours_of_changes(name: str = "Diverging") -> tuple[int, ...]:
    """Return the colour of each Δ byte: 128 is no change, one step is `DELTA_STEP_DB`."""
    change = (np.arange(256) - 128) * DELTA_STEP_DB
    place = np.clip((change / DELTA_DB + 1) / 2, 0, 1) * 255
    return _packed(table(name)[place.round().astype(np.int64)])


def _packed(colours: Table) -> tuple[int, ...]:
    red, green, blue = colours.astype(np.int64).T
    return tuple((0xFF000000 | (red << 16) | (green << 8) | blue).tolist())
