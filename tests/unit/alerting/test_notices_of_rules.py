"""What is told of real rules, evaluated at each tick as `watch` does it: states, repeats, restarts, reloads."""

from __future__ import annotations

import json

from razorprof.alerting.evaluator import EvaluatorOptions
from razorprof.alerting.notices import Noticing
from razorprof.alerting.rules import RuleGroup
from razorprof.model.notice import Notice
from tests.unit.alerting.by_hand import START, Session, alerting, files, group

OPTIONS = EvaluatorOptions(interval=15.0)


def rules(hold: float = 30.0, keep_firing: float = 0.0) -> RuleGroup:
    return group(alerting("Slow", "load > 1", hold, keep_firing), interval=15.0)


class Watch:
    """Rules that are evaluated each second, and what is told of them."""

    def __init__(self, *groups: RuleGroup, noticing: Noticing | None = None) -> None:
        self.session = Session(*groups, options=OPTIONS)
        self.noticing = noticing or Noticing()
        self.noticing.adopt(files(*groups))
        self.told: list[tuple[float, str]] = []

    def run(self, begin: int, end: int, load: float) -> None:
        for at in range(begin, end):
            self.session.tick(at, {"load": load})
            for notice in self.noticing.due(self.session.evaluator.alerts(), START + at):
                self.told.append((at, said(notice)))

    def restarted(self, at: float, *groups: RuleGroup) -> Watch:
        """Another one that took up the state of this one at a time."""
        noticing = Noticing()
        noticing.recall(json.loads(json.dumps(self.noticing.remembered(), allow_nan=False)), START + at)
        watch = Watch(*groups, noticing=noticing)
        watch.session.evaluator.recall(self.session.evaluator.remembered(), START + at)
        return watch


def said(notice: Notice) -> str:
    """firing or resolved, again where it is a repeat, and since when it fires."""
    state = "resolved" if notice.is_resolved else "firing"
    return f"{state}{' again' if notice.is_repeat else ''} {notice.starts_at - START:g}"


def test_an_alert_is_told_when_it_fires_and_when_it_is_over() -> None:
    watch = Watch(rules())
    watch.run(0, 61, 2.0)
    watch.run(61, 200, 0.5)
    assert watch.told == [(30, "firing 30"), (75, "resolved 30"), (150, "resolved again 30")]


def test_one_that_fires_on_is_told_again_as_prometheus_does() -> None:
    watch = Watch(rules())
    watch.run(0, 300, 2.0)
    assert watch.told == [(30, "firing 30"), *((at, "firing again 30") for at in (105, 180, 255))]


def test_a_condition_that_comes_and_goes_is_one_alert_where_the_rule_keeps_it_firing() -> None:
    watch = Watch(rules(hold=0.0, keep_firing=60.0))
    for begin in range(0, 240, 30):
        watch.run(begin, begin + 15, 2.0)
        watch.run(begin + 15, begin + 30, 0.5)
    watch.run(240, 330, 0.5)
    assert [word for _, word in watch.told if "again" not in word] == ["firing 0", "resolved 0"]


def test_a_restart_in_the_middle_of_it_says_nothing_new() -> None:
    watch = Watch(rules())
    watch.run(0, 100, 2.0)
    restarted = watch.restarted(130, rules())
    restarted.run(130, 300, 2.0)
    assert restarted.told == [(at, "firing again 30") for at in (130, 195, 270)]


def test_what_ended_while_nobody_watched_is_told_as_over_once() -> None:
    watch = Watch(rules())
    watch.run(0, 100, 2.0)
    restarted = watch.restarted(1000, rules())
    restarted.run(1000, 1500, 0.5)
    news = [word for _, word in restarted.told if "again" not in word]
    assert news == ["resolved 30"]


def test_an_alert_whose_rule_is_gone_after_a_restart_is_over() -> None:
    watch = Watch(rules())
    watch.run(0, 100, 2.0)
    restarted = watch.restarted(130, group(alerting("Other", "load > 9"), interval=15.0))
    restarted.run(130, 600, 2.0)
    assert [word for _, word in restarted.told] == ["resolved 30"]


def test_an_alert_whose_rule_a_reload_removes_is_over_when_what_was_told_runs_out() -> None:
    watch = Watch(rules())
    watch.run(0, 100, 2.0)
    watch.session.evaluator.adopt(())
    watch.run(100, 400, 2.0)
    assert watch.told == [(30, "firing 30"), (271, "resolved 30")]


def test_a_reload_that_moves_a_rule_says_nothing_new() -> None:
    watch = Watch(rules())
    watch.run(0, 100, 2.0)
    moved = group(alerting("Other", "load > 9"), alerting("Slow", "load > 1", 30.0), interval=15.0)
    watch.session.evaluator.adopt(files(moved))
    watch.noticing.adopt(files(moved))
    watch.run(100, 300, 2.0)
    assert [word for _, word in watch.told if "again" not in word] == ["firing 30"]
