"""`shellac doctor`: what this installation has, what it lacks, and the exact line that mends it.

What may crash a process (sound drivers, graphics libraries) is asked in another one.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib.metadata
import importlib.resources
import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import __version__
from engine.cli import say
from engine.errors import ShellacError
from engine.settings import Settings, cores

_TIMEOUT_S = 30
_PACKAGES = ("numpy", "scipy", "soxr", "soundfile", "sounddevice", "onnxruntime", "PySide6-Essentials",
             "matplotlib", "tqdm", "av")  # fmt: skip
_OPTIONAL = ("av",)
_DEVICES = """
import json
from engine.playback.output import list_devices
print(json.dumps([str(getattr(d, "name", d)) for d in list_devices()]))
"""
_PROVIDERS = """
import json
from engine.inference.network import available_providers
print(json.dumps(available_providers()))
"""


@dataclass(frozen=True)
class Library:
    """A system library that a wheel needs and Debian packages separately."""

    soname: str
    package: str
    purpose: str


def system_libraries() -> tuple[Library, ...]:
    """Return the list that the setup script reads too."""
    text = importlib.resources.files("engine").joinpath("system_libraries.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(Library(*(cell.strip() for cell in row[:3])) for row in rows)


def missing_libraries() -> tuple[Library, ...]:
    """Return the libraries that can't be loaded."""
    return tuple(library for library in system_libraries() if not _loads(library.soname))


def _loads(soname: str) -> bool:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def install_line(libraries: tuple[Library, ...]) -> str:
    """Return the command that installs `libraries` on this Debian or Ubuntu."""
    packages = sorted({_package(library.package) for library in libraries})
    return "sudo apt-get install " + " ".join(packages)


def _package(name: str) -> str:
    """Debian 13 and Ubuntu 24.04 renamed a package for their 64-bit time."""
    return "libglib2.0-0t64" if name == "libglib2.0-0" and _has_64_bit_time() else name


def _has_64_bit_time() -> bool:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return False
    version = release.get("VERSION_ID", "0").split(".")[0]
    newest = {"debian": 13, "ubuntu": 24}.get(release.get("ID", ""), 10**6)
    return version.isdigit() and int(version) >= newest


def examine(settings: Settings) -> dict[str, Any]:
    """Return everything the doctor knows, as JSON values."""
    from engine.cli.inventory import rooms_checked
    from engine.tools import all_tools, tool_problems

    missing = missing_libraries()
    devices, device_problem = _ask(_DEVICES)
    providers, provider_problem = _ask(_PROVIDERS)
    rooms = rooms_checked()
    problems = [f"{library.soname} is missing (for {library.purpose})" for library in missing]
    problems += [f"the Python package {name} is missing" for name in _PACKAGES
                 if _version(name) is None and name not in _OPTIONAL]  # fmt: skip
    problems += [text for text in (device_problem, provider_problem) if text]
    problems += [room["problem"] for room in rooms if not room["ok"]]
    problems += [str(problem) for problem in tool_problems()]
    chunks = settings.cache_folder / "chunks"
    return {
        "shellac": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": cores(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "libraries_missing": [library.soname for library in missing],
        "install": install_line(missing) if missing else "",
        "sound_devices": devices or [],
        "providers": providers or [],
        "rooms": rooms,
        "tools": [tool.name for tool in all_tools()],
        "cache": {"folder": str(settings.cache_folder), "bytes": _size(settings.cache_folder),
                  "chunks_bytes": _size(chunks), "limit_bytes": settings.chunk_limit_bytes},
        "problems": problems,
    }  # fmt: skip


def _ask(program: str) -> tuple[list[str] | None, str]:
    """Run a few lines in another process, so that a driver that crashes takes only that one along."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"a check didn't answer ({type(error).__name__})"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"a check ended with {done.returncode}"])[-1]
        return None, re.sub(r"^[\w.]+Error: ", "", last)
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return None, "a check gave no answer"
    return list(answer), ""


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _size(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # gone while we looked
                total += (Path(where) / name).stat().st_size
    return total


def doctor_command(arguments: argparse.Namespace) -> int:
    """Print what was found; exit status 4 if something is missing or damaged."""
    found = examine(Settings())
    if arguments.json:
        say.out_json(found)
    else:
        _print(found)
    return ShellacError.exit_status if found["problems"] else 0


def _print(found: dict[str, Any]) -> None:
    packages = ", ".join(f"{name} {version}" for name, version in found["packages"].items() if version)
    cache = found["cache"]
    say.out(f"Shellac {found['shellac']}, Python {found['python']}, {found['system']}, {found['cores']} cores")
    say.out(f"packages   {packages}")
    say.out(f"sound      {', '.join(found['sound_devices']) or 'no device: playback runs on the null clock'}")
    say.out(f"providers  {', '.join(found['providers']) or 'none'}")
    say.out(f"tools      {', '.join(found['tools'])}")
    say.out(f"networks   {', '.join(r['room'] + ('' if r['ok'] else ' (damaged)') for r in found['rooms']) or 'none'}")
    limit = f"{cache['limit_bytes'] / 1e9:.1f} GB"
    say.out(f"cache      {cache['folder']}: {cache['bytes'] / 1e6:.1f} MB (chunks up to {limit})")
    for problem in found["problems"]:
        say.out(f"problem    {problem}")
    if found["install"]:
        say.out(f"to mend    {found['install']}")
    if not found["problems"]:
        say.out("all is well")
