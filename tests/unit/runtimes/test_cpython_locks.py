from __future__ import annotations

import struct
from typing import cast

import pytest

from razorprof.model.frame import Frame
from razorprof.remote.maps import parse_maps
from razorprof.remote.memory import RemoteMemory, UnreadableMemory
from razorprof.remote.tasks import Syscall, TaskStat
from razorprof.runtimes.cpython.anatomy import PythonThread
from razorprof.runtimes.cpython.lock_owners import holders_inside_with, joined_by_event, joined_by_lock
from razorprof.runtimes.cpython.locks import LockObject, find_locks, read_lock, searched_regions
from razorprof.runtimes.cpython.thread_dump_locks import FutexWait, futex_waits
from razorprof.runtimes.cpython.thread_dump_words import what_is_awaited

BASE = 0x10000
RLOCK_TYPE, LOCK_TYPE, METHOD_TYPE, OTHER_TYPE = BASE + 0x100, BASE + 0x200, BASE + 0x300, BASE + 0x400
SEMAPHORE = 0x7F0000001230


class Image:
    """Memory of a made-up target: 64 KiB from BASE on."""

    def __init__(self) -> None:
        self.content = bytearray(65536)
        self.reads = 0
        for place, kind, name in (
            (0x800, RLOCK_TYPE, b"_thread.RLock"),
            (0x840, LOCK_TYPE, b"_thread.lock"),
            (0x880, METHOD_TYPE, b"builtin_function_or_method"),
            (0x8C0, OTHER_TYPE, b"tuple"),
        ):
            self.content[place : place + len(name)] = name
            self.put(kind + 24, BASE + place)

    def put(self, address: int, *words: int) -> None:
        struct.pack_into(f"<{len(words)}Q", self.content, address - BASE, *words)

    def read(self, address: int, size: int) -> bytes:
        found = self.read_up_to(address, size)
        if len(found) != size:
            raise UnreadableMemory("not there", value=hex(address))
        return found

    def read_up_to(self, address: int, size: int) -> bytes:
        self.reads += 1
        start = address - BASE
        return b"" if start < 0 else bytes(self.content[start : start + size])

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 8), "little")

    def words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))

    @property
    def memory(self) -> RemoteMemory:
        return cast("RemoteMemory", self)


@pytest.fixture
def image() -> Image:
    return Image()


def test_an_rlock_names_its_owner(image: Image) -> None:
    image.put(BASE + 0x1000, 2, RLOCK_TYPE, SEMAPHORE, 0x7FAA, 3)
    found = find_locks(image.memory, [(BASE, BASE + 65536)], {SEMAPHORE}, 1.0)
    assert found.locks == {
        SEMAPHORE: LockObject(BASE + 0x1000, SEMAPHORE, True, True, owner=0x7FAA, count=3),
    }
    assert found.reason == ""


def test_an_rlock_that_nobody_holds_has_no_owner_whatever_stands_there(image: Image) -> None:
    image.put(BASE + 0x1000, 2, RLOCK_TYPE, SEMAPHORE, 0x7FAA, 0)
    lock = read_lock(image.memory, BASE + 0x1000)
    assert lock is not None
    assert not lock.is_held
    assert lock.owner == 0


def test_many_semaphores_are_found_in_one_pass(image: Image) -> None:
    semaphores = {SEMAPHORE + 0x40 * number for number in range(50)}
    for number, semaphore in enumerate(sorted(semaphores)):
        image.put(BASE + 0x2000 + 64 * number, 1, LOCK_TYPE, semaphore, 0, 1)
    assert find_locks(image.memory, [(BASE, BASE + 65536)], semaphores, 1.0).locks.keys() == semaphores


@pytest.mark.parametrize("kind", [OTHER_TYPE, 0, 0xDEAD0001, 1 << 60])
def test_what_is_of_another_type_is_no_lock(image: Image, kind: int) -> None:
    image.put(BASE + 0x1000, 2, kind, SEMAPHORE, 0x7FAA, 3)
    assert find_locks(image.memory, [(BASE, BASE + 65536)], {SEMAPHORE}, 1.0).locks == {}


def test_a_freed_object_is_no_lock(image: Image) -> None:
    image.put(BASE + 0x1000, 0x7F0000ABCDE0, RLOCK_TYPE, SEMAPHORE, 0x7FAA, 3)
    assert read_lock(image.memory, BASE + 0x1000) is None


def test_a_search_that_is_cut_short_says_so(image: Image) -> None:
    found = find_locks(image.memory, [(BASE, BASE + 65536)], {SEMAPHORE}, -1.0)
    assert found.locks == {}
    assert "cut short" in found.reason


def test_the_stacks_of_threads_are_not_searched_but_what_the_kernel_joined_above_them_is() -> None:
    maps = parse_maps(
        b"1000-9000 rw-p 00000000 00:00 0\n"
        b"10000-20000 rw-p 00000000 00:00 0 [heap]\n"
        b"30000-31000 rw-p 00000000 00:00 0 [stack]\n"
        b"40000-41000 r--p 00000000 00:00 0\n"
        b"50000-60000 rw-p 00000000 08:01 12 /some/file\n"
    )
    assert searched_regions(maps, [0x8700]) == [(0x8700, 0x9000), (0x10000, 0x20000)]


def thread_with_stack(image: Image, state: int, chunk: int, *words: int) -> PythonThread:
    """A thread of 3.11 or later whose data stack holds these words."""
    size = 0x1000
    image.put(state + 200, chunk, chunk + 24 + 8 * len(words), chunk + size)
    image.put(chunk, 0, size, 0, *words)
    return PythonThread(state, state + 1, 1)


def test_the_one_thread_inside_a_with_block_seems_to_hold_the_lock(image: Image) -> None:
    lock = LockObject(BASE + 0x1000, SEMAPHORE, False, True)
    image.put(BASE + 0x1100, 1, METHOD_TYPE, 0, lock.address)
    inside = thread_with_stack(image, BASE + 0x4000, BASE + 0x8000, 5, BASE + 0x1100, 0)
    outside = thread_with_stack(image, BASE + 0x5000, BASE + 0xA000, 7)
    held = holders_inside_with(image.memory, [lock], [outside, inside], {}, (3, 12))
    assert held == {lock.address: inside.id}
    waiting = holders_inside_with(image.memory, [lock], [outside, inside], {inside.id: lock.address}, (3, 11))
    assert waiting == {}


def test_what_lies_above_the_top_of_a_stack_does_not_count(image: Image) -> None:
    lock = LockObject(BASE + 0x1000, SEMAPHORE, False, True)
    image.put(BASE + 0x1100, 1, METHOD_TYPE, 0, lock.address)
    thread = thread_with_stack(image, BASE + 0x4000, BASE + 0x8000, 5)
    image.put(BASE + 0x8000 + 24 + 8, BASE + 0x1100)
    assert holders_inside_with(image.memory, [lock], [thread], {}, (3, 12)) == {}


def test_two_threads_inside_make_the_owner_unknown(image: Image) -> None:
    lock = LockObject(BASE + 0x1000, SEMAPHORE, False, True)
    image.put(BASE + 0x1100, 1, METHOD_TYPE, 0, lock.address)
    image.put(BASE + 0x1140, 1, METHOD_TYPE, 0, lock.address)
    one = thread_with_stack(image, BASE + 0x4000, BASE + 0x8000, BASE + 0x1100)
    other = thread_with_stack(image, BASE + 0x5000, BASE + 0xA000, BASE + 0x1140)
    same = thread_with_stack(image, BASE + 0x6000, BASE + 0xC000, BASE + 0x1100)
    assert holders_inside_with(image.memory, [lock], [one, other], {}, (3, 12)) == {}
    assert holders_inside_with(image.memory, [lock], [one, same], {}, (3, 12)) == {}


def test_a_join_up_to_3_12_is_told_by_the_thread_state_that_refers_to_the_lock(image: Image) -> None:
    weakref = BASE + 0x3000
    lock = LockObject(BASE + 0x1000, SEMAPHORE, False, True, weakref=weakref)
    image.put(weakref, 1, OTHER_TYPE, lock.address)
    image.put(BASE + 0x4000 + 160, weakref)
    joined, other = PythonThread(BASE + 0x4000, 77, 1), PythonThread(BASE + 0x6000, 88, 2)
    wait = joined_by_lock(image.memory, lock, [other, joined])
    assert wait is not None
    assert wait.pthread == 77
    image.put(weakref + 16, 12345)
    assert joined_by_lock(image.memory, lock, [other, joined]) is None


def test_a_join_of_3_13_is_told_by_the_handle_that_names_its_thread_twice(image: Image) -> None:
    semaphore, event = BASE + 0x3000, BASE + 0x5000 + 57
    image.put(semaphore - 8, event)
    image.put(event - 25, 77, 77)
    wait = joined_by_event(image.memory, semaphore, [PythonThread(BASE + 0x4000, 77, 1)])
    assert wait is not None
    assert wait.pthread == 77
    assert joined_by_event(image.memory, semaphore, [PythonThread(BASE + 0x4000, 78, 1)]) is None


def task(tid: int, *args: int, state: str = "S", number: int = 202) -> TaskStat:
    return TaskStat(tid, "x", state, 0.0, 0.0, 1, syscall=Syscall(number, (*args, *[0] * (6 - len(args)))))


def test_only_waits_count_as_futex_waits_and_the_gil_is_left_out() -> None:
    tasks = [
        task(1, 0x100, 0x189, 0, 0),
        task(2, 0x200, 0x80, 0, 0x7F00),
        task(3, 0x300, 0x81),  # a wake
        task(4, 0x900, 0x189),  # the GIL
        task(5, 0x100, 0x189, number=1),
        task(6, 0x100, 0x189, state="R"),
    ]
    assert futex_waits(tasks, 202, [range(0x900, 0x910)]) == {
        1: FutexWait(0x100, False),
        2: FutexWait(0x200, True),
    }


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ((("wait", "threading.py"), ("get", "queue.py"), ("run", "app.py")), "an item of a queue"),
        ((("Condition.wait", "threading.py"), ("Event.wait", "threading.py")), "an event"),
        ((("wait", "threading.py"), ("wait", "threading.py"), ("f", "app.py")), "an event"),
        ((("wait", "threading.py"), ("acquire", "threading.py")), "a semaphore"),
        ((("wait", "/usr/lib/python3.8/threading.py"), ("f", "app.py")), "a condition"),
        ((("_wait_for_tstate_lock", "threading.py"), ("join", "threading.py")), "the end of a thread (join)"),
        ((("take", "app.py"), ("run", "threading.py")), ""),
        ((("wait", "my_threading.py"),), ""),
        ((), ""),
    ],
)
def test_the_frames_tell_what_a_lock_stands_for(frames: tuple[tuple[str, str], ...], words: str) -> None:
    assert what_is_awaited([Frame(function, file) for function, file in frames]) == words
