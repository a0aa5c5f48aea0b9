"""The help screen: keys, what the colours mean and from which figure on, how to read the rest."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from razorprof.render import figures
from razorprof.render.palette import Palette
from razorprof.render.table import rule_line
from razorprof.render.text import cut_end
from razorprof.render.thresholds import THRESHOLDS

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
    ("–", "not known; the reason stands beside it or on the figure's own screen"),
    ("behind", "looks come later than asked for: the machine is busy, or razorprof keeps to its budget"),
    ("age", "time since the newest figures; grows when the session cannot keep up"),
)


def guide_lines(keys: Sequence[tuple[str, str]], width: int, palette: Palette) -> list[Text]:
    """keys: (keys as on the keyboard, what they do)."""
    lines = [rule_line("keys", width - 1, palette)]
    wide = max((len(key) for key, _ in keys), default=6)
    lines += [_pair(key, what, wide, width, palette) for key, what in keys]
    lines += [
        _pair(
            "up down",
            "move; also j k, page up and down, home and end; left and right in a flame graph",
            wide,
            width,
            palette,
        ),
        _pair("ctrl+p", "palette: everything by name, and the themes", wide, width, palette),
        Text(),
        rule_line("colours: fine, look, act", width - 1, palette),
    ]
    head = Text(f" {'':<54}", palette.head, no_wrap=True)
    head.append(f"{'! look from':>14}", palette.look)
    head.append(f"{'!! act from':>14}", palette.act)
    lines.append(head)
    for limit in THRESHOLDS.values():
        line = Text(f" {cut_end(limit.what, 52):<54}", palette.value, no_wrap=True)
        line.append(f"{_limit(limit.look, limit.unit):>14}{_limit(limit.act, limit.unit):>14}", palette.label)
        lines.append(line)
    lines += [Text(), rule_line("reading the figures", width - 1, palette)]
    lines += [_pair(word, meaning, 8, width, palette) for word, meaning in _READING]
    return lines


def _pair(key: str, what: str, wide: int, width: int, palette: Palette) -> Text:
    line = Text(f" {key:<{wide}}  ", palette.accent, no_wrap=True)
    line.append(cut_end(what, max(8, width - wide - 4)), palette.value)
    return line


def _limit(value: float, unit: str) -> str:
    return figures.percent(value) if unit == "ratio" else f"{value:g}"
