from __future__ import annotations

import json
from typing import Any

import pytest

from razorprof.errors import ToolFailed
from razorprof.model.frame import Frame
from razorprof.profilers.dumps import parse_dump


def entry(**changes: Any) -> dict[str, Any]:
    frame = {"name": "burn", "filename": "/app/a.py", "short_filename": "a.py", "line": 4, "locals": None}
    return {
        "pid": 1, "thread_id": 0x7F0C090776C0, "thread_name": "main", "os_thread_id": 12, "active": True,
        "owns_gil": True, "frames": [frame, {**frame, "name": "<module>"}],
    } | changes  # fmt: skip


def test_a_dump_gives_threads_with_frames_innermost_first() -> None:
    (thread,) = parse_dump(json.dumps([entry()]).encode())
    assert (thread.reference, thread.pthread, thread.name) == ("12", 0x7F0C090776C0, "main")
    assert thread.frames == (Frame("burn", "a.py", 4), Frame("<module>", "a.py", 4))
    assert thread.owns_gil
    info = thread.info(12)
    assert (info.native_id, info.id, info.holds_gil) == (12, 0x7F0C090776C0, True)


def test_a_thread_without_native_id_is_known_by_its_pthread_id() -> None:
    (thread,) = parse_dump(json.dumps([entry(os_thread_id=None, thread_name=None)]).encode())
    assert thread.reference == "0x7F0C090776C0"
    assert thread.name == ""


def test_a_frame_without_a_short_name_keeps_its_full_one() -> None:
    frame = {"name": "f", "filename": "/x/y.py", "short_filename": None, "line": 0}
    (thread,) = parse_dump(json.dumps([entry(frames=[frame])]).encode())
    assert thread.frames == (Frame("f", "/x/y.py", 0),)


@pytest.mark.parametrize("content", [b"", b"{}}", b"3", b'[{"thread_id": "x"}]', b"[[]]", b"\xff", b"[" * 100_000])
def test_what_is_no_dump_is_a_failure_of_the_tool(content: bytes) -> None:
    with pytest.raises(ToolFailed):
        parse_dump(content)


def test_variables_are_cut_and_belong_to_their_frames() -> None:

    frames = [
        {"name": "f", "filename": "a.py", "line": 1, "locals": [{"name": "x", "repr": "y" * 999, "arg": True}]},
        {"name": "g", "filename": "a.py", "line": 2, "locals": None},
    ]
    content = json.dumps([{"thread_id": 1, "os_thread_id": 2, "frames": frames}]).encode()
    (thread,) = parse_dump(content)
    ((variable,), none) = thread.locals
    assert (variable.name, variable.is_argument, len(variable.text)) == ("x", True, 200)
    assert none == ()
