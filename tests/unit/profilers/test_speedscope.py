from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.errors import ToolFailed
from razorprof.model.frame import Frame
from razorprof.profilers.speedscope import (
    LONGEST_NAME,
    StackTable,
    count_torn,
    parse_speedscope,
    without_process_frames,
)
from tests.unit.profilers.speedscope_text import speedscope

MAIN, BURN, REST = ("<module>", "/app/a.py", 1), ("burn", "/app/a.py", 4), ("rest", "/app/a.py", 9)


def table() -> StackTable:
    return StackTable(lambda path: path.rpartition("/")[2])


def test_equal_stacks_of_a_thread_are_counted_root_first() -> None:
    document = speedscope({'Thread 12 "main"': [[MAIN, BURN], [MAIN, REST], [MAIN, BURN]]})
    (thread,) = parse_speedscope(document, table())
    assert (thread.reference, thread.name) == ("12", "main")
    assert thread.stacks == {
        (Frame("<module>", "a.py", 1), Frame("burn", "a.py", 4)): 2,
        (Frame("<module>", "a.py", 1), Frame("rest", "a.py", 9)): 1,
    }


def test_a_thread_name_cannot_forge_a_stack() -> None:
    hostile = 'x;f (a.py:1) 5\nThread 1 "y'
    (thread,) = parse_speedscope(speedscope({f'Thread 12 "{hostile}"': [[MAIN]]}), table())
    assert (thread.reference, thread.name) == ("12", hostile)
    assert sum(thread.stacks.values()) == 1


@pytest.mark.parametrize(
    ("name", "reference", "thread_name"),
    [
        ('Thread 0x7F0C090776C0 ""', "0x7F0C090776C0", ""),
        ("Thread 99", "99", ""),
        ('Process 5 Thread 99 "a "quoted" name"', "99", 'a "quoted" name'),
    ],
)
def test_threads_are_known_by_native_or_pthread_id(name: str, reference: str, thread_name: str) -> None:
    (thread,) = parse_speedscope(speedscope({name: [[MAIN]]}), table())
    assert (thread.reference, thread.name) == (reference, thread_name)


def test_names_of_any_length_are_cut() -> None:
    long = ("N" * 10_000, "/" + "f" * 10_000, 3)
    (thread,) = parse_speedscope(speedscope({'Thread 1 "' + "M" * 10_000 + '"': [[long]]}), table())
    ((frame,),) = thread.stacks
    assert len(frame.function) == len(frame.file) == len(thread.name) == LONGEST_NAME


def test_equal_frames_and_stacks_are_shared_between_windows() -> None:
    shared = table()
    first = parse_speedscope(speedscope({"Thread 1": [[MAIN, BURN]]}), shared)
    second = parse_speedscope(speedscope({"Thread 2": [[MAIN, BURN]]}), shared)
    assert next(iter(first[0].stacks)) is next(iter(second[0].stacks))


def test_stacks_without_the_root_of_their_thread_are_counted_as_torn() -> None:
    whole, torn = [MAIN, BURN], [BURN]
    (thread,) = parse_speedscope(speedscope({"Thread 1": [whole, whole, whole, torn, []]}), table())
    assert count_torn(thread) == 2


def test_a_thread_that_native_code_calls_into_has_many_roots_and_none_is_torn() -> None:
    (thread,) = parse_speedscope(speedscope({"Thread 1": [[BURN], [BURN], [REST]]}), table())
    assert count_torn(thread) == 0
    (empty,) = parse_speedscope(speedscope({"Thread 1": []}), table())
    assert count_torn(empty) == 0


def test_a_window_that_saw_nothing_has_no_threads() -> None:
    assert parse_speedscope(speedscope({}), table()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"profiles": [], "shared": {}}',
        b'{"profiles": [{"name": "Thread 1", "samples": [[0]]}], "shared": {"frames": []}}',
        b'{"profiles": [{"name": "Thread 1", "samples": [[-1]]}], "shared": {"frames": [{"name": "f"}]}}',
        b'{"profiles": [{"name": "nobody", "samples": []}], "shared": {"frames": []}}',
        b'{"profiles": [{"name": 3, "samples": []}], "shared": {"frames": []}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_speedscope_profile_is_a_failure_of_the_tool(content: bytes) -> None:
    with pytest.raises(ToolFailed):
        parse_speedscope(content, table())


@given(st.text(), st.text(), st.text().map(lambda text: f"/{text}"))
def test_any_names_come_through_as_one_thread_and_one_frame(thread: str, function: str, path: str) -> None:
    content = speedscope({f'Thread 7 "{thread}"': [[(function, path, 1)]]})
    (seen,) = parse_speedscope(content, StackTable(lambda name: name))
    assert seen.name == thread[:LONGEST_NAME]
    assert list(seen.stacks) == [(Frame(function, path, 1),)]


@given(st.recursive(st.none() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)))
def test_no_json_at_all_makes_the_parser_fail_otherwise(document: object) -> None:
    with pytest.raises(ToolFailed):
        parse_speedscope(json.dumps(document).encode(), table())


def test_frames_of_processes_are_taken_from_the_root_only_and_hold_no_secret_then() -> None:
    command = ('process 7:"python app.py --password hunter2"', "", 0)
    forged = ("process 8:", "a.py", 1)
    document = speedscope({'Process 7 Thread 7 "main"': [[command, command, MAIN, BURN], [command, forged, BURN]]})
    (thread,) = parse_speedscope(document, table())
    assert thread.process == 7
    assert [[frame.function for frame in stack] for stack in without_process_frames(thread).stacks] == [
        ["<module>", "burn"],
        ["process 8:", "burn"],
    ]
