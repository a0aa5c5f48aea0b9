"""What the figures of a JVM mean, and what to change: Jvm.advise. Pure.

Each piece rests on counters that the JVM keeps itself. Where the pauses cost nothing and nothing is full, nothing
is said: a JVM at rest has no problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from razorprof.analysis.advice_figures import advise_again, exact
from razorprof.analysis.advice_observation import Observation, Trend
from razorprof.analysis.advice_words import number, share, size, span
from razorprof.model.advice import Advice, AdviceFigure, Better, Check, Confidence
from razorprof.model.gc import CollectorGc, GcState, MemoryPool
from razorprof_jvm.figures import NON_HEAP

MUCH_GC = 0.05  # of the time: below it, collecting is not what makes a program slow
VERY_MUCH_GC = 0.2
LONG_PAUSE = 0.2  # seconds on average: what a service's callers feel
FULL = 0.9  # of a pool's bound, after collections
MUCH_STOPPED = 0.05
FEW_OF_IT_GC = 0.5
SLOW_SYNC = 0.25  # of the time at safepoints
_OLD = ("G1 Old Generation", "PS MarkSweep", "MarkSweepCompact", "ConcurrentMarkSweep")
_OLD_POOLS = ("G1 Old Gen", "PS Old Gen", "Tenured Gen", "CMS Old Gen")
_SAFEPOINT, _SYNC = "jvm_safepoint_seconds_total", "jvm_safepoint_sync_seconds_total"


def advise(seen: Observation) -> Sequence[Advice]:
    """The most pressing first."""
    found = [*_collecting(seen), *_pauses(seen), *_full_collections(seen), *_metaspace(seen), *_safepoints(seen)]
    order = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)
    return sorted(found, key=lambda one: order.index(one.confidence))


def _collecting(seen: Observation) -> Iterator[Advice]:
    """Pauses take much of the time: the heap is too small for what lives in it, or for the rate of allocation."""
    spent = _spent(seen)
    if spent is None or seen.seconds <= 0 or spent / seen.seconds < MUCH_GC:
        return
    ratio = min(1.0, spent / seen.seconds)
    old, most = _old_pool(seen.now), _heap_limit(seen.now)
    is_full = old is not None and old.used is not None and old.max is not None and old.used > FULL * old.max
    figure = exact("rate(jvm_gc_collection_seconds_sum)", ratio, "ratio")
    figures = [figure]
    if old is not None and old.used is not None:
        figures.append(exact(f'jvm_memory_pool_used_bytes{{pool="{old.name}"}}', old.used, "bytes"))
    limit = f" of -Xmx {size(most)}" if most is not None else ""
    if is_full and old is not None:
        reasoning = (
            f"The program stood still for {share(ratio)} of {seen.seconds:.0f} s, and {old.name} holds "
            f"{size(old.used or 0)}{limit}: hardly anything is freed by collecting. It goes on to "
            "OutOfMemoryError, or "
            "stays as slow as it is."
        )
        change = (
            f"Look for what is kept: razorprof heap {seen.pid} --allow signal -d 60 --leaks. If it is wanted, "
            "give it a "
            "larger -Xmx (or -XX:MaxRAMPercentage in a container)."
        )
    else:
        reasoning = (
            f"The program stood still for {share(ratio)} of {seen.seconds:.0f} s to collect, while the old "
            "generation "
            "is not full: it allocates much that dies soon, in a young generation that is small for that."
        )
        change = (
            "Allocate less on the hot path (a JFR recording names the sites: jcmd PID JFR.start "
            "settings=profile), or "
            "give it a larger -Xmx so that the young generation can grow."
        )
    confidence = Confidence.HIGH if is_full or ratio >= VERY_MUCH_GC else Confidence.MEDIUM
    yield Advice(
        "jvm-gc-time",
        f"Collecting takes {share(ratio)} of the time",
        tuple(figures),
        reasoning,
        change,
        Check(figure, Better.LOWER, advise_again(seen)),
        confidence,
    )


def _pauses(seen: Observation) -> Iterator[Advice]:
    """A collector whose average pause is long."""
    for before, now in _pairs(seen):
        if now.name in _OLD or None in (before.seconds, now.seconds, before.collections, now.collections):
            continue
        times = (now.collections or 0) - (before.collections or 0)
        spent = (now.seconds or 0.0) - (before.seconds or 0.0)
        if times <= 0 or spent / times < LONG_PAUSE:
            continue
        mean = spent / times
        figure = exact(f'average pause of "{now.name}"', mean, "seconds")
        yield Advice(
            "jvm-long-pauses",
            f"{now.name} stops the program for {span(mean)} each time",
            (figure, exact("collections in this time", times)),
            f"{number(times)} collections took {span(spent)}. Their length grows with what survives them, not "
            "with "
            "the garbage: much is kept just long enough to be copied.",
            "Let fewer objects live through a collection (smaller batches, no caches that turn over quickly); "
            "with G1 set "
            "-XX:MaxGCPauseMillis; or use ZGC or Shenandoah, which do this work beside the program.",
            Check(figure, Better.LOWER, advise_again(seen)),
            Confidence.MEDIUM,
            doubt="a machine that swaps, or that has no CPU to spare, makes pauses long as well",
        )


def _full_collections(seen: Observation) -> Iterator[Advice]:
    """Full collections happen while it runs; by hand (System.gc) or because the heap is full."""
    for before, now in _pairs(seen):
        times = (now.collections or 0) - (before.collections or 0)
        if now.name not in _OLD or times <= 0:
            continue
        old = _old_pool(seen.now)
        is_full = old is not None and old.used is not None and old.max is not None and old.used > FULL * old.max
        figure = exact(f'increase(jvm_gc_collection_seconds_count{{gc="{now.name}"}})', times)
        why = (
            "The old generation is full: collecting all of it is the last resort before OutOfMemoryError."
            if is_full
            else "The old generation is not full: the likeliest cause is System.gc(), by the program or by RMI."
        )
        change = (
            f"Look for what is kept: razorprof heap {seen.pid} --allow signal -d 60 --leaks; or raise -Xmx."
            if is_full
            else "Find who calls System.gc() (-Xlog:gc tells the cause); -XX:+DisableExplicitGC ignores it, "
            "-XX:+ExplicitGCInvokesConcurrent makes it cheap."
        )
        yield Advice(
            "jvm-full-collections",
            f"{number(times)} full collections in {seen.seconds:.0f} s",
            (figure,),
            f"Each one stops the program for as long as the whole heap takes. {why}",
            change,
            Check(figure, Better.LOWER, advise_again(seen)),
            Confidence.HIGH if is_full else Confidence.MEDIUM,
            doubt=""
            if is_full
            else "a tool that counts the heap (a class histogram of live objects) makes them too",
        )


def _metaspace(seen: Observation) -> Iterator[Advice]:
    """Class metadata near its bound."""
    for pool in seen.now.pools:
        if pool.name not in NON_HEAP or pool.used is None or not pool.max or pool.used < FULL * pool.max:
            continue
        figure = exact(f'jvm_memory_pool_used_bytes{{pool="{pool.name}"}}', pool.used, "bytes")
        yield Advice(
            "jvm-metaspace",
            f"{pool.name} holds {size(pool.used)} of {size(pool.max)}",
            (figure,),
            "When it is full, full collections try to unload classes, and then there is OutOfMemoryError: "
            "Metaspace.",
            "Find what loads classes without an end (razorprof top: jvm_classes_currently_loaded): class "
            "loaders that are "
            "kept after a redeployment, generated proxies or scripts. If it is wanted, raise "
            "-XX:MaxMetaspaceSize.",
            Check(figure, Better.LOWER, advise_again(seen)),
            Confidence.MEDIUM,
        )


def _safepoints(seen: Observation) -> Iterator[Advice]:
    """The program stands still much, and not for collections."""
    stopped, synced, spent = _growth(seen, _SAFEPOINT), _growth(seen, _SYNC), _spent(seen) or 0.0
    if stopped is None or seen.seconds <= 0 or stopped / seen.seconds < MUCH_STOPPED:
        return
    if spent >= FEW_OF_IT_GC * stopped:
        return  # told by _collecting
    ratio = min(1.0, stopped / seen.seconds)
    figure = exact(f"rate({_SAFEPOINT})", ratio, "ratio")
    figures: list[AdviceFigure] = [figure]
    if synced is not None:
        figures.append(exact(f"rate({_SYNC})", synced / seen.seconds, "ratio"))
    is_slow = synced is not None and synced > SLOW_SYNC * stopped
    yield Advice(
        "jvm-safepoints",
        f"All threads stand still for {share(ratio)} of the time, and hardly to collect",
        tuple(figures),
        "Safepoints stop every Java thread: for collections, but also for deoptimisation, for biased locks of "
        "older JVMs, "
        "for thread dumps and class histograms."
        + (
            " Most of it is waiting for a thread that does not reach one (a long counted loop)." if is_slow else ""
        ),
        "See what asks for them: -Xlog:safepoint (from Java 9 on; jcmd PID VM.log switches it on in a running "
        "JVM). A tool "
        "that dumps threads often is the usual cause.",
        Check(figure, Better.LOWER, advise_again(seen)),
        Confidence.LOW,
    )


def _pairs(seen: Observation) -> Iterator[tuple[CollectorGc, CollectorGc]]:
    before = {collector.name: collector for collector in seen.before.collectors}
    for now in seen.now.collectors:
        if now.name in before:
            yield before[now.name], now


def _spent(seen: Observation) -> float | None:
    """Seconds in pauses while it was watched; None where they are not told."""
    found = [
        now.seconds - before.seconds
        for before, now in _pairs(seen)
        if now.seconds is not None and before.seconds is not None
    ]
    return max(0.0, sum(found)) if found else None


def _growth(seen: Observation, name: str) -> float | None:
    trend: Trend | None = seen.series.get(name)
    return None if trend is None else trend.growth


def _old_pool(state: GcState) -> MemoryPool | None:
    return next((pool for pool in state.pools if pool.name in _OLD_POOLS), None)


def _heap_limit(state: GcState) -> float | None:
    return next((figure.value for figure in state.figures if figure.name.startswith("heap limit")), None)
