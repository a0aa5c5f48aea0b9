"""Figures per thread out of a frozen /proc, and rates out of two looks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.errors import TargetGone
from razorprof.remote.process import CLOCK_TICKS, ProcessView
from razorprof.remote.tasks import Syscall, TaskRates, TaskReader, TaskStat


def write_task(
    proc: Path, tid: int, *, comm: str = "worker", state: str = "S", user: int = 200, **files: str
) -> None:
    folder = proc / "42" / "task" / str(tid)
    folder.mkdir(parents=True)
    fields = ["0"] * 50  # proc(5): the state is field 3
    fields[0], fields[11], fields[12], fields[19], fields[36] = state, str(user), "100", "777", "1"
    (folder / "stat").write_text(f"{tid} ({comm}) {' '.join(fields)}\n")
    for name, content in {"schedstat": "2000000000 500000000 7\n", **files}.items():
        (folder / name).write_text(content)


def read(proc: Path, with_syscalls: bool = False, most_open: int = 256) -> list[TaskStat]:
    reader = TaskReader(ProcessView(42, proc=proc), most_open=most_open)
    try:
        return reader.read(with_syscalls)
    finally:
        reader.close()


def test_each_thread_has_its_name_state_and_times(tmp_path: Path) -> None:
    write_task(tmp_path, 43, comm="a) b (c\n")
    (task,) = read(tmp_path)
    assert (task.tid, task.comm, task.state, task.start_ticks, task.processor) == (43, "a) b (c\n", "S", 777, 1)
    assert (task.user_seconds, task.system_seconds) == (200 / CLOCK_TICKS, 100 / CLOCK_TICKS)
    assert (task.run_seconds, task.delay_seconds) == (2.0, 0.5)
    assert (task.syscall, task.syscall_reason) == (None, "not asked for")


def test_threads_come_ascending_by_id(tmp_path: Path) -> None:
    for tid in (100, 42, 9):
        write_task(tmp_path, tid)
    assert [task.tid for task in read(tmp_path)] == [9, 42, 100]


def test_the_system_call_is_read_on_demand(tmp_path: Path) -> None:
    write_task(
        tmp_path, 42, syscall="202 0x7f10 0x189 0x0 0x0 0x0 0xffffffff 0x7ffd 0x7f00\n", wchan="futex_do_wait"
    )
    (task,) = read(tmp_path, with_syscalls=True)
    assert task.syscall == Syscall(202, (0x7F10, 0x189, 0, 0, 0, 0xFFFFFFFF))
    assert task.wchan is None  # the call tells more


@pytest.mark.parametrize("content", ["219 0x0 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f00", "-1 0x7ffd 0x7f00"])
def test_the_kernel_function_is_read_where_the_call_tells_nothing(tmp_path: Path, content: str) -> None:
    write_task(tmp_path, 42, syscall=content, wchan="futex_do_wait")
    assert read(tmp_path, with_syscalls=True)[0].wchan == "futex_do_wait"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("running", "running"),
        ("-1 0x7ffd 0x7f00", "in no system call"),
        ("x y", "its system call could not be parsed"),
    ],
)
def test_no_system_call_has_a_reason(tmp_path: Path, content: str, reason: str) -> None:
    write_task(tmp_path, 42, syscall=content, wchan="0")
    (task,) = read(tmp_path, with_syscalls=True)
    assert (task.syscall, task.syscall_reason, task.wchan) == (None, reason, None)


def test_a_kernel_without_schedstat_gives_none_and_not_zero(tmp_path: Path) -> None:
    write_task(tmp_path, 42, schedstat="")
    (task,) = read(tmp_path)
    assert task.run_seconds is None
    assert task.delay_seconds is None


def test_descriptors_are_kept_up_to_the_bound_and_let_go_with_their_thread(tmp_path: Path) -> None:
    for tid in range(50, 60):
        write_task(tmp_path, tid)
    before = len(os.listdir("/proc/self/fd"))
    reader = TaskReader(ProcessView(42, proc=tmp_path), most_open=6)
    assert len(reader.read()) == 10
    assert len(reader.read()) == 10
    assert len(os.listdir("/proc/self/fd")) == before + 6
    for tid in range(50, 58):
        (tmp_path / "42" / "task" / str(tid)).rename(tmp_path / f"ended-{tid}")
    assert [task.tid for task in reader.read()] == [58, 59]
    assert len(os.listdir("/proc/self/fd")) == before + 4
    reader.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_process_without_threads_is_gone(tmp_path: Path) -> None:
    (tmp_path / "42" / "task").mkdir(parents=True)
    with pytest.raises(TargetGone):
        read(tmp_path)


TASK = TaskStat(
    7, "t", "R", user_seconds=1.0, system_seconds=1.0, start_ticks=5, run_seconds=2.0, delay_seconds=0.0
)


def test_rates_need_two_looks() -> None:
    rates = TaskRates()
    assert rates.update([TASK], 10.0) == {}
    later = replace(TASK, user_seconds=2.0, system_seconds=1.5, run_seconds=3.6, delay_seconds=0.2)
    rate = rates.update([later], 12.0)[7]
    assert (rate.user_ratio, rate.system_ratio) == (0.5, 0.25)
    assert rate.cpu_ratio == pytest.approx(0.8)  # from schedstat, which is finer
    assert rate.delay_ratio == pytest.approx(0.1)


def test_without_schedstat_the_clock_ticks_make_the_rate() -> None:
    rates = TaskRates()
    bare = replace(TASK, run_seconds=None, delay_seconds=None)
    rates.update([bare], 0.0)
    rate = rates.update([replace(bare, user_seconds=1.5)], 1.0)[7]
    assert rate.cpu_ratio == 0.5
    assert rate.delay_ratio is None


def test_a_thread_id_used_again_has_no_rate_at_first() -> None:
    rates = TaskRates()
    rates.update([TASK], 0.0)
    assert rates.update([replace(TASK, start_ticks=9, run_seconds=0.1)], 1.0) == {}
