"""Tasks are counted along their lists in synthetic memory, also while the lists change and where they lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.clock import ManualClock
from razorprof.runtimes.cpython.anatomy import walk_interpreters
from razorprof.runtimes.cpython.asyncio_tasks import (
    TaskCount,
    UncountableTasks,
    count_tasks,
    follow,
    tasks_failure,
)
from razorprof.runtimes.cpython.asyncio_watch import AsyncioWatch
from razorprof.runtimes.cpython.attach import Attachment
from razorprof.runtimes.cpython.calibrate import calibrate
from razorprof.runtimes.cpython.layout import TasksLayout, layout_for
from razorprof.runtimes.cpython.linked_blocks import BLOCK_BYTES, LinkedBlocks
from tests.unit.runtimes.python_images import RUNTIME, ImageMemory, PythonImage

NODES = 0x54_0000
STRIDE = 0x148  # not a divisor of a block: some nodes lie across two


class TasksImage:
    """An image of a version that keeps lists of tasks, with one interpreter and one thread."""

    def __init__(self, version: str) -> None:
        self.image = PythonImage(version)
        layout = self.image.layout.tasks
        assert layout is not None
        self.where: TasksLayout = layout
        self.thread_head = self.image.thread() + layout.thread
        self.interpreter_head = self.image.addresses[0] + layout.interpreter
        for head in (
            self.thread_head, self.interpreter_head, self.image.thread() + layout.thread_neighbour
        ):  # fmt: skip
            self.link(head, [])

    def link(self, head: int, nodes: list[int]) -> None:
        """Make these nodes the list at `head`."""
        ring = [head, *nodes]
        for place, address in enumerate(ring):
            self.image.put(address, "<2Q", ring[(place + 1) % len(ring)], ring[place - 1])

    def count(self, most: int = 1000) -> TaskCount:
        interpreters = walk_interpreters(self.image.memory, RUNTIME, self.image.layout)
        return count_tasks(self.image.memory, interpreters, self.image.layout, most=most)

    def failure(self) -> str:
        interpreters = walk_interpreters(self.image.memory, RUNTIME, self.image.layout)
        return tasks_failure(self.image.memory, interpreters, self.image.layout)

    def watch(self, clock: ManualClock) -> AsyncioWatch:
        image = self.image
        proven = calibrate(image.memory, RUNTIME, image.layout, image.hexversion)
        return AsyncioWatch(Attachment(image.memory.process, image.memory, RUNTIME, image.version, proven), clock)


@pytest.fixture(params=["3.14.10", "3.15.2"])
def tasks(request: pytest.FixtureRequest) -> TasksImage:
    return TasksImage(request.param)


def nodes(count: int, first: int = NODES) -> list[int]:
    return [first + STRIDE * number for number in range(count)]


def test_tasks_of_threads_and_of_threads_that_have_ended_are_counted(tasks: TasksImage) -> None:
    tasks.link(tasks.thread_head, nodes(300))
    tasks.link(tasks.interpreter_head, nodes(7, NODES + 300 * STRIDE))
    assert tasks.failure() == ""
    assert tasks.count() == TaskCount(307, 0)


def test_a_program_without_tasks_has_none_of_them(tasks: TasksImage) -> None:
    assert tasks.failure() == ""
    assert tasks.count() == TaskCount(0, 0)


def test_neighbouring_nodes_share_a_read(tasks: TasksImage) -> None:
    tasks.link(tasks.thread_head, nodes(300))
    tasks.image.memory.reads = 0
    blocks = LinkedBlocks(tasks.image.memory)
    assert follow(blocks, tasks.thread_head, 1000).tasks == 300
    assert tasks.image.memory.reads <= 2 * (300 * STRIDE // BLOCK_BYTES + 2)


@pytest.mark.parametrize("shift", [-24, -16, 8, 16, 24])
def test_lists_that_lie_elsewhere_are_no_figure(tasks: TasksImage, shift: int) -> None:
    image = tasks.image
    moved = replace(
        image.layout,
        tasks=replace(
            tasks.where,
            thread=tasks.where.thread + shift,
            thread_neighbour=tasks.where.thread_neighbour + shift,
        ),
    )
    interpreters = walk_interpreters(image.memory, RUNTIME, image.layout)
    assert "not where this version has them" in tasks_failure(image.memory, interpreters, moved)


def test_versions_below_3_14_keep_no_such_lists() -> None:
    image = PythonImage("3.13.0")
    interpreters = walk_interpreters(image.memory, RUNTIME, image.layout)
    assert layout_for("3.13.0").tasks is None
    assert tasks_failure(image.memory, interpreters, image.layout) == "told from Python 3.14 on"
    with pytest.raises(UncountableTasks):
        count_tasks(image.memory, interpreters, image.layout)


def test_more_tasks_than_are_counted_are_no_figure(tasks: TasksImage) -> None:
    tasks.link(tasks.thread_head, nodes(30))
    with pytest.raises(UncountableTasks, match="more tasks"):
        tasks.count(most=29)


def test_a_list_that_never_comes_back_to_its_head_is_no_figure(tasks: TasksImage) -> None:
    first, second, third = nodes(3)
    tasks.link(tasks.thread_head, [first, second, third])
    tasks.image.word(third, first)  # a circle that leaves the head out
    with pytest.raises(UncountableTasks):
        tasks.count()


def test_a_node_outside_memory_is_no_figure(tasks: TasksImage) -> None:
    tasks.link(tasks.thread_head, nodes(3))
    tasks.image.word(nodes(3)[1], 0x7FFF_FFFF_0000)
    with pytest.raises(UncountableTasks):
        tasks.count()


class ChangingMemory(ImageMemory):
    """Changes the image when one address is read for the first time."""

    def __init__(self, image: bytearray, at: int, change: Callable[[], None]) -> None:
        super().__init__(image)
        self._at, self._change = at, change
        self._changed = False

    def read_up_to(self, address: int, size: int) -> bytes:
        found = super().read_up_to(address, size)
        if not self._changed and address <= self._at < address + size:
            self._changed = True
            self._change()
        return found


def test_a_task_that_ends_while_its_list_is_followed_is_passed_over(tasks: TasksImage) -> None:
    listed = nodes(400)
    tasks.link(tasks.thread_head, listed)
    block = next(n for n in range(1, 400) if listed[n] // BLOCK_BYTES != listed[n - 1] // BLOCK_BYTES)
    ends = listed[block - 5 : block + 5]  # on both sides of a block's border

    def change() -> None:
        tasks.link(tasks.thread_head, [node for node in listed if node not in ends])
        for node in ends:
            tasks.image.put(node, "<2Q", 0, 0)

    memory = ChangingMemory(tasks.image.bytes, listed[block - 6], change)
    counted = follow(LinkedBlocks(memory), tasks.thread_head, 1000)
    assert counted.repairs > 0
    assert counted.tasks == 390


def test_tasks_are_counted_again_only_after_a_multiple_of_what_it_took(tasks: TasksImage) -> None:
    clock = ManualClock()
    watch = tasks.watch(clock)
    tasks.link(tasks.thread_head, nodes(5))
    interpreters = walk_interpreters(tasks.image.memory, RUNTIME, tasks.image.layout)
    assert [sample.value for sample in watch.samples(interpreters)] == [5]
    assert watch.reason == ""
    tasks.link(tasks.thread_head, nodes(2))
    clock.advance(1.0)
    assert [sample.value for sample in watch.samples(interpreters)] == [2]


def test_a_figure_that_cannot_be_had_gives_its_reason_and_comes_back(tasks: TasksImage) -> None:
    clock = ManualClock()
    watch = tasks.watch(clock)
    interpreters = walk_interpreters(tasks.image.memory, RUNTIME, tasks.image.layout)
    tasks.image.word(tasks.thread_head, 0)
    assert list(watch.samples(interpreters)) == []
    assert "not where" in watch.reason
    tasks.link(tasks.thread_head, nodes(4))
    assert list(watch.samples(interpreters)) == []  # not yet: it is tried again later
    clock.advance(6.0)
    assert [sample.value for sample in watch.samples(interpreters)] == [4]
    assert watch.reason == ""


HEAD = 0x8000
HOSTILE_WORDS = st.one_of(
    st.integers(0, 2**64 - 1),
    st.integers(0, 40).map(lambda number: HEAD + 8 * number),
    st.just(HEAD),
)


@given(st.lists(HOSTILE_WORDS, min_size=2, max_size=40))
def test_memory_of_any_content_gives_a_bounded_walk_and_never_more_than_it_holds(words: list[int]) -> None:
    image = bytearray(HEAD + 0x400)
    for number, word in enumerate(words):
        image[HEAD + 8 * number : HEAD + 8 * number + 8] = word.to_bytes(8, "little")
    memory = ImageMemory(image)
    try:
        counted = follow(LinkedBlocks(memory), HEAD, 1000)
    except UncountableTasks:
        assert memory.reads < 10_000
    else:
        assert counted.tasks <= len(words)
