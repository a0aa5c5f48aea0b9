"""The help screen: keys, what the colours mean and from which figure on, how to read the rest."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.text import Text

from razorprof.render import figures
from razorprof.render.palette import Palette
from razorprof.render.table import rule_line
from razorprof.render.thresholds import THRESHOLDS

_LIMIT = 12  # cells of a threshold's column
_WORDS = 54
_READING = (
    ("own %", "time in which the function itself was on top of a stack on a CPU, of all such time in the window"),
    ("total %", "the same with all that it called; recursion counts once"),
    ("Δ", "change since the mark (m): shares in points, figures in their unit; D shows and hides it"),
    (
        "state",
        "python: holds the GIL and runs; running: on a CPU without it; waiting: blocked; idle: sleeps, or I/O",
    ),
    ("python*", "a star at the state: it held the GIL when its stack was read"),
    ("gil %", "share of time in which a thread held the GIL, from looks at the lock many times a second"),
    (
        "count",
        "objects or collections towards a generation's threshold; the oldest also waits for enough new objects",
    ),
    ("off", "how far a worker is from its siblings in its worst figure, as a robust z-score"),
    ("growth", "straight line through the resident memory of the window; steady below 64 KiB a minute"),
    ("alerts", "at the tab: (2) fire, (~1) is pending and nothing fires, (!) rules fail; of all targets"),
    (
        "limit",
        "what a rule's expression compares its value with; told in the metric's unit where the expression has one",
    ),
    ("▁▄█", "an alert's past: neither, pending, firing; blank before rules were evaluated"),
    ("–", "not known; the reason stands beside it or on the figure's own screen"),
    ("behind", "looks come later than asked for: the machine is busy, or razorprof keeps to its budget"),
    ("age", "time since the newest figures; grows when the session cannot keep up"),
)


def guide_lines(keys: Sequence[tuple[str, str]], width: int, palette: Palette) -> list[Text]:
    """keys: (keys as on the keyboard, what they do)."""
    lines = [rule_line("keys", width - 1, palette)]
    wide = max((len(key) for key, _ in keys), default=6)
    for key, what in keys:
        lines += _pair(key, what, wide, width, palette)
    lines += [
        *_pair(
            "up down",
            "move; also j k, page up and down, home and end; left and right in a flame graph",
            wide,
            width,
            palette,
        ),
        *_pair("ctrl+p", "palette: everything by name, and the themes", wide, width, palette),
        *_pair("ctrl+z", "suspend; the shell's fg brings it back", wide, width, palette),
        Text(),
        rule_line("colours: fine, look, act", width - 1, palette),
    ]
    room = max(8, min(_WORDS, width - 2 - 2 * _LIMIT))
    head = Text(f" {'':<{room}}", palette.head, no_wrap=True)
    head.append(f"{'! look from':>{_LIMIT}}", palette.look)
    head.append(f"{'!! act from':>{_LIMIT}}", palette.act)
    lines.append(head)
    for limit in THRESHOLDS.values():
        words = wrap(limit.what, room)
        lines += [Text(f" {part}", palette.value, no_wrap=True) for part in words[:-1]]
        line = Text(f" {words[-1]:<{room}}", palette.value, no_wrap=True)
        figures_of = f"{_limit(limit.look, limit.unit):>{_LIMIT}}{_limit(limit.act, limit.unit):>{_LIMIT}}"
        line.append(figures_of, palette.label)
        lines.append(line)
    lines += [Text(), rule_line("reading the figures", width - 1, palette)]
    for word, meaning in _READING:
        lines += _pair(word, meaning, 8, width, palette)
    return lines


def _pair(key: str, what: str, wide: int, width: int, palette: Palette) -> list[Text]:
    """A key and its meaning; what is too long goes on below."""
    lines = []
    for part in wrap(what, max(8, width - wide - 4)) or [""]:
        line = Text(f" {key:<{wide}}  ", palette.accent, no_wrap=True)
        line.append(part, palette.value)
        lines.append(line)
        key = ""
    return lines


def _limit(value: float, unit: str) -> str:
    return figures.percent(value) if unit == "ratio" else f"{value:g}"
