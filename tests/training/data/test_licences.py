"""The licence of weights is the strictest of what they saw, and nobody guesses."""

from __future__ import annotations

import pytest

from training.data.licences import (
    LICENCES,
    OWN,
    Source,
    data_table,
    is_known,
    joined_tables,
    source_table,
    strictness,
    terms_of,
)
from training.data.manifest import Recording
from training.errors import TrainingError


def row(licence: str, source: str = "one/a", note: str = "") -> Recording:
    return Recording("a.flac", "music", "train", 44_100, 1.5, licence, source, 20_000.0, note)


def test_the_order_of_licences_is_that_of_what_they_forbid() -> None:
    order = ["public domain", "CC0 1.0", "MIT", "Apache-2.0", "CC BY 3.0", "CC BY-NC 3.0", "CC BY-NC-SA 4.0"]
    ranks = [strictness(licence) for licence in order]
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize("licence", ["all rights reserved", "", "CC-BY 4.0", "CC BY", "own goal", "none stated"])
def test_what_isnt_in_the_table_is_unknown(licence: str) -> None:
    assert not is_known(licence)
    assert not row(licence).is_clean
    with pytest.raises(TrainingError, match="nothing is known of the licence"):
        strictness(licence)


def test_non_commercial_is_never_clean() -> None:
    assert not [kind for kind in LICENCES if "NC" in kind.beginning and kind.is_clean]
    assert row("CC BY 4.0").is_clean
    assert not row("CC BY 4.0", note="NON-COMMERCIAL").is_clean


def test_the_strictest_decides_and_the_later_version_of_two() -> None:
    assert terms_of([row("CC0 1.0"), row("CC BY 3.0"), row("CC BY 4.0")]).licence == "CC BY 4.0"
    assert terms_of([row("CC BY-NC-SA 4.0"), row("CC BY-NC 4.0")]).licence == "CC BY-NC-SA 4.0"
    assert terms_of([row("CC BY 3.0", "b/b"), row("CC0 1.0", "c/c"), row("CC BY 4.0", "a/a")]).attribution == (
        "required: name a/a, b/b"
    )


def test_a_persons_own_recordings_never_hide_another_licence() -> None:
    assert terms_of([row(OWN)]).licence == "the user's own recordings"
    assert terms_of([row(OWN, ""), row("CC BY-NC 4.0")]).licence == "CC BY-NC 4.0 and the user's own recordings"
    assert terms_of([row(OWN, "")]).attribution == "not required"


def test_weights_that_saw_nothing_have_no_licence_to_guess() -> None:
    with pytest.raises(TrainingError, match="have no licence"):
        terms_of([])


def test_the_table_of_a_card_counts_by_set_and_licence() -> None:
    table = data_table([row("CC0 1.0"), row("CC0 1.0", "two/b"), row(OWN, "")])
    assert [(line["licence"], line["recordings"], line["seconds"], line["sources"]) for line in table] == [
        ("CC0 1.0", 2, 3.0, ["one/a", "two/b"]),
        ("own", 1, 1.5, []),
    ]


def test_a_source_that_is_no_recording_stands_in_the_table_with_its_notice() -> None:
    font, irs = Source("FluidR3 GM", "MIT", "Frank Wen"), Source("rooms", "CC BY-NC 4.0", "some one")
    assert source_table([font], "clean") == [
        {"name": "FluidR3 GM", "licence": "MIT", "sources": ["Frank Wen"], "notice": "required"}
    ]
    with pytest.raises(TrainingError, match=r"rooms stands under CC BY-NC 4\.0.*take --data all"):
        source_table([irs], "clean")
    assert len(source_table([font, irs], "all")) == 2
    with pytest.raises(TrainingError, match="nothing is known of the licence 'GPL' of x"):
        source_table([Source("x", "GPL", "y")], "all")


def test_of_two_tables_everything_is_kept_and_nothing_counted_twice() -> None:
    home = data_table([row("CC0 1.0"), row("CC0 1.0", "two/b"), row("CC BY 4.0")])
    away = data_table([row("CC0 1.0", "three/c"), row(OWN, "")]) + source_table(
        [Source("FluidR3 GM", "MIT", "Frank Wen")], "clean"
    )
    both = {line["licence"]: line for line in joined_tables(home, away)}
    assert both.keys() == {"CC0 1.0", "CC BY 4.0", OWN, "MIT"}
    assert both["CC0 1.0"]["recordings"] == 2
    assert both["CC0 1.0"]["sources"] == ["one/a", "three/c", "two/b"]
    assert both["MIT"]["notice"] == "required"
    assert joined_tables(home, home) == home
