"""One dump of the Python stacks by py-spy, started beside the other looks at the target and collected after them.

Called by thread_dump. A dump that fails takes nothing from what the kernel tells: `error` says why.
"""

from __future__ import annotations

from collections.abc import Mapping

from razorprof.clock import Clock
from razorprof.errors import RazorprofError, TimedOut
from razorprof.plugin.captures import ThreadsRequest, Watch
from razorprof.profilers.dumps import DumpedThread, parse_dump
from razorprof.profilers.native_ids import NativeIds
from razorprof.profilers.pyspy import explain, find_py_spy
from razorprof.profilers.supervisor import STDERR, Child, SharedSupervisor
from razorprof.remote.process import ProcessView

_TIMEOUT = 20.0
_SLICE = 0.1
_MOST_BYTES = 64 << 20


class StackDump:
    """A dump that is under way. Close it. threads: by native id, after `collect`; error: why there are none."""

    def __init__(
        self, view: ProcessView, request: ThreadsRequest, supervisor: SharedSupervisor, clock: Clock
    ) -> None:
        self._view = view
        self._clock = clock
        self._supervisor = supervisor
        self._child: Child | None = None
        self.threads: Mapping[int, DumpedThread] = {}
        self.error: RazorprofError | None = None
        self.started = clock.monotonic()
        launcher = supervisor.acquire()
        try:
            arguments = find_py_spy().dump(
                view.pid, with_locals=request.locals, native=request.native, blocking=request.blocking
            )
            self._child = launcher.start(arguments, most_bytes=_MOST_BYTES)
        except RazorprofError as error:
            self.error = error
        except BaseException:
            supervisor.release()
            raise

    def collect(self, watch: Watch) -> None:
        """Wait for the end of the dump, at most 20 s, or until it is enough."""
        if self._child is None:
            return
        try:
            self.threads = self._threads(self._child, watch)
        except RazorprofError as error:
            self.error = error

    def close(self) -> None:
        try:
            if self._child is not None:
                self._child.close()
        finally:
            self._supervisor.release()

    def _threads(self, child: Child, watch: Watch) -> Mapping[int, DumpedThread]:
        while (ended := child.wait(_SLICE)) is None:
            spent = self._clock.monotonic() - self.started
            if watch.enough.is_set() or spent > _TIMEOUT:
                child.kill()
                raise TimedOut("py-spy did not dump the threads in time", value=f"{spent:.1f} s")
            if spent > 1.0:
                watch.tell(spent, _TIMEOUT, "reading the stacks")
        error = explain(self._view.pid, ended.code, ended.signal, child.output(STDERR, 1 << 16))
        if error is not None:
            raise error
        dumped = parse_dump(child.output())
        ids = NativeIds(self._view).resolve(thread.reference for thread in dumped)
        return {ids[thread.reference]: thread for thread in dumped if ids[thread.reference]}
