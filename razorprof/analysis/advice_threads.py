"""Advice on threads: they queue for the GIL, or one of them does all the work and mostly waits.

Pure, called by analysis.advice. More threads help against waiting and never against the GIL.
"""

from __future__ import annotations

from collections.abc import Iterator

from razorprof.analysis.advice_figures import exact, sampled, watch_gc, watch_metrics
from razorprof.analysis.advice_observation import Observation
from razorprof.analysis.advice_words import number, share
from razorprof.analysis.limits import GC_SHARE, GIL_WAITING
from razorprof.model.advice import Advice, Better, Check, Confidence
from razorprof.model.verdict import Limit

GIL_HELD = 0.85  # above limits.GIL_HELD: advice to rebuild a program needs more than a verdict
CERTAIN_WAITERS = 1.0
FEW_SWITCHES = 10.0  # a second: Python gives it up every 5 ms when asked, so less is a call that does not
WAITING_CPU = 0.30  # of a core: above it, waiting is not all that it does
ONE_WAITER = 1.5  # threads in I/O on average: above it, waits overlap already


def bound_by_gil(seen: Observation) -> Iterator[Advice]:
    """It is held all the time and others wait for it."""
    held, waiters = seen.gil_held, seen.gil_waiters
    if held is None or waiters is None or held < GIL_HELD or waiters < GIL_WAITING:
        return
    if (seen.gc_share or 0.0) >= GC_SHARE:
        return  # the collector holds it: that comes first
    named = sampled("python_gil_waiters", waiters)
    figures = [sampled("python_gil_held_ratio", held, "ratio"), named]
    if seen.cpu is not None:
        figures.append(exact("rate(process_cpu_seconds_total)", seen.cpu, "ratio"))
    why = "Only one thread runs Python code at a time, so more threads only make the queue longer."
    change = (
        "Not more threads. Spread the work over processes (concurrent.futures.ProcessPoolExecutor, "
        "more workers), or "
        "move the hot part into code that releases the GIL (numpy, hashlib, zlib, a C extension)."
    )
    if seen.gil_switches is not None:
        rate = seen.gil_switches / seen.seconds
        figures.append(exact("rate(python_gil_switches_total)", rate, "per_second"))
        if rate < FEW_SWITCHES:
            why += (
                f" It changes hands {number(rate)} times a second only, though Python gives it up every 5 ms when "
                "asked: one thread sits in C code that does not release it."
            )
            change += " First find that call: razorprof top shows its thread and function."
    yield Advice(
        "gil-bound",
        f"Threads queue for the GIL: held {share(held)} of the time, {number(waiters)} waiting on average",
        tuple(figures),
        f"The GIL was held in {share(held)} of the looks, and {number(waiters)} threads waited for it "
        f"on average. {why}",
        change,
        Check(named, Better.LOWER, watch_gc(seen)),
        Confidence.HIGH if waiters >= CERTAIN_WAITERS else Confidence.MEDIUM,
        "" if waiters >= CERTAIN_WAITERS else "A machine without a free CPU makes the queue longer than it is.",
    )


def waits_alone(seen: Observation) -> Iterator[Advice]:
    """One thread does all the work and spends its time waiting for data."""
    verdict, held, cpu = seen.verdict, seen.gil_held, seen.cpu
    if verdict is None or verdict.limit is not Limit.IO or held is None or cpu is None:
        return
    waiting = verdict.split.get(Limit.IO)
    if waiting is None or waiting > ONE_WAITER or cpu > WAITING_CPU or held > WAITING_CPU:
        return
    named = exact("rate(process_cpu_seconds_total)", cpu, "ratio")
    yield Advice(
        "waits-alone",
        f"One thread waits for data nearly all the time: {share(cpu)} CPU, the GIL held {share(held)}",
        (named, sampled("python_gil_held_ratio", held, "ratio"), sampled("threads in I/O", waiting)),
        f"The work waits for a peer or a disk (threads in I/O on average: {number(waiting)}), one request after "
        "the other. The GIL is free meanwhile: it is no reason against threads here, and a faster Python "
        "would change nothing.",
        "If there is more to do at once, overlap the waits: concurrent.futures.ThreadPoolExecutor, asyncio, or "
        "fewer, larger requests. If it only waits for work to come, all is well.",
        Check(named, Better.HIGHER, watch_metrics(seen)),
        Confidence.LOW,
        "What it waits for is not known: work that comes slowly looks like a peer that answers slowly.",
    )
