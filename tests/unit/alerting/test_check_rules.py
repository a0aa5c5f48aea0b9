"""Rules judged: how long they are watched, what is UNKNOWN and why; over series that come, and that are there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from razorprof.alerting.judge import judge
from razorprof.alerting.needs import Needs
from razorprof.alerting.rule_file import read_rule_file
from razorprof.alerting.rule_watch import RuleWatch, judge_span
from razorprof.alerting.rules import RuleFile
from razorprof.model.judgement import Judgement, Mark, worst
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, gauge
from razorprof.model.series import Series
from razorprof.store.fixed import FixedView
from razorprof.store.memory import MemoryStore

LOAD, OPEN = gauge("load", "", "load"), gauge("open_bytes", "bytes", "open")


def read(folder: Path, text: str) -> RuleFile:
    path = folder / "rules.yml"
    lines = "\n".join(f"      {line}" for line in text.strip("\n").split("\n"))
    path.write_text(f"groups:\n  - name: g\n    rules:\n{lines}\n")
    return read_rule_file(path)


class Room:
    """A rule watch over one group of series, stepped by hand."""

    def __init__(self, file: RuleFile, interval: float = 1.0) -> None:
        self.store = MemoryStore()
        self.group = self.store.group(Labels(job="web", pid="7"))
        self.watch = RuleWatch([file], self.store, self.store, interval=interval)
        self.time = 1000.0

    def step(self, seconds: float = 1.0, **values: float) -> None:
        metrics = {"load": LOAD, "open_bytes": OPEN}
        samples = [Sample(metrics[name], value) for name, value in values.items()]
        self.group.append(self.time, samples)
        self.watch.step(self.time)
        self.time += seconds

    def judge(self) -> Judgement:
        return judge(self.watch.evaluation(), self.watch.figures())


def by_name(judgement: Judgement) -> Mapping[str, tuple[str, str]]:
    return {rule.key.name: (rule.mark.name, rule.reason) for rule in judgement.rules}


@pytest.mark.parametrize(
    ("severity", "mark"),
    [
        ("critical", Mark.CRITICAL),
        ("page", Mark.CRITICAL),
        ("Critical", Mark.CRITICAL),
        ("warning", Mark.WARNING),
        ("info", Mark.WARNING),
        ('""', Mark.WARNING),
        ("none", Mark.OK),
    ],
)
def test_a_firing_alert_counts_by_its_severity(severity: str, mark: Mark, tmp_path: Path) -> None:
    file = read(tmp_path, f"- alert: Busy\n  expr: load > 1\n  labels: {{severity: {severity}}}")
    room = Room(file)
    room.step(load=2.5)
    found = room.judge()
    assert found.mark is mark
    [alert] = found.alerts
    assert (alert.mark, alert.alert.value, alert.alert.state.value) == (mark, 2.5, "firing")
    assert alert.threshold is not None
    assert (alert.threshold.operator, alert.threshold.limit) == (">", 1.0)


def test_a_pending_alert_is_told_but_ok_and_nothing_firing_is_ok(tmp_path: Path) -> None:
    room = Room(read(tmp_path, "- alert: Busy\n  expr: load > 1\n  for: 3s\n- alert: Idle\n  expr: load < 0"))
    for load in (0.5, 0.5, 0.5, 2.0):
        room.step(load=load)
    found = room.judge()
    assert found.mark is Mark.OK
    assert [(one.alert.name, one.alert.state.value, one.mark) for one in found.alerts] == [
        ("Busy", "pending", Mark.OK)
    ]
    assert by_name(found) == {"Busy": ("OK", ""), "Idle": ("OK", "")}


def test_it_is_enough_when_every_rule_was_watched_for_its_range_and_its_for(tmp_path: Path) -> None:
    room = Room(read(tmp_path, "- alert: Busy\n  expr: max_over_time(load[4s]) > 1\n  for: 3s"))
    steps = 0
    while not room.watch.is_enough(most=30.0):
        room.step(load=2.0)
        steps += 1
    assert (steps, room.watch.seconds) == (8, 7.0)
    assert room.judge().mark is Mark.WARNING


def test_one_look_is_enough_for_rules_that_need_no_more(tmp_path: Path) -> None:
    room = Room(read(tmp_path, "- alert: Busy\n  expr: load > 1"))
    assert not room.watch.is_enough(most=30.0)
    room.step(load=0.0)
    assert room.watch.is_enough(most=30.0)


def test_a_rule_that_needs_longer_is_unknown_with_the_time_and_nobody_waits_for_it(tmp_path: Path) -> None:
    room = Room(
        read(
            tmp_path,
            "- alert: Busy\n  expr: max_over_time(load[5m]) > 1\n  for: 10m\n- alert: Idle\n  expr: load < 0",
        )
    )
    room.step(load=2.0)
    assert room.watch.is_enough(most=30.0)
    found = room.judge()
    assert found.mark is Mark.UNKNOWN
    busy = next(rule for rule in found.rules if rule.key.name == "Busy")
    assert (busy.mark, busy.needs, busy.state) == (Mark.UNKNOWN, 900.0, "pending")
    assert busy.reason == "it needs 900 s of samples"
    assert [alert.mark for alert in found.alerts] == [Mark.UNKNOWN], "what it says rests on too little"


def test_a_rule_whose_series_came_late_is_unknown_with_the_time_that_it_needs(tmp_path: Path) -> None:
    room = Room(read(tmp_path, "- alert: Busy\n  expr: load > 1\n  for: 3s"))
    for _ in range(4):
        room.step(open_bytes=1.0)
    assert not room.watch.is_enough(most=5.0)
    assert by_name(room.judge())["Busy"] == ("UNKNOWN", "there is no load")
    room.step(load=2.0)
    room.step(load=2.0)
    [rule] = room.judge().rules
    assert rule.reason == "it needs 3 s of samples, and its series came after 4 s"
    assert rule.needs == 7.0
    for _ in range(2):
        room.step(load=2.0)
    assert room.watch.is_enough(most=10.0)
    assert room.judge().mark is Mark.WARNING


def test_a_metric_that_went_away_is_absent(tmp_path: Path) -> None:
    room = Room(read(tmp_path, "- alert: Busy\n  expr: load > 1"))
    room.step(load=2.0)
    room.step(open_bytes=1.0)
    assert by_name(room.judge())["Busy"] == ("UNKNOWN", "there is no load")


def test_an_evaluation_that_fails_is_unknown_with_its_error(tmp_path: Path) -> None:
    room = Room(
        read(
            tmp_path, "- alert: Busy\n  expr: load / on(job) group_right load > 1\n- alert: Idle\n  expr: load < 0"
        )
    )
    other = room.store.group(Labels(job="web", pid="8"))
    other.append(room.time, [Sample(LOAD, 1.0)])
    room.step(load=2.0)
    found = room.judge()
    assert found.mark is Mark.UNKNOWN
    assert by_name(found)["Busy"][1].startswith("its evaluation fails: ")


def test_what_is_known_to_be_wrong_counts_before_what_is_not_known() -> None:
    assert worst([Mark.OK, Mark.UNKNOWN, Mark.WARNING]) is Mark.WARNING
    assert worst([Mark.UNKNOWN, Mark.WARNING, Mark.CRITICAL]) is Mark.CRITICAL
    assert worst([Mark.OK, Mark.UNKNOWN]) is Mark.UNKNOWN
    assert worst([]) is Mark.OK


def test_series_that_rules_record_are_needed_by_way_of_what_records_them(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        """
- record: job:load
  expr: max by (job) (max_over_time(load[10s]))
- record: job:hot
  expr: job:load > 100
- alert: Hot
  expr: job:hot > 0
  for: 5s
- alert: Alerting
  expr: ALERTS{alertname="Hot"} == 1
- alert: Gone
  expr: absent(nothing)
- alert: Other
  expr: up{job="other"} == 0
""",
    )
    needs = Needs([file])
    seconds = {key.name: value for key, value in needs.seconds.items()}
    assert seconds == {"job:load": 10.0, "job:hot": 10.0, "Hot": 15.0, "Alerting": 0.0, "Gone": 0.0, "Other": 0.0}
    assert needs.recorded == {"job:load", "job:hot", "ALERTS", "ALERTS_FOR_STATE"}
    room = Room(file)
    for _ in range(20):
        room.step(open_bytes=1.0)
    assert {name: reason for name, (mark, reason) in by_name(room.judge()).items() if mark == "UNKNOWN"} == {
        "job:load": "there is no load",
        "job:hot": "there is no load",
        "Hot": "there is no load",
        "Other": 'there is no up{job="other"}',
    }
    for _ in range(20):
        room.step(load=1.0)
    found = by_name(room.judge())
    assert found["Hot"] == ("OK", ""), "that nothing is hot is no absence"
    assert found["Alerting"] == ("OK", "")
    assert found["Gone"] == ("WARNING", "")


def test_rules_that_record_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    needs = Needs([read(tmp_path, "- record: a:b\n  expr: c:d offset 1m\n- record: c:d\n  expr: a:b offset 1m")])
    assert max(needs.seconds.values()) < 300.0
    assert needs.missing(lambda matchers: False) == {}


def test_many_rules_that_build_on_each_other_are_looked_at_once_each(tmp_path: Path) -> None:
    first = "- record: level:0\n  expr: load offset 1s"
    rules = [f"- record: level:{n}\n  expr: level:{n - 1} + level:{n - 1} offset 1s" for n in range(1, 200)]
    needs = Needs([read(tmp_path, "\n".join([first, *rules]))])
    assert max(needs.seconds.values()) == 200.0
    assert len(needs.missing(lambda matchers: False)) == 200


def test_figures_are_the_left_hand_values_whether_they_exceed_or_not(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "- alert: Big\n  expr: open_bytes > 1e6\n  labels: {severity: page}\n"
        "- alert: Up\n  expr: load\n- alert: Low\n  expr: load * 2 < 1",
    )
    room = Room(file)
    other = room.store.group(Labels(job="web", pid="8"))
    other.append(room.time, [Sample(LOAD, 5.0)])
    room.step(open_bytes=512.0, load=3.0)
    assert [(f.rule, dict(f.labels), f.value, f.unit, f.mark) for f in room.judge().figures] == [
        ("Big", {}, 512.0, "B", Mark.CRITICAL),
        ("Low", {"pid": "7"}, 6.0, "", Mark.WARNING),
        ("Low", {"pid": "8"}, 10.0, "", Mark.WARNING),
    ]


def span(values: list[float], *, start: float = 1000.0, step: float = 15.0, name: str = "load") -> FixedView:
    times = np.array([start + step * number for number in range(len(values))])
    return FixedView([Series(Labels(__name__=name, pid="7"), times, np.array(values))])


def test_recorded_series_are_judged_at_their_end(tmp_path: Path) -> None:
    file = read(
        tmp_path, "- alert: Busy\n  expr: load > 1\n  for: 1m\n- alert: Late\n  expr: load > 1\n  for: 10m"
    )
    found = judge_span([file], span([2.0] * 20), 1000.0, 1285.0)
    assert found.mark is Mark.WARNING
    assert found.time == 1285.0
    busy = next(one for one in found.alerts if one.alert.name == "Busy")
    assert busy.alert.state.value == "firing"
    assert by_name(found)["Late"] == ("UNKNOWN", "it needs 600 s of samples")
    told = {figure.rule: figure.value for figure in found.figures}
    assert told["Busy"] == 2.0
    assert math.isnan(told["Late"]), "a rule that cannot be judged has no figure"
    over = judge_span([file], span([2.0] * 19 + [0.0]), 1000.0, 1285.0)
    assert by_name(over)["Busy"] == ("OK", "")
    fresh = judge_span([file], span([0.0] * 18 + [2.0, 2.0]), 1000.0, 1285.0)
    assert [one.alert.state.value for one in fresh.alerts if one.alert.name == "Busy"] == ["pending"]


def test_what_was_recorded_of_alerts_is_not_mistaken_for_what_is_computed(tmp_path: Path) -> None:
    file = read(
        tmp_path, "- record: job:load\n  expr: sum by (job) (load)\n- alert: Busy\n  expr: ALERTS or job:load > 1"
    )
    view = FixedView(
        [
            Series(Labels(__name__="load", job="web"), np.array([1000.0]), np.array([3.0])),
            Series(Labels(__name__="job:load", job="web"), np.array([1000.0]), np.array([99.0])),
            Series(Labels(__name__="ALERTS", alertname="Old"), np.array([1000.0]), np.array([1.0])),
        ]
    )
    found = judge_span([file], view, 1000.0, 1000.0)
    assert [(one.alert.labels, one.alert.value) for one in found.alerts] == [
        (Labels(alertname="Busy", job="web"), 3.0)
    ]


def test_a_short_for_is_seen_within_few_seconds_of_series(tmp_path: Path) -> None:
    file = read(tmp_path, "- alert: Busy\n  expr: load > 1\n  for: 2s\n- alert: Long\n  expr: load > 1\n  for: 1m")
    found = judge_span([file], span([2.0] * 8, step=1.0), 1000.0, 1007.0)
    assert [(one.alert.name, one.alert.state.value) for one in found.alerts] == [
        ("Busy", "firing"),
        ("Long", "pending"),
    ]


def test_what_rules_record_is_recorded_for_as_long_as_it_is_looked_back_to(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "- record: job:load\n  expr: max(load)\n- alert: Busy\n  expr: count_over_time(job:load[5m]) >= 20",
    )
    found = judge_span([file], span([2.0] * 60), 1000.0, 1000.0 + 59 * 15.0)
    assert found.mark is Mark.WARNING


def test_a_day_of_series_takes_few_steps(tmp_path: Path) -> None:
    file = read(tmp_path, "- alert: Busy\n  expr: load > 1\n  for: 12h")
    found = judge_span([file], span([2.0] * 1500, step=60.0), 1000.0, 1000.0 + 1499 * 60.0)
    assert found.mark is Mark.WARNING
