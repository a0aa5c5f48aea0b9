"""A runbook's text as lines of a screen: Markdown read by people, wrapped and escaped, not interpreted.

Headings stand out, lists keep their indent, code is left unwrapped. Nothing in it becomes a link or an image: it
is a file, or an annotation that targets have a hand in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap

from rich.style import Style
from rich.text import Text

from razorprof.render.palette import Palette
from razorprof.render.text import cut_end, printable

MOST_LINES = 2000
WIDEST = 100  # cells of a line of prose: longer ones are hard to read
_TAB = 4
_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADING = re.compile(r" {0,3}(#{1,6}) +(.*?)[ #]*$")
_ITEM = re.compile(r"(\s*)([-*+]|\d{1,3}[.)])(\s+)")
_LONGEST_LINE = 4000


def runbook_lines(text: str, width: int, palette: Palette) -> list[Text]:
    """The text for a screen of `width` cells; bounded in lines and in their length."""
    lines: list[Text] = []
    for words, style in _pieces(text, max(20, min(WIDEST, width - 3)), palette):
        if len(lines) >= MOST_LINES:
            lines.append(Text(" (the rest is left out)", palette.dim, no_wrap=True))
            break
        lines.append(Text(f" {words}", style, no_wrap=True))
    while lines and not lines[-1].plain.strip():
        lines.pop()
    return lines


def _pieces(text: str, width: int, palette: Palette) -> Iterator[tuple[str, Style]]:
    fenced = False
    paragraph: list[str] = []
    for raw in _lines(text):
        if _FENCE.match(raw):
            yield from _flow(paragraph, width, palette)
            fenced = not fenced
        elif fenced or (raw.startswith("    ") and not paragraph):
            yield cut_end(printable(raw), width + 2), palette.accent
        elif heading := _HEADING.match(raw):
            yield from _flow(paragraph, width, palette)
            for part in wrap(printable(heading[2]), width):
                yield part, palette.title
        elif not raw.strip():
            yield from _flow(paragraph, width, palette)
            yield "", palette.value
        elif _ITEM.match(raw):
            yield from _flow(paragraph, width, palette)
            paragraph.append(raw)
        else:
            paragraph.append(raw)
    yield from _flow(paragraph, width, palette)


def _flow(paragraph: list[str], width: int, palette: Palette) -> Iterator[tuple[str, Style]]:
    """The collected lines as one paragraph, which is emptied; a list's item hangs."""
    if not paragraph:
        return
    item = _ITEM.match(paragraph[0])
    indent = min(len(item[0]), width // 2) if item else 0
    first = f"{item[1][: indent // 2]}{item[2]} " if item else ""
    words = [paragraph[0][len(item[0]) :] if item else paragraph[0], *paragraph[1:]]
    paragraph.clear()
    text = " ".join(printable(each.strip()) for each in words)
    for part in wrap(text, width, initial_indent=first, subsequent_indent=" " * len(first)):
        yield part, palette.value


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield line.removesuffix("\r").expandtabs(_TAB)[:_LONGEST_LINE]
