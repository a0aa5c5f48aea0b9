"""What HotSpot's counters mean: collectors, memory pools and settings as a GcState. For gc_source.

Collectors and pools have the names of the JVM's own management beans, by which Prometheus's client and most
dashboards know them; one that is not known keeps the name that its counter has. Figures are the ones that jstat
prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from razorprof.errors import NotSupported
from razorprof.model.gc import CollectorGc, GcFigure, GcPause, GcState, MemoryPool
from razorprof_jvm.perfdata import Counters

_MOST_COLLECTORS, _MOST_GENERATIONS, _MOST_SPACES = 8, 4, 8
_LONGEST_NAME = 64
G1 = "GarbageFirst"

# The names of the counters in Java 8, 11 and 17 and later, and of their management beans.
_BEANS = {
    "G1 incremental collections": "G1 Young Generation",
    "G1 young collection pauses": "G1 Young Generation",
    "G1 stop-the-world full collections": "G1 Old Generation",
    "G1 full collection pauses": "G1 Old Generation",
    "G1 stop-the-world phases": "G1 Concurrent GC",
    "G1 concurrent cycle pauses": "G1 Concurrent GC",
    "PSScavenge": "PS Scavenge",
    "Parallel young collection pauses": "PS Scavenge",
    "PSMarkSweep": "PS MarkSweep",
    "PSParallelCompact": "PS MarkSweep",
    "Parallel full collection pauses": "PS MarkSweep",
    "Copy": "Copy",
    "Serial young collection pauses": "Copy",
    "MSC": "MarkSweepCompact",
    "Serial full collection pauses": "MarkSweepCompact",
    "PCopy": "ParNew",
    "CMS": "ConcurrentMarkSweep",
    "Z concurrent cycle pauses": "ZGC Pauses",
    "ZGC minor collection pauses": "ZGC Minor Pauses",
    "ZGC major collection pauses": "ZGC Major Pauses",
}
# policy: eden, survivors, old; every other heap is one pool
_POOLS = {
    G1: ("G1 Eden Space", "G1 Survivor Space", "G1 Old Gen"),
    "ParScav:MSC": ("PS Eden Space", "PS Survivor Space", "PS Old Gen"),
    "Copy:MSC": ("Eden Space", "Survivor Space", "Tenured Gen"),
    "ParNew:CMS": ("Par Eden Space", "Par Survivor Space", "CMS Old Gen"),
}
# collector: pools by generation
_WHOLE_HEAPS = {
    "Z concurrent cycle pauses": ("ZHeap", "ZHeap"),
    "ZGC major collection pauses": ("ZGC Young Generation", "ZGC Old Generation"),
    "Shenandoah full": ("Shenandoah", "Shenandoah"),
}
_METASPACE_LIMIT = re.compile(r"-XX:MaxMetaspaceSize=(\d{1,18})([kKmMgGtT]?)(?=[ \"]|$)")
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
NON_HEAP = ("Metaspace", "Compressed Class Space")
TELLS_NOTHING = "this JVM keeps no counters of its collector (Epsilon, or a build without them)"


@dataclass(frozen=True, slots=True)
class Clockwork:
    """How the JVM counts time: ticks per second, and its wall clock at tick 0 in Unix seconds (None: not
    known)."""

    frequency: float
    zero: float | None


def clockwork(counters: Counters) -> Clockwork:
    """Raises NotSupported where the JVM does not tell how it counts."""
    frequency = counters.number("sun.os.hrt.frequency")
    if frequency is None or frequency <= 0:
        raise NotSupported("the JVM does not say how it counts time", value="sun.os.hrt.frequency")
    began = counters.number("sun.rt.createVmBeginTime")  # Unix milliseconds; ticks count from about then
    return Clockwork(float(frequency), began / 1000.0 if began and began > 0 else None)


def watched(counters: Counters) -> tuple[str, ...]:
    """The counters that must agree with each other."""
    return tuple(f"sun.gc.collector.{n}.{what}" for n in _collectors(counters) for what in ("invocations", "time"))


def gc_state(counters: Counters, time: float, before: Mapping[str, int] | None = None) -> GcState:
    """Collectors, pools and settings at one time. before: collections by collector at the look before, to tell how
    many pauses nobody saw: the JVM only keeps the times of its last one. Raises NotSupported."""
    clock = clockwork(counters)
    collectors = tuple(_collector(counters, number, clock, before or {}) for number in _collectors(counters))
    return GcState(time, collectors=collectors, pools=tuple(_pools(counters)), figures=tuple(_figures(counters)))


def heap_max(counters: Counters) -> int | None:
    """The bound of the heap, -Xmx, in bytes."""
    policy = counters.text("sun.gc.policy.name")
    found = [counters.number(f"sun.gc.generation.{n}.maxCapacity") or 0 for n in range(_MOST_GENERATIONS)]
    if policy in _POOLS and policy != G1:
        return sum(found) or None
    # each generation may take all of it; the last one is told without the padding of several spaces
    return _unpadded(counters, next((value for value in reversed(found) if value), None))


def _collectors(counters: Counters) -> list[int]:
    return [n for n in range(_MOST_COLLECTORS) if counters.number(f"sun.gc.collector.{n}.invocations") is not None]


def _collector(counters: Counters, number: int, clock: Clockwork, before: Mapping[str, int]) -> CollectorGc:
    def read(what: str) -> int | None:
        return counters.number(f"sun.gc.collector.{number}.{what}")

    told = (counters.text(f"sun.gc.collector.{number}.name") or f"collector {number}")[:_LONGEST_NAME]
    name = _BEANS.get(told, told)
    collections, ticks, began, ended = (
        read(what) for what in ("invocations", "time", "lastEntryTime", "lastExitTime")
    )
    if collections is not None and collections < 0:
        collections = None
    last_end: float | None = None
    pauses: tuple[GcPause, ...] = ()
    if ended and clock.zero is not None:
        last_end = clock.zero + ended / clock.frequency
        if began is not None and 0 < began <= ended:  # else one goes on, and has taken the place of the last one
            pauses = (GcPause(last_end, (ended - began) / clock.frequency),)
    grown = (collections or 0) - before.get(name, collections or 0)
    return CollectorGc(
        name,
        collections,
        ticks / clock.frequency if ticks is not None and ticks >= 0 else None,
        pauses=pauses,
        lost=max(0, grown - len(pauses)),
        last_end=last_end,
    )


def _pools(counters: Counters) -> Iterator[MemoryPool]:
    policy = counters.text("sun.gc.policy.name") or ""
    names = _POOLS.get(policy)
    if names is None:
        yield from _plain_pools(counters)
    else:
        eden, survivor, old = names
        yield _pool(counters, eden, ["0.space.0"], bounded=policy != G1)
        yield _pool(counters, survivor, ["0.space.1", "0.space.2"], bounded=policy != G1)
        yield _pool(counters, old, ["1.space.0"], bounded=True)
    yield from _metaspace(counters)


def _plain_pools(counters: Counters) -> Iterator[MemoryPool]:
    """Heaps of one piece, generations that share one, and those that are not known: each space once."""
    collectors = {counters.text(f"sun.gc.collector.{n}.name") for n in range(_MOST_COLLECTORS)}
    known = next((names for collector, names in _WHOLE_HEAPS.items() if collector in collectors), ())
    if collectors == {None}:
        known = ("Epsilon Heap", "Epsilon Heap")
    seen: set[str] = set()
    for generation in range(_MOST_GENERATIONS):
        for space in range(_MOST_SPACES):
            place = f"{generation}.space.{space}"
            name = counters.text(f"sun.gc.generation.{place}.name")
            if name is None:
                continue
            name = known[generation] if generation < len(known) else name[:_LONGEST_NAME]
            if name in seen:
                name = f"{name} {generation}.{space}"
            seen.add(name)
            pool = _pool(counters, name, [place], bounded=True)
            is_shared = len(known) > 1 and generation == 0 and known[0] != known[1]
            # no heap is empty: these collectors fill the counter in at their first collection
            yield replace(pool, used=pool.used or None, max=None if is_shared else pool.max)


def _pool(counters: Counters, name: str, places: list[str], *, bounded: bool) -> MemoryPool:
    def total(what: str) -> int | None:
        found = [_unpadded(counters, counters.number(f"sun.gc.generation.{place}.{what}")) for place in places]
        known = [value for value in found if value is not None and value >= 0]
        return sum(known) if len(known) == len(places) else None

    most = total("maxCapacity") if bounded else None
    return MemoryPool(name, total("used"), total("capacity"), most or None)


def _metaspace(counters: Counters) -> Iterator[MemoryPool]:
    """No JVM is without classes: a 0 is a counter that is only filled in at the first collection."""
    for name, place in zip(NON_HEAP, ("metaspace", "compressedclassspace"), strict=True):
        used = counters.number(f"sun.gc.{place}.used")
        if used is None:
            continue
        committed = counters.number(f"sun.gc.{place}.capacity")
        most = counters.number(f"sun.gc.{place}.maxCapacity")
        bound = _metaspace_limit(counters) if place == "metaspace" else most
        yield MemoryPool(name, used or None, committed or None, bound or None)


def _metaspace_limit(counters: Counters) -> int | None:
    """What the JVM was told; its counter for it is what it has reserved."""
    found = _METASPACE_LIMIT.findall(counters.text("java.rt.vmArgs") or "")
    return int(found[-1][0]) << _UNITS[found[-1][1].lower()] if found else None  # the last one counts


def _unpadded(counters: Counters, value: int | None) -> int | None:
    """G1 adds 8 bytes for each space to its capacities, so that no tool divides by zero."""
    if value is None or value % 4096 not in (8, 16, 24) or counters.text("sun.gc.policy.name") != G1:
        return value
    return value - value % 4096


def _figures(counters: Counters) -> Iterator[GcFigure]:
    most = heap_max(counters)
    yield GcFigure(
        "heap limit (-Xmx)", None if most is None else float(most), "bytes", reason="" if most else "not told"
    )
    for name, counter in (
        ("tenuring threshold", "sun.gc.policy.tenuringThreshold"),
        ("highest tenuring threshold", "sun.gc.policy.maxTenuringThreshold"),
    ):
        value = counters.number(counter)
        if value is not None:
            yield GcFigure(name, float(value))
