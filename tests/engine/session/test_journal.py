"""Whatever ends the program, the session of the last edit is found at the next start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import OutputError
from engine.session.journal import Journal
from engine.session.recipe import Recipe, Step
from engine.session.session import Session, SourceRef, Track
from engine.settings import Settings


def a_session(steps: int) -> Session:
    recipe = Recipe(tuple(Step("gain", id=str(k)) for k in range(steps)))
    return Session((Track("side 1", SourceRef(Path("/music/side 1.wav"), "f", 10, 10, 1), recipe),))


def left_behind(count: int, *, project: Path | None = None) -> None:
    """Let another program write `count` sessions and die without a word."""
    program = f"""
import os, sys
sys.path.insert(0, {str(Path.cwd())!r})
from pathlib import Path
from engine.session.journal import Journal
from engine.session.recipe import Recipe, Step
from engine.session.session import Session, SourceRef, Track
from engine.settings import Settings
journal = Journal(Settings())
for count in range(1, {count} + 1):
    recipe = Recipe(tuple(Step("gain", id=str(k)) for k in range(count)))
    track = Track("side 1", SourceRef(Path("/music/side 1.wav"), "f", 10, 10, 1), recipe)
    journal.write(Session((track,)), {f"Path({str(project)!r})" if project else None})
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL


def test_nothing_is_recovered_where_nothing_was_lost() -> None:
    assert Journal(Settings()).recover() is None


def test_a_killed_program_leaves_its_session(tmp_path: Path) -> None:
    left_behind(3, project=tmp_path / "record.shellac")
    journal = Journal(Settings())
    found = journal.recover()
    assert found is not None
    assert found.session == a_session(3)
    assert found.project_path == tmp_path / "record.shellac"
    assert found.question == f"Reopen unsaved session from {found.time:%H:%M} (3 steps)?"
    assert abs(datetime.now().astimezone() - found.time) < timedelta(minutes=5)
    journal.forget(found)
    assert journal.recover() is None


def test_a_living_program_keeps_its_session_to_itself() -> None:
    living = Journal(Settings())
    living.write(a_session(1))
    assert Journal(Settings()).recover() is None
    assert living.recover() is None


def test_a_saved_session_is_not_offered() -> None:
    journal = Journal(Settings())
    journal.write(a_session(1))
    journal.clear()
    journal.write(a_session(2))  # it can go on
    journal.clear()
    assert not list((Settings().state_folder / "journal").iterdir())
    assert Journal(Settings()).recover() is None


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b'{"saved": "never", "session": {}}', b"[1]"])
def test_a_broken_journal_is_set_aside_and_the_one_before_used(damage: bytes) -> None:
    left_behind(3)
    (path,) = (Settings().state_folder / "journal").glob("*/session.json")
    path.write_bytes(damage)
    found = Journal(Settings()).recover()
    assert found is not None
    assert found.session == a_session(2)
    assert (path.parent / "broken.json").read_bytes() == damage
    Journal(Settings()).forget(found)
    assert not path.parent.exists()


def test_a_journal_broken_altogether_offers_nothing_and_stops_nothing() -> None:
    left_behind(2)
    for path in (Settings().state_folder / "journal").glob("*/*.json"):
        path.write_bytes(b"nonsense")
    assert Journal(Settings()).recover() is None


def test_the_newest_of_several_is_offered_first() -> None:
    left_behind(1)
    time.sleep(0.01)
    left_behind(2)
    journal = Journal(Settings())
    first = journal.recover()
    assert first is not None
    assert first.steps == 2
    journal.forget(first)
    second = journal.recover()
    assert second is not None
    assert second.question.endswith("(1 step)?")


def test_a_state_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(OutputError):
        Journal(Settings(state_folder=blocked)).write(a_session(1))


CRASHING = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import numpy as np
from engine.audio.signal import ArraySignal
from engine.session.journal import Journal
from engine.session.recipe import Recipe, Step
from engine.session.render import Renderer
from engine.session.session import Session, SourceRef, Track
from engine.settings import Settings
from engine.tools.age import AGE

settings = Settings(threads=1)
source = ArraySignal(np.random.default_rng(1).standard_normal((8000 * 60, 1)).astype(np.float32) * 0.1, 8000)
recipe = Recipe((Step("age", {"seed": 5}, id="a"),))
Journal(settings).write(Session((Track("noise", SourceRef(Path("noise"), "noise"), recipe),)))
renderer = Renderer(settings, tools=[AGE])
result = renderer.render(source, recipe, "noise")
done = []
def landed(span):
    done.append(span)
    print(len(done), flush=True)
    if len(done) == 3:
        import time
        time.sleep(60)   # killed here, in the middle of a job
renderer.work(result, job=__import__("engine.tools.tool", fromlist=["Job"]).Job(), on_chunk=landed)
"""


def test_after_kill_9_during_a_job_rack_and_finished_chunks_are_back() -> None:
    process: Any = subprocess.Popen(
        [sys.executable, "-c", CRASHING, str(Path.cwd())], stdout=subprocess.PIPE, text=True
    )
    with process:
        for line in process.stdout:
            if line.strip() == "3":
                break
        os.kill(process.pid, signal.SIGKILL)
    from engine.audio.signal import ArraySignal, Span
    from engine.session.render import Renderer
    from engine.tools.age import AGE

    settings = Settings(threads=1)
    found = Journal(settings).recover()
    assert found is not None
    samples = np.random.default_rng(1).standard_normal((8000 * 60, 1)).astype(np.float32) * 0.1
    (track,) = found.session.tracks
    result = Renderer(settings, tools=[AGE]).render(ArraySignal(samples, 8000), track.recipe, track.source.fingerprint)
    assert result.finished == (Span(0, 3 * 5 * 8000),)
    assert result.read_available(0, 100)[1] == (Span(0, 100),)


def refuse(*given: Any, **more: Any) -> Any:
    raise PermissionError(30, "Read-only file system")


def test_a_state_folder_turned_read_only_is_a_sentence_and_keeps_the_last_session(monkeypatch: Any) -> None:
    journal = Journal(Settings())
    journal.write(a_session(1))
    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="Read-only"):
        journal.write(a_session(2))
    journal._unlock()  # type: ignore[misc]  # the program dies
    found = Journal(Settings()).recover()
    assert found is not None
    assert found.session == a_session(1)


def test_a_broken_journal_in_a_read_only_folder_stops_no_start(monkeypatch: Any) -> None:
    left_behind(2)
    (path,) = (Settings().state_folder / "journal").glob("*/session.json")
    path.write_bytes(b"nonsense")
    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    journal = Journal(Settings())
    found = journal.recover()
    assert found is not None
    assert found.session == a_session(1)
    journal.forget(found)  # it will be asked again


def test_without_locks_every_journal_is_offered(monkeypatch: Any) -> None:
    """As on a network disk: nobody knows who lives, and asking loses nothing."""
    import fcntl

    def no_locks(*given: Any) -> None:
        raise OSError(37, "No locks available")

    left_behind(2)
    monkeypatch.setattr(fcntl, "flock", no_locks)
    found = Journal(Settings()).recover()
    assert found is not None
    assert found.session == a_session(2)
