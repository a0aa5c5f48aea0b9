"""The collector: what a source gives, checked against what it declared; what does not fit is counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, MetricKind, Sample, counter, gauge, histogram
from razorprof.model.scrape import Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.session.collector import Collector, Declaration
from razorprof.session.live_view import LiveView
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore
from razorprof.store.view import equal

BASE = Labels(job="web", pid="7")
LOAD = gauge("load", "ratio", "load", "shard")
READS = counter("reads_total", "", "reads")
PAUSE = histogram("pause_seconds", "seconds", "pauses")


class Room:
    """A collector of a source that declared three metrics."""

    def __init__(self, *, max_series: int = 100, open_ended: bool = False, declared: bool = True) -> None:
        self.store = MemoryStore()
        group = self.store.group(BASE, hold=30.0, max_series=max_series)
        metrics = {metric.name: metric for metric in (LOAD, READS, PAUSE)}
        declaration = Declaration(metrics, open_ended) if declared else None
        self.collector = Collector(self.store, group, declaration, BASE)

    def names(self) -> set[str]:
        return {series.name for series in self.store.select([equal("pid", "7")], 0.0, 99.0)}

    def last(self, name: str, **labels: str) -> float | None:
        return self.store.last(BASE.with_(labels, __name__=name))


def loads(*values: float) -> list[Sample]:
    return [Sample(LOAD, value, Labels(shard=str(place))) for place, value in enumerate(values)]


def test_samples_of_declared_metrics_become_series() -> None:
    room = Room()
    parts = [
        Sample(PAUSE, 1.0, Labels(le="+Inf"), "_bucket"),
        Sample(PAUSE, 2.0, suffix="_sum"),
        Sample(PAUSE, 1.0, suffix="_count"),
    ]
    room.collector.append(1.0, [*loads(0.5), Sample(READS, 3.0), *parts])
    assert room.names() == {
        "load",
        "reads_total",
        "pause_seconds_bucket",
        "pause_seconds_sum",
        "pause_seconds_count",
    }
    assert room.collector.drops == {}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Sample(gauge("other", "", "never declared"), 1.0), "undeclared"),
        (Sample(Metric("load", MetricKind.COUNTER, "", "another kind"), 1.0), "bad_name"),
        (Sample(Metric("reads_total", MetricKind.GAUGE, "", "another kind"), 1.0), "kind_changed"),
        (Sample(READS, 1.0, suffix="_sum"), "bad_name"),
        (Sample(PAUSE, 1.0), "bad_name"),
        (Sample(PAUSE, 1.0, suffix="_max"), "bad_name"),
        (Sample(LOAD, 1.0, Labels({"a-b": "c"})), "bad_label"),
        (Sample(LOAD, 1.0, Labels({"__name__": "up"})), "bad_label"),
        (Sample(LOAD, 1.0, Labels(pid="8")), "bad_label"),
        (Sample(LOAD, 1.0, Labels(shard="x" * 5000)), "bad_label"),
        (Sample(LOAD, 10**400, Labels(shard="huge")), "bad_value"),
    ],
)
def test_a_sample_that_does_not_fit_is_counted_and_the_others_are_taken(bad: Sample, reason: str) -> None:
    room = Room()
    room.store.declare([LOAD, READS, PAUSE])
    for second in range(3):
        room.collector.append(float(second), [bad, *loads(0.5, 0.6)])
    assert room.collector.drops == {reason: 3}
    assert (room.last("load", shard="0"), room.last("load", shard="1")) == (0.5, 0.6)
    assert len(room.store.select([], 0.0, 99.0)) == 2


@pytest.mark.parametrize("name", ["", "1up", "a-b", "a b", "x\ny", "\x1b[31m", "n" * 300])
def test_bad_names_are_refused_whoever_gives_them(name: str) -> None:
    for room in (Room(declared=False), Room(open_ended=True)):
        room.collector.append(1.0, [Sample(gauge(name, "", "bad"), 1.0)])
        assert room.collector.drops == {"bad_name": 1}


def test_a_counter_that_does_not_end_in_total_is_refused_unless_an_application_named_it() -> None:
    odd = [Sample(Metric("requests", MetricKind.COUNTER, "", "an old name"), 3.0)]
    room, theirs = Room(declared=False), Room(open_ended=True)
    room.collector.append(1.0, odd)
    theirs.collector.append(1.0, odd)
    assert room.collector.drops == {"bad_name": 1}
    assert theirs.last("requests") == 3.0


def test_labels_of_an_application_that_are_ours_are_renamed() -> None:
    room = Room(open_ended=True)
    room.collector.append(1.0, [Sample(LOAD, 1.0, Labels(job="theirs", pid="1"))])
    assert room.last("load", exported_job="theirs", exported_pid="1") == 1.0


def test_series_above_the_cap_are_counted_at_every_scrape() -> None:
    room = Room(max_series=3)
    for second in range(4):
        room.collector.append(float(second), loads(1.0, 2.0, 3.0, 4.0, 5.0))
    assert room.collector.drops == {"series_limit": 8}
    assert room.store.series == 3


def test_scrapes_of_several_kinds_in_turn_keep_their_values_apart() -> None:
    room = Room()
    for second in range(40):
        samples = loads(second, second + 0.5)
        if second % 5 == 0:
            samples.insert(0, Sample(READS, float(second)))
        if second % 7 == 0:
            samples.reverse()
        room.collector.append(float(second), samples)
        assert room.last("load", shard="0") == second
        assert room.last("load", shard="1") == second + 0.5
        assert room.last("reads_total") == second // 5 * 5
    assert room.collector.drops == {}


def test_nan_is_a_value() -> None:
    room = Room()
    room.collector.append(1.0, loads(float("nan")))
    value = room.last("load", shard="0")
    assert value is not None
    assert np.isnan(value)


TARGET = Target(Identity(7, 99), "web", 50.0)


def fed(samples: Sequence[Sample], *, ticks: int = 3) -> tuple[MemoryStore, Pipeline, LiveView]:
    store = MemoryStore()
    pipeline = Pipeline(store, host="box", overhead=lambda time: Overhead(self_cpu_ratio=0.05, self_rss_bytes=5e7))
    pipeline.declare("load", [LOAD])
    pipeline.add(TARGET)
    for second in range(ticks):
        pipeline.feed(Scrape(TARGET, "load", float(second), 0.003, tuple(samples)))
        pipeline.feed(Tick(float(second), second + 1))
    return store, pipeline, LiveView(pipeline, store)


def test_drops_are_a_metric_by_source_and_reason_and_part_of_the_overhead() -> None:
    _, pipeline, view = fed([*loads(1.0), Sample(READS, 1.0)])
    dropped = view.latest(TARGET.identity, "razorprof_samples_dropped_total", source="load", reason="undeclared")
    assert dropped == 3.0
    assert pipeline.state.overhead.dropped == 3


def test_all_that_is_stored_is_declared_and_nothing_of_our_own_is_dropped() -> None:
    store, pipeline, _ = fed(loads(1.0))
    families = {metric.name: metric for metric in store.metrics()}
    for series in store.select([], 0.0, 99.0):
        name = series.name
        parts = [name.removesuffix(part) for part in ("_bucket", "_sum", "_count")]
        found = [families[part] for part in (name, *parts) if part in families]
        assert found, name
        assert found[0].help
    assert pipeline.state.overhead.dropped == 0


def test_the_durations_of_reads_are_a_histogram_for_each_source() -> None:
    store, _, _ = fed(loads(1.0), ticks=5)
    base = Labels(job="razorprof", instance="box", source="load")
    count = store.last(base.with_(__name__="razorprof_scrape_duration_seconds_count"))
    below = store.last(base.with_(__name__="razorprof_scrape_duration_seconds_bucket", le="0.0025"))
    above = store.last(base.with_(__name__="razorprof_scrape_duration_seconds_bucket", le="0.005"))
    assert (count, below, above) == (5.0, 0.0, 5.0)
