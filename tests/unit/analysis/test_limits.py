"""The verdict: right or unclear, never wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from razorprof.analysis.limits import Look, judge
from razorprof.model.frame import Frame
from razorprof.model.threads import ThreadDump, ThreadInfo, WaitsOn
from razorprof.model.verdict import Limit


def thread(number: int, kind: str | None, what: str = "", where: Frame | None = None) -> ThreadInfo:
    waits = WaitsOn(kind, what) if kind else None
    frame = where or Frame("handle", "app/server.py", 10)
    return ThreadInfo(number, kernel_state="S" if kind else "R", waits_on=waits, frames=(frame,))


def busy(number: int, cpu: float, kind: str | None) -> ThreadInfo:
    return replace(thread(number, kind, "recv from a socket"), cpu_ratio=cpu)


def dump(*threads: ThreadInfo) -> ThreadDump:
    return ThreadDump(0.0, threads)


IDLE_WORKER = Frame("Queue.get", "/usr/lib/python3.11/queue.py", 171)
POOL = Frame("_worker", "/usr/lib/python3.11/concurrent/futures/thread.py", 81)


@pytest.mark.parametrize(
    ("look", "limit"),
    [
        (Look(1, cpu=0.98, gil_held=0.97, gil_waiters=0.0, gc=0.01, threads=dump(thread(1, None))), Limit.PYTHON),
        (Look(1, cpu=1.01, gil_held=1.0, gil_waiters=3.1, gc=0.02), Limit.GIL),
        (Look(1, cpu=3.9, gil_held=0.05, gil_waiters=0.0, gc=0.0), Limit.NATIVE),
        (Look(1, cpu=0.99, gil_held=0.99, gil_waiters=0.0, gc=0.62), Limit.GC),
        (Look(1, cpu=0.55, gil_held=0.6, gil_waiters=0.2, gc=0.26), Limit.GC),
        (Look(1, cpu=0.50, gil_held=0.5, gil_waiters=0.0, throttled=0.48), Limit.THROTTLED),
        (Look(1, cpu=0.10, major_faults=900.0, memory_stalled=0.7), Limit.PAGING),
        (Look(1, cpu=0.50, gil_held=0.5, run_delay=1.5), Limit.RUN_QUEUE),
        (Look(1, cpu=0.97), Limit.CPU),
        (Look(1, cpu=0.02, threads=dump(*(thread(i, "lock") for i in range(4)))), Limit.LOCK),
        (Look(1, cpu=0.03, threads=dump(thread(1, "io", "recv from 10.0.0.5:5432"))), Limit.IO),
        (Look(1, cpu=0.00, threads=dump(thread(1, "sleep"), thread(2, "lock", "", IDLE_WORKER))), Limit.IDLE),
        (Look(1, cpu=0.01, threads=dump(thread(1, "io", "epoll of 12 descriptors"))), Limit.IDLE),
        (Look(1, cpu=0.9, stopped=True), Limit.STOPPED),
    ],
)
def test_a_clear_case_is_named(look: Look, limit: Limit) -> None:
    verdict = judge([look] * 5)
    assert verdict.limit is limit
    assert verdict.share is not None
    assert verdict.words
    assert verdict.evidence or limit is Limit.STOPPED


@pytest.mark.parametrize(
    "look",
    [
        Look(1, cpu=1.0, gil_held=0.5, gil_waiters=0.0, gc=0.0),  # half Python, half native
        Look(1, cpu=0.6, threads=dump(thread(1, "io", "recv from 10.0.0.5:5432"))),
        Look(1, cpu=0.2),  # not known what the rest of the time goes to
        Look(1, cpu=0.1, threads=dump(thread(1, "lock"), thread(2, "io", "recv from a socket"))),
        Look(1),
    ],
)
def test_a_mixed_or_unknown_case_is_unclear(look: Look) -> None:
    verdict = judge([look] * 5)
    assert verdict.limit is Limit.UNCLEAR
    assert verdict.share is None


def test_a_peer_that_only_waits_does_not_turn_a_mixed_program_into_one_limited_by_io() -> None:
    computing = Look(1, cpu=0.5, threads=dump(busy(1, 0.5, None), busy(2, 0.0, "io")))
    asking = Look(1, cpu=0.5, threads=dump(busy(1, 0.5, "io"), busy(2, 0.0, "io")))
    assert judge([computing, asking] * 3).limit is Limit.UNCLEAR


def test_workers_that_mostly_wait_for_data_are_limited_by_io_whatever_idle_threads_do() -> None:
    idle = [busy(number, 0.0, "sleep") for number in range(10, 20)]
    look = Look(1, cpu=0.24, threads=dump(*(busy(number, 0.08, "io") for number in range(3)), *idle))
    assert judge([look] * 5).limit is Limit.IO


def test_a_program_that_computes_and_sleeps_in_turns_is_told_by_what_it_does_when_awake() -> None:
    look = Look(1, cpu=0.5, gil_held=0.5, gil_waiters=0.0, gc=0.0, threads=dump(busy(1, 0.5, "sleep")))
    verdict = judge([look] * 5)
    assert verdict.limit is Limit.PYTHON
    assert verdict.share == pytest.approx(0.5)
    assert "asleep" in verdict.words


def test_a_gil_that_is_free_for_half_of_the_time_limits_nobody() -> None:
    look = Look(1, cpu=0.55, gil_held=0.55, gil_waiters=0.6, gc=0.03, threads=dump(busy(1, 0.55, "sleep")))
    assert judge([look] * 5).limit is Limit.PYTHON


def test_a_program_that_waits_for_a_cpu_is_not_called_asleep() -> None:
    look = Look(
        1, cpu=0.57, gil_held=1.0, gil_waiters=0.0, gc=0.0, run_delay=0.4, threads=dump(busy(1, 0.57, None))
    )
    verdict = judge([look] * 5)
    assert verdict.limit is Limit.PYTHON
    assert "waits for a CPU 40 %" in verdict.words
    assert "asleep" not in verdict.words


def test_the_collectors_share_is_taken_of_the_time_that_python_runs_not_of_cpu_time() -> None:
    look = Look(1, cpu=0.30, gil_held=0.60, gil_waiters=0.0, gc=0.31, run_delay=0.3)
    verdict = judge([look] * 5)
    assert verdict.limit is Limit.GC
    assert "52 %" in verdict.words
    assert verdict.split[Limit.PYTHON] == pytest.approx(0.30 * (1 - 0.31 / 0.60))


def test_half_computing_and_half_waiting_stays_unclear_on_a_crowded_machine() -> None:
    computing = Look(1, cpu=0.3, run_delay=0.2, threads=dump(busy(1, 0.3, None)))
    asking = Look(1, cpu=0.3, run_delay=0.2, threads=dump(busy(1, 0.3, "io")))
    assert judge([computing, asking, asking] * 2).limit is Limit.UNCLEAR


def test_few_instants_do_not_prove_that_a_thread_sleeps() -> None:
    looks = [Look(1, cpu=0.4, gil_held=0.4, threads=dump(busy(1, 0.4, kind))) for kind in (None, None, None, "io")]
    assert judge(looks).limit is Limit.UNCLEAR
    long = [dump(busy(1, 0.4, kind)) for kind in (None, "sleep") * 10]
    assert judge(looks, long).limit is Limit.PYTHON


def test_nothing_seen_is_unclear() -> None:
    assert judge([]).limit is Limit.UNCLEAR


def test_idle_pool_workers_do_not_count_as_waiting_for_a_lock() -> None:
    pool = dump(*(thread(i, "lock", "", POOL) for i in range(30)))
    assert judge([Look(1, cpu=0.01, threads=pool)]).limit is Limit.IDLE


def test_without_a_reading_of_the_gil_python_and_native_are_not_told_apart() -> None:
    verdict = judge([Look(1, cpu=0.97)])
    assert Limit.PYTHON not in verdict.split
    assert verdict.split[Limit.CPU] == pytest.approx(0.97)


def test_looks_are_weighted_by_their_length() -> None:
    verdict = judge([Look(9.0, cpu=1.0, gil_held=1.0), Look(1.0, cpu=0.0, gil_held=0.0)])
    assert verdict.split[Limit.PYTHON] == pytest.approx(0.9)
