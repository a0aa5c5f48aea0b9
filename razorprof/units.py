"""Quantities as people write them, parsed into base units (seconds, bytes, ratios).

The way back, from base units to what a screen shows, is render.figures.
"""

from __future__ import annotations

import math
import re

from razorprof.errors import UsageError

_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SIZE_UNITS = {
    "": 1, "B": 1,
    "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4,
    "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4,
    "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4,
}  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", re.ASCII)
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds, from ``90``, ``1.5``, ``90s``, ``15m``, ``1h30m``. Raises UsageError."""
    stripped = text.strip()
    try:
        seconds = float(stripped)
    except ValueError:
        parts = _DURATION.findall(stripped)
        if not parts or "".join(n + u for n, u in parts) != stripped:
            raise UsageError(
                "not a duration", value=text, hint="write seconds (1.5) or a unit: 500ms, 90s, 15m, 1h30m"
            ) from None
        seconds = sum(float(number) * _DURATION_UNITS[unit] for number, unit in parts)
    if not math.isfinite(seconds) or seconds < 0:
        raise UsageError("not a duration", value=text, hint="a duration is finite and not negative")
    return seconds


def parse_size(text: str) -> int:
    """Bytes, from ``4096``, ``512MiB``, ``1.5G`` (binary) or ``10MB`` (decimal). Raises UsageError."""
    found = _NUMBER_AND_UNIT.fullmatch(text.strip())
    if not found or found[2] not in _SIZE_UNITS:
        raise UsageError("not a size", value=text, hint="write bytes (4096) or a unit: 512MiB, 1.5GiB, 10MB")
    return int(float(found[1]) * _SIZE_UNITS[found[2]])
