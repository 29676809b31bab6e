"""Maps for other programs, read back by the rules of those programs."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import PurePath

import numpy as np
import pytest

from engine.audio.signal import Format
from engine.audio.timemap import TimeMap
from engine.errors import UsageError
from engine.tools.align.exports import to_audacity, to_sonic_visualiser, writer_of
from engine.tools.align.result import Alignment
from tests.engine.tools.align.handmade import straight

REFERENCE = Format(44_100, 2, 44_100 * 13)
HOLES = straight((0, 1, 4), (6, 5, 3), (9, 10, 4))


def test_the_csv_says_what_the_map_says() -> None:
    map_ = TimeMap.from_csv(writer_of(PurePath("Map.CSV"))(HOLES, REFERENCE))
    assert np.allclose(map_.target_at([2.0, 7.0, 11.0]), [3.0, 6.0, 12.0], atol=2e-6)
    assert map_.confidence_at(5.0) == 0.0


def test_the_json_has_every_segment() -> None:
    text = writer_of(PurePath("map.json"))(HOLES, REFERENCE)
    assert [entry["kind"] for entry in json.loads(text)["segments"]] == ["match", "missing", "match", "extra", "match"]
    assert Alignment.loads(text).segments == HOLES.segments


def test_audacity_gets_start_stop_and_text_between_tabs() -> None:
    rows = [line.split("\t") for line in to_audacity(HOLES, REFERENCE).splitlines()]
    assert [(float(start), float(stop)) for start, stop, _ in rows] == [(0, 4), (4, 6), (6, 9), (9, 9), (9, 13)]
    assert rows[1][2] == "missing in the target"
    assert rows[3][2] == "2.00 s only in the target"


def test_sonic_visualiser_gets_the_targets_time_at_frames_of_the_reference() -> None:
    """The model's fields are those of the program's own files: sparse, two dimensions, points of frame and value."""
    root = ElementTree.fromstring(to_sonic_visualiser(HOLES, REFERENCE))
    model, layer = root.find("data/model"), root.find("display/layer")
    assert model is not None
    assert layer is not None
    assert (model.get("type"), model.get("dimensions"), model.get("sampleRate")) == ("sparse", "2", "44100")
    assert (layer.get("type"), layer.get("model")) == ("timevalues", model.get("id"))
    points = [(int(p.get("frame", "")), float(p.get("value", ""))) for p in root.findall("data/dataset/point")]
    frames = [frame for frame, _ in points]
    assert frames == sorted(set(frames))
    assert dict(points)[round(2.025 * 44_100)] == pytest.approx(3.025)
    assert float(model.get("maximum", "")) == pytest.approx(14.0)


def test_an_ending_that_says_nothing_is_answered_with_those_that_do() -> None:
    with pytest.raises(UsageError, match=r"can't be called 'map\.xls': end its name in \.csv"):
        writer_of(PurePath("map.xls"))
