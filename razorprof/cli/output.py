"""What commands print with: data to stdout, words about data to stderr, colour only where it is wanted.

Text from a target is escaped by whoever puts it into a line (render.text.printable); tables do it for their
cells. Not for full-screen drawing (tui) and not for figures (render.figures).
"""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TextIO

from razorprof.errors import AmbiguousTarget, RazorprofError

_MOST_CANDIDATES = 20


class Style(StrEnum):
    """What a colour means: nothing else may be told by it alone. The value is the SGR parameter."""

    PLAIN = ""
    HEADING = "1"
    LOOK = "33"
    ACT = "31"
    QUIET = "2"


@dataclass(frozen=True, slots=True)
class Cell:
    """A table's cell. `text` may be untrusted."""

    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. At most one is `flexible`: cut in the middle to what the terminal leaves."""

    title: str
    right: bool = False
    flexible: bool = False


Row = Sequence[Cell | str]


def print_json(document: Any) -> None:
    """One JSON document on stdout. ASCII only, so that no control character of a target reaches a terminal."""
    _write(sys.stdout, json.dumps(_without_nan(document), indent=2, allow_nan=False) + "\n")


def print_json_line(document: Any) -> None:
    """One line of JSON Lines on stdout, flushed: a reader sees it at once."""
    _write(sys.stdout, json.dumps(_without_nan(document), separators=(",", ":"), allow_nan=False) + "\n")
    sys.stdout.flush()


def print_text(text: str) -> None:
    """Lines of our own (already escaped) text on stdout."""
    _write(sys.stdout, text + "\n")


def print_table(columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """An aligned table on stdout, cells escaped; cut to the terminal's width, never cut in a pipe."""
    width = terminal_width() if is_tty(sys.stdout) else None
    for line in table_lines(columns, rows, width=width, color=color_wanted(sys.stdout)):
        _write(sys.stdout, line + "\n")


def say(words: str) -> None:
    """Words about data, on stderr (already escaped)."""
    try:
        _write(sys.stderr, words + "\n")
        sys.stderr.flush()
    except OSError:
        pass  # nobody listens to words: the data and the exit code matter


def print_error(error: RazorprofError) -> None:
    """The two lines of an error on stderr, its value and everything else escaped."""
    from razorprof.render.text import printable

    say(f"razorprof: {printable(str(error))}")
    if error.hint:
        say(f"hint: {printable(error.hint)}")
    if isinstance(error, AmbiguousTarget):
        for line in _candidate_lines(error.candidates):
            say(line)


def table_lines(
    columns: Sequence[Column], rows: Iterable[Row], *, width: int | None = None, color: bool = False
) -> list[str]:
    """The lines of an aligned table. width: terminal cells, or None where nothing is cut."""
    from rich.cells import cell_len

    from razorprof.render.text import cut_middle, printable

    heading = [Cell(column.title, Style.HEADING) for column in columns]
    cells = [heading, *([_escaped(cell, printable) for cell in row] for row in rows)]
    widths = [max(cell_len(row[index].text) for row in cells) for index in range(len(columns))]
    fixed = sum(w for w, column in zip(widths, columns, strict=True) if not column.flexible)
    spare = None if width is None else max(8, width - fixed - 2 * (len(columns) - 1))
    lines = []
    for row in cells:
        parts = []
        for index, (cell, column) in enumerate(zip(row, columns, strict=True)):
            text = cell.text
            if column.flexible and spare is not None:
                text = cut_middle(text, spare)
            wide = min(widths[index], spare) if column.flexible and spare is not None else widths[index]
            padding = " " * (wide - cell_len(text))
            if color and text and cell.style:
                text = f"\x1b[{cell.style.value}m{text}\x1b[0m"
            is_last = index == len(columns) - 1
            parts.append(padding + text if column.right else text + ("" if is_last else padding))
        lines.append("  ".join(parts).rstrip())
    return lines


def color_wanted(stream: TextIO, environment: Mapping[str, str] | None = None) -> bool:
    """Whether a stream gets colours: a terminal that can, without NO_COLOR (which ``--no-color`` sets)."""
    environment = os.environ if environment is None else environment
    return is_tty(stream) and not environment.get("NO_COLOR") and environment.get("TERM", "dumb") != "dumb"


def is_tty(stream: TextIO) -> bool:
    """Whether somebody may be looking at (or typing into) this stream."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError, OSError):  # no stream at all (pythonw, closed descriptor)
        return False


def terminal_width() -> int:
    """Cells of a line of the terminal; 80 where nobody knows."""
    import shutil

    return shutil.get_terminal_size().columns


def prepare_streams() -> None:
    """What the locale cannot show is escaped rather than an error; closed descriptors are taken, so that no file
    that we open later becomes somebody's standard output."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number is this one
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def flush() -> None:
    """Write out what stdout holds back. Raises BrokenPipeError when nobody reads any more."""
    if sys.stdout is not None:
        sys.stdout.flush()


def is_closed() -> bool:
    """Whether the reader of stdout or stderr has gone away, as in ``| head``."""
    import select

    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        try:
            poll.register(stream.fileno(), 0)
        except (AttributeError, ValueError, OSError):
            continue
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def close_quietly() -> None:
    """Flush, and where nobody reads any more, drop the rest, so that Python's own exit stays silent."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError):
            continue
        except OSError:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, stream.fileno())
            os.close(sink)


def _candidate_lines(candidates: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a person needs to tell them apart; command lines cut."""
    from datetime import datetime

    from razorprof.render.text import cut_middle, printable

    rows = []
    for one in candidates[:_MOST_CANDIDATES]:
        started = one.get("start_time")
        when = "" if started is None else f"{datetime.fromtimestamp(started):%Y-%m-%d %H:%M:%S}"
        command = cut_middle(printable(str(one.get("command") or "")), 100)
        rows.append((str(one["pid"]), cut_middle(printable(str(one["name"])), 40), when, command))
    titles = (Column("PID", right=True), Column("NAME"), Column("STARTED"), Column("COMMAND", flexible=True))
    width = terminal_width() if is_tty(sys.stderr) else None
    lines = table_lines(titles, rows, width=width)
    left = len(candidates) - len(rows)
    return [*lines, f"and {left} more: razorprof ps"] if left else lines


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # started with a closed descriptor (>&-)
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")
    stream.write(text)


def _escaped(cell: Cell | str, printable: Any) -> Cell:
    return Cell(printable(cell.text), cell.style) if isinstance(cell, Cell) else Cell(printable(cell))


def _without_nan(value: Any) -> Any:
    """The document with NaN and infinities as null: JSON has no words for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
