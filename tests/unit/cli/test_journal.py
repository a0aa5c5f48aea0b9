"""Log lines of a service: priorities for the journal, the time elsewhere, nothing that a terminal obeys."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from razorprof.cli.journal import NOTICE, Lines, is_journal


def record(level: int, message: str, *, error: BaseException | None = None) -> logging.LogRecord:
    trouble = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("razorprof", level, "file.py", 1, "%s", (message,), trouble)
    made.created = 1_700_000_000.5
    return made


@pytest.mark.parametrize(
    ("level", "line"),
    [
        (logging.DEBUG, "<7>said"),
        (logging.INFO, "<6>said"),
        (NOTICE, "<5>said"),
        (logging.WARNING, "<4>said"),
        (logging.ERROR, "<3>said"),
        (logging.CRITICAL, "<3>said"),
    ],
)
def test_the_journal_gets_a_priority_and_no_time(level: int, line: str) -> None:
    assert Lines(journal=True).format(record(level, "said")) == line


def test_elsewhere_a_line_has_its_time_in_utc() -> None:
    assert Lines(journal=False).format(record(logging.WARNING, "low")) == "2023-11-14T22:13:20.500Z warning: low"


def test_what_a_target_says_makes_no_second_line_and_no_escape() -> None:
    assert Lines(journal=True).format(record(logging.INFO, "a\n<0>b\x1b[2J")) == "<6>a\\x0a<0>b\\x1b[2J"


def test_each_line_of_a_traceback_has_the_priority() -> None:
    try:
        raise ValueError("x\n<0>y")
    except ValueError as error:
        lines = Lines(journal=True).format(record(logging.ERROR, "broke", error=error)).split("\n")
    assert lines[0] == "<3>broke"
    assert len(lines) > 3
    assert all(line.startswith("<3>") for line in lines)


def test_the_journal_is_known_by_the_file_behind_the_stream(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        status = os.fstat(stream.fileno())
        assert is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"})
        assert not is_journal(stream, {})
    assert not is_journal(stream, {"JOURNAL_STREAM": "8:1"}), "closed"
    assert not is_journal(sys.stdin, {"JOURNAL_STREAM": ""})
