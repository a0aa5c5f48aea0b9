from __future__ import annotations

from razorprof.analysis.stack_groups import group_threads
from razorprof.model.frame import Frame
from razorprof.model.threads import ThreadInfo, ThreadState

GET = (Frame("get", "queue.py", 10),)


def test_equal_stacks_in_the_same_state_are_one_group_and_the_largest_comes_first() -> None:
    threads = [
        ThreadInfo(5, state=ThreadState.PYTHON, frames=GET),
        ThreadInfo(4, state=ThreadState.WAITING, frames=GET),
        ThreadInfo(2, state=ThreadState.WAITING, frames=GET),
    ]
    groups = group_threads(threads)
    assert [(group.state, group.threads) for group in groups] == [
        (ThreadState.WAITING, (2, 4)),
        (ThreadState.PYTHON, (5,)),
    ]


def test_another_line_is_another_stack() -> None:
    threads = [ThreadInfo(1, frames=GET), ThreadInfo(2, frames=(Frame("get", "queue.py", 11),))]
    assert len(group_threads(threads)) == 2


def test_no_threads_are_no_groups() -> None:
    assert group_threads([]) == ()
