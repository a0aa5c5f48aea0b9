"""The threads source of CPython: every thread with its state, CPU share, stack, and what it waits for.

Kernel figures of each read are joined with the newest thread dump of py-spy, which stops nothing and may be
some seconds old (ThreadInfo.stack_age). Only what holds at the same moment is combined: who holds the GIL
changes every few milliseconds, so it is read out of the target's memory beside the kernel's figures; where that
cannot be done, a dump tells it for its own moment and not for later ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from razorprof.clock import Clock
from razorprof.errors import NotSupported, RazorprofError, TargetGone
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample, gauge
from razorprof.model.scrape import Reading
from razorprof.model.target import Identity, Target
from razorprof.model.threads import ThreadDump, ThreadInfo, ThreadState, WaitsOn
from razorprof.plugin.protocols import SourceOptions
from razorprof.profilers.dumps import DumpedThread
from razorprof.profilers.native_ids import NativeIds
from razorprof.profilers.pyspy import find_py_spy
from razorprof.profilers.supervisor import SharedSupervisor, shared_supervisor
from razorprof.profilers.thread_dumps import DumpTaker
from razorprof.remote.process import ProcessView
from razorprof.remote.tasks import TaskRates, TaskReader, TaskStat
from razorprof.remote.waits import WaitReader
from razorprof.runtimes.cpython.detect import find_python
from razorprof.runtimes.cpython.gil_holder_looks import GilHolderLooks
from razorprof.runtimes.cpython.thread_description import describe_thread

PYTHON_THREADS = gauge("python_threads", "", "Threads with Python code, by state.", "state")
_SERIES = {state: Labels(state=state.value) for state in ThreadState}


class ThreadsSource:
    """Threads of a CPython process."""

    name: ClassVar[str] = "threads"
    focused_only: ClassVar[bool] = True  # a py-spy dump now and then
    metrics: ClassVar[tuple[Metric, ...]] = (PYTHON_THREADS,)

    def __init__(self, *, supervisor: SharedSupervisor = shared_supervisor) -> None:
        self._supervisor = supervisor

    def open(self, target: Target, options: SourceOptions) -> ThreadsReader:
        """Raises TargetGone, PermissionDenied. Without py-spy the threads have no stacks, and it is said why."""
        view = ProcessView(target.pid)
        if not view.is_same(target.identity):
            raise TargetGone("no such process", value=target.pid, hint="list what is there with: razorprof ps")
        launcher = self._supervisor.acquire()
        taker, reason = None, ""
        try:
            taker = DumpTaker(target.pid, launcher=launcher, py_spy=find_py_spy(), clock=options.clock)
        except NotSupported as error:
            reason = str(error)
        return ThreadsReader(
            target.identity, view, clock=options.clock, taker=taker, reason=reason, supervisor=self._supervisor
        )


class ThreadsReader:
    """Reads the threads of one process."""

    def __init__(
        self,
        identity: Identity,
        view: ProcessView,
        *,
        clock: Clock,
        taker: DumpTaker | None,
        supervisor: SharedSupervisor,
        reason: str = "",
    ) -> None:
        self._identity = identity
        self._view = view
        self._clock = clock
        self._taker = taker
        self._reason = reason
        self._supervisor = supervisor
        self._tasks = TaskReader(view)
        self._rates = TaskRates()
        self._waits = WaitReader(view)
        self._ids = NativeIds(view)
        self._gil: range | None = None
        self._knows_gil = False
        self._locks: tuple[range, ...] = ()
        self._holders = GilHolderLooks(view, clock)
        self._is_open = True

    def read(self) -> Iterable[Reading]:
        """One ThreadDump and the counts by state. Waits less than a tenth of a second."""
        if not self._view.is_same(self._identity):
            raise TargetGone("no such process", value=self._identity.pid)
        if not self._knows_gil:
            self._gil, self._knows_gil = _find_gil(self._view), True
        if self._taker is not None:
            self._taker.poll()
        tasks = self._tasks.read(with_syscalls=True)
        gil = self._holders.look()
        holders = None if gil is None else gil.holders
        self._locks = () if gil is None else gil.locks
        now = self._clock.monotonic()
        rates = self._rates.update(tasks, now)
        self._waits.start_look()
        python, age = self._python_threads(now)
        threads = tuple(
            describe_thread(
                task, python.get(task.tid), age, rates.get(task.tid), self._wait_of(task), holders=holders
            )
            for task in tasks
        )
        dump = ThreadDump(self._clock.time(), threads, self._why_no_stacks())
        return (dump, *_count_states(threads))

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            if self._taker is not None:
                self._taker.close()
            self._tasks.close()
            self._holders.close()
            self._supervisor.release()

    def _python_threads(self, now: float) -> tuple[Mapping[int, DumpedThread], float | None]:
        newest = self._taker.newest if self._taker is not None else None
        if newest is None:
            return {}, None
        ids = self._ids.resolve(thread.reference for thread in newest.threads)
        python = {ids[t.reference]: t for t in newest.threads if ids[t.reference]}
        return python, max(0.0, now - newest.taken)

    def _wait_of(self, task: TaskStat) -> WaitsOn | None:
        wait = self._waits.describe(task)
        if wait is None or wait.kind != "lock" or wait.address is None:
            return wait
        # The GIL of a subinterpreter may lie on the heap, where only its own struct is the GIL.
        places = self._locks if self._gil is None else (self._gil, *self._locks)
        is_gil = any(wait.address in place for place in places)
        return replace(wait, kind="gil", what="the GIL") if is_gil else wait

    def _why_no_stacks(self) -> str:
        if self._taker is None:
            return self._reason
        if self._taker.newest is not None:
            return ""
        return str(self._taker.error) if self._taker.error is not None else "the first thread dump is under way"


def _count_states(threads: Iterable[ThreadInfo]) -> list[Sample]:
    """python_threads by state, of threads with Python code; nothing where there was no dump."""
    counts = Counter(thread.state for thread in threads if thread.id is not None)
    if not counts:
        return []
    return [Sample(PYTHON_THREADS, float(counts[state]), labels) for state, labels in _SERIES.items()]


def _find_gil(view: ProcessView) -> range | None:
    """Where the GIL of the main interpreter lies: inside `_PyRuntime`, in which nothing else is ever waited for.

    CPython 3.8-3.11: _PyRuntime.ceval.gil; 3.12+: _PyRuntime._main_interpreter._gil. Other locks are on the heap.
    """
    try:
        found = find_python(view)
    except (RazorprofError, OSError):
        return None
    if found is None or found.runtime is None or not found.binary.runtime_size:
        return None
    return range(found.runtime, found.runtime + found.binary.runtime_size)
