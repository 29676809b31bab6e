"""A long preparation says how far it is; a short one says nothing, and what is prepared comes through unchanged."""

from __future__ import annotations

import pytest

from training import telling


def test_a_line_comes_every_ten_seconds_and_says_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 4.0, 8.0, 12.0, 16.0, 20.0])
    monkeypatch.setattr(telling.time, "monotonic", lambda: next(clock))
    assert list(telling.told("abcde", 5, "building items")) == list("abcde")
    assert capsys.readouterr().err == "building items: 3 of 5, about 8 s to go\n"


def test_what_is_done_quickly_is_done_silently(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(telling.told(range(100), 100, "building items")) == list(range(100))
    assert capsys.readouterr() == ("", "")
