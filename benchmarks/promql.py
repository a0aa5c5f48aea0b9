"""What PromQL costs on 1,000 series of 3,600 points, beside the same sums in plain Python.

Run: python benchmarks/promql.py [ROUNDS]. The series share their time stamps, as those of one source do; a second
run gives every tenth series a stale marker of its own. Both over a file's view and over the store of a session.
Medians of processor time: the machine may be shared. Nothing here asserts.
Aims: instant sum at most 2 ms, sum by (rate[5m]) at most 5 ms, rate with gaps at most 10 ms.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS, Series
from razorprof.query.engine import compile_query
from razorprof.query.parse import parse
from razorprof.store.fixed import FixedView
from razorprof.store.memory import MemoryStore
from razorprof.store.view import SeriesView

SERIES, POINTS, START = 1000, 3600, 1_700_000_000.0
NOW = START + POINTS + 0.5
QUERIES = (
    "sum(x)",
    "sum by (job) (x)",
    "rate(x[5m])",
    "sum by (job) (rate(x[5m]))",
    "x + x",
    "topk(5, x)",
    "quantile(0.9, x)",
    "sum_over_time(x[5m])",
    "max_over_time(x[5m])",
    "stddev_over_time(x[5m])",
    "max_over_time(x[5m:10s])",
)
Rows = list[tuple[dict[str, str], list[float], list[float]]]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    whole = made(with_holes=False)
    for title, series in (("shared time stamps", whole), ("every tenth with a hole", made(with_holes=True))):
        views: tuple[SeriesView, ...] = (FixedView(series), stored(series))
        for view in views:
            print(f"{title}, {type(view).__name__}: instant, and a range of 240 steps")
            for text in QUERIES:
                query = compile_query(text)
                instant = median(partial(query.instant, view, NOW), rounds)
                over = median(partial(query.range, view, NOW - 3600, NOW, 15), 3)
                print(f"  {text:30} {instant:9.2f} ms {over:9.1f} ms")
    rows: Rows = [(dict(one.labels), one.times.tolist(), one.values.tolist()) for one in whole]
    print("plain Python over lists: instant")
    print(f"  {'sum by (job) (x)':30} {median(lambda: plain_sum(rows), rounds):9.2f} ms")
    print(f"  {'sum by (job) (rate(x[5m]))':30} {median(lambda: plain_rate(rows), 3):9.2f} ms")
    print(f"loading an expression: {median(lambda: parse('sum by (job) (rate(x[5m])) > 5'), rounds):.3f} ms")


def made(*, with_holes: bool) -> list[Series]:
    random = np.random.default_rng(1)
    times = START + np.arange(POINTS, dtype=np.float64)
    series = []
    for number in range(SERIES):
        values = np.cumsum(random.random(POINTS))
        if with_holes and number % 10 == 0:
            values.view(np.uint64)[-100 - number // 10] = STALE_BITS
        series.append(Series(Labels(__name__="x", job=f"j{number % 10}", n=str(number)), times, values))
    return series


def stored(series: list[Series]) -> MemoryStore:
    """The series as a session keeps them: a row for each second, without the series that have no value then."""
    store = MemoryStore(seconds=2 * POINTS, max_bytes=1 << 30)
    group = store.group(Labels())
    row = group.resolve([one.labels for one in series])
    rows = np.stack([one.values for one in series], axis=1)
    there = rows.view(np.uint64) != STALE_BITS
    for moment, values, kept in zip(series[0].times.tolist(), rows, there, strict=True):
        if kept.all():
            group.append_row(moment, row, values)
        else:
            some = group.resolve([one.labels for one, keep in zip(series, kept.tolist(), strict=True) if keep])
            group.append_row(moment, some, values[kept])
    return store


def median(call: Callable[[], object], rounds: int) -> float:
    """Milliseconds, the first call left out: it fills what is remembered between two ticks of a rule."""
    call()
    spent = []
    for _ in range(rounds):
        started = time.process_time()
        call()
        spent.append(time.process_time() - started)
    return statistics.median(spent) * 1000


def plain_sum(rows: Rows) -> dict[str, float]:
    sums: dict[str, float] = {}
    for labels, times, values in rows:
        if times[-1] > NOW - 300:
            sums[labels["job"]] = sums.get(labels["job"], 0.0) + values[-1]
    return sums


def plain_rate(rows: Rows) -> dict[str, float]:
    """Without Prometheus's extrapolation: resets alone."""
    sums: dict[str, float] = {}
    for labels, times, values in rows:
        inside = [value for moment, value in zip(times, values, strict=True) if NOW - 300 < moment <= NOW]
        grown = inside[-1] - inside[0]
        for before, after in pairwise(inside):
            if after < before:
                grown += before
        sums[labels["job"]] = sums.get(labels["job"], 0.0) + grown / 300
    return sums


if __name__ == "__main__":
    main()
