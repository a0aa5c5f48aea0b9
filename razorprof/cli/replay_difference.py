"""``razorprof replay --diff`` and ``--against``: which windows are meant, and what changed between them, printed.

A time is a moment, a window of ten seconds that ends at it; FROM..TO is a window; the name of a mark is its time.
For cli.replay; what is compared is session.difference's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from razorprof.cli import output
from razorprof.cli.recording_time import parse_moment
from razorprof.errors import UsageError
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_values import Mark
from razorprof.render.text import printable
from razorprof.session.comparing import Comparing
from razorprof.session.player import Player
from razorprof.session.sight import Window
from razorprof.session.user_marks import UserMarks

_HINT = "write BASE,NEW: 03:12,03:20 (moments), +0s..+60s,-60s..-1s (windows), or names of marks"
_DOTS = re.compile(r"\.\.+")
_Within = tuple[tuple[float, float], Sequence[Mark]]  # times of a recording, and its marks


@dataclass(frozen=True, slots=True)
class Other:
    """What a recording is compared with."""

    recording: RecordingReader
    marks: Sequence[Mark]

    @property
    def span(self) -> tuple[float, float]:
        """Of its ticks. Raises UsageError where there is none."""
        found = self.recording.span
        if found is None:
            raise UsageError("nothing was recorded", value=self.recording.path)
        return found


def comparing_of(player: Player, diff: str | None, against: Path | None, stack: ExitStack) -> Comparing:
    """What --diff and --against say; the whole of two recordings where there is no --diff. The other recording is
    closed with the stack. Raises UsageError, and ToolFailed and NotSupported as RecordingReader."""
    other = None
    if against is not None:
        recording = stack.enter_context(RecordingReader(against))
        other = Other(recording, [*recording.marks(), *UserMarks(against, recording.header.id).marks])
    span = player.ticks[0], player.ticks[-1]
    base_span, base_marks = (span, player.marks) if other is None else (other.span, other.marks)
    comparing = Comparing(player, other.recording if other is not None else None)
    if diff is not None:
        base, new = (base_span, base_marks), (span, player.marks)
        comparing.base, comparing.new = _sides(diff, base, new)
    elif other is not None:
        comparing.base, comparing.new = Window(*base_span), Window(*span)
    return comparing


def print_difference(comparing: Comparing, *, as_json: bool) -> None:
    """What changed, on stdout. Raises UsageError where nothing was recorded in a window, ToolFailed."""
    found = comparing.find()
    if as_json:
        from razorprof.session.difference_document import difference_document

        output.print_json(difference_document(found))
        return
    from razorprof.render.glyphs import choose
    from razorprof.render.palette import PLAIN
    from razorprof.tui.difference_lines import difference_lines

    width, glyphs = max(80, output.terminal_width()), choose(os.environ)
    for place, target in enumerate(found.targets or (None,)):
        if place:
            output.print_text("")
        for line in difference_lines(found, target, width, PLAIN, most=30):
            output.print_text(glyphs.apply(line.plain).rstrip())


def _sides(text: str, base: _Within, new: _Within) -> tuple[float | Window, float | Window]:
    """At its comma; names of marks may hold one, too."""
    parts = text.split(",")
    for place in range(1, len(parts)):
        left, right = ",".join(parts[:place]), ",".join(parts[place:])
        if not left.strip() or not right.strip():
            continue
        try:
            return _side(left, *base), _side(right, *new)
        except UsageError:
            if len(parts) == 2:
                raise
    raise UsageError("these are not two sides", value=text[:80], hint=_HINT)


def _side(text: str, span: tuple[float, float], marks: Sequence[Mark]) -> float | Window:
    named = _named(text, marks)
    if named is not None:
        return named
    ends = _DOTS.split(text)
    if len(ends) > 2:
        raise UsageError("this is no window", value=text.strip()[:60], hint=_HINT)
    if len(ends) == 1:
        return _time(text, span, marks)
    start, end = (
        _time(part, span, marks) if part.strip() else whole for part, whole in zip(ends, span, strict=True)
    )
    if not end > start:
        raise UsageError("the window's end is not after its start", value=text.strip()[:60])
    return Window(start, end)


def _time(text: str, span: tuple[float, float], marks: Sequence[Mark]) -> float:
    named = _named(text, marks)
    try:
        return parse_moment(text, span, "moment") if named is None else named
    except UsageError as error:
        names = ", ".join(printable(name) for name in dict.fromkeys(mark.text for mark in marks))
        hint = f"{error.hint}; or a mark: {names[:200]}" if names else error.hint
        raise UsageError(error.message, value=error.value, hint=hint) from error


def _named(text: str, marks: Sequence[Mark]) -> float | None:
    """The time of the first mark of that name."""
    return next((mark.time for mark in marks if mark.text.strip() == text.strip()), None)
