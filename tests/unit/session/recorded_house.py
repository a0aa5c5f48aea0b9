"""A pipeline with rules that is recorded while it lives: what happened live, and the recording of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
from razorprof.alerting.rule_file import examine
from razorprof.alerting.rules import RuleFile
from razorprof.clock import ManualClock
from razorprof.model.alert import Alert, AlertBoard, AlertChange
from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, counter, gauge
from razorprof.model.scrape import Detected, Ended, Event, ReadError, Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_sink import SegmentBounds
from razorprof.recording.rzp_writer import RecordingWriter
from razorprof.session.live_view import LiveView
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore
from razorprof.store.view import SeriesView

START = 1_700_000_000.0
WEB = Target(Identity(7, 99), "web", 50.0)
DB = Target(Identity(8, 12), "db", 60.0)
CPU = counter("process_cpu_seconds_total", "seconds", "cpu")
RSS = gauge("process_resident_memory_bytes", "bytes", "rss")
PAGE = gauge("queue_depth", "", "of the application", "queue")
HEADER = Header(bytes(16), START, "box", "test", 1.0)
OTHER_HEADER = Header(bytes(range(16)), START, "box", "test", 1.0)

RULES = """
groups:
- name: fast
  rules:
  - {record: "job:cpu:rate10s", expr: "sum by (job) (rate(process_cpu_seconds_total[10s]))"}
  - alert: Hot
    expr: job:cpu:rate10s > 1.1
    for: 5s
    keep_firing_for: 3s
    labels: {severity: page}
    annotations: {summary: "{{ $labels.job }} takes {{ $value | humanizePercentage }}"}
  - {alert: Deep, expr: "queue_depth > 30"}
  - {alert: Gone, expr: "up == 0"}
- name: slow
  interval: 7s
  rules:
  - {alert: HotHere, expr: 'ALERTS{alertname="Hot",alertstate="firing"}', for: 1s}
  - {alert: Large, expr: "avg_over_time(process_resident_memory_bytes[20s]) > 4.1e6"}
  - {alert: Never, expr: "queue_depth > 1e9"}
"""


def rule_files(text: str = RULES) -> tuple[RuleFile, ...]:
    examined = examine(text, "r.yml")
    assert not examined.problems
    return (examined.file,)


@dataclass
class House:
    """What happened live. alerts: of each tick; store: as it was at the end."""

    recording: Path
    store: MemoryStore
    view: LiveView
    changes: list[AlertChange]
    alerts: list[tuple[Alert, ...]]


def live(
    path: Path, seconds: int = 120, rules: str = RULES, *, tell: bool = False, header: Header = HEADER
) -> House:
    """tell: changes of alerts are told to the recording, too."""
    store = MemoryStore()
    writer = RecordingWriter(
        SingleFile.create(path, header), header, clock=ManualClock(), bounds=SegmentBounds(ticks=17)
    )
    pipeline = Pipeline(store, host="box", overhead=_overhead, recorder=writer)
    view = LiveView(pipeline, store)
    evaluator = Evaluator(rule_files(rules), view, store, EvaluatorOptions(interval=1.0))
    house = House(path, store, view, [], [])

    def alerting(time: float) -> AlertBoard:
        changed = evaluator.evaluate(time)
        house.changes.extend(changed)
        house.alerts.append(evaluator.alerts())
        if tell:
            writer.alerts(changed)
        return AlertBoard(evaluator.alerts())

    pipeline.alerting = alerting
    pipeline.hold_places = True
    pipeline.declare("process", (CPU, RSS))
    pipeline.declare("application", (PAGE,), open_ended=True)
    pipeline.add(WEB, "web")
    pipeline.add(DB)
    for event in a_life(seconds):
        pipeline.feed(event)
    writer.close()
    assert writer.error is None
    return house


def a_life(seconds: int) -> Iterator[Event]:
    """Two targets: one grows hot for a while and fails for a while, the other ends. One read in five takes so long
    that it comes in after the next tick."""
    cpu = 0.0
    for second in range(1, seconds + 1):
        now = START + second
        if second == 3:
            detected = Detected(WEB, now, "cpython", "3.11", command="python web.py")
            yield Scrape(WEB, "runtime", now, 0.01, structures=(detected,))
        cpu += 1.3 if 40 <= second < 60 or second == 25 else 0.7
        if 80 <= second < 90:
            yield Scrape(WEB, "process", now, 0.5, error=ReadError("timed_out", "no answer"))
        else:
            yield Scrape(WEB, "process", now + 0.002, 0.001, (Sample(CPU, cpu), Sample(RSS, 1e6 * (second % 9))))
        page = tuple(
            Sample(PAGE, float((second * 7 + n) % 37), Labels(queue=f"q{n}")) for n in range(second % 4 + 1)
        )
        yield Scrape(WEB, "application", now + 0.003, 0.004, page)
        report = SamplingReport(now - 1, 1.0, 10, 10, 0, 10.0, "nonblocking")
        stack = Frame("main", "a.py", 1), Frame(f"f{second // 20}", "a.py", 2)
        stacks = (StackSample(stack, 0.9, ThreadId(7)),)
        yield Scrape(WEB, "stacks", now + 0.001, 0.0, stacks=stacks, structures=(report,))
        late = second % 5 == 0
        scrape = Scrape(DB, "process", now - 0.1, 0.001, (Sample(CPU, 0.31 * second),))
        if second < 70 and not late:
            yield scrape
        elif second == 70:
            yield Ended(DB, now, "killed by signal 9")
        yield Tick(now, second)
        if second < 70 and late:
            yield scrape


def bits_of(view: SeriesView, *names: str) -> dict[Labels, tuple[list[float], list[int]]]:
    """Times and the very bits of all values, of series with these names (of all where none is given)."""
    return {
        series.labels: (series.times.tolist(), series.values.view(np.uint64).tolist())
        for series in view.select([], -math.inf, math.inf)
        if not names or series.name in names
    }


def _overhead(time: float) -> Overhead:
    return Overhead(self_cpu_ratio=0.01 * (time - START), self_rss_bytes=5e6)
