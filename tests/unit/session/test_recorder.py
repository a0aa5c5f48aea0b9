"""A pipeline that is recorded: the recording holds what the store held, bit for bit, and makes it anew."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from razorprof.clock import ManualClock
from razorprof.model.alert import AlertBoard
from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, counter, gauge
from razorprof.model.scrape import Detected, Ended, Event, ReadError, Scrape, Tick
from razorprof.model.series import Series
from razorprof.model.target import Identity, Target
from razorprof.query.engine import compile_query
from razorprof.query.values import Vector
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_sink import SegmentBounds
from razorprof.recording.rzp_values import Added, Cost, Declared
from razorprof.recording.rzp_writer import RecordingWriter
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore
from razorprof.store.view import SeriesView

START = 1_700_000_000.0
WEB = Target(Identity(7, 99), "web", 50.0)
DB = Target(Identity(8, 12), "db", 60.0)
CPU = counter("process_cpu_seconds_total", "seconds", "cpu")
RSS = gauge("process_resident_memory_bytes", "bytes", "rss")
PAGE = gauge("queue_depth", "", "of the application")
HEADER = Header(bytes(16), START, "box", "test", 1.0)


class House:
    """A pipeline with a recorder; `as_of_tick` keeps what a rule would have seen at each tick."""

    def __init__(self, path: Path, expression: str = "") -> None:
        self.store = MemoryStore()
        self.writer = RecordingWriter(
            SingleFile.create(path, HEADER), HEADER, clock=ManualClock(), bounds=SegmentBounds(ticks=7)
        )
        self.pipeline = Pipeline(
            self.store, host="box", overhead=overhead, recorder=self.writer, alerting=self.evaluate
        )
        self.rules = self.store.group(Labels())
        self.query = compile_query(expression) if expression else None
        self.seen: list[tuple[float, dict[Labels, float]]] = []

    def evaluate(self, time: float) -> AlertBoard:
        """As rules do: ask at the tick, and write a result into the store."""
        if self.query is not None:
            self.seen.append((time, ask(self.query, self.store, time)))
        self.rules.append(time, [Sample(gauge("ALERTS", "", ""), 1.0, Labels(alertname="Hot"))])
        return AlertBoard()

    def feed(self, events: Iterable[Event]) -> None:
        for event in events:
            self.pipeline.feed(event)


def overhead(time: float) -> Overhead:
    return Overhead(self_cpu_ratio=None if time < START + 3 else 0.01 * (time - START), self_rss_bytes=5e6)


def ask(query: object, view: SeriesView, time: float) -> dict[Labels, float]:
    value = query.instant(view, time)  # type: ignore[attr-defined]
    assert isinstance(value, Vector)
    return dict(zip(value.labels, value.values[0].tolist(), strict=True))


def a_life() -> list[Event]:
    """Two targets: one is recognised late, fails for a while and is back; one ends. Series come and go; one read
    takes so long that it comes in after the next tick."""
    events: list[Event] = []
    late: Scrape | None = None
    for second in range(1, 61):
        now = START + second
        if second == 3:
            detected = Detected(WEB, now, "cpython", "3.11", command="python web.py")
            events.append(Scrape(WEB, "runtime", now, 0.01, structures=(detected,)))
        if 20 <= second < 40:
            events.append(Scrape(WEB, "process", now, 0.5, error=ReadError("timed_out", "no answer")))
        else:
            figures = (Sample(CPU, 0.7 * second), Sample(RSS, 1e6 * (second % 9)))
            events.append(Scrape(WEB, "process", now + 0.002, 0.001, figures))
        page = tuple(Sample(PAGE, float(second), Labels(queue=f"q{n}")) for n in range(second % 4 + 1))
        events.append(Scrape(WEB, "application", now + 0.003, 0.004, page))
        report = SamplingReport(now - 1, 1.0, 10, 10, 0, 10.0, "nonblocking")
        stacks = (StackSample((Frame("main", "a.py", 1), Frame(f"f{second % 3}", "a.py", 2)), 0.9, ThreadId(7)),)
        events.append(Scrape(WEB, "stacks", now + 0.001, 0.0, stacks=stacks, structures=(report,)))
        if second < 30:
            scrape = Scrape(DB, "process", now - 0.1, 0.001, (Sample(CPU, 2.0 * second),))
            if second % 5 == 0:
                late = scrape
            else:
                events.append(scrape)
        elif second == 30:
            events.append(Ended(DB, now, "killed by signal 9"))
        events.append(Tick(now, second))
        if late is not None:
            events.append(late)
            late = None
    return events


def live_and_recorded(path: Path, expression: str = "") -> tuple[House, RecordingReader]:
    house = House(path, expression)
    house.pipeline.declare("process", (CPU, RSS))
    house.pipeline.declare("application", (), open_ended=True)
    house.pipeline.add(WEB, "web")
    house.pipeline.add(DB)
    house.feed(a_life())
    house.writer.close()
    assert house.writer.error is None
    return house, RecordingReader(path)


def bits_of(view: SeriesView) -> dict[Labels, tuple[list[float], list[int]]]:
    def bits(series: Series) -> tuple[list[float], list[int]]:
        return series.times.tolist(), series.values.view(np.uint64).tolist()

    return {series.labels: bits(series) for series in view.select([], -math.inf, math.inf)}


def test_the_recorded_series_are_those_of_the_store_bit_for_bit(tmp_path: Path) -> None:
    house, recording = live_and_recorded(tmp_path / "a.rzp")
    with recording:
        assert bits_of(recording.series().view) == bits_of(house.store)
        assert len(recording.segments) == 9
        assert recording.damage == []


def test_results_of_rules_can_be_left_out(tmp_path: Path) -> None:
    house, recording = live_and_recorded(tmp_path / "a.rzp")
    with recording:
        live = bits_of(house.store)
        own = {labels for labels in live if labels["__name__"] == "ALERTS"}
        assert own
        assert bits_of(recording.series(ruled=False).view).keys() == live.keys() - own


def test_a_query_at_each_tick_answers_as_it_did_then(tmp_path: Path) -> None:
    """Also where a read came in after a tick that is younger than the read: as it was, not as it turned out."""
    expression = 'rate(process_cpu_seconds_total[10s]) or up or {__name__=~"queue_depth|razorprof_self_.*"}'
    house, recording = live_and_recorded(tmp_path / "a.rzp", expression)
    with recording:
        series = recording.series(ruled=False)
        query = compile_query(expression)
        assert len(house.seen) == 60
        for time, answer in house.seen:
            assert ask(query, series.as_of(time), time) == answer
        # the view of all differs where reads came late: else the test says nothing
        assert any(ask(query, series.view, time) != answer for time, answer in house.seen)


def test_the_pipeline_can_be_made_anew_from_it(tmp_path: Path) -> None:
    """As a player does: from declarations, contexts, events and costs alone."""
    house, recording = live_and_recorded(tmp_path / "a.rzp")
    with recording:
        costs = {cost.time: cost for cost in recording.costs()}
        store = MemoryStore()

        def told(time: float) -> Overhead:
            cost = costs[time]
            return Overhead(self_cpu_ratio=cost.cpu_ratio, self_rss_bytes=cost.resident_bytes, behind=cost.behind)

        pipeline = Pipeline(store, host=recording.header.host, overhead=told)
        for recorded in recording.recorded():
            for item in recorded.items:
                match item:
                    case Declared():
                        pipeline.declare(item.source, item.metrics, open_ended=item.open_ended)
                    case Added():
                        pipeline.add(item.target, item.command)
                    case Scrape() | Ended() | Tick():
                        pipeline.feed(item)
        again, live = bits_of(store), bits_of(house.store)
        # the store tells of its own size, in which the rules' results are
        for labels in [one for one in live if "store" in one["__name__"] or one["__name__"] == "ALERTS"]:
            live.pop(labels), again.pop(labels, None)
        assert again == live
        assert pipeline.boards[WEB.identity].status() == house.pipeline.boards[WEB.identity].status()
        assert pipeline.boards[DB.identity].status() == house.pipeline.boards[DB.identity].status()


def test_declarations_and_costs_are_told(tmp_path: Path) -> None:
    _, recording = live_and_recorded(tmp_path / "a.rzp")
    with recording:
        declared = {one.source: one for one in recording.declared()}
        assert declared["process"] == Declared("process", (CPU, RSS))
        assert declared["application"].open_ended
        assert recording.costs()[0] == Cost(START + 1, None, 5e6)
        assert len(recording.costs()) == 60


def test_a_window_of_the_series_is_what_the_store_answers_for_it(tmp_path: Path) -> None:
    house, recording = live_and_recorded(tmp_path / "a.rzp")
    with recording:
        for low, high in ((START + 10, START + 20), (START + 29.5, START + 31), (START + 59, START + 99)):
            wanted = {
                series.labels: series.values.view(np.uint64).tolist()
                for series in house.store.select([], low, high)
            }
            found = recording.series(low, high).view.select([], low, high)
            assert {series.labels: series.values.view(np.uint64).tolist() for series in found} == wanted
