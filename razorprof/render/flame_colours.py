"""The colours of flame graphs in files: equal for equal code in every file, and a scale for what changed.

Each is light enough for dark text, on a light page and on a dark one. Not for the terminal (render.palette).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from colorsys import hls_to_rgb

from razorprof.model.frame import Frame
from razorprof.model.profile import by_package

REST = "#d5dae1"  # what is too small to be shown by itself, and what has no file
STEPS = 8
_LEAST_CHANGE = 0.001  # of the whole: less is drawn as unchanged
_HUES = 24
_SHADES = 5


def colour_of(frame: Frame) -> str:
    """#rrggbb: the hue tells packages apart, the shade their functions."""
    if not frame.file:
        return REST
    _, package = by_package(frame)
    hue = _hash(package) % _HUES / _HUES
    shade = _hash(frame.function) % _SHADES / (_SHADES - 1)
    return _hex(hue, 0.70 + 0.11 * shade, 0.58)


def _tone_colours() -> tuple[str, ...]:
    shrunk = [_hex(0.575, 0.93 - 0.33 * step / STEPS, 0.75) for step in range(STEPS, 0, -1)]
    grown = [_hex(0.02, 0.93 - 0.33 * step / STEPS, 0.85) for step in range(1, STEPS + 1)]
    return (*shrunk, "#e9ebee", *grown)


def tones(differences: Sequence[float], whole: float) -> list[int]:
    """Each change as a step of the scale: -STEPS (shrank most) to STEPS (grew most), 0 for hardly any.

    By the square root, so that a change of a tenth of the largest is seen as well."""
    largest = max((abs(change) for change in differences), default=0.0)
    least = _LEAST_CHANGE * whole
    found = []
    for change in differences:
        if abs(change) <= least or largest <= 0:
            found.append(0)
            continue
        step = max(1, round(STEPS * (abs(change) / largest) ** 0.5))
        found.append(step if change > 0 else -step)
    return found


def _hash(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "replace"))


def _hex(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in hls_to_rgb(hue, lightness, saturation))


TONES = _tone_colours()  # from -STEPS to STEPS
