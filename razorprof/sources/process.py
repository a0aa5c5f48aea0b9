"""The source "process": what the kernel tells of any process, whatever it runs, named as client libraries name it.

Reached through its entry point. Through psutil where psutil knows it; straight from /proc where that is much
cheaper (descriptors, threads) or psutil does not tell it (page faults, switches of all threads). A figure that
may not be read is left out, with a reason; the others are still given.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import psutil

from razorprof.errors import PermissionDenied, RazorprofError, TargetGone
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample, counter, gauge
from razorprof.model.target import Target
from razorprof.plugin.protocols import Reader, SourceOptions
from razorprof.remote.process import PROC, ProcessView, Stat
from razorprof.sources.pace import Pace
from razorprof.sources.task_totals import TaskTotaller

CPU = counter("process_cpu_seconds_total", "seconds", "CPU time, user and system.")
CPU_USER = counter("process_cpu_user_seconds_total", "seconds", "CPU time in user mode.")
CPU_SYSTEM = counter("process_cpu_system_seconds_total", "seconds", "CPU time in the kernel.")
RESIDENT = gauge("process_resident_memory_bytes", "bytes", "Memory in RAM, shared pages included.")
VIRTUAL = gauge("process_virtual_memory_bytes", "bytes", "Address space.")
UNIQUE = gauge(
    "process_unique_memory_bytes", "bytes", "Memory that would be freed if it ended (read once a while)."
)
SWAP = gauge("process_swap_memory_bytes", "bytes", "Memory swapped out.")
OPEN_FDS = gauge("process_open_fds", "", "Open descriptors.")
MAX_FDS = gauge("process_max_fds", "", "Most descriptors that it may open.")
THREADS = gauge("process_threads", "", "Threads.")
UNINTERRUPTIBLE = gauge(
    "process_threads_uninterruptible", "", "Threads in uninterruptible sleep, most often for storage (state D)."
)
STARTED = gauge("process_start_time_seconds", "seconds", "Start as Unix time.")
SWITCHES = counter("process_context_switches_total", "", "Context switches of all threads.", "kind")
IO_BYTES = counter("process_io_bytes_total", "bytes", "Bytes from and to storage.", "direction")
IO_CHARS = counter(
    "process_io_chars_total", "bytes", "Bytes through read and write calls, caches included.", "direction"
)
FAULTS = counter("process_page_faults_total", "", "Page faults; a major one waited for storage.", "kind")
RUN_DELAY = counter(
    "process_run_delay_seconds_total", "seconds", "Time that threads waited for a free CPU, summed."
)

_VOLUNTARY, _INVOLUNTARY = Labels(kind="voluntary"), Labels(kind="involuntary")
_READ, _WRITE = Labels(direction="read"), Labels(direction="write")
_MINOR, _MAJOR = Labels(kind="minor"), Labels(kind="major")

# Shares of one core that the dear reads may take. Reading smaps_rollup holds a lock of the target's memory map
# (0.7 ms for a small process, 100 ms for a very large one): hence the low share.
_UNIQUE_SHARE, _TASKS_SHARE = 0.001, 0.001
_LIMITS_EVERY = 10.0


class ProcessSource:
    """The plugin."""

    name: ClassVar[str] = "process"
    metrics: ClassVar[tuple[Metric, ...]] = (
        CPU, CPU_USER, CPU_SYSTEM, RESIDENT, VIRTUAL, UNIQUE, SWAP, OPEN_FDS, MAX_FDS, THREADS, UNINTERRUPTIBLE,
        STARTED, SWITCHES, IO_BYTES, IO_CHARS, FAULTS, RUN_DELAY,
    )  # fmt: skip

    def open(self, target: Target, options: SourceOptions) -> Reader:
        return ProcessReader(target, options)


class ProcessReader:
    """Reads one process. `reasons` says, after a read, which metrics are missing and why.

    Unique memory is read every 10 to 60 seconds, by its cost, and told again in between. Figures that need a
    walk over all threads are given only when they were read, every 1 to 10 seconds, so that rates are right.
    """

    def __init__(self, target: Target, options: SourceOptions, *, proc: Path = PROC) -> None:
        self._identity = target.identity
        self._clock = options.clock
        self._view = ProcessView(target.pid, proc=proc)
        self._check(self._stat())
        try:
            self._process = psutil.Process(target.pid)
        except psutil.NoSuchProcess as error:
            raise self._gone() from error
        self._started = self._view.started()
        self._unique = _Kept(Pace(shortest=10.0, longest=60.0, share=_UNIQUE_SHARE))
        self._max_fds = _Kept(Pace(shortest=_LIMITS_EVERY, longest=_LIMITS_EVERY, share=1.0))
        self._tasks_pace = Pace(shortest=0.0, longest=10.0, share=_TASKS_SHARE)
        self._tasks = TaskTotaller(self._view)
        self.reasons: dict[str, str] = {}

    def read(self) -> list[Sample]:
        stat = self._stat()
        self._check(stat)
        self.reasons = {}
        samples = [
            *_from_stat(stat),
            Sample(STARTED, self._started),
        ]
        for metric, part in self._parts().items():
            try:
                samples.extend(part())
            except (psutil.NoSuchProcess, TargetGone) as error:
                raise self._gone() from error
            except psutil.AccessDenied:
                self.reasons[metric.name] = "no permission"
            except PermissionDenied as error:
                self.reasons[metric.name] = error.message
            except (RazorprofError, OSError, ValueError, KeyError) as error:
                self.reasons[metric.name] = str(error)
        self._check(self._stat())  # what was read between two looks at the same process is its own
        return samples

    def close(self) -> None:
        """Nothing is held between reads."""

    def _parts(self) -> Mapping[Metric, Callable[[], Iterator[Sample]]]:
        """What can fail on its own, each under the metric that it is for."""
        return {
            RESIDENT: self._memory,
            UNIQUE: self._unique_memory,
            SWAP: self._swap,
            OPEN_FDS: self._open_fds,
            MAX_FDS: self._most_fds,
            IO_BYTES: self._io,
            SWITCHES: self._task_totals,
        }

    def _memory(self) -> Iterator[Sample]:
        memory = self._process.memory_info()
        yield Sample(RESIDENT, float(memory.rss))
        yield Sample(VIRTUAL, float(memory.vms))

    def _unique_memory(self) -> Iterator[Sample]:
        value = self._unique.get(self._clock.monotonic(), lambda: float(self._process.memory_full_info().uss))
        if value is not None:
            yield Sample(UNIQUE, value)

    def _swap(self) -> Iterator[Sample]:
        _, found, rest = self._view.read("status", 8192).partition(b"\nVmSwap:")
        if found:  # absent for kernel threads
            yield Sample(SWAP, float(int(rest.split(None, 1)[0]) * 1024))  # proc(5): kB are KiB

    def _open_fds(self) -> Iterator[Sample]:
        folder = self._view.path / "fd"
        # The size of the folder is their number from Linux 6.2 on, 0 before; then psutil counts the entries.
        number = os.stat(folder).st_size or self._process.num_fds()
        yield Sample(OPEN_FDS, float(number))

    def _most_fds(self) -> Iterator[Sample]:
        value = self._max_fds.get(self._clock.monotonic(), lambda: soft_limit_of_fds(self._view))
        if value is not None:
            yield Sample(MAX_FDS, value)

    def _io(self) -> Iterator[Sample]:
        io = self._process.io_counters()
        yield Sample(IO_BYTES, float(io.read_bytes), _READ)
        yield Sample(IO_BYTES, float(io.write_bytes), _WRITE)
        yield Sample(IO_CHARS, float(io.read_chars), _READ)
        yield Sample(IO_CHARS, float(io.write_chars), _WRITE)

    def _task_totals(self) -> Iterator[Sample]:
        now = self._clock.monotonic()
        if not self._tasks_pace.is_due(now):
            return
        began = time.thread_time()
        totals = self._tasks.read()
        self._tasks_pace.done(now, time.thread_time() - began)
        yield Sample(SWITCHES, float(totals.voluntary), _VOLUNTARY)
        yield Sample(SWITCHES, float(totals.involuntary), _INVOLUNTARY)
        yield Sample(UNINTERRUPTIBLE, float(totals.uninterruptible))
        if totals.run_delay_seconds is not None:
            yield Sample(RUN_DELAY, totals.run_delay_seconds)

    def _stat(self) -> Stat:
        return self._view.stat()

    def _check(self, stat: Stat) -> None:
        if stat.start_ticks != self._identity.start_ticks or stat.has_ended:
            raise self._gone()

    def _gone(self) -> TargetGone:
        return TargetGone(
            "no such process", value=self._identity.pid, hint="list what is there with: razorprof ps"
        )


class _Kept:
    """A value that is read at a pace and told again in between; forgotten when a read fails."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._value: float | None = None
        self._error: Exception | None = None

    def get(self, now: float, read: Callable[[], float | None]) -> float | None:
        """The value, read anew when it is due. Raises what the last read raised until it is due again."""
        if self._pace.is_due(now):
            self._value = self._error = None
            began = time.thread_time()
            try:
                self._value = read()
            except (psutil.Error, RazorprofError, OSError, ValueError) as error:
                self._error = error
            self._pace.done(now, time.thread_time() - began)
        if self._error is not None:
            raise self._error.with_traceback(None)  # it is raised many times: let no traceback grow
        return self._value


def _from_stat(stat: Stat) -> Iterator[Sample]:
    yield Sample(CPU, stat.user_seconds + stat.system_seconds)
    yield Sample(CPU_USER, stat.user_seconds)
    yield Sample(CPU_SYSTEM, stat.system_seconds)
    yield Sample(THREADS, float(stat.threads))
    yield Sample(FAULTS, float(stat.minor_faults), _MINOR)
    yield Sample(FAULTS, float(stat.major_faults), _MAJOR)


def soft_limit_of_fds(view: ProcessView) -> float | None:
    """From /proc/PID/limits, which everybody may read (prlimit(2) needs the same user). None: unlimited."""
    for line in view.read("limits", 8192).splitlines():
        if line.startswith(b"Max open files"):
            soft = line.split()[3]
            return float(soft) if soft.isdigit() else None
    return None
