"""What a run needs to know about the machine and the user's wishes: threads, providers, folders, limits."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


def default_cache_folder() -> Path:
    """Return the folder for everything that can be computed again.

    `SHELLAC_CACHE` wins, then the XDG base directory specification.
    """
    chosen = os.environ.get("SHELLAC_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "shellac"


def default_state_folder() -> Path:
    """Return the folder for journals and recent files, which must survive a cleared cache."""
    chosen = os.environ.get("SHELLAC_STATE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "shellac"


def cores() -> int:
    """Return the number of cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


@dataclass(frozen=True)
class Settings:
    """One run's wishes. The window takes `threads = cores - 1`, a command all of them."""

    threads: int = field(default_factory=cores)  # for one network or one render
    providers: tuple[str, ...] = ("CPUExecutionProvider",)  # ONNX Runtime execution providers, in order
    cache_folder: Path = field(default_factory=default_cache_folder)
    state_folder: Path = field(default_factory=default_state_folder)
    chunk_limit_bytes: int = 8 << 30  # rendered chunks on disk
    decoded_limit_bytes: int = 16 << 30  # decoded copies of compressed files on disk
    tile_limit_bytes: int = 256 << 20  # spectrogram tiles in memory


_chosen: Settings | None = None


def choose(settings: Settings) -> Settings:
    """Make `settings` what the networks of all tools run with from now on, and return them.

    Tools receive knobs, not settings: how many threads a network takes must not change a recipe. So a program says it
    once, at its start and when the preferences change.
    """
    global _chosen
    _chosen = settings
    return settings


def chosen() -> Settings:
    """Return what `choose` was given last, else the defaults."""
    return _chosen if _chosen is not None else Settings()
