"""`python -m bench [ROW...] [--quick] [--json] [--list]`: the table of speed and memory, beside its targets."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.material import material_folder
from bench.rows import Conditions, Row, all_rows
from engine.settings import cores

LIMIT_S = 3600.0
BUSY = 0.5  # load average from which other programs disturb
OUTCOMES = {"target": "target reached", "floor": "above the floor", "below": "MISSED"}


def main(arguments: list[str] | None = None) -> int:
    """Measure the rows that are asked for, all by default. Returns 0 unless a row could not be measured."""
    options = _options(arguments)
    rows = all_rows()
    if options.list:
        sys.stdout.write("".join(f"{row.name:18} {row.what}\n" for row in rows))
        return 0
    unknown = set(options.rows) - {row.name for row in rows}
    if unknown:
        sys.stderr.write(f"bench: no row is called {', '.join(sorted(unknown))}: python -m bench --list names them\n")
        return 2
    if options.inside:
        return _measure_here(next(row for row in rows if row.name == options.inside), Conditions(options.quick))
    chosen = [row for row in rows if not options.rows or row.name in options.rows]
    about = machine()
    results = [_measure(row, options.quick) for row in chosen]
    if options.json:
        sys.stdout.write(json.dumps({"machine": about, "quick": options.quick, "rows": results}, indent=1) + "\n")
    else:
        sys.stdout.write(table(results, about, options.quick))
    return 1 if any("error" in result for result in results) else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows to measure; all if none is named")
    parser.add_argument("--quick", action="store_true", help="shorter recordings: for trying out, not for the record")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--list", action="store_true", help="name the rows and measure nothing")
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    names = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": cores(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),  # of others, when asked before the first row
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _measure(row: Row, is_quick: bool) -> dict[str, Any]:
    """Run one row in a process of its own, with a cache and a state folder that are empty."""
    sys.stderr.write(f"bench: {row.what} ...\n")
    command = [sys.executable, "-m", "bench", "--inside", row.name, *(["--quick"] if is_quick else [])]
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        environment = {
            "QT_QPA_PLATFORM": "offscreen",
            "SHELLAC_AUDIO": "null",
            **os.environ,
            "SHELLAC_CACHE": f"{folder}/cache",
            "SHELLAC_STATE": f"{folder}/state",
            "XDG_CONFIG_HOME": f"{folder}/config",
            "SHELLAC_BENCH_MATERIAL": str(material_folder()),
        }
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False, timeout=LIMIT_S)
    result = {name: value for name, value in asdict(row).items() if name != "measure"}
    if done.returncode != 0:
        return {**result, "error": f"exit status {done.returncode}"}
    measured = json.loads(done.stdout.splitlines()[-1])
    return {**result, **measured, "verdict": _verdict(row, measured)}


def _verdict(row: Row, measured: dict[str, Any]) -> str:
    if row.rss_limit_mb and measured["rss_mb"] > row.rss_limit_mb:
        return "below"
    return row.verdict(measured["value"])


def _measure_here(row: Row, conditions: Conditions) -> int:
    figure = row.measure(conditions)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    sys.stdout.write("\n" + json.dumps({**asdict(figure), "rss_mb": round(max(own, child) / unit)}) + "\n")
    return 0


def table(results: list[dict[str, Any]], about: dict[str, Any], is_quick: bool) -> str:
    """Return the results as text for people."""
    kind = " · quick: not for the record" if is_quick else ""
    lines = [f"{about['processor']} · {about['cores']} cores · Python {about['python']}{kind}", ""]
    if about["load"] > BUSY:
        lines[1:1] = [f"The machine was busy with other work (load {about['load']}): its own figures are better."]
    lines.append(f"{'':46}{'target':>12}{'floor':>12}{'measured':>12}{'peak RSS':>10}")
    for result in results:
        lines += _table_lines(result)
    return "\n".join(lines) + "\n"


def _table_lines(result: dict[str, Any]) -> list[str]:
    sign = "≤" if result["better"] == "less" else "≥"
    limits = [f"{sign} {result[name]:g} {result['unit']}" for name in ("target", "floor")]
    start = f"{result['what']:46}{limits[0]:>12}{limits[1]:>12}"
    if "error" in result:
        return [f"{start}   not measured: {result['error']}"]
    reached = f"{result['value']:.3g} {result['unit']}"
    outcome = OUTCOMES[result["verdict"]]
    lines = [f"{start}{reached:>12}{result['rss_mb']:>7} MB  {outcome}"]
    return [*lines, f"    {result['note']}"] if result["note"] else lines


if __name__ == "__main__":
    raise SystemExit(main())
