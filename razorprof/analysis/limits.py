"""What limits a process: from figures of the last seconds to one verdict with its evidence.

Pure: a Look holds the figures of one tick; `split` turns looks into thread-seconds per second spent in each
kind of work; `judge` names the limit, or says "unclear" where two readings are as good. Figures that are
not there (no GIL reading, no system calls) are None, and then the verdict says less instead of guessing.

The order of the questions matters, from the outermost cause inwards: a stopped or throttled process is limited by
that whatever its threads do; paging and garbage collection explain CPU and waiting; only then come CPU, GIL, locks
and I/O.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from razorprof.model.frame import Frame
from razorprof.model.threads import ThreadDump, ThreadInfo
from razorprof.model.verdict import Evidence, Limit, Verdict

# Thresholds, as shares of wall time unless said otherwise. The dashboard's help shows them.
THROTTLED_SHARE = 0.10  # of the time in which the container was throttled
PAGING_SHARE = 0.10  # of the time in which tasks of the container, or this process, stalled on memory
PAGING_FAULTS = 100.0  # major faults per second
GC_SHARE = 0.30  # of wall time in the collector; or, of a program that is not always busy,
GC_SHARE_OF_WORK, LEAST_GC_SHARE = 0.40, 0.15  # so much of the time with the GIL held, and this of wall time
BUSY_CORES = 0.70  # thread-seconds on a CPU per second: below it the process mostly waits
GIL_HELD = 0.75
GIL_WAITING = 0.50  # threads that wait for the GIL, on average
WORKER_CPU = 0.05  # of a core: a thread with more does work, the others only wait
RUN_QUEUE = 0.50  # thread-seconds per second ready to run, but without a CPU
TOLD_DELAY = 0.10  # a wait for a CPU that is worth a word
SMALL_SHARE = 0.25  # of a thread's time: below it, a kind of work is of no account
WAITING_THREADS = 0.60  # threads blocked on a lock or in I/O, on average
CLEAR_LEAD = 1.35  # how far the first must lead the second among kinds of work
WAIT_LEAD = 2.0  # how far waiting must lead CPU before it is the answer

# A thread that waits here waits for work, not for a resource: idle pool workers, event loops, timers.
_IDLE_PLACES = {
    ("threading.py", "wait"), ("threading.py", "_wait_for_tstate_lock"), ("threading.py", "join"),
    ("queue.py", "get"), ("thread.py", "_worker"), ("selectors.py", "select"), ("selectors.py", "poll"),
    ("socketserver.py", "serve_forever"), ("socket.py", "accept"), ("pool.py", "worker"),
    ("pool.py", "_wait_for_updates"), ("base_events.py", "_run_once"), ("connection.py", "wait"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """The figures of one tick. Ratios are per second of wall time over `seconds`; None is unknown.

    cpu: seconds on a CPU; gc: time in the collector; gil_held: share of looks with the GIL held; gil_waiters:
    threads waiting for it; throttled: of the container; run_delay: thread-seconds in the run queue;
    memory_stalled: PSI of the container; major_faults: per second.
    """

    seconds: float
    cpu: float | None = None
    threads: ThreadDump | None = None
    gc: float | None = None
    gil_held: float | None = None
    gil_waiters: float | None = None
    throttled: float | None = None
    run_delay: float | None = None
    memory_stalled: float | None = None
    major_faults: float | None = None
    stopped: bool = False


def split(looks: Sequence[Look]) -> dict[Limit, float]:
    """Thread-seconds per second in each kind of work, averaged over the looks. Unknown kinds are absent.

    Where the GIL was not read, PYTHON and NATIVE are absent and CPU holds both.
    """
    parts: dict[Limit, float] = {}
    cpu = _mean(looks, lambda look: look.cpu)
    gc = _mean(looks, lambda look: look.gc)
    held = _mean(looks, lambda look: look.gil_held)
    if gc is not None:
        parts[Limit.GC] = gc
    if cpu is not None:
        if held is None:
            parts[Limit.CPU] = max(0.0, cpu - (gc or 0.0))
        else:
            # The GIL is held in wall time, waits for a CPU included: of what it is held, so much is on a CPU.
            on_cpu = min(held, cpu)
            collecting = on_cpu * min(1.0, (gc or 0.0) / held) if held > 0 else 0.0
            parts[Limit.PYTHON] = on_cpu - collecting
            parts[Limit.NATIVE] = cpu - on_cpu
    waiters = _mean(looks, lambda look: look.gil_waiters)
    if waiters is not None:
        parts[Limit.GIL] = waiters
    others: dict[Limit, float | None] = {
        Limit.LOCK: _mean(looks, lambda look: _blocked(look, _waits_for_lock)),
        Limit.IO: _mean(looks, lambda look: _blocked(look, _waits_for_io)),
        Limit.IDLE: _mean(looks, lambda look: _blocked(look, _is_idle)),
        Limit.RUN_QUEUE: _mean(looks, lambda look: look.run_delay),
        Limit.THROTTLED: _mean(looks, lambda look: look.throttled),
        Limit.PAGING: _mean(looks, lambda look: look.memory_stalled),
    }
    return parts | {limit: part for limit, part in others.items() if part is not None}


def judge(looks: Sequence[Look], dumps: Sequence[ThreadDump] | None = None) -> Verdict:
    """The verdict over the last looks (five seconds or so). `unclear` when too little was seen.

    dumps: the threads of a longer while (20 seconds or so), where they are kept: each is one instant, and a few
    instants say little about shares. Without them, those of the looks are taken.
    """
    if dumps is None:
        dumps = [look.threads for look in looks if look.threads is not None]
    seconds = sum(look.seconds for look in looks)
    if looks and looks[-1].stopped:
        return Verdict(
            Limit.STOPPED, 1.0, "stopped by a signal (SIGSTOP or Ctrl-Z): nothing runs", seconds=seconds
        )
    parts = split(looks)
    evidence = tuple(_evidence(looks, parts))

    def verdict(limit: Limit, share: float | None, words: str) -> Verdict:
        return Verdict(limit, share, words, parts, evidence, seconds)

    cpu = _mean(looks, lambda look: look.cpu)
    if cpu is None or seconds <= 0:
        return verdict(Limit.UNCLEAR, None, "unclear: too little seen yet")
    return _outer_causes(looks, parts, verdict) or _work(looks, dumps, parts, cpu, verdict)


_Make = Callable[[Limit, float | None, str], Verdict]


def _outer_causes(looks: Sequence[Look], parts: dict[Limit, float], verdict: _Make) -> Verdict | None:
    throttled = parts.get(Limit.THROTTLED, 0.0)
    if throttled >= THROTTLED_SHARE:
        share = min(1.0, throttled)
        return verdict(Limit.THROTTLED, share, f"throttled by its container {_pct(share)} of the time")
    faults = _mean(looks, lambda look: look.major_faults) or 0.0
    stalled = parts.get(Limit.PAGING)
    if faults >= PAGING_FAULTS and (stalled is None or stalled >= PAGING_SHARE):
        told = "" if stalled is None else f", {_pct(stalled)} of the time stalled on memory"
        return verdict(Limit.PAGING, stalled, f"paging: {faults:.0f} major faults a second{told}")
    gc, held = parts.get(Limit.GC, 0.0), _mean(looks, lambda look: look.gil_held)
    # Both are looks at the same lock-step clock: a collector that waits for a CPU holds the GIL meanwhile.
    of_work = None if held is None or held < LEAST_GC_SHARE else min(1.0, gc / held)
    if gc >= GC_SHARE or (gc >= LEAST_GC_SHARE and of_work is not None and of_work >= GC_SHARE_OF_WORK):
        told = "" if of_work is None else f", {_pct(of_work)} of the time it runs Python"
        return verdict(Limit.GC, min(1.0, gc), f"collecting garbage: {_pct(min(1.0, gc))} of the time{told}")
    return None


def _work(
    looks: Sequence[Look], dumps: Sequence[ThreadDump], parts: dict[Limit, float], cpu: float, verdict: _Make
) -> Verdict:
    waiters = parts.get(Limit.GIL, 0.0)
    held = _mean(looks, lambda look: look.gil_held)
    delay = parts.get(Limit.RUN_QUEUE, 0.0)
    if held is not None and held >= GIL_HELD and waiters >= GIL_WAITING and delay < 2 * cpu:
        words = f"the GIL: {_pct(min(1.0, held))} held, {waiters:.1f} threads waiting"
        return verdict(Limit.GIL, min(1.0, held), words)
    if delay >= RUN_QUEUE and delay > cpu:
        share = delay / (delay + cpu)
        return verdict(Limit.RUN_QUEUE, share, f"no free CPU: ready threads wait {_pct(share)} of the time")
    if cpu >= BUSY_CORES:
        return _busy(parts, cpu, verdict)
    return _mostly_waiting(dumps, parts, cpu, delay, verdict)


def _busy(parts: dict[Limit, float], cpu: float, verdict: _Make, otherwise: str = "") -> Verdict:
    python, native = parts.get(Limit.PYTHON), parts.get(Limit.NATIVE)
    if python is None or native is None:
        lock = parts.get(Limit.LOCK, 0.0)
        told = f", {lock:.1f} threads wait for a lock" if lock >= WAITING_THREADS else otherwise
        return verdict(Limit.CPU, min(1.0, cpu), f"CPU: {_cores(cpu)}, in which code was not seen{told}")
    if python >= CLEAR_LEAD * native:
        return verdict(Limit.PYTHON, min(1.0, python), f"CPU in Python code: {_cores(python)}{otherwise}")
    if native >= CLEAR_LEAD * python:
        return verdict(Limit.NATIVE, min(1.0, native), f"CPU in native code: {_cores(native)}{otherwise}")
    words = f"unclear: Python {_cores(python)}, native code {_cores(native)}"
    return verdict(Limit.UNCLEAR, None, words)


def _mostly_waiting(
    dumps: Sequence[ThreadDump], parts: dict[Limit, float], cpu: float, delay: float, verdict: _Make
) -> Verdict:
    lock, io = _waits_of_workers(dumps)
    if lock is None or io is None:
        if cpu < 0.02:
            return verdict(Limit.IDLE, 1.0 - cpu, f"nothing: idle or waiting, {_pct(cpu)} CPU")
        return verdict(Limit.UNCLEAR, None, f"unclear: {_pct(cpu)} CPU, its waits are not known")
    best, second = (lock, io) if lock >= io else (io, lock)
    if best >= max(WAITING_THREADS, CLEAR_LEAD * second, WAIT_LEAD * (cpu + delay)):
        if best == lock:
            return verdict(Limit.LOCK, min(1.0, lock), f"a lock: {lock:.1f} threads wait for one, {_pct(cpu)} CPU")
        return verdict(Limit.IO, min(1.0, io), f"I/O: {io:.1f} threads wait for data, {_pct(cpu)} CPU")
    at_most = best + 0.5 / math.sqrt(len(dumps))  # one standard deviation of a share seen in so many instants
    if best < SMALL_SHARE and cpu < SMALL_SHARE:
        return verdict(Limit.IDLE, 1.0 - cpu, f"nothing: mostly idle, {_pct(cpu)} CPU")
    if at_most < SMALL_SHARE:
        crowded = f", waits for a CPU {_pct(delay)}" if delay >= TOLD_DELAY else ""
        asleep = ", else asleep" if 1.0 - cpu - delay >= SMALL_SHARE else ""
        return _busy(parts, cpu, verdict, crowded or asleep)
    words = f"unclear: CPU {_pct(cpu)}, {lock:.1f} threads in locks, {io:.1f} in I/O"
    return verdict(Limit.UNCLEAR, None, words)


def _evidence(looks: Sequence[Look], parts: dict[Limit, float]) -> Iterable[Evidence]:
    figures: tuple[tuple[str, float | None, str], ...] = (
        ("cpu", _mean(looks, lambda look: look.cpu), "proc stat"),
        ("gil_held", _mean(looks, lambda look: look.gil_held), "memory, sampled"),
        ("gil_waiters", _mean(looks, lambda look: look.gil_waiters), "proc syscall, sampled"),
        ("gc", _mean(looks, lambda look: look.gc), "memory, estimated"),
        ("lock_waiters", parts.get(Limit.LOCK), "stacks and proc syscall"),
        ("io_waiters", parts.get(Limit.IO), "stacks and proc syscall"),
        ("throttled", parts.get(Limit.THROTTLED), "cgroup cpu.stat"),
        ("memory_stalled", parts.get(Limit.PAGING), "cgroup memory.pressure"),
        ("major_faults", _mean(looks, lambda look: look.major_faults), "proc stat"),
        ("run_queue", parts.get(Limit.RUN_QUEUE), "proc schedstat"),
    )
    return (Evidence(what, value, source) for what, value, source in figures if value is not None)


def _blocked(look: Look, test: Callable[[ThreadInfo], bool]) -> float | None:
    """How many threads of a look fulfil the test; None where no thread could be read."""
    if look.threads is None or not any(t.waits_on or t.frames for t in look.threads.threads):
        return None
    return float(sum(test(thread) for thread in look.threads.threads))


def _waits_of_workers(dumps: Sequence[ThreadDump]) -> tuple[float | None, float | None]:
    """How many threads wait for a lock and for I/O on average, of those that do the work: threads that use CPU
    now and then, or all where none does. A peer that only waits says nothing about what limits the others."""
    if not any(thread.waits_on or thread.frames for dump in dumps for thread in dump.threads):
        return None, None
    seen: dict[int, list[ThreadInfo]] = {}
    for dump in dumps:
        for thread in dump.threads:
            seen.setdefault(thread.native_id, []).append(thread)
    workers = [one for one in seen.values() if sum(t.cpu_ratio or 0.0 for t in one) / len(one) >= WORKER_CPU]
    counted = [thread for one in workers or seen.values() for thread in one]
    lock = sum(map(_waits_for_lock, counted)) / len(dumps)
    return lock, sum(map(_waits_for_io, counted)) / len(dumps)


def _waits_for_lock(thread: ThreadInfo) -> bool:
    return (
        _sleeps(thread)
        and not thread.waits_for_gil
        and thread.waits_on is not None
        and thread.waits_on.kind in ("lock", "rlock")
        and bool(thread.frames)
        and not _in_idle_place(thread.frames)
    )


def _waits_for_io(thread: ThreadInfo) -> bool:
    if thread.kernel_state == "D":
        return True
    waits = thread.waits_on
    return _sleeps(thread) and waits is not None and waits.kind == "io" and not _waits_for_work(thread)


def _is_idle(thread: ThreadInfo) -> bool:
    return _sleeps(thread) and not (_waits_for_lock(thread) or _waits_for_io(thread) or thread.waits_for_gil)


def _sleeps(thread: ThreadInfo) -> bool:
    return thread.kernel_state in ("S", "D", "I")


def _waits_for_work(thread: ThreadInfo) -> bool:
    what = thread.waits_on.what if thread.waits_on else ""
    return what.startswith(("accept", "epoll", "poll", "select", "inotify")) or _in_idle_place(thread.frames)


def _in_idle_place(frames: Sequence[Frame]) -> bool:
    """Innermost first: whether the thread waits for work (a queue, an event loop, a join)."""
    return any((f.file.rpartition("/")[2], f.function.rpartition(".")[2]) in _IDLE_PLACES for f in frames[:3])


def _mean(looks: Sequence[Look], figure: Callable[[Look], float | None]) -> float | None:
    """The mean weighted by the looks' lengths; None where no look knows the figure."""
    known = [(value, look.seconds) for look in looks if (value := figure(look)) is not None]
    whole = sum(seconds for _, seconds in known)
    return sum(value * seconds for value, seconds in known) / whole if whole > 0 else None


def _pct(ratio: float) -> str:
    return f"{ratio * 100:.0f} %"


def _cores(seconds: float) -> str:
    return f"{seconds * 100:.0f} % of a core" if seconds < 1.5 else f"{seconds:.1f} cores"
