"""Who holds a GIL is read out of synthetic memory, and not told where it does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import NotSupported, ToolFailed
from razorprof.remote.memory import AddressSpaceGone
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.attach import Attachment
from razorprof.runtimes.cpython.calibrate import calibrate
from razorprof.runtimes.cpython.gil import STRUCT_BYTES
from razorprof.runtimes.cpython.gil_holder_looks import GilHolderLooks
from tests.unit.runtimes.python_images import RUNTIME, PythonImage

PID = 77
VERSIONS = ("3.11.7", "3.12.1", "3.13.0", "3.14.10", "3.15.2")  # they keep native ids; the others are read live


class Holding:
    """An image whose only thread, native id 4000, is known to a frozen /proc as 4000 here too."""

    def __init__(self, version: str, proc: Path) -> None:
        self.image = PythonImage(version)
        (proc / str(PID) / "task" / "4000").mkdir(parents=True)
        (proc / str(PID) / "status").write_text(f"Name:\tpython\nNSpid:\t{PID}\n")
        self.process = ProcessView(PID, proc=proc)
        self.clock = ManualClock()
        self.attached = 0
        self.failure: Exception | None = None
        self.looks = GilHolderLooks(self.process, self.clock, self.attach)

    def attach(self, process: ProcessView) -> Attachment:
        self.attached += 1
        if self.failure is not None:
            raise self.failure
        image = self.image
        proven = calibrate(image.memory, RUNTIME, image.layout, image.hexversion, pause=lambda seconds: None)
        return Attachment(process, image.memory, RUNTIME, image.version, proven)

    def lock(self, holder: int, locked: int) -> None:
        self.image.put(self.image.gil(), "<QQi4xQ", 5000, holder, locked, 42)


@pytest.fixture(params=VERSIONS)
def holding(request: pytest.FixtureRequest, tmp_path: Path) -> Holding:
    return Holding(request.param, tmp_path)


@pytest.fixture
def one(tmp_path: Path) -> Holding:
    return Holding("3.13.0", tmp_path)


def test_the_thread_that_holds_the_lock_is_named(holding: Holding) -> None:
    seen = holding.looks.look()
    assert seen is not None
    assert seen.holders == frozenset({4000})
    start = holding.image.gil()
    assert seen.locks == (range(start, start + STRUCT_BYTES),)


def test_a_lock_that_is_free_has_no_holder_though_it_had_one(holding: Holding) -> None:
    holding.lock(holding.image.thread(), locked=0)
    seen = holding.looks.look()
    assert seen is not None
    assert seen.holders == frozenset()


@pytest.mark.parametrize("holder", [0, 3, 0x58_0000, 0x7FFF_FFFF_0000])
def test_a_holder_that_is_no_thread_of_this_python_is_not_told(one: Holding, holder: int) -> None:
    assert one.looks.look() is not None  # proven while all was well
    one.lock(holder, locked=1)
    seen = one.looks.look()
    assert seen is not None
    assert seen.holders is None
    assert seen.locks


def test_a_native_id_that_the_kernel_does_not_know_is_not_told(one: Holding) -> None:
    at = one.image.layout.thread_native_id
    assert at is not None
    one.image.word(one.image.thread() + at, 4001)
    seen = one.looks.look()
    assert seen is not None
    assert seen.holders is None


def test_memory_that_does_not_fit_for_a_moment_gives_nothing_and_stays_attached(one: Holding) -> None:
    one.looks.look()
    head = RUNTIME + one.image.layout.interpreters_head
    one.image.word(head, 3)
    assert one.looks.look() is None
    one.image.word(head, one.image.addresses[0])
    assert one.looks.look() is not None
    assert one.attached == 1


def test_an_address_space_that_is_gone_is_attached_to_anew_after_a_while(
    one: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.looks.look()

    def gone(address: int, size: int) -> bytes:
        raise AddressSpaceGone("the process runs another program now")

    with monkeypatch.context() as patched:
        patched.setattr(one.image.memory, "read", gone)
        assert one.looks.look() is None
    assert one.looks.look() is None
    one.clock.advance(6.0)
    assert one.looks.look() is not None
    assert one.attached == 2


def test_what_is_refused_for_good_is_not_tried_again_and_what_starts_is(one: Holding) -> None:
    one.failure = ToolFailed("Python is not started in this process (yet)")
    assert one.looks.look() is None
    one.clock.advance(6.0)
    one.failure = NotSupported("a pre-release of Python")
    assert one.looks.look() is None
    one.failure = None
    one.clock.advance(60.0)
    assert one.looks.look() is None
    assert one.attached == 2


def test_a_closed_look_attaches_no_more(one: Holding) -> None:
    one.looks.look()
    one.looks.close()
    one.clock.advance(60.0)
    assert one.looks.look() is None
    assert one.attached == 1
