"""Durations as Prometheus's files write them: 1h30m, 500ms, 0. Stricter than what razorprof's own options take.

Whole numbers with units from the largest to the smallest, each once: y w d h m s ms. Read by rule files, their
templates and test files.
"""

from __future__ import annotations

import re

from razorprof.errors import UsageError

# common/model/time.go: a year has 365 days, a week 7, a day 24 hours
_MILLIS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION = re.compile("".join(rf"(?:(\d+){unit})?" for unit in _MILLIS), re.ASCII)
_LONGEST = (1 << 63) // 1_000_000  # milliseconds: Go counts nanoseconds in 64 bits


def parse_prometheus_duration(text: str) -> float:
    """Seconds. Raises UsageError for what Prometheus refuses."""
    if text == "0":
        return 0.0
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise UsageError(
            "not a valid duration",
            value=text[:40],
            hint="whole numbers with y, w, d, h, m, s, ms in this order: 1h30m, 500ms",
        )
    millis = 0
    for digits, unit in zip(found.groups(), _MILLIS.values(), strict=True):
        if digits:
            number = digits.lstrip("0")[:20]  # more digits are out of range anyhow
            millis += int(number or 0) * unit
    if millis > _LONGEST:
        raise UsageError("duration out of range", value=text[:40], hint="at most 292 years")
    return millis / 1000


def format_prometheus_duration(seconds: float) -> str:
    """The shortest text that `parse_prometheus_duration` reads as these seconds, whole milliseconds."""
    left = round(seconds * 1000)
    if left <= 0:
        return "0s"
    parts = []
    for unit, millis in _MILLIS.items():
        # as Prometheus writes them: y, w and d only where nothing is left over
        if unit in ("y", "w", "d") and left % millis:
            continue
        count, left = divmod(left, millis)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
