"""What a source or a reader may ask of the session: not to be opened, to rest, threads of its own, known names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import pairwise
from typing import ClassVar

import pytest

from razorprof.clock import ManualClock
from razorprof.model.metric import Metric, Sample, gauge, histogram
from razorprof.model.scrape import Reading, Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.plugin.protocols import Reader, SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.session.jobs import Job
from razorprof.session.pipeline import series_names
from razorprof.session.scheduler import Scheduler
from razorprof.session.session import Session, SessionOptions
from razorprof.session.workers import InlineExecutor, Work
from razorprof.store.view import equal

TARGET = Target(Identity(1, 5), "p1", selector="1")
LOAD = gauge("load", "ratio", "load")
PAUSE = histogram("pause_seconds", "seconds", "pauses")


class RestingReader:
    def __init__(self) -> None:
        self.rest = 3.0

    def read(self) -> Iterable[Reading]:
        return [Sample(LOAD, 0.5)]

    def close(self) -> None:
        pass


class CountingExecutor(InlineExecutor):
    def __init__(self) -> None:
        self.done = 0

    def submit(self, work: Work) -> None:
        self.done += 1
        work()


def test_a_reader_that_asks_for_rest_is_left_alone_for_so_long_and_runs_where_its_job_says() -> None:
    clock, apart = ManualClock(), CountingExecutor()
    scheduler = Scheduler(clock, InlineExecutor(), interval=1.0)
    scheduler.add(Job(TARGET, "load", RestingReader, clock, executor=apart))
    events = []
    for event in (found := scheduler.events()):
        events.append(event)
        if isinstance(event, Tick) and event.number == 10:
            break
    found.close()
    times = [event.time for event in events if isinstance(event, Scrape)]
    assert [later - earlier for earlier, later in pairwise(times)] == [pytest.approx(3.0)] * (len(times) - 1)
    assert apart.done == len(times) == 4


class Theirs:
    """Passes on what an application names."""

    name: ClassVar[str] = "theirs"
    metrics: ClassVar[tuple[Metric, ...]] = ()
    open_ended: ClassVar[bool] = True

    def __init__(self) -> None:
        self.options: list[SourceOptions] = []

    def applies(self, target: Target, options: SourceOptions) -> bool:
        return options.probe

    def open(self, target: Target, options: SourceOptions) -> Reader:
        self.options.append(options)
        return RestingReader()


class Ours:
    name: ClassVar[str] = "ours"
    metrics: ClassVar[tuple[Metric, ...]] = (PAUSE,)

    def open(self, target: Target, options: SourceOptions) -> Reader:
        return RestingReader()


@pytest.mark.parametrize("probe", [True, False])
def test_a_source_that_does_not_apply_is_not_opened_and_one_that_does_knows_which_names_are_ours(
    probe: bool,
) -> None:
    theirs = Theirs()
    target = Target(ProcessView(os.getpid()).identity, "self")
    session = Session(
        SessionOptions(probe=probe),
        sources=lambda: [Ours(), theirs],
        runtimes=list,
        clock=ManualClock(),
        executor=InlineExecutor(),
    )
    session.watch(target)
    session.run(lambda state: session.stop() if state.tick >= 5 else None)
    names = {series.name for series in session.view.select([equal("pid", str(os.getpid()))], 0.0, float("inf"))}
    assert ("load" in names) is probe
    assert len(theirs.options) == int(probe)
    for options in theirs.options:
        assert {"up", "pause_seconds", "pause_seconds_bucket", "razorprof_samples_dropped_total"} <= options.taken


def test_all_names_of_a_histogram_are_its_own() -> None:
    assert series_names([LOAD, PAUSE]) == {
        "load",
        "pause_seconds",
        "pause_seconds_bucket",
        "pause_seconds_sum",
        "pause_seconds_count",
    }
