"""A Profile out of a recording: seconds of thread time per stack, in blocks, with what a reader must know.

For the runtimes' record_cpu. The weight of one sample is its window's measured length divided by the rounds done
in it, never the nominal rate. Threads of several processes are named after their process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from razorprof.errors import RazorprofError
from razorprof.model.frame import ThreadId
from razorprof.model.profile import Block, Origin, Profile, StackKey
from razorprof.profilers.native_ids import NativeIds
from razorprof.profilers.record import Ending, Recording
from razorprof.profilers.record_window import Looks, Window
from razorprof.profilers.speedscope import UNREADABLE, SeenThread
from razorprof.remote.process import ProcessView
from razorprof.targets.naming import display_name

_WAITED, _TICKS = 1.2, 0.1  # beyond chance, and the kernel counts in ticks of 10 ms
_LOW_COVERAGE = 0.9
_LONGEST_PROCESS_NAME = 64


class ThreadNames:
    """The model's thread of each thread that was seen: looked up while the processes are still there."""

    def __init__(self, view: ProcessView, ids: NativeIds) -> None:
        self._view = view
        self._ids = {view.pid: ids}
        self._names: dict[int, str] = {}

    def resolve(self, threads: Iterable[SeenThread]) -> dict[tuple[int, str, str], ThreadId]:
        """By (process, reference, name) of the thread."""
        by_process: dict[int, list[SeenThread]] = defaultdict(list)
        for thread in threads:
            by_process[thread.process].append(thread)
        found: dict[tuple[int, str, str], ThreadId] = {}
        for process, seen in by_process.items():
            pid = process or self._view.pid
            ids = self._ids.get(pid)
            if ids is None:
                ids = self._ids[pid] = NativeIds(ProcessView(pid, proc=self._view.proc))
            natives = ids.resolve(thread.reference for thread in seen)
            for thread in seen:
                name = f"{self._process_name(process)} {thread.name}".rstrip() if process else thread.name
                found[process, thread.reference, thread.name] = ThreadId(natives[thread.reference], name)
        return found

    def _process_name(self, pid: int) -> str:
        if pid not in self._names:
            view = ProcessView(pid, proc=self._view.proc)
            try:
                name = display_name(view.command_line(), view.comm())[:_LONGEST_PROCESS_NAME]
            except RazorprofError:
                name = ""
            self._names[pid] = f"{name}[{pid}]"
        return self._names[pid]


def profile_of(
    recording: Recording, blocks: Iterable[Block], origin: Origin, notes: Iterable[str] = ()
) -> Profile:
    """The profile of a whole recording; `blocks` are its windows through `block_of`."""
    held = tuple(blocks)
    weights: dict[StackKey, float] = defaultdict(float)
    for block in held:
        for key, weight in block.weights.items():
            weights[key] += weight
    looks = recording.looks
    return Profile(
        weights=dict(weights),
        unit="seconds",
        seconds=sum(block.seconds for block in held),
        samples=recording.samples,
        errors=sum(window.errors for window in recording.windows) + recording.failures,
        rate_hz=float(recording.rate_hz),
        mode=looks.mode,
        value="gil" if looks.only_gil else "wall" if looks.wall else "cpu",
        start=held[0].start if held else None,
        blocks=held,
        rounds=sum(window.rounds for window in recording.windows),
        stopped_seconds=sum(window.stopped_seconds for window in recording.windows),
        origin=origin,
        notes=(*notes, *_notes(recording)),
    )


def block_of(window: Window, names: ThreadNames) -> Block:
    """One window as a block."""
    if not window.rounds:
        return Block(window.start, window.seconds, {})
    weight = window.seconds / window.rounds
    threads = names.resolve(window.threads) if window.threads else {}
    weights: dict[StackKey, float] = defaultdict(float)
    for thread in window.threads:
        known = threads[thread.process, thread.reference, thread.name]
        for stack, count in thread.stacks.items():
            weights[StackKey(known, stack or UNREADABLE)] += count * weight
    return Block(window.start, window.seconds, dict(weights), window.samples)


def _notes(recording: Recording) -> list[str]:
    looks = recording.looks
    notes = [_meaning(looks)]
    covered = sum(window.seconds for window in recording.windows)
    if recording.windows:
        first, last = recording.windows[0], recording.windows[-1]
        whole = last.start + last.seconds - first.start
        if covered < _LOW_COVERAGE * whole:
            notes.append(f"{covered:.2f} s of {whole:.2f} s were covered; nobody looked in the rest")
    if looks.blocking:
        notes.append("the time for which the target stood still is estimated from the CPU time of py-spy")
    if looks.blocking and not (looks.wall or looks.only_gil):
        notes.append(
            "threads that did not run by the kernel's count, but were seen to just after a stop, are left out"
        )
    notes += _waiting(recording)
    if recording.stood_still:
        notes.append(f"others had stopped the process for {recording.stood_still:.1f} s of it")
    if recording.failures:
        notes.append(f"{recording.failures} windows gave nothing and were tried again")
    if recording.ending is Ending.GONE:
        notes.append(f"the process ended after {recording.elapsed:.1f} s")
    elif recording.ending is Ending.REPLACED:
        notes.append(f"the process became another program (exec) after {recording.elapsed:.1f} s")
    elif recording.ending is Ending.ENOUGH and not recording.windows:
        notes.append("interrupted before the sampling had begun")
    elif recording.ending is Ending.ENOUGH:
        notes.append(f"interrupted after {recording.elapsed:.1f} s")
    elif recording.error is not None:
        notes.append(f"ended after {recording.elapsed:.1f} s: {recording.error}")
    return notes


def _waiting(recording: Recording) -> list[str]:
    """Sampling sees that a thread could run, not that it had a CPU: told where that makes a difference."""
    if recording.cpu_seconds is None:
        return []
    seen = sum(w.samples * w.seconds / w.rounds for w in recording.windows if w.rounds)
    if seen <= _WAITED * recording.cpu_seconds + _TICKS:
        return []
    told = f"{seen:.2f} s were seen, the kernel counted {recording.cpu_seconds:.2f} s of CPU time meanwhile"
    return [f"threads that waited for a CPU or for the GIL count too: {told}"]


def _meaning(looks: Looks) -> str:
    how = (
        "the target was stopped at each look: stacks are exact"
        if looks.blocking
        else "the target was never stopped: a few stacks may be torn"
    )
    if looks.only_gil:
        return f"only the thread that holds the GIL was looked at; {how}"
    if looks.wall:
        return f"all threads were looked at, idle ones too: seconds are those of the wall clock; {how}"
    return f"threads that run were looked at; {how}"
