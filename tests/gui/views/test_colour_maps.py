"""Eight colour maps: true to their originals, even in lightness, and only a table away from each other."""

from __future__ import annotations

import numpy as np
import pytest

from gui.views.colour_maps import MAP_NAMES, UNFINISHED, colours_of_changes, colours_of_levels, table


def lightness(colours: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """CIE L* of sRGB bytes (IEC 61966-2-1, CIE 15)."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)


def test_there_are_eight() -> None:
    assert len(MAP_NAMES) == 8
    assert all(table(name).shape == (256, 3) for name in MAP_NAMES)


@pytest.mark.parametrize(
    ("name", "theirs", "off"), [("Magma", "magma", 3), ("Viridis", "viridis", 4), ("Cividis", "cividis", 9)]
)
def test_the_known_maps_are_matplotlibs(name: str, theirs: str, off: int) -> None:
    # Twenty anchors: the worst byte between two of them; cividis has a kink near black.
    colormaps = pytest.importorskip("matplotlib").colormaps
    original = np.round(colormaps[name.lower()](np.arange(256))[:, :3] * 255)
    assert np.abs(table(name) - original).max() <= off


@pytest.mark.parametrize("name", [name for name in MAP_NAMES if name not in ("Inverse grey", "Diverging")])
def test_louder_is_always_lighter(name: str) -> None:
    # A step of one byte in red, green and blue may lower L* by 0.3.
    assert np.diff(lightness(table(name))).min() > -0.3


def test_ember_spends_its_lightness_evenly() -> None:
    steps = np.diff(lightness(table("Ember"))[::16])
    assert steps[0] > 0
    assert steps[1:].min() > 0.6 * steps.mean()  # next to black two bytes are a large step
    assert steps.max() < 1.8 * steps.mean()


def test_ember_glows_from_black_to_pale_yellow() -> None:
    first, last = table("Ember")[0].astype(int), table("Ember")[255].astype(int)
    assert first.max() < 16
    assert last[0] > 240
    assert last[1] > 240
    assert last[2] < last[1]


def test_the_range_is_a_matter_of_the_table_alone() -> None:
    colours = colours_of_levels("Grey", -100, -10)
    byte_of = lambda db: round((db + 120) / 120 * 255)  # noqa: E731
    assert colours[byte_of(-120)] == colours[byte_of(-101)] == 0xFF000000
    assert colours[byte_of(-9)] == colours[255] == 0xFFFFFFFF
    assert (colours[byte_of(-55)] & 0xFF) == pytest.approx(127.5, abs=2)


def test_no_change_is_dark_removed_violet_added_green() -> None:
    colours = colours_of_changes()
    parts = {name: [(colours[byte] >> shift) & 0xFF for shift in (16, 8, 0)] for name, byte in
             (("none", 128), ("removed", 0), ("added", 255))}  # fmt: skip
    assert max(parts["none"]) < 32
    red, green, blue = parts["removed"]
    assert green < red < blue
    red, green, blue = parts["added"]
    assert green > blue > red


def test_the_unfinished_is_grey() -> None:
    assert np.ptp(table(UNFINISHED).astype(int), axis=1).max() <= 28


def test_an_unknown_map_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="Jet"):
        table("Jet")
