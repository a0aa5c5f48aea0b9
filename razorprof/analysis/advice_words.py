"""Figures inside the sentences of advice. render.figures is above this floor, and advice is a whole sentence."""

from __future__ import annotations

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def share(ratio: float) -> str:
    """0.1234 -> ``12 %``; small ones with a digit more."""
    return f"{ratio * 100:.1f} %" if abs(ratio) < 0.0995 else f"{ratio * 100:.0f} %"


def size(count: float) -> str:
    """Bytes: ``812 MiB``, ``1.1 GiB``."""
    value = float(count)
    for unit in _SIZES:
        if abs(value) < 1000 or unit == _SIZES[-1]:
            return f"{value:.0f} {unit}" if abs(value) >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def number(count: float) -> str:
    """12345 -> ``12,345``; below ten with a digit after the point, unless it is whole."""
    return f"{count:,.0f}" if count == int(count) or abs(count) >= 10 else f"{count:.1f}"


def span(seconds: float) -> str:
    """Seconds: ``180 ms``, ``9.8 s``."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
