"""The pipeline: from scrapes and ticks to series, verdicts and a published state."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, counter, gauge
from razorprof.model.profile import top
from razorprof.model.scrape import Detected, Ended, Event, KernelState, ReadError, Scrape, Structure, Tick
from razorprof.model.series import is_stale
from razorprof.model.target import Identity, Life, Target
from razorprof.model.verdict import Limit
from razorprof.session.live_view import LiveView
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead, SessionState
from razorprof.store.memory import MemoryStore
from razorprof.store.view import equal

CPU = counter("process_cpu_seconds_total", "seconds", "cpu")
RSS = gauge("process_resident_memory_bytes", "bytes", "rss")
TARGET = Target(Identity(7, 99), "web", 50.0)
NO_ACCESS = ReadError("permission_denied", "no permission (7)", "doctor", final=True)


class House:
    """A pipeline with everything around it."""

    def __init__(self, targets: Sequence[Target] = (TARGET,)) -> None:
        self.store = MemoryStore()
        self.published: list[SessionState] = []
        self.seen: list[Event] = []
        self.pipeline = Pipeline(
            self.store,
            host="box",
            overhead=lambda time: Overhead(self_cpu_ratio=0.05),
            publish=self.published.append,
            taps=[self.seen.append],
        )
        for target in targets:
            self.pipeline.add(target, "python web.py")
        self.view = LiveView(self.pipeline, self.store)

    def scrape(
        self,
        time: float,
        *samples: Sample,
        source: str = "process",
        error: ReadError | None = None,
        target: Target = TARGET,
        structures: tuple[Structure, ...] = (),
        stacks: tuple[StackSample, ...] = (),
    ) -> None:
        self.pipeline.feed(Scrape(target, source, time, 0.01, samples, stacks, structures, error=error))

    def tick(self, time: float) -> SessionState:
        self.pipeline.feed(Tick(time, int(time)))
        return self.published[-1]


def test_samples_get_the_labels_of_their_target_and_are_found_by_the_view() -> None:
    house = House()
    house.scrape(1.0, structures=(Detected(TARGET, 1.0, "cpython", "3.11.7"),), source="runtime")
    house.scrape(1.0, Sample(RSS, 5e6))
    house.tick(1.0)

    assert house.view.latest(TARGET.identity, "process_resident_memory_bytes") == 5e6
    [series] = house.view.select([equal("__name__", "process_resident_memory_bytes")], 0, 9)
    assert dict(series.labels) == {
        "__name__": "process_resident_memory_bytes",
        "instance": "box/7",
        "job": "web",
        "pid": "7",
        "runtime": "cpython",
    }
    assert ("up", {}, 1.0) in house.view.series_of(TARGET.identity)
    [status] = house.view.state().targets
    assert (status.runtime, status.version, status.life) == ("cpython", "3.11.7", Life.ALIVE)


def test_a_failing_source_is_told_and_its_series_go_stale_after_a_while_only() -> None:
    house = House()
    house.scrape(1.0, Sample(RSS, 5e6))
    for second in range(2, 15):
        house.scrape(float(second), error=NO_ACCESS)
        house.tick(float(second))
    assert house.view.latest(TARGET.identity, "process_resident_memory_bytes") == 5e6
    assert house.view.latest(TARGET.identity, "razorprof_source_up", source="process") == 0.0

    for second in range(15, 20):
        house.scrape(float(second), error=NO_ACCESS)
    assert house.view.latest(TARGET.identity, "process_resident_memory_bytes") is None
    [status] = house.tick(20.0).targets
    assert status.sources[0].error == NO_ACCESS
    assert house.view.latest(TARGET.identity, "up") == 1.0


def test_a_target_that_ends_goes_stale_at_once_and_up_becomes_zero() -> None:
    house = House()
    house.scrape(1.0, Sample(RSS, 5e6))
    house.tick(1.0)
    house.pipeline.feed(Ended(TARGET, 2.0, "killed by SIGKILL"))
    state = house.tick(2.5)

    assert state.targets[0].life is Life.GONE
    assert state.targets[0].how == "killed by SIGKILL"
    assert house.view.latest(TARGET.identity, "up") == 0.0
    series = house.view.history(TARGET.identity, "process_resident_memory_bytes", seconds=60)
    assert series is not None
    assert list(is_stale(series.values)) == [False, True]
    house.scrape(3.0, Sample(RSS, 6e6))  # a late read changes nothing
    assert house.view.latest(TARGET.identity, "process_resident_memory_bytes") is None


def test_stacks_become_function_series_that_leave_when_the_function_cools_down() -> None:
    house = House()
    thread = ThreadId(7, "main")

    def window(start: float, function: str) -> None:
        report = SamplingReport(start, 10.0, 1000, 1000, 2, 100.0, "nonblocking")
        stack = (Frame("main", "app.py"), Frame(function, "app.py"))
        house.scrape(start + 10, source="stacks", stacks=(StackSample(stack, 8.0, thread),), structures=(report,))

    window(0.0, "render")
    house.tick(10.0)
    assert house.view.latest(
        TARGET.identity, "python_function_cpu_ratio", function="render", file="app.py"
    ) == pytest.approx(0.8)
    window(20.0, "dumps")
    state = house.tick(31.0)
    assert (
        house.view.latest(TARGET.identity, "python_function_cpu_ratio", function="render", file="app.py") is None
    )
    assert house.view.latest(
        TARGET.identity, "python_function_cpu_ratio", function="dumps", file="app.py"
    ) == pytest.approx(0.8)
    assert state.overhead.sampling_errors == 4
    assert state.overhead.sampling_rate_hz == 100.0


def test_counters_become_the_verdict() -> None:
    house = House()
    for second in range(7):
        house.scrape(float(second), Sample(CPU, 0.95 * second))
        house.tick(float(second))
    verdict = house.view.verdict(TARGET.identity)
    assert verdict is not None
    assert verdict.limit is Limit.CPU
    assert verdict.share == pytest.approx(0.95)


def test_a_figure_of_a_source_that_fails_is_unknown_and_no_longer_in_the_verdict() -> None:
    house = House()
    held = gauge("python_gil_held_ratio", "ratio", "held")
    for second in range(7):
        house.scrape(float(second), Sample(CPU, 0.95 * second))
        house.scrape(float(second), Sample(held, 1.0), source="gc")
        house.tick(float(second))
    verdict = house.view.verdict(TARGET.identity)
    assert verdict is not None
    assert verdict.limit is Limit.PYTHON
    for second in range(7, 14):
        house.scrape(float(second), Sample(CPU, 0.95 * second))
        house.scrape(float(second), source="gc", error=NO_ACCESS)
        house.tick(float(second))
    verdict = house.view.verdict(TARGET.identity)
    assert verdict is not None
    assert verdict.limit is Limit.CPU


def test_a_stopped_process_is_told_as_stopped_until_it_goes_on() -> None:
    house = House()
    house.scrape(1.0, source="presence", structures=(KernelState("T"),))
    assert house.tick(2.0).targets[0].life is Life.STOPPED
    house.scrape(3.0, source="presence", structures=(KernelState("S"),))
    assert house.tick(4.0).targets[0].life is Life.ALIVE


def test_a_late_window_of_the_program_before_is_not_told_of_the_one_that_took_its_place() -> None:
    house = House()

    def window(start: float, function: str) -> None:
        report = SamplingReport(start, 1.0, 100, 100, 0, 100.0, "nonblocking")
        stacks = (StackSample((Frame(function, "app.py"),), 0.9, ThreadId(7)),)
        house.scrape(start + 2, source="stacks", stacks=stacks, structures=(report,))

    def functions() -> list[str]:
        return [one.function for one in top(house.view.profile(TARGET.identity))]

    house.scrape(1.0, source="presence", structures=(KernelState("R", "one"),))
    window(1.0, "before")
    house.tick(2.0)
    assert functions() == ["before"]
    house.scrape(3.0, source="presence", structures=(KernelState("R", "two"),))
    window(2.5, "before")
    house.tick(4.0)
    assert functions() == []
    window(3.5, "after")
    house.tick(5.0)
    assert functions() == ["after"]


def test_the_worker_that_differs_from_its_siblings_is_ranked_first() -> None:
    workers = [Target(Identity(pid, 1), "worker", parent=5) for pid in range(10, 18)]
    house = House(workers)
    for second in range(3):
        for target in workers:
            share = 0.9 if target.pid == 13 else 0.1
            house.scrape(float(second), Sample(CPU, share * second), target=target)
        house.tick(float(second))
    state = house.view.state()
    by_pid = {status.target.pid: status.deviation for status in state.targets}
    assert max(by_pid, key=lambda pid: abs(by_pid[pid] or 0)) == 13
    assert abs(by_pid[13] or 0) > 3.5
    assert next(s for s in state.targets if s.target.pid == 13).deviation_of == "cpu"


def test_taps_see_every_event_first() -> None:
    house = House()
    house.scrape(1.0, Sample(RSS, 1.0))
    house.tick(1.0)
    assert [type(event) for event in house.seen] == [Scrape, Tick]


def test_a_target_that_is_forgotten_takes_its_series_along() -> None:
    house = House()
    house.scrape(1.0, Sample(RSS, 1.0, Labels(kind="x")))
    house.tick(1.0)
    house.pipeline.forget(TARGET.identity)
    assert house.view.select([equal("pid", "7")], 0, 9) == []
    assert house.view.latest(TARGET.identity, "up") is None


def test_rules_find_a_target_at_the_tick_of_its_first_samples() -> None:
    """Else an alert that fires at once is about nobody, and its evidence is not taken."""
    house = House(())
    found: list[tuple[float, float, list[tuple[int, str | None]]]] = []

    def evaluate(time: float) -> None:
        state = house.view.state()
        found.append(
            (time, state.time, [(status.target.pid, status.labels.get("pid")) for status in state.targets])
        )

    house.pipeline.alerting = evaluate
    house.tick(1.0)
    house.pipeline.add(TARGET, "python web.py")
    house.scrape(2.0, structures=(Detected(TARGET, 2.0, "cpython", "3.11.7"),), source="runtime")
    house.scrape(2.0, Sample(RSS, 5e6))
    house.tick(2.0)
    assert found == [(1.0, 1.0, []), (2.0, 2.0, [(7, "7")])]
