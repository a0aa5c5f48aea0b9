"""What to change about a Go program's collector, by the figures of some seconds: GOGC, GOMEMLIMIT, allocation.

Pure; called by Go.advise. Silent where the figures do not bear it out, or are not known. Figures of the collector
itself are exact; the heap's sizes need symbols or expvar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from razorprof.analysis.advice_figures import advise_again, exact, watch_gc
from razorprof.analysis.advice_observation import Observation
from razorprof.analysis.advice_words import number, share, size
from razorprof.model.advice import Advice, Better, Check, Confidence
from razorprof.model.gc import CollectorGc, GcState

FEWEST_CYCLES = 5
CPU_SHARE = 0.10  # of the available CPU, over the program's life: GOGC=100 costs a few percent where heaps stay
CYCLES_PER_SECOND = 10.0
SMALL_HEAP = 64 << 20
LONG_PAUSE = 0.010
NEAR_LIMIT = 0.85
FORCED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class _Seen:
    """The observation, and the collector at both ends of it."""

    all: Observation
    before: CollectorGc
    now: CollectorGc

    @property
    def cycles(self) -> int:
        return (self.now.collections or 0) - (self.before.collections or 0)

    @property
    def forced(self) -> int:
        return (self.now.forced or 0) - (self.before.forced or 0)

    @property
    def rate(self) -> float:
        return self.cycles / self.all.seconds

    @property
    def pause_share(self) -> float:
        return max(0.0, (self.now.seconds or 0.0) - (self.before.seconds or 0.0)) / self.all.seconds

    def figure(self, name: str) -> float | None:
        """A figure of the newest state by its name."""
        return next((one.value for one in self.all.now.figures if one.name == name), None)

    def allocated_per_second(self) -> float | None:
        """Bytes a second: expvar's where it was asked, else the pacer's."""
        for name in ("go_memstats_alloc_bytes_total", "go_gc_heap_allocs_bytes_total"):
            trend = self.all.series.get(name)
            if trend is not None and trend.growth >= 0:
                seconds = trend.points[-1][0] - trend.points[0][0]
                if seconds > 0:
                    return trend.growth / seconds
        return None


def advise(seen: Observation) -> Sequence[Advice]:
    """All that the figures bear out, surest first."""
    before, now = _collector(seen.before), _collector(seen.now)
    if not seen.is_long_enough or before is None or now is None:
        return ()
    both = _Seen(seen, before, now)
    if both.cycles < 0:  # another program runs there now
        return ()
    found = [advice for adviser in _ADVISERS for advice in adviser(both)]
    order = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)
    return tuple(sorted(found, key=lambda one: order.index(one.confidence)))


def _collector(state: GcState) -> CollectorGc | None:
    found = next((one for one in state.collectors if one.name == "go"), None)
    return None if found is None or found.collections is None else found


def _forced(seen: _Seen) -> Iterator[Advice]:
    """Cycles that the program asks for itself."""
    if seen.cycles < FEWEST_CYCLES or seen.forced < FORCED_SHARE * seen.cycles:
        return
    rate = exact("rate(go_gc_cycles_forced_gc_cycles_total)", seen.forced / seen.all.seconds, "per_second")
    yield Advice(
        "forced-cycles",
        f"The program asks for {number(seen.forced)} of {number(seen.cycles)} collections itself",
        (rate, exact("rate(go_gc_cycles_total)", seen.rate, "per_second")),
        "runtime.GC() and debug.FreeOSMemory() run a whole cycle and wait for it; the pacer then starts from a "
        "heap that it did not choose. They are hardly ever needed outside of tests and benchmarks.",
        "Find the calls of runtime.GC and debug.FreeOSMemory and take them out; to hold memory down, set "
        "GOMEMLIMIT.",
        Check(rate, Better.LOWER, watch_gc(seen.all)),
        Confidence.HIGH,
        "A program that frees a large structure now and then may do it on purpose.",
    )


def _near_limit(seen: _Seen) -> Iterator[Advice]:
    """A live heap that fills the memory limit: the collector runs more and more, and nothing is won."""
    limit, live = seen.figure("GOMEMLIMIT"), seen.figure("live heap")
    ratio = seen.all.now.cpu_ratio
    if limit is None or live is None or limit <= 0 or live < NEAR_LIMIT * limit:
        return
    figures = [exact("go_gc_heap_live_bytes", live, "bytes"), exact("go_gc_gomemlimit_bytes", limit, "bytes")]
    if ratio is not None:
        figures.append(exact("go_gc_cpu_ratio", ratio, "ratio"))
    yield Advice(
        "near-memory-limit",
        f"The live heap is {share(live / limit)} of GOMEMLIMIT",
        tuple(figures),
        f"{size(live)} survive each cycle, and all memory of the runtime is to stay below {size(limit)}: what "
        "is left for garbage is so little that cycles follow each other ever faster. The runtime stops at half "
        "of the CPU for this, and goes beyond the limit then.",
        "Raise GOMEMLIMIT (to nine tenths of the container's limit), or find what holds the memory: "
        f"razorprof heap {seen.all.pid} --probe -d 30.",
        Check(figures[0], Better.LOWER, watch_gc(seen.all)),
        Confidence.HIGH,
    )


def _off_without_limit(seen: _Seen) -> Iterator[Advice]:
    """GOGC=off and no memory limit: memory only grows."""
    off = seen.all.detail.get("GOGC") == "off" or _is_off(seen)
    limit = seen.figure("GOMEMLIMIT")
    growth = seen.all.resident.growth if seen.all.resident is not None else 0.0
    if not off or limit is not None or seen.all.detail.get("GOMEMLIMIT") or growth <= 0 or seen.cycles:
        return
    grown = exact("process_resident_memory_bytes, growth", growth, "bytes")
    yield Advice(
        "collector-off",
        f"The collector is off, there is no memory limit, and memory grew by {size(growth)}",
        (grown, exact("go_gc_cycles_total, growth", seen.cycles)),
        "With GOGC=off nothing is freed until GOMEMLIMIT is reached, and there is none: the program grows until "
        "it is killed.",
        "Set GOMEMLIMIT (to nine tenths of the memory that the program may have), or leave GOGC at 100.",
        Check(grown, Better.LOWER, f"razorprof top {seen.all.pid}"),
        Confidence.HIGH,
        "A short-lived program may be meant to end before that.",
    )


def _often(seen: _Seen) -> Iterator[Advice]:
    """Many cycles over a small heap: a larger GOGC trades memory for CPU."""
    live, percent = seen.figure("live heap"), seen.figure("GOGC")
    ratio = seen.all.now.cpu_ratio
    costs = ratio is not None and ratio >= CPU_SHARE
    if seen.cycles < FEWEST_CYCLES or not (costs or seen.rate >= CYCLES_PER_SECOND):
        return
    if seen.forced >= FORCED_SHARE * seen.cycles:
        return  # forced-cycles has it
    rate = exact("rate(go_gc_cycles_total)", seen.rate, "per_second")
    figures = [rate, exact("rate(go_gc_pause_seconds_sum)", seen.pause_share, "ratio")]
    if ratio is not None:
        figures.append(exact("go_gc_cpu_ratio", ratio, "ratio"))
    allocated = seen.allocated_per_second()
    if allocated is not None:
        figures.append(exact("rate(go_gc_heap_allocs_bytes_total)", allocated, "per_second"))
    said = f"; {size(allocated)} are allocated a second" if allocated is not None else ""
    yield Advice(
        "frequent-cycles",
        f"{number(seen.rate)} collections a second"
        + (f", {share(ratio)} of the available CPU since the start" if ratio is not None else ""),
        tuple(figures),
        f"A cycle begins when the heap has grown by GOGC percent of what was live{said}. "
        + (
            f"Only {size(live)} are live, so that little garbage already starts the next one."
            if live is not None and live < SMALL_HEAP
            else "Each cycle visits everything that is live."
        ),
        _more_room(live, percent, seen.rate),
        Check(rate, Better.LOWER, advise_again(seen.all)),
        Confidence.HIGH if costs and live is not None and live < SMALL_HEAP else Confidence.MEDIUM,
        "Fewer allocations help without more memory: razorprof cpu shows who calls runtime.mallocgc.",
    )


def _more_room(live: float | None, percent: float | None, rate: float) -> str:
    wanted = 2 ** max(1, min(4, round(rate / CYCLES_PER_SECOND)).bit_length())
    now = 100.0 if percent is None else max(1.0, percent)
    gogc = int(round(now * wanted, -2)) or 200
    price = ""
    if live is not None:
        price = f" The price: the heap may grow to about {size(live * (1 + gogc / 100))} between cycles."
    floor = (
        ""
        if live is None or live >= SMALL_HEAP
        else " A heap this small can also be given room: GOGC=off with GOMEMLIMIT."
    )
    return f"Start it with GOGC={gogc} (now {number(now)}); see that GOMEMLIMIT bounds it.{price}{floor}"


def _long_pauses(seen: _Seen) -> Iterator[Advice]:
    """Single pauses far beyond what Go's collector needs."""
    pauses = [pause.seconds for pause in seen.now.pauses]
    longest = max(pauses, default=0.0)
    if seen.cycles < FEWEST_CYCLES or longest < LONG_PAUSE:
        return
    figure = exact("the longest of the newest pauses", longest, "seconds")
    yield Advice(
        "long-pauses",
        f"A collection stopped the program for {longest * 1000:.0f} ms",
        (figure, exact("rate(go_gc_pause_seconds_sum)", seen.pause_share, "ratio")),
        "Go stops the world for tens of microseconds. Much more means that a thread could not be stopped at once: "
        "there was no CPU for it (throttled container, GOMAXPROCS above the CPUs that it may use), or a goroutine "
        "ran long in code without preemption points.",
        "Look at container_cpu_cfs_throttled_seconds_total, and set GOMAXPROCS to the CPUs of the container's "
        "quota (Go 1.25 does so itself).",
        Check(figure, Better.LOWER, watch_gc(seen.all)),
        Confidence.MEDIUM,
        "A machine that is busy with others shows the same.",
    )


def _is_off(seen: _Seen) -> bool:
    return any(one.name == "GOGC" and "off" in one.reason for one in seen.all.now.figures)


_ADVISERS: tuple[Callable[[_Seen], Iterator[Advice]], ...] = (
    _near_limit,
    _off_without_limit,
    _forced,
    _often,
    _long_pauses,
)
