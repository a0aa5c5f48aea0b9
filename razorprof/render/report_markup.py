"""Pieces of HTML that every part of the report is made of. All text is escaped here: callers hand in plain
text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from razorprof.render.text import printable


def text(value: object) -> str:
    """Any text as HTML: control characters made visible, markup escaped, also for attributes."""
    return escape(printable(str(value)), quote=True)


def paragraph(value: object, kind: str = "") -> str:
    """kind: a class of the style sheet."""
    return f'<p class="{kind}">{text(value)}</p>' if kind else f"<p>{text(value)}</p>"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], numbers: Iterable[int] = ()) -> str:
    """A table. numbers: places of the columns that hold figures."""
    right = frozenset(numbers)

    def cell(tag: str, place: int, value: object) -> str:
        kind = ' class="number"' if place in right else ""
        return f"<{tag}{kind}>{text(value)}</{tag}>"

    head = "".join(cell("th", place, value) for place, value in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(cell("td", place, value) for place, value in enumerate(row)) + "</tr>\n" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>\n'


def facts(rows: Iterable[tuple[str, object]]) -> str:
    """Names and values, one a line."""
    body = "".join(f'<tr><td class="key">{text(key)}</td><td>{text(value)}</td></tr>\n' for key, value in rows)
    return f'<div class="wide"><table class="facts"><tbody>\n{body}</tbody></table></div>\n'


def fold(title: str, inside: str, *, is_open: bool = False) -> str:
    """A part that opens on a click. inside: HTML."""
    return f"<details{' open' if is_open else ''}><summary>{text(title)}</summary>{inside}</details>\n"


def section(anchor: str, title: str, inside: str) -> str:
    """A part of the page. anchor: our own word; inside: HTML."""
    return f'<section id="{anchor}"><h2>{text(title)}</h2>\n{inside}</section>\n'
