"""The JVM's dump joined with the kernel's threads: states, owners of locks, deadlocks and what is remarkable."""

from __future__ import annotations

from razorprof_jvm.dump_text import parse_dump
from razorprof_jvm.thread_dump import joined

from razorprof.model.threads import ThreadInfo, ThreadState, WaitsOn

HEAD = '"{name}" #{number} {daemon}prio=5 os_prio=0 tid=0x1 nid={nid} x\n   java.lang.Thread.State: {state}\n'


def thread(name: str, nid: int, state: str, *lines: str, daemon: str = "") -> str:
    head = HEAD.format(name=name, number=nid + 10, nid=hex(nid), state=state, daemon=daemon)
    return head + "".join(f"\t{line}\n" for line in lines) + "\n"


def kernel(*ids: int, state: str = "S") -> list[ThreadInfo]:
    found = ThreadState.RUNNING if state == "R" else ThreadState.IDLE
    return [ThreadInfo(native, f"java-{native}", state=found, kernel_state=state) for native in ids]


def same(*ids: int) -> dict[int, int]:
    return {one: one for one in ids}


HOLDER = thread("holder", 1, "RUNNABLE", "at A.work(A.java:5)", "- locked <0x0a> (a X)")
BLOCKED = thread(
    "blocked", 2, "BLOCKED (on object monitor)", "at A.enter(A.java:9)", "- waiting to lock <0x0a> (a X)"
)
GAVE_BACK = thread(
    "waits", 3, "WAITING (on object monitor)", "at java.lang.Object.wait(Native)", "- waiting on <0x0a> (a X)",
    "at A.await(A.java:3)", "- locked <0x0a> (a X)",
)  # fmt: skip


def test_a_blocked_thread_names_the_thread_that_holds_the_monitor() -> None:
    seen = joined(kernel(1, 2, 3), parse_dump(GAVE_BACK + HOLDER + BLOCKED), same(1, 2, 3), 5.0)
    holder, blocked, waits = seen.threads
    assert blocked.state is ThreadState.WAITING
    assert blocked.waits_on == WaitsOn("monitor", "monitor 0xa (a X)", 10, 1, "exact", False)
    assert holder.locals[0][0].text == "monitor 0xa (a X)"
    assert waits.state is ThreadState.IDLE
    assert waits.locals == ()
    assert waits.waits_on is not None
    assert waits.waits_on.what == "notify() on a X"


def test_ids_of_the_jvm_are_those_of_its_own_namespace() -> None:
    seen = joined(kernel(501, 502), parse_dump(HOLDER + BLOCKED), {1: 501, 2: 502}, 5.0)
    assert [one.name for one in seen.threads] == ["holder", "blocked"]
    assert seen.threads[1].waits_on is not None
    assert seen.threads[1].waits_on.owner == 501


def test_a_thread_that_the_kernel_does_not_have_is_left_out() -> None:
    seen = joined(kernel(2), parse_dump(HOLDER + BLOCKED), same(2), 5.0)
    assert [one.name for one in seen.threads] == ["blocked"]
    assert seen.threads[0].waits_on is not None
    assert seen.threads[0].waits_on.owner is None


def test_a_thread_that_the_dump_does_not_have_keeps_the_kernels_figures() -> None:
    seen = joined(kernel(1, 9), parse_dump(HOLDER), same(1, 9), 5.0)
    assert seen.threads[1].name == "java-9"
    assert seen.threads[1].frames == ()


def test_a_thread_on_a_cpu_stays_running() -> None:
    (seen,) = joined(kernel(1, state="R"), parse_dump(HOLDER), same(1), 5.0).threads
    assert seen.state is ThreadState.RUNNING


SYNC = "java.util.concurrent.locks.ReentrantLock$NonfairSync"
DEADLOCK = f"""
Found one Java-level deadlock:
=============================
"a":
  waiting for ownable synchronizer 0x0b, (a {SYNC}),
  which is held by "b"

"b":
  waiting to lock monitor 0xff (object 0x0a, a X),
  which is held by "a"

Java stack information for the threads listed above:
"""
A = thread("a", 1, "WAITING (parking)", "at U.park(Native Method)", f"- parking to wait for  <0x0b> (a {SYNC})")
B = thread("b", 2, "BLOCKED (on object monitor)", "at A.enter(A.java:9)", "- waiting to lock <0x0a> (a X)")
NAMESAKE = thread("a", 3, "RUNNABLE", "at A.run(A.java:1)")


def test_a_deadlock_of_the_jvm_is_confirmed_and_tells_who_has_a_concurrent_lock() -> None:
    seen = joined(kernel(1, 2, 3), parse_dump(NAMESAKE + A + B + DEADLOCK), same(1, 2, 3), 5.0)
    (found,) = seen.deadlocks
    assert (found.confidence, found.threads) == ("confirmed", (1, 2))
    assert "thread 1 a waits for" in found.why
    assert seen.threads[0].waits_on == WaitsOn("lock", f"lock 0xb (a {SYNC})", 11, 2, "exact", False)
    assert seen.threads[0].state is ThreadState.WAITING
    assert seen.locks_reason == ""


def test_a_deadlock_whose_names_fit_no_thread_is_told_in_the_jvms_words() -> None:
    seen = joined(kernel(3), parse_dump(NAMESAKE + DEADLOCK), same(3), 5.0)
    (found,) = seen.deadlocks
    assert found.threads == ()
    assert "held by b" in found.why


def test_an_owner_that_only_the_jvm_could_tell_is_missed_and_said_so() -> None:
    seen = joined(kernel(1), parse_dump(A), same(1), 5.0)
    assert seen.threads[0].waits_on is not None
    assert seen.threads[0].waits_on.owner is None
    assert "deadlock only" in seen.locks_reason


def test_a_parked_worker_is_idle_and_no_waiter_for_a_lock() -> None:
    queue = "java.util.concurrent.SynchronousQueue$TransferStack"
    text = thread(
        "w", 1, "TIMED_WAITING (parking)", "at U.park(Native)", f"- parking to wait for  <0x0b> (a {queue})"
    )
    (seen,) = joined(kernel(1), parse_dump(text), same(1), 5.0).threads
    assert seen.state is ThreadState.IDLE
    assert seen.waits_on is not None
    assert (seen.waits_on.kind, seen.waits_on.timed) == ("other", True)


def test_what_keeps_it_from_ending_and_what_carries_virtual_threads_is_found() -> None:
    carrier = '"worker" #5 [4] daemon prio=5 tid=0x1 nid=4 x\n   Carrying virtual thread #77\n'
    daemon = thread("d", 3, "RUNNABLE", daemon="daemon ")
    seen = joined(kernel(1, 3, 4), parse_dump(HOLDER + daemon + carrier), same(1, 3, 4), 5.0)
    assert seen.findings[0] == "1 thread keeps it from ending (no daemons): holder"
    assert "worker carries #77" in seen.findings[1]


def test_an_answer_without_threads_and_one_that_was_cut_are_told() -> None:
    assert joined(kernel(1), parse_dump("nonsense"), same(1), 5.0).stacks_reason
    assert "longer" in joined(kernel(1), parse_dump(HOLDER), same(1), 5.0, truncated=True).stacks_reason
