"""Per-thread figures of a process from /proc/PID/task: state, CPU, run-queue wait, and the system call it sits in.

For runtimes' thread sources. Nothing is stopped: each thread is read at its own moment, a few microseconds
apart. What a thread's system call means is remote.waits; its Python stack is the profilers' business.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from razorprof.errors import TargetGone
from razorprof.remote.process import CLOCK_TICKS, ProcessView

MOST_THREADS = 4096
_RESTARTS = (219, 128)  # restart_syscall of x86-64 and aarch64: it hides the call that goes on
_MOST_OPEN = 256  # descriptors kept open per target: two for each of the first 128 threads


@dataclass(frozen=True, slots=True)
class Syscall:
    """The system call that a thread is blocked in: its number and six arguments, as on the target's machine."""

    number: int
    args: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TaskStat:
    """One thread now. state: the letter of proc(5); times in seconds since the thread began.

    run_seconds, delay_seconds: on a CPU, and runnable but waiting for one (schedstat); None where the kernel
    keeps none. syscall: None when it runs, sits in no call, was not asked for or may not be seen
    (`syscall_reason` says which of these). wchan: kernel function it sleeps in, read only where no system call
    tells more.
    """

    tid: int
    comm: str
    state: str
    user_seconds: float
    system_seconds: float
    start_ticks: int
    processor: int = 0
    run_seconds: float | None = None
    delay_seconds: float | None = None
    syscall: Syscall | None = None
    syscall_reason: str = ""
    wchan: str | None = None


@dataclass(frozen=True, slots=True)
class TaskRate:
    """What a thread used between two looks, seconds per second. None where it could not be had."""

    cpu_ratio: float
    user_ratio: float | None = None
    system_ratio: float | None = None
    delay_ratio: float | None = None


class TaskReader:
    """Reads all threads of a process. Keeps a bounded number of descriptors open: close it. Owned by one thread.

    It reads whoever has the pid: the caller checks the identity.
    """

    def __init__(self, view: ProcessView, *, most_open: int = _MOST_OPEN) -> None:
        self._view = view
        self._most_open = most_open
        self._open: dict[int, dict[str, int]] = {}
        self._kept = 0
        self.truncated = False  # more than MOST_THREADS: the rest was left out

    def read(self, with_syscalls: bool = False) -> list[TaskStat]:
        """The threads now, ascending by native id; those that end meanwhile are left out.

        with_syscalls: also the system call, or else the kernel function, of each thread that does not run.
        Raises TargetGone and PermissionDenied.
        """
        ids = self._view.task_ids()
        self.truncated = len(ids) > MOST_THREADS
        ids = ids[:MOST_THREADS]
        for tid in self._open.keys() - set(ids):
            self._forget(tid)
        tasks = [task for tid in ids if (task := self._read_task(tid, with_syscalls)) is not None]
        if not tasks:
            raise TargetGone("no such process", value=self._view.pid, hint="list what is there with: razorprof ps")
        return tasks

    def close(self) -> None:
        for tid in tuple(self._open):
            self._forget(tid)

    def _read_task(self, tid: int, with_syscalls: bool) -> TaskStat | None:
        try:
            raw = self._read(tid, "stat")
        except OSError:
            self._forget(tid)
            return None
        opening, closing = raw.find(b"("), raw.rfind(b")")
        fields = raw[closing + 2 :].split()
        if opening < 0 or len(fields) < 37:
            return None
        run, delay = self._schedstat(tid)
        state = fields[0].decode("ascii", "replace")
        syscall, reason, wchan = None, "", None
        if with_syscalls and state != "R":
            syscall, reason = self._syscall(tid)
            if syscall is None or syscall.number in _RESTARTS:
                wchan = self._wchan(tid)
        elif with_syscalls:
            reason = "running"
        else:
            reason = "not asked for"
        return TaskStat(
            tid=tid,
            comm=raw[opening + 1 : closing].decode(errors="replace"),
            state=state,
            user_seconds=int(fields[11]) / CLOCK_TICKS,  # proc(5): utime is field 14, the state field 3
            system_seconds=int(fields[12]) / CLOCK_TICKS,
            start_ticks=int(fields[19]),
            processor=int(fields[36]),
            run_seconds=run,
            delay_seconds=delay,
            syscall=syscall,
            syscall_reason=reason,
            wchan=wchan,
        )

    def _schedstat(self, tid: int) -> tuple[float | None, float | None]:
        try:
            fields = self._read(tid, "schedstat").split()  # run ns, wait ns, timeslices
            return int(fields[0]) / 1e9, int(fields[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return None, None

    def _syscall(self, tid: int) -> tuple[Syscall | None, str]:
        try:
            words = self._read_once(tid, "syscall", 256).split()
        except PermissionError:
            return None, "no permission to see its system calls"
        except OSError as error:
            return None, os.strerror(error.errno or 0)
        if not words or words[0] == b"running":
            return None, "running"
        if words[0] == b"-1":
            return None, "in no system call"  # a page fault, or stopped on its way
        try:
            return Syscall(int(words[0]), tuple(int(word, 16) for word in words[1:7])), ""
        except ValueError:
            return None, "its system call could not be parsed"

    def _wchan(self, tid: int) -> str | None:
        try:
            text = self._read_once(tid, "wchan", 256).decode(errors="replace")
        except OSError:
            return None
        return None if text in ("", "0") else text

    def _read(self, tid: int, name: str) -> bytes:
        """Content of a short file that every look needs, over a kept descriptor while there is room."""
        kept = self._open.get(tid)
        if kept is None:
            kept = self._open[tid] = {}
        descriptor = kept.get(name)
        if descriptor is None:
            if self._kept >= self._most_open:
                return self._read_once(tid, name, 1024)
            descriptor = kept[name] = os.open(f"{self._view.path}/task/{tid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
            self._kept += 1
        return os.pread(descriptor, 1024, 0)  # of the thread that was opened: ESRCH once that has ended

    def _read_once(self, tid: int, name: str, size: int) -> bytes:
        descriptor = os.open(f"{self._view.path}/task/{tid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, size)
        finally:
            os.close(descriptor)

    def _forget(self, tid: int) -> None:
        for descriptor in self._open.pop(tid, {}).values():
            os.close(descriptor)
            self._kept -= 1


class TaskRates:
    """Turns two looks at the threads of one process into rates per thread."""

    def __init__(self) -> None:
        self._before: dict[int, TaskStat] = {}
        self._time: float | None = None

    def update(self, tasks: Iterable[TaskStat], time: float) -> Mapping[int, TaskRate]:
        """Rates since the look before, by native id, for the threads seen in both. time: monotonic seconds."""
        now = {task.tid: task for task in tasks}
        before, self._before = self._before, now
        since, self._time = self._time, time
        if since is None or time <= since:
            return {}
        seconds = time - since
        return {
            tid: _rate(before[tid], task, seconds)
            for tid, task in now.items()
            if tid in before and before[tid].start_ticks == task.start_ticks  # else the id was used again
        }


def _rate(before: TaskStat, now: TaskStat, seconds: float) -> TaskRate:
    user = max(0.0, now.user_seconds - before.user_seconds) / seconds
    system = max(0.0, now.system_seconds - before.system_seconds) / seconds
    run = _growth(before.run_seconds, now.run_seconds, seconds)
    return TaskRate(
        cpu_ratio=user + system if run is None else run,  # schedstat counts nanoseconds, stat clock ticks
        user_ratio=user,
        system_ratio=system,
        delay_ratio=_growth(before.delay_seconds, now.delay_seconds, seconds),
    )


def _growth(before: float | None, now: float | None, seconds: float) -> float | None:
    return None if before is None or now is None else max(0.0, now - before) / seconds
