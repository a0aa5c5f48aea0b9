"""The scheduler on a clock that moves only when somebody waits on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from itertools import islice, pairwise

import pytest

from razorprof.clock import ManualClock, SystemClock
from razorprof.errors import NotSupported, ToolFailed
from razorprof.model.metric import Sample, gauge
from razorprof.model.scrape import Event, Reading, Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.session.jobs import Job
from razorprof.session.scheduler import Scheduler
from razorprof.session.workers import InlineExecutor, ThreadExecutor

CPU = gauge("cpu", "ratio", "cpu")


class FakeReader:
    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read
        self.closed = False

    def read(self) -> Iterable[Reading]:
        return self._read()

    def close(self) -> None:
        self.closed = True


def target(pid: int = 1) -> Target:
    return Target(Identity(pid, 5), f"p{pid}")


def one_sample() -> Iterable[Reading]:
    return [Sample(CPU, 0.5)]


def job(clock: ManualClock, read: Callable[[], Iterable[Reading]] = one_sample, every: float = 0.0) -> Job:
    return Job(target(), "cpu", lambda: FakeReader(read), clock, every=every)


def take(scheduler: Scheduler, count: int) -> list[Event]:
    events = scheduler.events()
    found = list(islice(events, count))
    events.close()
    return found


def test_each_round_of_reads_is_followed_by_one_tick_at_the_interval() -> None:
    clock = ManualClock()
    scheduler = Scheduler(clock, InlineExecutor(), interval=2.0)
    scheduler.add(job(clock))

    events = take(scheduler, 8)

    kinds = [type(event) for event in events]
    assert kinds == [Scrape, Tick] * 4
    ticks = [event.time for event in events if isinstance(event, Tick)]
    assert [b - a for a, b in pairwise(ticks)] == [pytest.approx(2.0)] * 3


def test_a_job_that_is_due_less_often_skips_rounds() -> None:
    clock = ManualClock()
    scheduler = Scheduler(clock, InlineExecutor(), interval=1.0)
    scheduler.add(job(clock, every=3.0))

    events = take(scheduler, 12)

    scrapes = [event.time for event in events if isinstance(event, Scrape)]
    assert [b - a for a, b in pairwise(scrapes)] == [pytest.approx(3.0)] * (len(scrapes) - 1)


def test_a_failing_reader_becomes_data_is_closed_and_is_tried_again_with_growing_pauses() -> None:
    clock = ManualClock()
    readers: list[FakeReader] = []

    def fail() -> Iterable[Reading]:
        raise ToolFailed("py-spy crashed", value=101)

    def open_reader() -> FakeReader:
        readers.append(FakeReader(fail))
        return readers[-1]

    scheduler = Scheduler(clock, InlineExecutor(), interval=1.0)
    scheduler.add(Job(target(), "stacks", open_reader, clock))

    scrapes = [event for event in take(scheduler, 60) if isinstance(event, Scrape)]

    errors = [scrape.error for scrape in scrapes]
    assert all(error is not None and error.message == "py-spy crashed (101)" for error in errors)
    assert all(reader.closed for reader in readers)
    gaps = [b.time - a.time for a, b in pairwise(scrapes)]
    assert gaps[:4] == [pytest.approx(g, abs=0.01) for g in (1.0, 2.0, 4.0, 8.0)]
    assert max(gaps) <= 31.0


def test_what_can_never_work_is_asked_once_a_minute_only() -> None:
    clock = ManualClock()

    def refuse() -> Iterable[Reading]:
        raise NotSupported("free-threaded builds cannot be read")

    scheduler = Scheduler(clock, InlineExecutor(), interval=1.0)
    scheduler.add(job(clock, refuse))
    events = take(scheduler, 59)
    assert sum(isinstance(event, Scrape) for event in events) == 1


def test_a_bug_in_a_plugin_costs_its_own_scrape_only() -> None:
    clock = ManualClock()

    def crash() -> Iterable[Reading]:
        yield Sample(CPU, 1.0)
        raise ZeroDivisionError("oops")

    scheduler = Scheduler(clock, InlineExecutor(), interval=1.0)
    scheduler.add(Job(target(1), "bad", lambda: FakeReader(crash), clock))
    scheduler.add(Job(target(2), "good", lambda: FakeReader(one_sample), clock))

    scrapes = [event for event in take(scheduler, 10) if isinstance(event, Scrape)]
    assert {s.source: s.error is None for s in scrapes} == {"bad": False, "good": True}
    assert next(s for s in scrapes if s.source == "bad").error.name == "bug"  # type: ignore[union-attr]


def test_a_hung_target_times_out_and_never_delays_another() -> None:
    clock = SystemClock()
    release = threading.Event()
    executor = ThreadExecutor(1)

    def hang() -> Iterable[Reading]:
        release.wait(30.0)
        return one_sample()

    scheduler = Scheduler(clock, executor, interval=0.05)
    scheduler.add(Job(target(1), "hung", lambda: FakeReader(hang), clock, timeout=0.2))
    scheduler.add(Job(target(2), "fine", lambda: FakeReader(one_sample), clock))

    events = scheduler.events()
    seen: list[Event] = []
    for event in events:
        seen.append(event)
        if isinstance(event, Tick) and event.number == 30:
            break
    release.set()
    events.close()

    hung = [e for e in seen if isinstance(e, Scrape) and e.source == "hung"]
    fine = [e for e in seen if isinstance(e, Scrape) and e.source == "fine"]
    assert [e.error.name for e in hung if e.error] == ["timed_out"]  # told once, and not read again while it hangs
    assert len(fine) >= 15


def test_removing_a_target_closes_its_readers() -> None:
    clock = ManualClock()
    reader = FakeReader(one_sample)
    scheduler = Scheduler(clock, InlineExecutor(), interval=1.0)
    scheduler.add(Job(target(), "cpu", lambda: reader, clock))

    events = scheduler.events()
    assert isinstance(next(events), Scrape)
    scheduler.remove(target().identity)
    following = list(islice(events, 3))
    events.close()

    assert reader.closed
    assert all(isinstance(event, Tick) for event in following[1:])


def test_while_paused_nothing_is_read_and_nothing_ticks() -> None:
    clock = ManualClock()
    scheduler = Scheduler(clock, InlineExecutor(), interval=1.0)
    scheduler.add(job(clock))
    events = scheduler.events()
    list(islice(events, 2))
    scheduler.pause(True)
    before = clock.monotonic()

    def go_on() -> None:
        scheduler.pause(False)

    original = clock.wait

    def wait(event: threading.Event, timeout: float) -> bool:
        if clock.monotonic() - before > 50:
            go_on()
        return original(event, timeout)

    clock.wait = wait  # type: ignore[method-assign]
    found = next(events)
    events.close()
    assert clock.monotonic() - before > 50
    assert isinstance(found, Scrape | Tick)


def test_a_wall_clock_that_jumps_back_does_not_take_the_ticks_along() -> None:
    clock = ManualClock()
    scheduler = Scheduler(clock, InlineExecutor(), interval=1.0)
    scheduler.add(job(clock))
    events = scheduler.events()
    first = [e.time for e in islice(events, 6) if isinstance(e, Tick)]
    clock._time -= 3600.0
    later = [e.time for e in islice(events, 6) if isinstance(e, Tick)]
    events.close()
    times = first + later
    assert times == sorted(times)
    assert times[-1] - times[0] < 10


def test_missed_rounds_are_counted_not_made_up_for() -> None:
    clock = ManualClock()

    def slow() -> Iterable[Reading]:
        clock.advance(5.0)
        return one_sample()

    scheduler = Scheduler(clock, InlineExecutor(), interval=1.0)
    scheduler.add(job(clock, slow))
    events = take(scheduler, 20)
    ticks = [event for event in events if isinstance(event, Tick)]
    assert scheduler.missed_rounds > 0
    assert ticks[-1].time - ticks[0].time >= 4.0 * (len(ticks) - 2)
