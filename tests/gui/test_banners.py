"""Banners: readable in both themes, gone when they are about something else, never in the way for long."""

from __future__ import annotations

from pathlib import Path

import pytest

from gui import theme
from gui.banner import PASSING_S, Banner, Message
from tests.gui.conftest import Desk


def say(desk: Desk, message: Message) -> Banner:
    desk.window.show_message(message)
    return desk.window.shown_banners()[-1]


def test_the_words_follow_a_change_of_theme(desk: Desk) -> None:
    banner = say(desk, Message("One thing", "and <more> of it"))
    assert theme.DARK.text2 in banner.words.text()
    desk.do("light_theme")
    assert theme.LIGHT.text2 in banner.words.text()
    assert theme.DARK.text2 not in banner.words.text()
    assert "&lt;more&gt;" in banner.words.text()
    desk.do("light_theme")


@pytest.mark.parametrize(
    ("level", "topic", "goes"),
    [("info", "export", True), ("ok", "", True), ("error", "", False), ("warn", "open", False),
     ("info", "generated", False), ("info", "recovery", False)],
)  # fmt: skip
def test_only_good_news_closes_by_itself(desk: Desk, level: str, topic: str, goes: bool) -> None:
    banner = say(desk, Message("Exported side one.flac", "", level, topic=topic))  # type: ignore[arg-type]
    assert banner.clock.isActive() == goes
    assert banner.clock.interval() == 1000 * PASSING_S
    if goes:
        banner.clock.timeout.emit()
        assert desk.window.shown_banners() == []


def test_another_file_takes_the_banners_of_the_former_one_away(desk: Desk, recording: Path, stereo: Path) -> None:
    desk.open(recording)
    say(desk, Message("2 damaged places were repaired while opening", "", "warn"))
    say(desk, Message("No sound card", "", "warn", topic="sound"))
    desk.open(stereo)
    assert [banner.message.text for banner in desk.window.shown_banners()] == ["No sound card"]


def test_one_more_track_leaves_the_banners_alone(desk: Desk, recording: Path, stereo: Path) -> None:
    desk.open(recording)
    say(desk, Message("2 damaged places were repaired while opening", "", "warn"))
    desk.commands.document.add_track(stereo)
    desk.wait(lambda: len(desk.commands.document.session.tracks) == 2)  # type: ignore[union-attr]
    assert [banner.message.text for banner in desk.window.shown_banners()][:1] == [
        "2 damaged places were repaired while opening"
    ]


def test_the_error_of_a_file_that_cannot_be_opened_stays_while_the_next_one_opens(
    desk: Desk, recording: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound" * 50)
    desk.commands.document.open(bad, others=[recording])
    desk.wait(lambda: desk.commands.document.source is not None)
    assert any("bad.wav" in banner.message.text for banner in desk.window.shown_banners())
