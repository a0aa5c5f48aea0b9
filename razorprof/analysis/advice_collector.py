"""Advice on a collector that costs: young collections that come too often, full ones over a heap that stays.

Pure, called by analysis.advice. The time in GC is known as a whole only (estimated below 3.15), so it is parted by
what young collections can cost at most: they visit no more objects than their thresholds let live.
Python's rule that a full collection waits until a quarter of the old objects is new decides whether the third
threshold binds at all. Python 3.14.0 to 3.14.4 collect in steps: nothing here holds for them.
"""

from __future__ import annotations

from collections.abc import Iterator

from razorprof.analysis.advice_figures import collections_rate, exact, gc_time, watch_gc
from razorprof.analysis.advice_observation import Collector, Observation
from razorprof.analysis.advice_words import number, share, size, span
from razorprof.model.advice import Advice, Better, Check, Confidence
from razorprof.model.metric import Quality

ESTIMATED_SHARE = 0.06  # of wall time: twice the error of the estimate (3 points), else it may be nothing
EXACT_SHARE = 0.03
MOST_CERTAIN_SHARE = 0.15
FEWEST_YOUNG = 100  # in the observation: below it a share cannot come from their number
FEWEST_FULL = 3
VISIT_SECONDS = 0.1e-6  # to visit a young object; measured on 3.8 to 3.13: 0.13 to 0.16 us in a large, cold heap
FREE_SECONDS = 0.25e-6  # to free one (measured 0.1 to 0.25 us): what is spent on this, no threshold can save
YOUNG_PER_CPU_SECOND = 10.0  # what a suggested threshold aims at
LEAST_YOUNG_THRESHOLD, MOST_YOUNG_THRESHOLD = 10_000, 100_000
FULL_SHARE_AIM = 0.01
MOST_FULL_THRESHOLD = 100_000
_GARBAGE_BYTES = 100  # of a small container: what waits longer for its collection
_SEVERAL = 1.5  # gen 1 collections per full one, against the threshold: above it, something else binds


def collector_cost(seen: Observation) -> Iterator[Advice]:
    """At most one advice for each interpreter: the dearest cause."""
    if seen.is_incremental:
        return
    for collector in seen.collectors():
        spent = collector.seconds
        least = EXACT_SHARE if collector.quality is Quality.EXACT else ESTIMATED_SHARE
        if spent is None or spent < least * seen.seconds:
            continue
        if FREE_SECONDS * sum(collector.collected(number) for number in range(3)) >= spent / 2:
            continue  # it frees what would never go otherwise: work, not waste
        full = max(0.0, spent - _young_seconds(collector))
        if collector.collections(2) >= FEWEST_FULL and full >= spent / 2:
            yield _full(seen, collector, full)
        elif collector.now.enabled and collector.collections(0) >= FEWEST_YOUNG and full < spent / 2:
            yield _young(seen, collector)


def round_up(value: float) -> int:
    """To one, two or five times a power of ten: a threshold that nobody takes for exact."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if step * power >= value:
                return step * power
        power *= 10


def _young_seconds(collector: Collector) -> float:
    """What young collections can have cost at most, by the objects that their thresholds let live."""
    zero, one, _ = (max(1, threshold) for threshold in collector.thresholds)
    visited = collector.collections(0) * zero + collector.collections(1) * zero * (one + 1)
    return visited * VISIT_SECONDS


def _young_threshold(seen: Observation, collector: Collector) -> int:
    """Of CPU time, not of wall time: a process that waits, or for which there is no CPU, makes its bursts later,
    not smaller."""
    zero = max(1, collector.threshold(0))
    cpu_seconds = seen.seconds * max(0.01, 1.0 if seen.cpu is None else seen.cpu)
    wanted = round_up(zero * collector.collections(0) / cpu_seconds / YOUNG_PER_CPU_SECOND)
    return min(MOST_YOUNG_THRESHOLD, max(LEAST_YOUNG_THRESHOLD, wanted))


def _young(seen: Observation, collector: Collector) -> Advice:
    zero, one, two = collector.thresholds
    time = gc_time(collector, seen.seconds)
    rate = collections_rate(collector, 0, seen.seconds)
    freed = collector.collected(0) + collector.collected(1)
    young = collector.collections(0) + collector.collections(1)
    suggested = _young_threshold(seen, collector)
    if suggested <= zero:  # it is high already; what remains is to keep fewer containers alive at once
        suggested = 2 * zero
    return Advice(
        "young-collections",
        f"Young collections take {_told(collector)}{share(time.value)} of the time and free little",
        (
            time,
            rate,
            exact("python_gc_objects_collected_total, each young collection", freed / young),
            exact('python_gc_threshold{generation="0"}', zero),
        ),
        f"The youngest generation is collected {number(rate.value)} times a second, whenever {number(zero)} more "
        f"containers were made than freed, and one collection finds {number(freed / young)} unreachable objects. "
        "The objects of a burst of work mostly die by their reference counts; with a threshold above the size "
        "of a burst they are never visited, and fewer grow old and cause full collections.",
        f"At start-up: gc.set_threshold({suggested}, {one}, {two}). The price: cycles wait longer, at most about "
        f"{size(suggested * _GARBAGE_BYTES)} of small objects.",
        Check(time, Better.LOWER, watch_gc(seen)),
        _confidence(collector, time.value),
        "If the burst is larger than the new threshold, or most new objects stay, less is won.",
    )


def _full(seen: Observation, collector: Collector, seconds: float) -> Advice:
    count = collector.collections(2)
    automatic = 0.0
    if collector.now.enabled:
        automatic = 1 + collector.collections(1) / (max(0, collector.threshold(2)) + 1)
    if count - automatic >= count / 2:
        return _asked_for(seen, collector, seconds, round(count - automatic))
    return _automatic(seen, collector, seconds)


def _asked_for(seen: Observation, collector: Collector, seconds: float, asked: int) -> Advice:
    time = gc_time(collector, seen.seconds)
    count = collector.collections(2)
    rate = collections_rate(collector, 2, seen.seconds)
    one = collector.collections(1)
    return Advice(
        "gc-collect-calls",
        f"The program calls gc.collect() {number(rate.value)} times a second: {_told(collector)}"
        f"{share(time.value)} of the time in GC",
        (
            time,
            rate,
            exact("python_gc_objects_collected_total, each full collection", collector.collected(2) / count),
        ),
        f"{number(count)} full collections in {seen.seconds:.0f} s, but {number(one)} collections of "
        "the generation "
        f"below: by the thresholds Python starts a full one after more than {number(collector.threshold(2))} of "
        f"those, so about {number(asked)} were asked for. Each visits the whole heap "
        f"({span(seconds / count)} on average) and freed {number(collector.collected(2) / count)} objects.",
        "Take gc.collect() out of the path that runs so often (the hot functions of razorprof top show who calls "
        "it), or call it once in many rounds, where nobody waits. If it must stay: gc.freeze() once after "
        "start-up, so that it visits only what came later.",
        Check(time, Better.LOWER, watch_gc(seen)),
        _confidence(collector, time.value),
    )


def _automatic(seen: Observation, collector: Collector, seconds: float) -> Advice:
    zero, one, two = collector.thresholds
    time = gc_time(collector, seen.seconds)
    count, middle = collector.collections(2), collector.collections(1)
    ratio = middle / count
    is_bound = ratio <= _SEVERAL * (two + 1)
    factor = max(2.0, seconds / seen.seconds / FULL_SHARE_AIM)
    suggested = min(MOST_FULL_THRESHOLD, round_up(max(two, ratio) * factor))
    bound = (
        f"that is what the third threshold ({two}) lets through"
        if is_bound
        else "the third threshold is not what holds them back: each came when a quarter of the old objects was new"
    )
    is_loading = seen.resident is not None and seen.resident.grows_steadily()
    first = (
        "While it loads: gc.disable(), and once it is up: gc.freeze(), gc.enable(). "
        if is_loading
        else "Once it is up: gc.collect(), gc.freeze(). "
    )
    return Advice(
        "full-collections",
        f"Full collections take most of {_told(collector)}{share(time.value)} of the time, and the heap survives",
        (
            time,
            collections_rate(collector, 2, seen.seconds),
            exact("python_gc_objects_collected_total, each full collection", collector.collected(2) / count),
            exact('python_gc_threshold{generation="2"}', two),
        ),
        f"{number(count)} full collections in {seen.seconds:.0f} s, {span(seconds / count)} each on average "
        f"(estimated), freed {number(collector.collected(2) / count)} objects each: the same heap is "
        "visited again "
        f"and again. One came for every {number(ratio)} collections of the generation below; {bound}.",
        f"{first}gc.freeze() takes what start-up made out of every later collection. And "
        f"gc.set_threshold({max(zero, _young_threshold(seen, collector))}, {one}, {suggested}): fewer "
        "objects grow old, "
        f"and full collections come at most once for {number(suggested)} collections of the generation below.",
        Check(time, Better.LOWER, watch_gc(seen)),
        _confidence(collector, time.value),
        "It still grows: this may be start-up only." if is_loading else "",
    )


def _told(collector: Collector) -> str:
    return "" if collector.quality is Quality.EXACT else "an estimated "


def _confidence(collector: Collector, ratio: float) -> Confidence:
    certain = collector.quality is Quality.EXACT or ratio >= MOST_CERTAIN_SHARE
    return Confidence.HIGH if certain else Confidence.MEDIUM
