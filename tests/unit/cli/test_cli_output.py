"""How commands print."""

from __future__ import annotations

import io
import json
import math

import pytest

from razorprof.cli import output
from razorprof.cli.output import Cell, Column, Style, color_wanted, table_lines
from razorprof.errors import AmbiguousTarget


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_json_has_null_where_there_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"a": math.nan, "b": [math.inf, 1.5, (-math.inf,)], "c": {"d": math.nan}})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5, [None]], "c": {"d": None}}


def test_a_json_line_is_one_line_of_plain_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json_line({"name": "\x1b[31m\n\x9bé\u202e"})
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert printed.isascii()
    assert "\x1b" not in printed
    assert json.loads(printed)["name"] == "\x1b[31m\n\x9bé\u202e"


def test_a_table_is_aligned_and_its_cells_are_escaped() -> None:
    columns = (Column("PID", right=True), Column("NAME"), Column("X"))
    lines = table_lines(columns, [("1", "a\x1b[2J", "x"), ("12345", "日本", "y")])
    assert lines == ["  PID  NAME      X", "    1  a\\x1b[2J  x", "12345  日本      y"]


def test_the_flexible_column_takes_what_the_terminal_leaves() -> None:
    columns = (Column("PID", right=True), Column("COMMAND", flexible=True))
    lines = table_lines(columns, [("1", "a" + "c" * 500 + "z")], width=40)
    assert max(map(len, lines)) == 40
    assert (lines[1][5], lines[1][-1]) == ("a", "z"), "told apart by both ends"
    assert "…" in lines[1]
    assert len(table_lines(columns, [("1", "c" * 500)])[1]) == 505


def test_colour_marks_cells_only_when_asked_for() -> None:
    columns = (Column("A"), Column("B"))
    rows = [(Cell("bad", Style.ACT), "x")]
    assert "\x1b[31mbad\x1b[0m" in table_lines(columns, rows, color=True)[1]
    assert "\x1b" not in "".join(table_lines(columns, rows))


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colour_is_for_terminals_that_can_and_without_no_color(environment: dict[str, str], wanted: bool) -> None:
    assert color_wanted(Terminal(), environment) is wanted
    assert color_wanted(io.StringIO(), environment) is False


def test_an_ambiguous_target_lists_what_tells_them_apart(capsys: pytest.CaptureFixture[str]) -> None:
    candidates = [
        {"pid": 100 + n, "name": "web\x1b[31m", "command": "python web.py " + "x" * 300, "start_time": 1e9}
        for n in range(25)
    ]
    output.print_error(AmbiguousTarget("25 processes match", candidates=candidates, value="web", hint="name one"))
    told = capsys.readouterr().err
    lines = told.splitlines()
    assert lines[2].split() == ["PID", "NAME", "STARTED", "COMMAND"]
    assert lines[3].split()[0] == "100"
    assert "2001-09-" in lines[3]
    assert "python web.py" in lines[3]
    assert max(map(len, lines)) < 180
    assert "\x1b" not in told
    assert lines[-1].startswith("and 5 more")
