from __future__ import annotations

from razorprof.analysis.stack_groups import group_threads
from razorprof.model.frame import Frame
from razorprof.model.threads import Deadlock, Local, ThreadDump, ThreadGroup, ThreadInfo, ThreadState, WaitsOn
from razorprof.render.thread_report import Tone, thread_report


def dump_of(*threads: ThreadInfo, deadlocks: tuple[Deadlock, ...] = (), reason: str = "") -> ThreadDump:
    return ThreadDump(1.0, threads, groups=group_threads(threads), deadlocks=deadlocks, locks_reason=reason)


def texts(dump: ThreadDump, width: int | None = None) -> list[str]:
    return [line.text for line in thread_report(dump, width)]


def test_a_deadlock_comes_first_and_its_threads_before_others() -> None:
    wait = WaitsOn("rlock", "RLock 0x10", 16, 2, "exact", False)
    busy = ThreadInfo(9, "busy", state=ThreadState.PYTHON, holds_gil=True)
    stuck = ThreadInfo(1, "a", state=ThreadState.WAITING, waits_on=wait)
    other = ThreadInfo(2, "b", state=ThreadState.WAITING, frames=(Frame("f", "x.py", 3),))
    dump = dump_of(busy, stuck, other, deadlocks=(Deadlock("confirmed", (1, 2), "one; two"),))
    lines = list(thread_report(dump))
    assert lines[0].text == "DEADLOCK confirmed: threads 1, 2"
    assert lines[0].tone is Tone.BAD
    assert [line.text for line in lines[1:3]] == ["  one", "  two"]
    assert lines[3].text == "GIL: held by thread 9 busy"
    headings = [line.text for line in lines if line.text.startswith("thread ")]
    assert headings[0].startswith("thread 2 b: waiting")  # with a stack before those without
    assert headings[1] == "thread 1 a: waiting; waits for RLock 0x10 held by thread 2 b"
    assert headings[-1].startswith("thread 9 busy: python, holds the GIL")


def test_what_could_not_be_seen_stands_beside_the_verdict() -> None:
    assert texts(dump_of(ThreadInfo(1), reason="cut short"))[0] == (
        "no deadlock found, but not all could be seen: cut short"
    )


def test_an_estimated_owner_is_told_as_one_and_a_time_out_too() -> None:
    wait = WaitsOn("lock", "Lock 0x10", 16, 2, "estimated", True)
    text = "\n".join(texts(dump_of(ThreadInfo(1, "a", state=ThreadState.WAITING, waits_on=wait))))
    assert "waits for Lock 0x10 seems held by thread 2, with a time-out" in text


def test_many_equal_stacks_are_told_once() -> None:
    frames = (Frame("get", "queue.py", 10),)
    threads = [ThreadInfo(n, f"w{n}", state=ThreadState.IDLE, frames=frames) for n in range(1, 201)]
    told = texts(dump_of(*threads))
    assert sum("get (queue.py:10)" in line for line in told) == 1
    assert "200 threads idle with this stack:" in told
    assert any("and 188 more" in line for line in told)


def test_threads_of_one_stack_are_told_one_by_one_with_their_variables() -> None:
    frames = (Frame("get", "queue.py", 10),)
    threads = [ThreadInfo(n, f"w{n}", frames=frames, locals=((Local("job", str(n * 11)),),)) for n in (1, 2, 3)]
    told = texts(dump_of(*threads))
    assert [line.strip() for line in told if "job" in line] == ["job = 11", "job = 22", "job = 33"]
    assert told[-3:] == ["thread 3 w3: unknown", "    get (queue.py:10)", "        job = 33"]


def test_a_recursion_is_told_once_with_its_depth() -> None:
    frames = (Frame("leaf", "x.py", 1), *[Frame("descend", "x.py", 19)] * 30, Frame("main", "x.py", 5))
    lines = texts(dump_of(ThreadInfo(1, "w", state=ThreadState.RUNNING, frames=frames)))
    assert lines[-3:] == ["    leaf (x.py:1)", "    descend (x.py:19), 30 times", "    main (x.py:5)"]


def test_nothing_of_the_target_reaches_the_terminal_unescaped_and_lines_keep_to_the_width() -> None:
    evil = "x\x1b[2J\n" * 50
    thread = ThreadInfo(
        1, evil, frames=(Frame(evil, evil, 1),), waits_on=WaitsOn("io", evil), locals=((Local(evil, evil),),)
    )
    dump = dump_of(thread, deadlocks=(Deadlock("suspected", (1,), evil),), reason=evil)
    for line in texts(dump, 80):
        assert "\x1b" not in line
        assert "\n" not in line
    assert all(len(line) <= 80 for line in texts(dump, 80) if line.startswith("    "))


def test_an_unknown_holder_of_the_gil_is_not_told_as_nobody() -> None:
    assert "GIL: its holder could not be told" in texts(dump_of(ThreadInfo(1, holds_gil=None)))
    assert "GIL: nobody holds it" in texts(dump_of(ThreadInfo(1, holds_gil=False)))


def test_a_runtime_without_a_gil_says_nothing_of_one_and_findings_come_before_the_counts() -> None:
    frames = (Frame("wait", "chan.go", 7),)
    group = ThreadGroup(ThreadState.WAITING, frames, (), 900, "chan receive", 720.0, Frame("main.leak", "m.go", 9))
    one = ThreadInfo(
        17,
        state=ThreadState.RUNNING,
        frames=(Frame("main.main", "m.go", 3),),
        waited=65.0,
        started_by=Frame("runtime.main", "proc.go", 1),
    )
    dump = ThreadDump(
        1.0,
        (one,),
        groups=(ThreadGroup(ThreadState.RUNNING, one.frames, (17,)), group),
        locks_reason="Go names no owners",
        kind="goroutine",
        has_gil=False,
        findings=("900 wait at \x1b[2Jone place",),
    )
    told = texts(dump)
    assert not any("GIL" in line or "Python" in line for line in told)
    assert told[1].startswith("900 wait at ")
    assert "\x1b" not in "".join(told)
    assert "901 goroutines: 1 running, 900 waiting" in told
    assert "goroutine 17: running for 1 m 5 s" in told
    assert "    started by runtime.main (proc.go:1)" in told
    assert "900 goroutines waiting (chan receive) for 12 m with this stack:" in told
    assert told[-2:] == ["    wait (chan.go:7)", "    started by main.leak (m.go:9)"]
