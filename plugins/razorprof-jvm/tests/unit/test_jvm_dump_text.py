"""Thread dumps of HotSpot as text: of several versions, with names made to confuse, and cut off anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from razorprof_jvm.dump_text import MOST_FRAMES, MOST_LOCKS, DumpText, parse_dump

from razorprof.model.frame import Frame

JAVA_17 = """2026-11-30 23:01:08
Full thread dump OpenJDK 64-Bit Server VM (17.0.9+9 mixed mode, sharing):

Threads class SMR info:
_java_thread_list=0x00007f95e4000c40, length=2, elements={
0x00007f965c0178f0, 0x00007f965c0564e0
}

"main" #1 prio=5 os_prio=0 cpu=72.26ms elapsed=6.26s tid=0x00007f965c0178f0 nid=0x77d9 waiting on condition
   java.lang.Thread.State: TIMED_WAITING (sleeping)
\tat java.lang.Thread.sleep(java.base@17.0.9/Native Method)
\tat Dead.main(Dead.java:12)

"first" #12 daemon prio=7 os_prio=0 cpu=0.48ms elapsed=5.98s tid=0x00007f965c nid=0x77ff waiting for monitor entry
   java.lang.Thread.State: BLOCKED (on object monitor)
\tat Dead.lambda$main$0(Dead.java:7)
\t- waiting to lock <0x00000000feb86130> (a java.lang.Object)
\t- locked <0x00000000feb86120> (a java.lang.Object)
\tat Dead$$Lambda$1/0x00007f9600000a08.run(Unknown Source)
\tat java.lang.Thread.run(java.base@17.0.9/Thread.java:840)

"waits" #13 prio=5 os_prio=0 tid=0x00007f965c0b08e0 nid=0x7800 in Object.wait()  [0x00007f]
   java.lang.Thread.State: WAITING (on object monitor)
\tat java.lang.Object.wait(java.base@17.0.9/Native Method)
\t- waiting on <0x00000000feb86578> (a java.lang.Object)
\tat Dead.lambda$main$4(Dead.java:11)
\t- locked <0x00000000feb86578> (a java.lang.Object)
\t- locked <0x00000000feb86999> (a java.lang.Class for Dead)

"parked" #14 prio=5 os_prio=0 tid=0x00007f965c0b2bc0 nid=0x7801 waiting on condition  [0x00007f9644dfd000]
   java.lang.Thread.State: WAITING (parking)
\tat jdk.internal.misc.Unsafe.park(java.base@17.0.9/Native Method)
\t- parking to wait for  <0x00000000feb86558> (a java.util.concurrent.locks.ReentrantLock$NonfairSync)

"VM Thread" os_prio=0 cpu=1.12ms elapsed=6.14s tid=0x00007f965c051c80 nid=0x77ee runnable

JNI global refs: 4, weak refs: 0


Found one Java-level deadlock:
=============================
"first":
  waiting to lock monitor 0x00007f95c80016e0 (object 0x00000000feb86130, a java.lang.Object),
  which is held by "second"

"second":
  waiting for ownable synchronizer 0x00000000feb86120, (a java.util.concurrent.locks.ReentrantLock$NonfairSync),
  which is held by "first"

Java stack information for the threads listed above:
===================================================
"first":
\tat Dead.lambda$main$0(Dead.java:7)

Found 1 deadlock.
"""
JAVA_8 = """Full thread dump OpenJDK 64-Bit Server VM (25.392-b08 mixed mode):

"Finalizer" #3 daemon prio=8 os_prio=0 tid=0x00007f3c3c0b5000 nid=0x2f0a in Object.wait() [0x00007f3c2d4f3000]
   java.lang.Thread.State: WAITING (on object monitor)
\tat java.lang.Object.wait(Native Method)
\t- waiting on <0x00000000d5b88ee0> (a java.lang.ref.ReferenceQueue$Lock)
\tat java.lang.ref.ReferenceQueue.remove(ReferenceQueue.java:144)
\t- locked <0x00000000d5b88ee0> (a java.lang.ref.ReferenceQueue$Lock)
"""
JAVA_21 = """"main" #1 [31300] prio=5 os_prio=0 cpu=1.50ms tid=0x7f nid=31300 waiting on condition  [0x0]

"ForkJoinPool-1-worker-1" #22 [31337] daemon prio=5 os_prio=0 cpu=1.50ms tid=0x7f  [0x0]
   Carrying virtual thread #21
\tat jdk.internal.vm.Continuation.run(java.base@21/Continuation.java:251)
"""


def test_a_thread_has_its_name_number_state_stack_and_ids() -> None:
    main, first, *_ = parse_dump(JAVA_17).threads
    assert (main.name, main.number, main.nid, main.is_daemon) == ("main", 1, 0x77D9, False)
    assert (main.state, main.detail) == ("TIMED_WAITING", "sleeping")
    assert main.cpu_seconds == pytest.approx(0.07226)
    assert main.frames == [Frame("java.lang.Thread.sleep", "native"), Frame("Dead.main", "Dead.java", 12)]
    assert (first.is_daemon, first.priority, first.age) == (True, 7, 5.98)
    assert first.frames[1].file == ""
    assert first.frames[2] == Frame("java.lang.Thread.run", "Thread.java", 840)


def test_locks_are_told_apart_by_what_the_thread_does_with_them() -> None:
    _, first, waits, parked, vm = parse_dump(JAVA_17).threads
    assert first.waits_for is not None
    assert (first.waits_for.how, first.waits_for.address) == ("waiting to lock", 0xFEB86130)
    assert [lock.address for lock in first.holds] == [0xFEB86120]
    assert waits.waits_for is not None
    assert waits.waits_for.how == "waiting on"
    assert [lock.what for lock in waits.holds] == ["java.lang.Class for Dead"]  # wait() gave the other back
    assert parked.waits_for is not None
    assert parked.waits_for.what == "java.util.concurrent.locks.ReentrantLock$NonfairSync"
    assert (vm.number, vm.state, vm.nid) == (None, "", 0x77EE)


def test_the_deadlocks_of_the_jvm_are_read_and_their_stacks_are_not_taken_for_threads() -> None:
    seen = parse_dump(JAVA_17)
    ((first, second),) = seen.deadlocks
    assert (first.name, first.address, first.what, first.owner) == (
        "first",
        0xFEB86130,
        "java.lang.Object",
        "second",
    )
    assert (second.name, second.address, second.owner) == ("second", 0xFEB86120, "first")
    assert len(seen.threads) == 5


def test_older_and_newer_versions_are_read() -> None:
    (old,) = parse_dump(JAVA_8).threads
    assert (old.nid, old.state, old.frames[0]) == (0x2F0A, "WAITING", Frame("java.lang.Object.wait", "native"))
    assert old.holds == []
    main, new = parse_dump(JAVA_21).threads
    assert (main.nid, main.carries) == (31300, None)
    assert (new.nid, new.number, new.carries) == (31337, 22, 21)


def test_a_name_may_hold_quotes_and_what_looks_like_a_thread() -> None:
    name = 'a" #7 prio=5 tid=0x1 nid=0x1 runnable'
    text = f'"{name}" #8 prio=5 os_prio=0 tid=0x2 nid=0x2 runnable\n'
    (thread,) = parse_dump(text).threads
    assert (thread.name, thread.number, thread.nid) == (name, 8, 2)


def test_what_follows_a_head_that_is_not_known_is_not_the_thread_before() -> None:
    text = '"a" #1 prio=5 tid=0x1 nid=0x1 x\n\tat A.b(A.java:1)\n\n"b" from the future\n\tat C.d(C.java:1)\n'
    (thread,) = parse_dump(text).threads
    assert len(thread.frames) == 1


def test_everything_is_bounded() -> None:
    frames = "\tat A.b(C.java:1)\n" * (MOST_FRAMES + 10)
    locks = "\t- locked <0x01> (a X)\n" * (MOST_LOCKS + 10)
    text = (
        '"' + "n" * 3000 + '" #1 prio=5 tid=0x1 nid=0x1 runnable\n' + frames + locks + "\tat " + "x" * 9999 + "(Y)"
    )
    (thread,) = parse_dump(text).threads
    assert len(thread.name) == 512
    assert len(thread.frames) == MOST_FRAMES
    assert len(thread.locks) == MOST_LOCKS


@given(st.integers(0, len(JAVA_17)), st.integers(0, 200), st.text(max_size=40))
def test_a_dump_that_is_cut_or_changed_anywhere_is_read_as_far_as_it_goes(
    at: int, without: int, instead: str
) -> None:
    seen = parse_dump(JAVA_17[:at] + instead + JAVA_17[at + without :])
    assert isinstance(seen, DumpText)
    assert len(seen.threads) <= 6
    for thread in seen.threads:
        assert thread.nid >= 0


def test_text_that_is_no_dump_has_no_threads() -> None:
    assert parse_dump("").threads == []
    assert parse_dump("Usage: java [options]\n" * 100).threads == []
