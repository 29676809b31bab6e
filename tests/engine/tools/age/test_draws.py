"""Chance out of order: every block has its own numbers."""

from __future__ import annotations

import numpy as np

from engine.tools.age.draws import Draws, Effect


def numbers(seed: int, effect: Effect, block: int, channel: int = 0) -> list[float]:
    drawn: list[float] = Draws(seed).generator(effect, block, channel).standard_normal(50).tolist()
    return drawn


def test_the_same_key_gives_the_same_numbers() -> None:
    assert numbers(7, Effect.HISS, 3) == numbers(7, Effect.HISS, 3)


def test_every_seed_effect_block_and_channel_has_its_own() -> None:
    keys = [(seed, effect, block, channel) for seed in (0, 1, 2**31 - 1) for effect in Effect for block in (0, 1, 9)
            for channel in (0, 1)]  # fmt: skip
    assert len({tuple(numbers(*key)) for key in keys}) == len(keys)


def test_neighbouring_blocks_are_not_alike() -> None:
    blocks = np.array([Draws(1).generator(Effect.HISS, block).standard_normal(10_000) for block in range(8)])
    # The correlation of independent rows has a standard deviation of 0.01.
    assert np.abs(np.corrcoef(blocks) - np.eye(8)).max() < 0.05


def test_the_stream_is_the_published_one() -> None:
    # Philox4x64-10 with key and counter 0: known answer of its authors' Random123 (kat_vectors); the generator counts
    # up before its first word, so the counter starts one below.
    largest = np.uint64(2**64 - 1)
    philox = np.random.Philox(key=np.zeros(2, dtype=np.uint64), counter=np.array([largest] * 4, dtype=np.uint64))
    assert [f"{word:016x}" for word in philox.random_raw(4)] == [
        "16554d9eca36314c", "db20fe9d672d0fdc", "d7e772cee186176b", "7e68b68aec7ba23b",
    ]  # fmt: skip
