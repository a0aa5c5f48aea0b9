"""The processes of a launched program: who they are, what they used, and a CPU profile of each Python among them.

For session.launch_run. A thread looks for new processes below the one that launched the program (orphans come back
to it), and another samples each Python that it finds; programs that a process runs by exec are found anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from razorprof.errors import NotSupported, RazorprofError, TargetGone, ToolFailed
from razorprof.model.profile import Profile
from razorprof.model.target import Identity, Target
from razorprof.plugin.captures import CpuRequest, Watch
from razorprof.plugin.loading import detect_runtime
from razorprof.remote.process import ProcessView
from razorprof.session.captures import record_cpu
from razorprof.targets.naming import display_name, is_python_command

MOST_SAMPLED = 16  # at the same time: each is a py-spy of its own
_MOST_PROCESSES = 4096
_LONGEST = 7 * 24 * 3600.0
_QUICK, _SLOW = 0.01, 0.05  # between looks: a young program starts others
_YOUNG = 5.0
_LONGEST_PAUSE = 1.0
_TRIES = 20
SURE_LOOKS = 3
_END_TIMEOUT = 10.0


@dataclass(slots=True)
class Seen:
    """A process that was seen. name: untrusted; version: of its Python, where one was detected; cpu_seconds: at
    the last look; python_looks: at which its command line was a Python's."""

    identity: Identity
    name: str
    version: str = ""
    cpu_seconds: float = 0.0
    python_looks: int = 0
    failures: int = 0
    image: str = ""
    check_at: float = 0.0
    pause: float = 0.02

    @property
    def is_python(self) -> bool:
        """Between fork and exec a process looks like its parent: one look is not enough."""
        return self.python_looks >= SURE_LOOKS or bool(self.version)


@dataclass(frozen=True, slots=True)
class Part:
    """The profile of one process, or of one program that it ran."""

    process: Seen
    profile: Profile


@dataclass(frozen=True, slots=True)
class Tree:
    """What was seen. unsampled: Pythons of which nothing was sampled; errors: why, without repetition."""

    processes: tuple[Seen, ...]
    parts: tuple[Part, ...]
    unsampled: tuple[Seen, ...] = ()
    errors: tuple[RazorprofError, ...] = ()


class TreeWatch:
    """Watches from `start` to `finish`. request None: nothing is sampled."""

    def __init__(self, parent: int, request: CpuRequest | None) -> None:
        self._parent = parent
        self._request = request
        self._enough = threading.Event()
        self._lock = threading.Lock()
        self._seen: dict[Identity, Seen] = {}
        self._parts: list[Part] = []
        self._errors: dict[str, RazorprofError] = {}
        self._workers: dict[Identity, threading.Thread] = {}
        self._ends: dict[Identity, threading.Event] = {}
        self._refused: set[Identity] = set()
        self._finder = threading.Thread(target=self._find, name="run-processes", daemon=True)

    def start(self) -> None:
        self._finder.start()

    def finish(self) -> Tree:
        """The program has ended: end the sampling, and what was seen."""
        self._enough.set()
        self._finder.join(_END_TIMEOUT)
        for enough in list(self._ends.values()):
            enough.set()
        for worker in list(self._workers.values()):
            worker.join(_END_TIMEOUT)
        with self._lock:
            sampled = {part.process.identity for part in self._parts}
            pythons = [seen for seen in self._seen.values() if seen.is_python]
            return Tree(
                tuple(self._seen.values()),
                tuple(self._parts),
                tuple(seen for seen in pythons if seen.identity not in sampled) if self._request else (),
                tuple(self._errors.values()),
            )

    def _find(self) -> None:
        began = time.monotonic()
        while not self._enough.is_set():
            for pid in descendants(self._parent):
                self._look(ProcessView(pid))
            self._enough.wait(_QUICK if time.monotonic() - began < _YOUNG else _SLOW)

    def _look(self, view: ProcessView) -> None:
        try:
            stat = view.stat()
            identity = view.identity
            seen = self._seen.get(identity)
            if seen is None:
                if len(self._seen) >= _MOST_PROCESSES:
                    return
                seen = Seen(identity, stat.comm)
                with self._lock:
                    self._seen[identity] = seen
            seen.cpu_seconds = stat.user_seconds + stat.system_seconds
            if stat.is_zombie:
                return
            arguments = view.command_line()
            self._notice_exec(seen, view.image())
        except (RazorprofError, OSError, ValueError):
            return
        if arguments:
            seen.name = display_name(arguments, stat.comm)
        if is_python_command(arguments, stat.comm):
            seen.python_looks += 1
        elif not self._is_due(seen):
            return
        if self._request is not None and identity not in self._refused:
            self._sample(seen)

    def _notice_exec(self, seen: Seen, image: str) -> None:
        """A window of the old program would only see garbage of the new one: end it now."""
        if seen.image and image != seen.image:
            enough = self._ends.get(seen.identity)
            if enough is not None:
                enough.set()
        seen.image = image

    def _is_due(self, seen: Seen) -> bool:
        """Whether to look again for a Python in what is not called so: ever more seldom."""
        now = time.monotonic()
        if now < seen.check_at:
            return False
        seen.check_at = now + seen.pause
        seen.pause = min(_LONGEST_PAUSE, 2 * seen.pause)
        return True

    def _sample(self, seen: Seen) -> None:
        worker = self._workers.get(seen.identity)
        if worker is not None and worker.is_alive():
            return
        if sum(other.is_alive() for other in self._workers.values()) >= MOST_SAMPLED:
            if seen.python_looks >= SURE_LOOKS:
                self._refused.add(seen.identity)
                self._keep(ToolFailed(f"more than {MOST_SAMPLED} processes ran at once: not all were sampled"))
            return
        enough = self._ends[seen.identity] = threading.Event()
        worker = threading.Thread(target=self._record, args=(seen, enough), name="run-sampler", daemon=True)
        self._workers[seen.identity] = worker
        worker.start()

    def _record(self, seen: Seen, enough: threading.Event) -> None:
        """Sample a process for as long as it is a Python; the finder begins anew where it becomes one again."""
        view = ProcessView(seen.identity.pid)
        try:
            found = detect_runtime(view)
            if found is None:
                return
            seen.version = found[1].version or seen.version
            self._take(seen, enough)
        except TargetGone:
            return  # or it runs another program
        except NotSupported as error:
            seen.failures += 1  # its interpreter may not be up yet
            if seen.failures >= _TRIES:
                self._refuse(seen, error)
        except RazorprofError as error:
            if not enough.is_set() and view.is_same(seen.identity):
                self._refuse(seen, error)

    def _refuse(self, seen: Seen, error: RazorprofError) -> None:
        self._refused.add(seen.identity)
        self._keep(error)

    def _take(self, seen: Seen, enough: threading.Event) -> None:
        assert self._request is not None  # noqa: S101 - nobody samples without
        profile = record_cpu(Target(seen.identity, seen.name), self._request, Watch(enough=enough))
        with self._lock:
            self._parts.append(Part(seen, profile))

    def _keep(self, error: RazorprofError) -> None:
        with self._lock:
            self._errors.setdefault(error.message, error)


def request_for(rate_hz: float) -> CpuRequest:
    """What is asked of each process: as long as it lives."""
    return CpuRequest(_LONGEST, rate_hz=rate_hz, block_seconds=1.0)


def descendants(pid: int) -> Iterator[int]:
    """The processes below one, nearest first, as proc(5) lists children of each thread; bounded."""
    waiting, told = [pid], 0
    while waiting and told < _MOST_PROCESSES:
        view = ProcessView(waiting.pop(0))
        try:
            threads = view.task_ids()
        except RazorprofError:
            continue
        for thread in threads:
            try:
                children = [int(word) for word in view.read(f"task/{thread}/children").split()]
            except (RazorprofError, ValueError):
                continue
            for child in children:
                told += 1
                waiting.append(child)
                yield child
