"""Collapsed stacks, there and back."""

from __future__ import annotations

import pytest

from razorprof.errors import ToolFailed
from razorprof.formats.collapsed import Collapsed
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey

MAIN = ThreadId(7, "main: 1")


def profile(*stacks: tuple[tuple[Frame, ...], float]) -> Profile:
    return Profile({StackKey(MAIN, stack): weight for stack, weight in stacks}, seconds=2.0)


def test_stacks_threads_and_lines_survive_the_way_there_and_back() -> None:
    stack = (Frame("main", "app.py", 3), Frame("<lambda>", "lib/x y.py", 9))
    written = Collapsed().write(profile((stack, 1.25)))

    head, line = written.decode().splitlines()
    assert head == "# razorprof unit=microseconds duration_seconds=2.0 samples=0 0"
    assert line == "thread (7): main: 1;main (app.py:3);<lambda> (lib/x y.py:9) 1250000"
    found = Collapsed().read(written)
    assert dict(found.weights) == {StackKey(MAIN, stack): 1.25}
    assert (found.unit, found.seconds) == ("seconds", 2.0)


def test_names_that_would_forge_a_stack_or_a_line_stay_one_frame() -> None:
    hostile = (Frame("evil;root (x.py:1) 99\nforged (y.py:2) 5", "a;b\n.py", 1),)
    [key] = Collapsed().read(Collapsed().write(profile((hostile, 1.0)))).weights
    assert len(key.stack) == 1


def test_counts_of_another_tool_are_read_as_they_are() -> None:
    found = Collapsed().read(b"main;work 3\nmain;work;leaf 4\n\n")
    assert found.total == 7
    assert found.unit == "count"
    assert found.samples == 7
    assert Collapsed().read(b"main 3.5\n").samples == 0  # no counts: nobody knows


@pytest.mark.parametrize("content", [b"main;work\n", b"\x00\xff\xfe", b"a;b -3\n", b"a" * 3_000_000])
def test_a_file_that_is_something_else_is_refused_with_the_line(content: bytes) -> None:
    with pytest.raises(ToolFailed, match="line 1"):
        Collapsed().read(content)
