"""Checks of a runtime: what it recognises and at what price, what it says that it can do, and its sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from razorprof.plugin.border import misfit, source_misfit
from razorprof.plugin.captures import DumpsThreads, RecordsCpu, RecordsHeap
from razorprof.plugin.protocols import Capability, Detection, Runtime, Support
from razorprof.remote.process import ProcessView
from razorprof.testing.conformance.audit import watched_call
from razorprof.testing.conformance.findings import Finding, Notes, called
from razorprof.testing.conformance.programs import end, plain_program, target_of
from razorprof.testing.conformance.sources import LONGEST_READ, check_source

LONGEST_DETECT = 0.25  # seconds, the quickest of three: a few milliseconds on a machine that does nothing else
_METHODS: dict[Capability, tuple[type, str]] = {
    Capability.CPU: (RecordsCpu, "record_cpu"),
    Capability.THREADS: (DumpsThreads, "dump_threads"),
    Capability.HEAP: (RecordsHeap, "record_heap"),
}


def check_runtime(
    runtime: Runtime,
    *,
    own: int,
    foreign: Sequence[int] = (),
    sources: bool = True,
    may_refuse: bool = True,
    limit: float = LONGEST_READ,
) -> list[Finding]:
    """What a runtime does not keep to. own: pid of a process that it must recognise; foreign: pids of some that it
    must not, besides sleep(1) and a process that has ended; sources: whether its sources are checked too (see
    check_source, which may_refuse is for)."""
    notes = Notes(runtime)
    notes.name(runtime)
    missing = [
        name for name in ("detect", "capabilities", "sources") if not callable(getattr(runtime, name, None))
    ]
    if missing:
        notes.add("shape", f"it lacks {', '.join(missing)}")
        return notes.found
    detection = _detect_own(runtime, own, limit, notes)
    _detect_foreign(runtime, foreign, limit, notes)
    if detection is None:
        return notes.found
    _capabilities(runtime, detection, limit, notes)
    found = called(lambda: list(runtime.sources(detection)), limit)
    if found.wrong or found.refused:
        notes.add("sources", f"sources {found.wrong or found.refused}")
    given: list[Any] = found.value or []
    for source in given:
        wrong = source_misfit(source)
        if wrong:
            notes.add("sources", f"{type(source).__name__}: {wrong}")
    names = [getattr(source, "name", "") for source in given]
    if len(set(names)) < len(names):
        notes.add("sources", f"two sources have the same name: {', '.join(sorted(names))}")
    if sources and not notes.found:
        for source in given:
            notes.found += check_source(source, target=target_of(own), may_refuse=may_refuse, limit=limit)
    return notes.found


def _detect_own(runtime: Runtime, pid: int, limit: float, notes: Notes) -> Detection | None:
    done = [called(lambda: watched_call(lambda: runtime.detect(ProcessView(pid))), limit) for _ in range(3)]
    for one in done:
        if one.wrong or one.refused:
            notes.add("detect", f"detect of its own process {one.wrong or one.refused}")
            return None
    results: list[tuple[Any, list[str]]] = [one.value for one in done if one.value is not None]
    for _, deeds in results:
        if deeds:
            notes.add("detect_writes", f"detect is to look only: it {deeds[0]}")
    quickest = min(one.seconds for one in done)
    if quickest > LONGEST_DETECT:
        notes.add("detect_slow", f"detect took {quickest:.2f} s: every process is looked at")
    detection = results[-1][0]
    if detection is None:
        notes.add("detect", f"it does not recognise process {pid}")
        return None
    wrong = "" if isinstance(detection, Detection) else "it is no Detection"
    wrong = wrong or misfit(detection, Detection)
    if wrong:
        notes.add("detect", f"what detect gives: {wrong}")
        return None
    if detection.runtime != runtime.name:
        notes.add("detect", f"the detection says {detection.runtime!r}, not {runtime.name!r}")
    return detection if isinstance(detection, Detection) else None


def _detect_foreign(runtime: Runtime, foreign: Sequence[int], limit: float, notes: Notes) -> None:
    with ExitStack() as stack:
        program = stack.enter_context(plain_program())
        for pid in (program.pid, *foreign):
            done = called(lambda pid=pid: watched_call(lambda: runtime.detect(ProcessView(pid))), limit)  # type: ignore[misc]
            if done.wrong:
                notes.add("detect", f"detect of another's process {done.wrong}")
            elif done.value is not None and done.value[0] is not None:
                notes.add("detect_claims", f"it claims process {pid}, which is none of its own")
        ended = program.pid
        end(program)
        gone = called(lambda: runtime.detect(ProcessView(ended)), limit)
        if gone.wrong:
            notes.add("detect", f"detect of a process that has ended {gone.wrong}")
        elif gone.value is not None:
            notes.add("detect_claims", "it claims a process that has ended")


def _capabilities(runtime: Runtime, detection: Detection, limit: float, notes: Notes) -> None:
    done = called(lambda: runtime.capabilities(detection), limit)
    if done.wrong or done.refused:
        notes.add("capabilities", f"capabilities {done.wrong or done.refused}")
        return
    found: Any = done.value
    wrong = misfit(found, Mapping[Capability, Support], "capabilities")
    if wrong:
        notes.add("capabilities", wrong)
        return
    for capability, support in found.items():
        if not support.available and not support.reason:
            notes.add("capabilities", f"{capability} is not available, and no reason says why")
        if not 0 <= support.intrusiveness <= 4:
            notes.add(
                "capabilities",
                f"{capability} has the intrusiveness {support.intrusiveness}, which is none of 0 to 4",
            )
        protocol, method = _METHODS.get(capability, (object, ""))
        if support.available and not isinstance(runtime, protocol):
            notes.add("capabilities", f"{capability} is said to be available, and there is no {method}")
