"""A check of processes on a manual clock: how long it watches, what it opens for it, why a metric is not there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from razorprof.alerting.needs import Needs
from razorprof.alerting.rule_file import read_rule_file
from razorprof.alerting.rules import RuleFile
from razorprof.clock import ManualClock
from razorprof.errors import PermissionDenied
from razorprof.model.judgement import Judgement, Mark
from razorprof.model.metric import Metric, Sample, counter, gauge, histogram
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import Capability, Detection, Reader, Runtime, Source, SourceOptions, Support
from razorprof.remote.process import ProcessView
from razorprof.session.check_run import CheckPlan, pace, run_check
from razorprof.session.needed_sources import NeededSources
from razorprof.session.workers import InlineExecutor

LOAD = gauge("load", "", "load")
BUSY = counter("busy_seconds_total", "seconds", "busy")
PAUSE = histogram("pause_seconds", "seconds", "pauses")


class Figures:
    """A source of a metric, whose value each read may give. opened: by which sources."""

    def __init__(self, name: str, *metrics: Metric, values: Sequence[float] = (1.0,), opened: list[str]) -> None:
        self.name = name  # type: ignore[misc]
        self.metrics = metrics  # type: ignore[misc]
        self._values = list(values)
        self._opened = opened

    def open(self, target: Target, options: SourceOptions) -> Reader:
        self._opened.append(self.name)
        return self

    def read(self) -> Iterable[Reading]:
        value = self._values.pop(0) if len(self._values) > 1 else self._values[0]
        if value < 0:
            raise PermissionDenied("no permission to look", hint="see: razorprof doctor")
        return [Sample(self.metrics[0], value)]

    def close(self) -> None:
        pass

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]


class Known:
    """A runtime that knows every process."""

    name: ClassVar[str] = "known"

    def __init__(self, *sources: Source) -> None:
        self._sources = sources

    def detect(self, process: ProcessView) -> Detection | None:
        return Detection("known", "1.0")

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        return {}

    def sources(self, detection: Detection) -> Sequence[Source]:
        return self._sources


def read(folder: Path, *rules: str) -> RuleFile:
    path = folder / "rules.yml"
    path.write_text("groups:\n- name: g\n  rules:\n" + "".join(f"  - {rule}\n" for rule in rules))
    return read_rule_file(path)


def checked(file: RuleFile, seconds: float, *sources: Source, runtimes: Sequence[Runtime] = ()) -> Judgement:
    target = Target(ProcessView(os.getpid()).identity, "self", selector=str(os.getpid()))
    return run_check(
        CheckPlan((file,), (target,), seconds),
        lambda: sources,
        lambda: runtimes,
        clock=ManualClock(),
        executor=InlineExecutor(),
    )


def test_it_watches_for_as_long_as_the_rules_need_and_no_longer(tmp_path: Path) -> None:
    opened: list[str] = []
    file = read(tmp_path, "{alert: Busy, expr: 'max_over_time(load[4s]) > 0', for: 4s}")
    found = checked(file, 30.0, Figures("figures", LOAD, opened=opened))
    assert found.mark is Mark.WARNING
    assert found.seconds == pytest.approx(8.0, abs=1.1)
    assert opened == ["figures"]


def test_it_waits_for_what_is_not_there_but_never_longer_than_it_may(tmp_path: Path) -> None:
    file = read(tmp_path, "{alert: Busy, expr: other > 0}")
    found = checked(file, 10.0, Figures("figures", LOAD, opened=[]))
    assert found.mark is Mark.UNKNOWN
    assert found.seconds == pytest.approx(10.0, abs=1.1)
    assert found.rules[0].reason == "there is no other"


def test_why_a_metric_is_not_there_is_what_its_source_says(tmp_path: Path) -> None:
    file = read(tmp_path, "{alert: Busy, expr: load > 0}")
    found = checked(file, 3.0, Figures("figures", LOAD, values=[-1.0], opened=[]))
    assert found.rules[0].reason == ("there is no load: figures: no permission to look; see: razorprof doctor")


def test_only_sources_that_give_what_is_asked_for_are_opened(tmp_path: Path) -> None:
    opened: list[str] = []
    sources = [Figures("load", LOAD, opened=opened), Figures("busy", BUSY, opened=opened)]
    runtime = Known(Figures("pause", PAUSE, opened=opened), Figures("stacks", opened=opened))
    file = read(tmp_path, "{alert: Busy, expr: busy_seconds_total > 0}")
    found = checked(file, 5.0, *sources, runtimes=[runtime])
    assert (found.mark, opened) == (Mark.WARNING, ["busy"])


def test_what_cannot_be_read_of_one_of_several_makes_it_unknown(tmp_path: Path) -> None:
    class Half(Figures):
        """Gives figures of one process, and refuses the other."""

        def open(self, target: Target, options: SourceOptions) -> Reader:
            return Figures("load", LOAD, values=[1.0 if target.pid == os.getpid() else -1.0], opened=[])

    file = read(tmp_path, "{alert: Busy, expr: load > 5}")
    targets = tuple(Target(ProcessView(pid).identity, "it") for pid in (os.getpid(), os.getppid()))
    found = run_check(
        CheckPlan((file,), targets, 2.0),
        lambda: [Half("load", LOAD, opened=[])],
        list,
        clock=ManualClock(),
        executor=InlineExecutor(),
    )
    assert found.mark is Mark.UNKNOWN
    [problem] = found.problems
    assert problem.startswith("there is no load of ")
    assert problem.endswith(f" {os.getppid()}: load: no permission to look; see: razorprof doctor")


class Open(Figures):
    open_ended: ClassVar[bool] = True


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("{alert: A, expr: pause_seconds_bucket > 0}", {"pause", "open"}),
        ("{alert: A, expr: 'rate(busy_seconds_total[5m]) > 0'}", {"busy", "open"}),
        ("{alert: A, expr: python_function_cpu_ratio > 0}", {"stacks"}),
        ("{alert: A, expr: up == 0}", set()),
        ("{alert: A, expr: '{__name__=~\"process_.*\"} > 0'}", {"busy", "pause", "stacks", "open"}),
        (
            "{alert: A, expr: up == 0, annotations: {x: '{{ query \"pause_seconds_sum\" }}'}}",
            {"busy", "pause", "stacks", "open"},
        ),
        ("{alert: A, expr: 'absent(their_own) and up'}", {"open"}),
    ],
)
def test_what_rules_need_is_told_by_their_expressions(rule: str, wanted: set[str], tmp_path: Path) -> None:
    opened: list[str] = []
    sources = [
        Figures("busy", BUSY, opened=opened),
        Figures("pause", PAUSE, opened=opened),
        Figures("stacks", opened=opened),
        Open("open", opened=opened),
    ]
    needs = Needs([read(tmp_path, rule)])
    needed = NeededSources(needs.rules.values(), needs.recorded)
    assert {source.name for source in needed.sources(lambda: sources)()} == wanted


@pytest.mark.parametrize(
    ("rules", "seconds", "interval"),
    [
        (["{alert: A, expr: load > 0}"], 30.0, 1.0),
        (["{alert: A, expr: load > 0, for: 2s}"], 30.0, 0.5),
        (["{alert: A, expr: 'rate(load[2s]) > 0', for: 10s}"], 30.0, 0.5),
        (["{alert: A, expr: 'rate(load[100ms]) > 0'}"], 30.0, 0.1),
        (["{alert: A, expr: load > 0}"], 1.0, 0.25),
        (["{alert: A, expr: 'rate(load[5m]) > 0'}"], 0.0, 0.1),
    ],
)
def test_it_looks_more_often_where_ranges_or_the_whole_are_short(
    rules: list[str], seconds: float, interval: float, tmp_path: Path
) -> None:
    assert pace(Needs([read(tmp_path, *rules)]), seconds) == interval
