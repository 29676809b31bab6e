"""The change report as one page for people: self-contained HTML, readable in any browser, offline and in print."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

_FIGURES: Final = (
    ("loudness_lufs", "Loudness", "LUFS", 1),
    ("true_peak_dbtp", "True peak", "dBTP", 1),
    ("noise_floor_db", "Noise floor", "dB", 1),
    ("bandwidth_hz", "Bandwidth", "Hz", 0),
    ("clicks_per_s", "Clicks", "per second", 2),
)

_STYLE: Final = """
:root{color-scheme:dark}*{box-sizing:border-box}
body{margin:0;background:#151A21;color:#E8EDF2;font:15px/1.5 Inter,system-ui,sans-serif}
main{max-width:1040px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:17px;margin:32px 0 8px;color:#E8EDF2}
p{margin:4px 0;color:#AEB9C5}img{width:100%;border-radius:8px;border:1px solid #3A4654;margin-top:16px}
table{border-collapse:collapse;width:100%;background:#1C222B;border-radius:8px;overflow:hidden}
th,td{text-align:left;padding:7px 12px;border-bottom:1px solid #262E39;vertical-align:top}
th{color:#AEB9C5;font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums}
code{font:12px/1.4 "JetBrains Mono",ui-monospace,monospace;color:#AEB9C5;overflow-wrap:anywhere}
.b{color:#F2A65A}.a{color:#4CC9F0}.ok{color:#5BD6A0}.warn{color:#FFD166}
.banner{background:#2b2616;border:1px solid #FFD166;border-radius:8px;padding:10px 14px;margin:16px 0;color:#FFD166}
@media print{:root{color-scheme:light}body{background:#fff;color:#111}table{background:#fff}p,th,code{color:#333}}
"""


def to_html(report: Mapping[str, Any], picture_png: bytes | None = None) -> str:
    """Return the page. `picture_png` is embedded."""
    body = "".join(_body(report, picture_png))
    name = escape(str(report["source"]["name"]))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Change report: {name}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>\n"
    )


def _body(report: Mapping[str, Any], picture_png: bytes | None) -> Iterable[str]:
    yield f"<h1>{escape(str(report['source']['name']))}</h1>"
    yield f"<p>Change report, {escape(report['made_with'])}, {escape(report['made'])}</p>"
    if report["generated_sound"]:
        yield '<div class="banner">⚠ This result may contain sound that was never recorded.</div>'
    if picture_png is not None:
        data = base64.b64encode(picture_png).decode()
        yield f'<img alt="Waveforms and spectrograms before and after" src="data:image/png;base64,{data}">'
    yield from _measured(report)
    yield from _difference(report["difference"])
    yield "<h2>What was done</h2>"
    for number, step in enumerate(report["steps"], 1):
        yield from _step(number, step)
    yield from _marks(report["marks"])
    yield from _files(report)


def _measured(report: Mapping[str, Any]) -> Iterable[str]:
    yield '<h2>Measured</h2><table><tr><th></th><th class="b">Before</th><th class="a">After</th><th>Unit</th></tr>'
    before, after = report["measured"]["before"], report["measured"]["after"]
    for name, label, unit, digits in _FIGURES:
        yield f"<tr><th>{label}</th>{_cell(before[name], digits)}{_cell(after[name], digits)}<td>{unit}</td></tr>"
    yield "</table>"


def _cell(value: float | None, digits: int) -> str:
    return f'<td class="n">{"–" if value is None else f"{value:.{digits}f}".replace("-", "−")}</td>'


def _difference(difference: Mapping[str, Any]) -> Iterable[str]:
    if not difference["comparable"]:
        yield "<p>Source and result differ in rate or length: there is no sample-by-sample difference.</p>"
        return
    removed = difference["removed_energy_db"]
    if removed is None:
        yield "<p>The result has the very samples of the source.</p>"
    else:
        yield f"<p>The difference has {removed:.1f} dB of the energy of the source.</p>".replace("-", "−")
    outside = difference["outside_scope"]
    if outside["samples_checked"]:
        good = not outside["samples_changed"]
        words = "unchanged, bit for bit" if good else f"{outside['samples_changed']} samples changed"
        yield f'<p class="{"ok" if good else "warn"}">Outside the scope: {words} '
        yield f"({outside['samples_checked']:,} samples checked).</p>"


def _step(number: int, step: Mapping[str, Any]) -> Iterable[str]:
    label = escape(str(step.get("label", step["tool"])))
    state = "" if step["is_heard"] else " – off" if not step["problem"] else f" – {escape(step['problem'])}"
    yield f"<table><tr><th colspan=2>{number}. {label}{state}</th></tr>"
    yield f"<tr><td>Where</td><td>{escape(step['scope'])}, mix {step['mix'] * 100:.0f} %</td></tr>"
    settings = ", ".join(f"{name} = {value}" for name, value in step["params"].items())
    yield f"<tr><td>Settings</td><td><code>{escape(settings) or 'defaults'}</code></td></tr>"
    said = [*step.get("remarks", ()), step.get("account", {}).get("text", "")]
    if any(said):
        text = "<br>".join(escape(sentence) for sentence in said if sentence)
        yield f"<tr><td>Remarks</td><td>{text}</td></tr>"
    for network in step["networks"]:
        files = "<br>".join(f"<code>{escape(f['file'])} {escape(f['sha256'])}</code>" for f in network.get("files", ()))
        licence = escape(str(network.get("licence_of_weights", network.get("problem", ""))))
        yield f"<tr><td>Network</td><td>{escape(network['room'])}; weights: {licence}<br>{files}</td></tr>"
    yield "</table><p></p>"


def _marks(marks: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    rows = [
        f"<tr><td class='n'>{m['start_s']:.2f}–{m['stop_s']:.2f} s</td><td>{escape(m['reason'])}</td></tr>"
        for m in marks
    ]
    if rows:
        yield "<h2>Worth a second look</h2><table>" + "".join(rows) + "</table>"


def _files(report: Mapping[str, Any]) -> Iterable[str]:
    yield "<h2>Files</h2><table>"
    for side in ("source", "result"):
        facts = report[side]
        kind = " ".join(str(facts[key]) for key in ("container", "subtype") if facts.get(key))
        shape = f"{facts['rate']} Hz, {facts['channels']} ch, {facts['frames']:,} frames ({facts['seconds']:.2f} s)"
        name = escape(str(facts["name"]))
        yield f"<tr><th>{side.capitalize()}</th><td>{name}<br>{escape(kind)} {shape}<br>"
        yield f"<code>{escape(str(facts['fingerprint']))}</code></td></tr>"
    yield "</table>"
