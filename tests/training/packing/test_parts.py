"""Parts of a checkpoint make the whole again, or say in one sentence why they can't."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

pytest.importorskip("torch")

from training.packing import parts as cutting
from training.packing.parts import MOST_PARTS, PART_BYTES, find_parts, join, read_header, write_parts
from training.recipe import TrainingError


def facts(step: int = 7, run: str = "denoiser") -> dict[str, str | int]:
    return {"run": run, "recipe": "denoiser", "pack": "0123", "step": step, "level": "whole"}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "PART_BYTES", 1000)


PAYLOAD = random.Random(0).randbytes(2500)


def test_the_largest_result_comes_in_seven_files_under_16_mib(tmp_path: Path) -> None:
    payload = bytes(MOST_PARTS * PART_BYTES)
    paths = write_parts(tmp_path, payload, facts())
    assert len(paths) == len(list(tmp_path.iterdir())) == 7
    assert all(path.stat().st_size < 16 * 2**20 for path in paths)
    header, whole = join(find_parts([tmp_path]))
    assert whole == payload
    assert (header.recipe, header.step, header.parts) == ("denoiser", 7, 7)
    with pytest.raises(TrainingError, match="don't fit into 7 parts"):
        write_parts(tmp_path, payload + b"1", facts())


@pytest.mark.usefixtures("small_parts")
def test_files_folders_and_any_order_make_the_same_whole(tmp_path: Path) -> None:
    paths = write_parts(tmp_path / "back", PAYLOAD, facts())
    (tmp_path / "back" / "log.csv").write_text("step\n")
    for places in ([tmp_path], [tmp_path / "back"], paths[::-1], [*paths, *paths]):
        assert join(find_parts(places))[1] == PAYLOAD


@pytest.mark.usefixtures("small_parts")
def test_newer_parts_take_the_place_of_older_ones(tmp_path: Path) -> None:
    write_parts(tmp_path, PAYLOAD, facts(step=7))
    write_parts(tmp_path, PAYLOAD[:1500], facts(step=8))
    assert join(find_parts([tmp_path]))[0].step == 8
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("small_parts")
def test_names_of_parts_hold_plain_letters_only(tmp_path: Path) -> None:
    (path, *_) = write_parts(tmp_path, PAYLOAD, facts(run="denoiser-own-Tante Ännes Platten"))
    assert set(path.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert read_header(path).run == "denoiser-own-Tante Ännes Platten"


@pytest.mark.usefixtures("small_parts")
def test_missing_parts_are_named(tmp_path: Path) -> None:
    write_parts(tmp_path, PAYLOAD, facts())[1].unlink()
    with pytest.raises(TrainingError, match="of the 3 parts of denoiser, step 7, these are missing: 2; fetch"):
        join(find_parts([tmp_path]))
    with pytest.raises(TrainingError, match="no part of a checkpoint here"):
        join(find_parts([tmp_path / "denoiser.1of3.shellac"])[:0])
    with pytest.raises(TrainingError, match=r"there is no .*nowhere"):
        find_parts([tmp_path / "nowhere"])


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("place", [700, -1], ids=["content", "last byte"])
def test_a_flipped_bit_is_found(tmp_path: Path, place: int) -> None:
    path = write_parts(tmp_path, PAYLOAD, facts())[1]
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"denoiser\.2of3\.shellac is damaged"):
        join(find_parts([tmp_path]))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("length", [0, 10, 200, 900])
def test_a_part_that_is_cut_off_is_found(tmp_path: Path, length: int) -> None:
    path = write_parts(tmp_path, PAYLOAD, facts())[0]
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(TrainingError, match=r"denoiser\.1of3\.shellac.*(damaged|isn't)"):
        join(find_parts([tmp_path]))


@pytest.mark.usefixtures("small_parts")
def test_parts_of_two_checkpoints_are_not_mixed(tmp_path: Path) -> None:
    old = write_parts(tmp_path / "old", PAYLOAD, facts(step=7))
    new = write_parts(tmp_path / "new", PAYLOAD[::-1], facts(step=9))
    with pytest.raises(TrainingError, match=r"parts of 2 different checkpoints \(step 7: .*1of3.*step 9: .*2of3"):
        join(find_parts([old[0], *new[1:]]))


def test_a_full_disk_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(TrainingError, match=r"doesn't take .* MiB \(No space left on device\)"):
        write_parts(tmp_path, PAYLOAD, facts())
    assert not list(tmp_path.iterdir())
