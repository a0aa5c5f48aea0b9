"""Ask a person at a terminal which of several processes is meant: a numbered list and one line of answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from razorprof.cli import output
from razorprof.cli.listing import Candidate
from razorprof.cli.output import Column
from razorprof.render.figures import percent_bare, size
from razorprof.render.text import printable

_COLUMNS = (
    Column("#", right=True),
    Column("PID", right=True),
    Column("CPU %", right=True),
    Column("RSS", right=True),
    Column("COMMAND", flexible=True),
)


def pick(candidates: Sequence[Candidate], text: str, *, several: bool) -> list[Candidate]:
    """The chosen ones. Enter takes the first (the busiest). Raises KeyboardInterrupt on q and at end of input."""
    rows = [
        (str(number), str(c.entry.pid), percent_bare(c.cpu_ratio), size(c.rss_bytes), c.short_command)
        for number, c in enumerate(candidates, start=1)
    ]
    output.say(f"{len(candidates)} processes match {printable(text)}:")
    color = output.color_wanted(sys.stderr)
    for line in output.table_lines(_COLUMNS, rows, width=output.terminal_width(), color=color):
        output.say(line)
    also = ", several numbers or a for all" if several else ""
    while True:
        sys.stderr.write(f"Which one? Enter for 1, a number{also}, q to quit: ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer or answer.strip().lower() in ("q", "quit"):
            raise KeyboardInterrupt
        chosen = parse_answer(answer, len(candidates), several=several)
        if chosen is not None:
            return [candidates[index] for index in chosen]


def parse_answer(answer: str, count: int, *, several: bool) -> list[int] | None:
    """Indexes of what an answer means; None where it means nothing."""
    words = answer.replace(",", " ").split()
    if not words:
        return [0]
    if several and words in (["a"], ["all"]):
        return list(range(count))
    if not all(word.isascii() and word.isdigit() and len(word) < 9 and 1 <= int(word) <= count for word in words):
        return None
    indexes = list(dict.fromkeys(int(word) - 1 for word in words))
    return indexes if several or len(indexes) == 1 else None
