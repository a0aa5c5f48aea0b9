"""What a /metrics page of 10,000 series costs: reading the newest values, writing them, compressing.

Run: python benchmarks/exposition.py. Ten targets of 1,000 series each with an hour of history; prometheus_client's
own registry with as many gauges in the same run. Medians; nothing here asserts: machines are noisy.
"""

from __future__ import annotations

import gzip
import statistics
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.model.scrape import Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.serve.exposition import Exposition
from razorprof.serve.families import TextFormat
from razorprof.serve.newest import newest
from razorprof.serve.pages import Pages
from razorprof.session.live_view import LiveView
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore

TARGETS, SERIES, TICKS = 10, 1_000, 400
METRICS = [gauge(f"app_load_{number}_seconds", "seconds", "How much") for number in range(20)]


def main() -> None:
    view = filled()
    count = sum(1 for _ in newest(view, view.state().time))
    print(f"{count} series, {TARGETS} targets")
    exposition, pages = Exposition(view), Pages(view)
    text = exposition.render(TextFormat.PLAIN)
    show("newest values", lambda: list(newest(view, view.state().time)))
    show(f"text, {len(text) / 1e6:.1f} MB", lambda: exposition.render(TextFormat.PLAIN))
    show("text, all series new", lambda: Exposition(view).render(TextFormat.PLAIN))
    show("OpenMetrics", lambda: exposition.render(TextFormat.OPEN_METRICS))
    packed = gzip.compress(text, 1)
    show(f"gzip, {len(packed) / 1e6:.2f} MB", lambda: gzip.compress(text, 1))
    show("asked again within the tick", lambda: pages.page(TextFormat.PLAIN, compressed=True))
    registry = peer()
    show("peer: registry, text", lambda: generate_latest(registry))
    show("peer: registry, OpenMetrics", lambda: generate_openmetrics(registry))  # type: ignore[no-untyped-call]


def filled() -> LiveView:
    """A session's figures, as after some minutes."""
    store = MemoryStore(max_bytes=256 << 20)
    pipeline = Pipeline(store, host="box", overhead=lambda time: Overhead(0.01))
    pipeline.declare("app", METRICS)
    samples = tuple(
        Sample(METRICS[number % len(METRICS)], 0.25 + number, Labels(shard=str(number), zone="eu-west"))
        for number in range(SERIES)
    )
    targets = [Target(Identity(pid, 1), "web", job="web") for pid in range(1, TARGETS + 1)]
    for target in targets:
        pipeline.add(target)
    for tick in range(1, TICKS + 1):
        for target in targets:
            pipeline.feed(Scrape(target, "app", float(tick), 0.001, samples))
        pipeline.feed(Tick(float(tick), tick))
    return LiveView(pipeline, store)


def peer() -> CollectorRegistry:
    registry = CollectorRegistry()
    for metric in METRICS:
        labels = ("job", "instance", "pid", "shard", "zone")
        family = Gauge(metric.name, metric.help, labels, registry=registry)
        for number in range(TARGETS * SERIES // len(METRICS)):
            pid = str(number % TARGETS)
            family.labels("web", f"box/{pid}", pid, str(number), "eu-west").set(0.25 + number)
    return registry


def show(name: str, call: Callable[[], object], rounds: int = 15) -> None:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    print(f"{name:32}{statistics.median(times) * 1e3:10.2f} ms")


if __name__ == "__main__":
    main()
