"""Counters per thread are summed over the life of the process and never fall."""

from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.errors import TargetGone
from razorprof.remote.process import ProcessView
from razorprof.sources.task_totals import TaskTotaller, TaskTotals

STATUS = "Name:\tx\nvoluntary_ctxt_switches:\t{}\nnonvoluntary_ctxt_switches:\t{}\n"


def write(proc: Path, tid: int, voluntary: int, involuntary: int, delay: int | None = 0) -> None:
    folder = proc / "42" / "task" / str(tid)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text(STATUS.format(voluntary, involuntary))
    if delay is not None:
        (folder / "schedstat").write_text(f"1 {delay} 1\n")


def end(proc: Path, tid: int) -> None:
    (proc / "42" / "task" / str(tid)).rename(proc / f"ended-{tid}")


@pytest.fixture
def totaller(tmp_path: Path) -> TaskTotaller:
    return TaskTotaller(ProcessView(42, proc=tmp_path))


def test_all_threads_count(tmp_path: Path, totaller: TaskTotaller) -> None:
    write(tmp_path, 42, 1, 2, 500_000_000)
    write(tmp_path, 43, 10, 20, 1_000_000_000)
    assert totaller.read() == TaskTotals(11, 22, 1.5)


def test_threads_in_uninterruptible_sleep_are_counted_by_their_state_not_their_name(
    tmp_path: Path, totaller: TaskTotaller
) -> None:
    for tid, name, state in ((42, "x", "D (disk sleep)"), (43, "D", "S (sleeping)"), (44, "y", "D (disk sleep)")):
        write(tmp_path, tid, 0, 0)
        status = tmp_path / "42" / "task" / str(tid) / "status"
        status.write_text(
            f"Name:\t{name}\nUmask:\t0022\nState:\t{state}\n" + STATUS.format(0, 0).partition("\n")[2]
        )
    assert totaller.read().uninterruptible == 2
    end(tmp_path, 44)
    assert totaller.read().uninterruptible == 1


def test_an_ended_thread_leaves_its_counts(tmp_path: Path, totaller: TaskTotaller) -> None:
    write(tmp_path, 42, 1, 0)
    write(tmp_path, 43, 10, 5)
    totaller.read()
    end(tmp_path, 43)
    assert totaller.read() == TaskTotals(11, 5, 0.0)
    assert totaller.read() == TaskTotals(11, 5, 0.0)


def test_a_thread_id_used_again_counts_as_another_thread(tmp_path: Path, totaller: TaskTotaller) -> None:
    write(tmp_path, 43, 10, 5)
    totaller.read()
    write(tmp_path, 43, 3, 1)
    assert totaller.read() == TaskTotals(13, 6, 0.0)


def test_a_kernel_without_schedstat_gives_no_delay(tmp_path: Path, totaller: TaskTotaller) -> None:
    write(tmp_path, 42, 1, 2, delay=None)
    assert totaller.read() == TaskTotals(1, 2, None)


def test_a_process_without_threads_is_gone(tmp_path: Path, totaller: TaskTotaller) -> None:
    (tmp_path / "42" / "task").mkdir(parents=True)
    with pytest.raises(TargetGone):
        totaller.read()
