"""``query --batch``: one JSON request a line in, one JSON answer a line out, in order, an error as an answer too.

The series are read once and stay: a script may keep it open as a server on a pipe. Called by cli.query.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from razorprof.cli import output
from razorprof.cli.query_request import answer_data, request_of
from razorprof.errors import RazorprofError, ToolFailed, UsageError

if TYPE_CHECKING:
    from razorprof.cli.query_data import Data
    from razorprof.query.limits import Limits

LONGEST_REQUEST = 256 * 1024  # bytes: an expression of 16 KiB, however it is escaped


def open_requests(name: str) -> contextlib.AbstractContextManager[BinaryIO]:
    """The file, or standard input for ``-``. Raises ToolFailed."""
    if name == "-":
        return contextlib.nullcontext(sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise ToolFailed(f"the requests cannot be read: {error.strerror or error}", value=name) from None


def answer_all(requests: BinaryIO, data: Data, limits: Limits) -> None:
    """Answer each line as it comes."""
    for line in _lines(requests):
        output.print_json_line(_answer(line, data, limits))


def _answer(line: bytes | None, data: Data, limits: Limits) -> dict[str, Any]:
    from razorprof.query.http_json import error_answer

    try:
        if line is None:
            raise UsageError("the request is too long", hint=f"at most {LONGEST_REQUEST // 1024} KiB a line")
        return {"status": "success", "data": answer_data(request_of(_document(line)), data, limits)}
    except RazorprofError as error:
        return error_answer(error)


def _document(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:  # bad UTF-8 is a ValueError; deep nesting is refused by depth
        words = error.msg if isinstance(error, json.JSONDecodeError) else "not JSON"
        raise UsageError(f"the request is no JSON: {words}", hint='{"query": "up", "time": 1700000000}') from None


def _lines(requests: BinaryIO) -> Iterator[bytes | None]:
    """Lines; None for one that is too long, whose rest is passed over."""
    while line := requests.readline(LONGEST_REQUEST + 1):
        if len(line) > LONGEST_REQUEST and not line.endswith(b"\n"):
            while (rest := requests.readline(LONGEST_REQUEST)) and not rest.endswith(b"\n"):
                pass
            yield None
        else:
            yield line
