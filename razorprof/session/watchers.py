"""Readers of the session's own: is the target still there, what does it run, are there more targets to watch?

They go through the same jobs as every source, so that a slow look never holds up the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from razorprof.clock import Clock
from razorprof.errors import PermissionDenied, RazorprofError, TargetGone
from razorprof.model.scrape import Detected, KernelState, Reading
from razorprof.model.target import Target
from razorprof.plugin.border import source_misfit
from razorprof.plugin.loading import Failure, guard
from razorprof.plugin.protocols import Detection as FoundRuntime
from razorprof.plugin.protocols import Runtime, Source
from razorprof.remote.process import ProcessView
from razorprof.remote.witness import EndWitness
from razorprof.targets.naming import display_name
from razorprof.targets.redact import redact_command


class Presence:
    """Whether the target is there, in the kernel's letter for its state. Once it is not, TargetGone says how it
    ended."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self._view = ProcessView(target.pid)
        self._witness = EndWitness(target.identity, clock=clock)

    def read(self) -> Iterable[Reading]:
        if not self._witness.has_ended():
            self._witness.look()
            try:
                return (KernelState(self._view.stat().state, self._view.image()),)
            except TargetGone:
                pass  # between the two looks
        raise TargetGone(self._witness.tell())

    def close(self) -> None:
        self._witness.close()


class Detection:
    """Asks each runtime whether it knows the process, and hands its sources over."""

    def __init__(
        self,
        target: Target,
        runtimes: Sequence[Runtime],
        found: Callable[[Sequence[Source]], None],
        clock: Clock,
    ) -> None:
        self._target = target
        self._runtimes = runtimes
        self._found = found
        self._clock = clock

    def read(self) -> Iterable[Reading]:
        """One Detected; its runtime is empty where nobody knows the process."""
        reasons: list[str] = []
        denied = False
        process = ProcessView(self._target.pid)
        for runtime in self._runtimes:
            try:
                detection = guard(runtime.name, partial(runtime.detect, process))
            except RazorprofError as error:
                denied = denied or isinstance(error, PermissionDenied)
                reasons.append(f"{error}" + (f"; {error.hint}" if error.hint else ""))
                continue
            if isinstance(detection, Failure):
                reasons.append(_failed(detection))
            elif isinstance(detection, FoundRuntime):
                return (self._of_runtime(process, runtime, detection),)
        names = ", ".join(runtime.name for runtime in self._runtimes) or "none installed"
        reason = "; ".join(dict.fromkeys(reasons)) or f"not a runtime that razorprof can read (those are: {names})"
        return (self._detected(process, reason=reason, denied=denied),)

    def close(self) -> None:
        pass

    def _of_runtime(self, process: ProcessView, runtime: Runtime, detection: FoundRuntime) -> Detected:
        """Hand its sources over; what fails costs what it would have given."""
        reason = detection.detail.get("reason", "")
        absent: dict[str, str] = {}
        try:
            sources = guard(runtime.name, lambda: [_fitting(one) for one in runtime.sources(detection)])
            support = guard(runtime.name, partial(runtime.capabilities, detection))
        except RazorprofError as error:
            sources, support = Failure(runtime.name, str(error)), {}
        if isinstance(sources, Failure):
            reason = _failed(sources)
        else:
            self._found(sources)
        if not isinstance(support, Failure):
            absent = {str(what): one.reason for what, one in support.items() if not one.available and one.reason}
        found = self._detected(process, detection.runtime, detection.version, reason)
        return replace(found, absent=tuple(sorted(absent.items())))

    def _detected(
        self,
        process: ProcessView,
        runtime: str = "",
        version: str | None = None,
        reason: str = "",
        *,
        denied: bool = False,
    ) -> Detected:
        arguments = process.command_line()
        name = display_name(arguments, process.comm())
        command = redact_command(arguments)
        return Detected(self._target, self._clock.time(), runtime, version, reason, name, command, denied)


def _fitting(source: Source) -> Source:
    wrong = source_misfit(source)
    if wrong:
        raise TypeError(f"a source that is none: {wrong}")
    return source


def _failed(failure: Failure) -> str:
    return f"the plugin {failure.plugin} failed: {failure.error}"


class Search:
    """Runs a search for targets and hands over what it finds."""

    def __init__(self, find: Callable[[], Sequence[Target]], found: Callable[[Target], None]) -> None:
        self._find = find
        self._found = found

    def read(self) -> Iterable[Reading]:
        for target in self._find():
            self._found(target)
        return ()

    def close(self) -> None:
        pass
