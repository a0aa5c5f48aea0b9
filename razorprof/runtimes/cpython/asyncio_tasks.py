"""How many asyncio tasks are pending: the lists that asyncio.all_tasks goes through. 3.14 and later.

Called by asyncio_watch. Every thread state and every interpreter has the head of a list of its tasks; a task
leaves it when it is done. Earlier versions keep them in objects that nothing in the runtime's state points to.
Tasks of a loop that brings a task class of its own, not derived from asyncio.Task, stand in no such list.

The program goes on while its list is followed: where a neighbour does not point back, the nodes before are looked
at again until one is found that still is in the list. Without such a change the count is exact, else it is close.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from razorprof.errors import ToolFailed
from razorprof.remote.memory import RemoteMemory
from razorprof.runtimes.cpython.anatomy import Interpreter, walk_threads
from razorprof.runtimes.cpython.calibrate import list_is_whole
from razorprof.runtimes.cpython.layout import Layout
from razorprof.runtimes.cpython.linked_blocks import LinkedBlocks

MOST_TASKS = 50_000  # following them takes some 110 ms
_MOST_REPAIRS = 5_000
_MOST_IN_VAIN = 20
_FURTHEST_BACK = 256


class UncountableTasks(ToolFailed):
    """The tasks cannot be counted: too many of them, or they change faster than they are followed."""

    name = "uncountable_tasks"


@dataclass(frozen=True, slots=True)
class TaskCount:
    """tasks: pending ones, of all interpreters; repairs: how often a change got in the way, 0 for an exact
    count."""

    tasks: int
    repairs: int


def tasks_failure(memory: RemoteMemory, interpreters: Sequence[Interpreter], layout: Layout) -> str:
    """Why the lists cannot be read, empty where they are proven to be where the version has them. Below a
    millisecond. Raises CorruptState, UnreadableMemory."""
    where = layout.tasks
    if where is None:
        return "told from Python 3.14 on"
    main = interpreters[0]
    threads = walk_threads(memory, main, layout)
    # Of a thread two lists lie side by side: a layout that is off by one list would have the second one in place
    # of the first, and something else in its place.
    heads = [main.address + where.interpreter]
    heads += [thread.address + at for thread in threads[:16] for at in (where.thread, where.thread_neighbour)]
    if threads and all(list_is_whole(memory, head) for head in heads):
        return ""
    return "the lists of tasks are not where this version has them"


def count_tasks(
    memory: RemoteMemory, interpreters: Sequence[Interpreter], layout: Layout, *, most: int = MOST_TASKS
) -> TaskCount:
    """The pending tasks of all interpreters. About 2.2 us a task.

    Raises UncountableTasks, CorruptState, UnreadableMemory, AddressSpaceGone.
    """
    where = layout.tasks
    if where is None:
        raise UncountableTasks("told from Python 3.14 on")
    tasks = repairs = 0
    for interpreter in interpreters:
        heads = [interpreter.address + where.interpreter]
        heads += [thread.address + where.thread for thread in walk_threads(memory, interpreter, layout)]
        for head in heads:
            if memory.word(head) == head:
                continue
            counted = follow(LinkedBlocks(memory), head, most - tasks)
            tasks, repairs = tasks + counted.tasks, repairs + counted.repairs
    return TaskCount(tasks, repairs)


def follow(blocks: LinkedBlocks, head: int, most: int) -> TaskCount:
    """The length of the list at `head`. Raises UncountableTasks."""
    path = [head]  # the nodes that were found, each the next one's predecessor
    repairs = in_vain = 0
    following = _first(blocks, head)
    while following != head:
        if len(path) > most:
            raise UncountableTasks("more tasks than are counted", value=most)
        node = blocks.node(following)
        if node is None or node[1] != path[-1]:
            node = blocks.fresh(following)
        if node is not None and node[1] == path[-1]:
            path.append(following)
            following = node[0]
            in_vain = 0
            continue
        repairs, in_vain = repairs + 1, in_vain + 1
        if repairs > _MOST_REPAIRS or in_vain > _MOST_IN_VAIN:
            raise UncountableTasks("the tasks change faster than they can be followed")
        following = _take_up_again(blocks, path)
    return TaskCount(len(path) - 1, repairs)


def _take_up_again(blocks: LinkedBlocks, path: list[int]) -> int:
    """The successor of the last node of `path` that is still in the list; what comes after it is dropped."""
    for _ in range(_FURTHEST_BACK):
        if len(path) == 1:
            return _first(blocks, path[0])
        node = blocks.fresh(path[-1])
        if node is not None and node[0] and node[1] == path[-2]:
            return node[0]
        path.pop()
    raise UncountableTasks("the tasks change faster than they can be followed")


def _first(blocks: LinkedBlocks, head: int) -> int:
    node = blocks.fresh(head)
    if node is None or not node[0]:
        raise UncountableTasks("a list of tasks that cannot be read", value=hex(head))
    return node[0]
