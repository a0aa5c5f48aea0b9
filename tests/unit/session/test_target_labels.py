"""When the labels of a target's series are known: rules on `up` fire once, whatever the detection does."""

from __future__ import annotations

from dataclasses import dataclass, field

from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
from razorprof.alerting.rule_file import examine
from razorprof.model.alert import AlertBoard, AlertState
from razorprof.model.metric import Sample, gauge
from razorprof.model.scrape import Detected, Ended, ReadError, Scrape, Tick
from razorprof.model.series import is_stale
from razorprof.model.target import Identity, Target
from razorprof.session.board import NAMING_SECONDS
from razorprof.session.live_view import LiveView
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore
from razorprof.store.view import equal

RULES = """
groups:
- name: presence
  interval: 1s
  rules:
  - {alert: There, expr: up == 1, labels: {severity: none}}
  - {alert: Gone, expr: up == 0}
  - {alert: Reads, expr: razorprof_source_up == 1}
"""
TARGET = Target(Identity(7, 99), "web", 50.0)
RSS = gauge("process_resident_memory_bytes", "bytes", "rss")


@dataclass
class House:
    """A pipeline with rules. changes: (time, rule, state, the label runtime)."""

    changes: list[tuple[float, str, AlertState, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = MemoryStore()
        self.pipeline = Pipeline(self.store, host="box", overhead=lambda time: Overhead())
        self.view = LiveView(self.pipeline, self.store)
        examined = examine(RULES, "presence.yml")
        assert not examined.problems
        evaluator = Evaluator([examined.file], self.view, self.store, EvaluatorOptions(interval=1.0))

        def alerting(time: float) -> AlertBoard:
            for change in evaluator.evaluate(time):
                alert = change.alert
                self.changes.append((time, alert.name, alert.state, alert.labels.get("runtime", "")))
            return AlertBoard(evaluator.alerts())

        self.pipeline.alerting = alerting
        self.pipeline.hold_places = True
        self.pipeline.declare("process", (RSS,))
        self.pipeline.add(TARGET)

    def ticks(self, first: int, last: int) -> None:
        for second in range(first, last + 1):
            self.pipeline.feed(Tick(float(second), second))

    def detect(self, time: float, runtime: str) -> None:
        self.scrape("runtime", time, structures=(Detected(TARGET, time, runtime),))

    def scrape(self, source: str, time: float, **parts: object) -> None:
        self.pipeline.feed(Scrape(TARGET, source, time, 0.01, **parts))  # type: ignore[arg-type]

    def fired(self, name: str) -> list[tuple[float, str]]:
        found = [change for change in self.changes if change[1:3] == (name, "firing")]
        return [(time, runtime) for time, _, _, runtime in found]

    def resolved(self, name: str) -> list[float]:
        return [time for time, rule, state, _ in self.changes if (rule, state) == (name, "inactive")]


def test_a_rule_on_up_fires_once_though_the_runtime_is_detected_after_the_first_ticks() -> None:
    house = House()
    house.ticks(1, 3)
    assert house.changes == [], "not told before it is known under which labels"
    house.detect(3.5, "cpython")
    house.scrape("process", 3.6, samples=(Sample(RSS, 5e6),))
    house.ticks(4, 20)
    assert house.fired("There") == [(4.0, "cpython")]
    assert sorted(house.fired("Reads")) == [(4.0, "cpython")] * 2, "of the sources runtime and process"
    assert not house.resolved("There") + house.resolved("Reads")


def test_a_process_of_no_known_runtime_is_told_at_once() -> None:
    house = House()
    house.detect(0.5, "")
    house.ticks(1, 10)
    assert house.fired("There") == [(1.0, "")]
    assert house.resolved("There") == []


def test_a_detection_that_hangs_hides_a_target_for_some_seconds_only() -> None:
    house = House()
    house.ticks(1, 10)
    assert house.fired("There") == [(1.0 + NAMING_SECONDS, "")]


def test_a_detection_that_failed_hides_nothing_that_sources_read() -> None:
    house = House()
    house.scrape("runtime", 0.5, error=ReadError("tool_failed", "broken"))
    house.scrape("process", 0.6, samples=(Sample(RSS, 5e6),))
    house.ticks(1, 3)
    assert house.fired("There") == [(1.0, "")]
    assert house.view.latest(TARGET.identity, "process_resident_memory_bytes") == 5e6


def test_a_runtime_that_is_detected_too_late_ends_the_first_series_and_begins_new_ones() -> None:
    house = House()
    house.ticks(1, 10)
    house.detect(10.5, "cpython")
    house.ticks(11, 20)
    assert house.fired("There") == [(1.0 + NAMING_SECONDS, ""), (11.0, "cpython")]
    assert house.resolved("There") == [11.0]
    without, named = sorted(house.view.select([equal("__name__", "up")], 0, 99), key=lambda one: len(one.labels))
    assert is_stale(without.values).tolist() == [False] * 5 + [True]
    assert named.labels["runtime"] == "cpython"


def test_a_target_that_is_gone_before_it_was_detected_is_told_as_not_up() -> None:
    house = House()
    house.ticks(1, 1)
    house.pipeline.feed(Ended(TARGET, 1.5, "killed by SIGKILL"))
    house.ticks(2, 5)
    house.detect(5.5, "cpython")  # the answer of a thread that still looked
    house.ticks(6, 9)
    assert house.fired("Gone") == [(2.0, "")]
    assert not house.fired("There")
    assert not house.resolved("Gone")
