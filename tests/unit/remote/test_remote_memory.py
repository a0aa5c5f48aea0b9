"""Another process's memory is read completely or not at all, and never another process's."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from collections.abc import Iterator

import pytest

from razorprof.errors import TargetGone
from razorprof.model.target import Identity
from razorprof.remote import memory as memory_module
from razorprof.remote.memory import AddressSpaceGone, ReadPlan, RemoteMemory, UnreadableMemory
from razorprof.remote.namespaces import native_ids, pid_in_own_namespace
from razorprof.remote.process import ProcessView

BUFFER = ctypes.create_string_buffer(bytes(range(256)) * 64)  # its address is the child's too
ADDRESS = ctypes.addressof(BUFFER)


@pytest.fixture
def child() -> Iterator[int]:
    """A copy of ourselves that only waits."""
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    yield pid
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def test_bytes_and_words_are_those_of_the_other_process(child: int) -> None:
    with RemoteMemory(ProcessView(child)) as memory:
        assert memory.read(ADDRESS, 256) == bytes(range(256))
        assert memory.word(ADDRESS) == 0x0706050403020100
        assert memory.words(ADDRESS, 2) == struct.unpack("<2Q", bytes(range(16)))


@pytest.mark.parametrize("count", [1, 3, 5, 40, 2500])
def test_scattered_pieces_come_in_order_however_many(child: int, count: int) -> None:
    pieces = [(ADDRESS + (7 * number) % 8000, 1 + number % 13) for number in range(count)]
    with RemoteMemory(ProcessView(child)) as memory:
        plan = memory.plan(pieces)
        for _ in range(2):
            raw = plan.read()
            for (address, size), place in zip(pieces, plan.offsets, strict=True):
                assert raw[place : place + size] == BUFFER.raw[address - ADDRESS : address - ADDRESS + size]


def test_without_process_vm_readv_the_pieces_are_read_one_by_one(
    child: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "_process_vm_readv", lambda: None)
    with RemoteMemory(ProcessView(child)) as memory:
        raw = memory.plan([(ADDRESS + number, 1) for number in range(100)]).read()
        assert raw == bytes(range(100))


@pytest.mark.parametrize(
    ("address", "size"),
    [(0, 8), (4096, 8), (1 << 60, 8), (-1, 8), (ADDRESS, -1), (ADDRESS, 1 << 40)],
    ids=["null", "unmapped", "beyond", "negative", "negative size", "absurd size"],
)
def test_what_cannot_be_read_is_an_error_not_a_short_answer(child: int, address: int, size: int) -> None:
    with RemoteMemory(ProcessView(child)) as memory:
        with pytest.raises(UnreadableMemory):
            memory.read(address, size)
        assert memory.read_up_to(address, size) == b""


def test_one_bad_piece_among_many_is_an_error(child: int) -> None:
    with RemoteMemory(ProcessView(child)) as memory:
        plan = memory.plan([*[(ADDRESS, 8)] * 20, (4096, 8)])
        with pytest.raises(UnreadableMemory):
            plan.read()
        with pytest.raises(UnreadableMemory):
            ReadPlan(memory, [(ADDRESS, 1 << 30)])


def test_an_ended_process_is_gone_even_while_its_pid_is_kept(child: int) -> None:
    with RemoteMemory(ProcessView(child)) as memory:
        plan = memory.plan([(ADDRESS, 8)] * 30)
        plan.read()
        os.kill(child, signal.SIGKILL)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # a zombie
        with pytest.raises(AddressSpaceGone):
            memory.read(ADDRESS, 8)
        with pytest.raises(AddressSpaceGone):
            plan.read()
        assert memory.read_up_to(ADDRESS, 8) == b""


def test_another_process_under_the_same_pid_is_not_opened(child: int) -> None:
    process = ProcessView(child)
    process.__dict__["identity"] = Identity(child, process.stat().start_ticks - 1)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(TargetGone):
        RemoteMemory(process)
    assert len(os.listdir("/proc/self/fd")) == before


def test_thread_ids_in_our_own_namespace_stay_what_they_are() -> None:
    process = ProcessView(os.getpid())
    assert pid_in_own_namespace(process) == os.getpid()
    assert native_ids(process)[os.getpid()] == os.getpid()
