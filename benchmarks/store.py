"""What the series store costs: appending, selecting, memory a sample, series that come and go.

Run: python benchmarks/store.py. 1,000 series x 3,600 points, one sample a second; prometheus_client's registry
(set 1,000 gauges, collect them; no history) in the same run. Medians; nothing here asserts: machines are noisy.
"""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from prometheus_client import CollectorRegistry, Gauge

from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.session.collector import Collector, Declaration
from razorprof.store.group import Group, Row
from razorprof.store.memory import MemoryStore
from razorprof.store.view import Matcher, MatchOp, equal

SERIES, POINTS = 1_000, 3_600
LOAD = gauge("load", "ratio", "load")
BASE = Labels(job="web", instance="box/7", pid="7", runtime="cpython")
NAMES = [Labels(__name__="load", shard=str(number)) for number in range(SERIES)]


def main() -> None:
    rng = np.random.default_rng(7)
    values = rng.random(SERIES)
    store = MemoryStore(max_bytes=1 << 30)
    group = store.group(BASE)
    row = group.resolve(NAMES)
    ticks = iter(range(1, 10**9))
    appends = timed(lambda: group.append_row(float(next(ticks)), row, values), POINTS)
    print(f"append a row of {SERIES} series     {appends * 1e6:10.1f} us")
    samples = [Sample(LOAD, 0.5, Labels(shard=str(number))) for number in range(SERIES)]
    other = store.group(BASE.with_(pid="8"))
    slow = timed(lambda: other.append(float(next(ticks)), samples), 100)
    print(f"the same as samples, resolved anew  {slow * 1e6:10.1f} us")
    collector = Collector(store, other, Declaration({LOAD.name: LOAD}), BASE)
    checked = timed(lambda: collector.append(float(next(ticks)), samples), 100)
    print(f"the same by a collector             {checked * 1e6:10.1f} us")
    store.forget(other)

    mine = [equal("__name__", "load"), equal("pid", "7")]
    few = [*mine, Matcher("shard", MatchOp.REGEX, "1..")]
    now = float(POINTS)
    for name, matchers, seconds in (
        ("instant, 5 minutes back", mine, 300.0),
        ("instant, 10 seconds back", mine, 10.0),
        ("instant, 100 by regex", few, 300.0),
        ("range, all of the hour", mine, 3600.0),
    ):
        took = timed(lambda m=matchers, s=seconds: store.blocks(m, now - s, now), 50)  # type: ignore[misc]
        print(f"select {name:29}{took * 1e6:10.1f} us")

    def anew() -> None:
        store.index.changed()
        store.blocks(mine, now - 300.0, now)

    print(f"select after the series changed     {timed(anew, 50) * 1e6:10.1f} us")
    one = BASE.with_(NAMES[500])
    print(f"an hour of one series               {timed(lambda: store.read(one, 0.0, now), 50) * 1e6:10.1f} us")
    print()
    measure_memory(values)
    measure_churn()
    print()
    measure_prometheus_client()


def timed(work: Callable[[], object], rounds: int) -> float:
    """Median seconds."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def measure_memory(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    store = MemoryStore(max_bytes=1 << 30)
    group: Group = store.group(BASE)
    row: Row = group.resolve([Labels(__name__="load", shard=f"s{number}") for number in range(SERIES)])
    for second in range(POINTS):
        group.append_row(float(second), row, values)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    samples = SERIES * POINTS
    print(f"memory: {used / samples:.2f} bytes a sample, by its own account {store.bytes / samples:.2f}")


def measure_churn() -> None:
    """20 new series a second, each alive for a second, with 8 MiB to live in."""
    store = MemoryStore(max_bytes=8 << 20)
    group = store.group(BASE, max_series=1_000)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    number = 0
    for second in range(12_000):
        samples = [Sample(LOAD, 1.0, Labels(shard=str(number + place))) for place in range(20)]
        number += 20
        group.append(float(second), samples)
        store.expire(float(second))
        if second % 3_000 == 2_999:
            used = tracemalloc.get_traced_memory()[0] - before
            told = f"by its own account {store.bytes / 2**20:.1f} MiB, {store.series} series kept"
            print(f"churn: {number:>9,} series came and went: {used / 2**20:.1f} MiB, {told}")
    tracemalloc.stop()


def measure_prometheus_client() -> None:
    registry = CollectorRegistry()
    family = Gauge("load", "load", ["shard"], registry=registry)
    children = [family.labels(str(number)) for number in range(SERIES)]

    def set_all() -> None:
        for child in children:
            child.set(0.5)

    print(f"prometheus_client: set 1,000 gauges {timed(set_all, 200) * 1e6:10.1f} us")
    collect = timed(lambda: [sample for metric in registry.collect() for sample in metric.samples], 50)
    print(f"prometheus_client: collect them     {collect * 1e6:10.1f} us")


if __name__ == "__main__":
    main()
