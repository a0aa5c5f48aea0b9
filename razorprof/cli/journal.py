"""The log of a long-lived command on stderr: one line an event, with the journal's priorities where it listens.

A line for systemd's journal begins with <N> (sd-daemon(3)) and has no time, which the journal adds; elsewhere it
begins with the time. What a log line says may come from a target: it is escaped here. Called by watch.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from razorprof.render.text import printable

NOTICE = 25  # a level between INFO and WARNING: what is worth reading and needs nobody
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (NOTICE, 5), (logging.INFO, 6), (0, 7))
_WORDS = {3: "error: ", 4: "warning: ", 5: "", 6: "", 7: ""}


def is_journal(stream: TextIO, environment: Mapping[str, str] | None = None) -> bool:
    """Whether what is written to the stream goes to systemd's journal: $JOURNAL_STREAM is its device and inode."""
    named = (os.environ if environment is None else environment).get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(stream.fileno())
    except (AttributeError, ValueError, OSError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"


class Lines(logging.Formatter):
    """Each line of a record by itself, escaped."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__("%(message)s")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        if self._journal:
            before = f"<{priority}>"
        else:
            time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            before = f"{time.removesuffix('+00:00')}Z {_WORDS[priority]}"
        message, _, trace = super().format(record).partition("\n")
        if record.exc_info is None:  # no traceback: a line end is part of what is told
            return before + printable(f"{message}\n{trace}" if trace else message)
        return "\n".join(before + printable(line) for line in (message, *trace.splitlines()))


def log_to_stderr() -> None:
    """Log warnings of everybody and, from razorprof, what changes; everything where --debug asked for it."""
    debug = logging.getLogger().isEnabledFor(logging.DEBUG)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(journal=is_journal(sys.stderr)))
    logging.addLevelName(NOTICE, "NOTICE")
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, handlers=[handler], force=True)
    if not debug:
        logging.getLogger("razorprof").setLevel(logging.INFO)
        # what cannot be read is told by whoever looks at the targets, less often
        logging.getLogger("razorprof.session.jobs").setLevel(logging.WARNING)
