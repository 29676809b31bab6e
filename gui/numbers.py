"""Numbers as the window writes them: times, rates, levels with a real minus sign, sizes."""

from __future__ import annotations

import math
from datetime import datetime

MINUS = "−"


def clock(seconds: float, decimals: int = 3) -> str:
    """Return `seconds` as 0:54.873, or 1:02:03.456 from an hour on. Negative time is written as zero."""
    scale = 10**decimals
    ticks = max(0, math.floor(seconds * scale + 1e-6))
    whole, rest = divmod(ticks, scale)
    hours, minutes, left = whole // 3600, whole // 60 % 60, whole % 60
    text = f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
    return f"{text}.{rest:0{decimals}d}" if decimals else text


def signed(value: float, decimals: int = 1, plus: bool = False) -> str:
    """Return a number with a real minus sign; minus infinity is −∞, NaN a dash."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{abs(value):.{decimals}f}"
    is_zero = float(text) == 0
    return (MINUS if value < 0 and not is_zero else "+" if plus and not is_zero else "") + text


def kilohertz(rate: float) -> str:
    """Return a rate without needless zeros: 22.05 kHz, 48 kHz."""
    return f"{rate / 1000:g} kHz"


def size(count: float) -> str:
    """Return bytes in the decimal units disks are sold in: 4.1 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit in ("B", "kB") else f"{count:.1f} {unit}"
        count /= 1000
    return ""


def channels(count: int) -> str:
    """Return mono, stereo or the number of channels."""
    return {1: "mono", 2: "stereo"}.get(count, f"{count} channels")


def depth(subtype: str) -> str:
    """Return a libsndfile subtype as people say it: PCM_24 is 24-bit."""
    known = {"FLOAT": "32-bit float", "DOUBLE": "64-bit float", "ULAW": "µ-law", "ALAW": "A-law"}
    if subtype.startswith("PCM_"):
        return f"{subtype[4:].lstrip('SU')}-bit"
    return known.get(subtype, subtype.replace("_", " ").capitalize() if subtype else "")


def knob_value(value: float, step: float, unit: str = "") -> str:
    """Return a knob's number with as many decimals as its step has, and its unit."""
    decimals = max(0, min(4, -math.floor(math.log10(step) + 1e-9))) if step > 0 else 2
    text = signed(value, decimals)
    return f"{text} {unit}" if unit else text


def when(moment: datetime, now: datetime) -> str:
    """Return a day as people say it: today 14:06, yesterday, 19 Nov, 19 Nov 2025."""
    days = (now.date() - moment.date()).days
    if days == 0:
        return f"today {moment:%H:%M}"
    if days == 1:
        return "yesterday"
    return f"{moment.day} {moment:%b}" + ("" if moment.year == now.year else f" {moment.year}")
