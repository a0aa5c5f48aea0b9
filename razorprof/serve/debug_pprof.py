"""/debug/pprof of the targets: CPU profiles and thread dumps on demand, by the paths that Go programs have.

A capture costs the target something, so there is one at a time, it ends when its client leaves, and code is
never put into a target from here: allocations (heap) are refused where that takes it. Called by serve.site.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from razorprof.errors import NotSupported, RazorprofError, TargetNotFound, UsageError
from razorprof.model.profile import Profile
from razorprof.model.target import Life, Target
from razorprof.model.threads import ThreadDump, ThreadGroup
from razorprof.plugin.captures import CpuRequest, ThreadsRequest, Watch
from razorprof.serve.answers import Answer, Question, error_answer, words
from razorprof.session.view import View

DEFAULT_SECONDS = 30.0  # as net/http/pprof has it
LONGEST_SECONDS = 300.0
SHORTEST_SECONDS = 0.1
_PROFILE_NAME = "pprof"
_LOOK_EVERY = 0.5  # at the client, whether it is still there


@dataclass(frozen=True, slots=True)
class Captures:
    """What takes the captures; session.captures in earnest."""

    record_cpu: Callable[[Target, CpuRequest, Watch], Profile]
    dump_threads: Callable[[Target, ThreadsRequest, Watch], ThreadDump]


class DebugPprof:
    """Answers for one session's targets. Any thread."""

    def __init__(self, view: View, captures: Captures) -> None:
        self._view = view
        self._captures = captures
        self._busy = threading.Lock()
        self._ending = threading.Event()

    def answer(self, question: Question) -> Answer | None:
        """The answer to a path below /debug/pprof/; None where there is no such page."""
        pages = {"profile": self._profile, "goroutine": self._threads, "heap": self._heap}
        page = pages.get(question.path.removeprefix("/debug/pprof/"))
        if page is None:
            return None
        try:
            return page(question)
        except RazorprofError as error:
            return error_answer(error)

    def stop(self, seconds: float) -> None:
        """End the capture that runs, and wait for it to let go of its target."""
        self._ending.set()
        if self._busy.acquire(timeout=seconds):
            self._busy.release()

    def _profile(self, question: Question) -> Answer:
        seconds = _seconds(question.query.get("seconds", ""))
        target = self._target(question)
        if not self._busy.acquire(blocking=False):
            return _one_at_a_time()
        try:
            with _ending_early(question, self._ending) as watch:
                profile = self._captures.record_cpu(target, CpuRequest(seconds), watch)
        finally:
            self._busy.release()
        return _file(profile, target)

    def _threads(self, question: Question) -> Answer:
        detail = question.query.get("debug", "1")
        if detail not in ("1", "2"):
            raise UsageError("threads are told as text", value=f"debug={detail}", hint="debug=1 or debug=2")
        target = self._target(question)
        if not self._busy.acquire(blocking=False):
            return _one_at_a_time()
        try:
            dump = self._captures.dump_threads(target, ThreadsRequest(), Watch(enough=self._ending))
        finally:
            self._busy.release()
        from razorprof.render.text import printable
        from razorprof.render.thread_report import thread_report

        lines = [line.text for line in thread_report(dump if detail == "1" else _one_by_one(dump))]
        return words(200, "\n".join([f"{target.pid} {printable(target.name)}", *lines]))

    def _heap(self, question: Question) -> Answer:
        target = self._target(question)
        raise NotSupported(
            "allocations by call site take code in the target, and serve never puts any there",
            value=target.pid,
            hint=f"where that is acceptable, by hand: razorprof heap {target.pid} --attach -d 30 -o FILE",
        )

    def _target(self, question: Question) -> Target:
        """The target that `pid` names, or the only one."""
        living = [one.target for one in self._view.state().targets if one.life is not Life.GONE]
        given = question.query.get("pid")
        if given is not None:
            found = next((target for target in living if str(target.pid) == given), None)
            if found is None:
                raise TargetNotFound("not a target of this server", value=given, hint="/ lists them")
            return found
        if not living:
            raise TargetNotFound("no target is there now", hint="/-/ready tells more")
        if len(living) > 1:
            pids = ", ".join(str(target.pid) for target in living[:20])
            raise UsageError("there are several targets", hint=f"name one with pid=: {pids}")
        return living[0]


def _seconds(text: str) -> float:
    try:
        seconds = float(text) if text else DEFAULT_SECONDS
    except ValueError:
        seconds = math.nan
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        hint = f"between {SHORTEST_SECONDS:g} and {LONGEST_SECONDS:g}"
        raise UsageError("not a number of seconds that is served", value=text, hint=hint)
    return seconds


@contextmanager
def _ending_early(question: Question, ending: threading.Event) -> Iterator[Watch]:
    """A watch that says enough when the client has left, or the server ends."""
    watch, done = Watch(), threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_EVERY):
            if ending.is_set() or question.has_left():
                watch.enough.set()
                return

    thread = threading.Thread(target=look, name="client-watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join(timeout=2.0)


def _file(profile: Profile, target: Target) -> Answer:
    from razorprof.recording.profile_files import encode_profile, find_format

    content = encode_profile(find_format(_PROFILE_NAME), profile)
    disposition = ("Content-Disposition", f'attachment; filename="cpu-{target.pid}.pb.gz"')
    return Answer(200, content, "application/octet-stream", (disposition,))


def _one_by_one(dump: ThreadDump) -> ThreadDump:
    """The dump with each thread told by itself, though others have the same stack."""
    groups = tuple(ThreadGroup(one.state, one.frames, (one.native_id,)) for one in dump.threads)
    return replace(dump, groups=groups)


def _one_at_a_time() -> Answer:
    return words(429, "another capture is being taken, one at a time", ("Retry-After", "10"))
