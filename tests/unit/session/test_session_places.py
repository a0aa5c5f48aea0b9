"""Targets that end and others that come: who takes whose place, what `up` says; rules without a target."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from razorprof.clock import ManualClock
from razorprof.model.alert import AlertBoard, Health, RuleKey, RuleStatus
from razorprof.model.labels import Labels
from razorprof.model.scrape import Detected, Ended, Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.remote.process import ProcessView
from razorprof.session.live_view import LiveView
from razorprof.session.pipeline import Pipeline
from razorprof.session.session import Session, SessionOptions
from razorprof.session.view import Overhead, SessionState, View
from razorprof.session.watched import Watched, holds_place, predecessor
from razorprof.session.workers import InlineExecutor
from razorprof.store.memory import MemoryStore


def worker(pid: int, selector: str = "name:web", parent: int | None = None) -> Target:
    return Target(Identity(pid, 1), "web", selector=selector, parent=parent)


def gone(pid: int, ended: float, selector: str = "name:web", *, replaced: bool = False) -> Watched:
    return Watched(worker(pid, selector), gone=True, replaced=replaced, ended=ended)


def test_a_newcomer_takes_the_place_of_the_one_that_ended_first_of_its_own_kind() -> None:
    watched = [
        gone(1, 5.0, replaced=True),
        gone(2, 9.0),
        gone(3, 7.0),
        gone(4, 1.0, "name:other"),
        Watched(worker(5)),
    ]
    assert predecessor(worker(9), watched) is watched[2]
    assert predecessor(worker(9, "port:80"), watched) is None
    assert predecessor(worker(9, parent=1), watched) is None, "a child is no successor of a root"


def test_only_the_last_of_a_kind_that_is_gone_as_a_whole_holds_its_place() -> None:
    first, last = gone(1, 5.0), gone(2, 9.0)
    assert not holds_place(first, [first, last])
    assert holds_place(last, [first, last])
    assert not holds_place(last, [first, last, Watched(worker(3))])
    replaced = gone(4, 11.0, replaced=True)
    assert not holds_place(replaced, [replaced])


def test_a_target_that_ended_is_told_as_not_up_for_longer_than_queries_look_back_until_its_place_is_taken() -> (
    None
):
    store = MemoryStore()
    pipeline = Pipeline(store, host="box", overhead=lambda time: Overhead())
    pipeline.hold_places = True
    view = LiveView(pipeline, store)
    target = worker(7)
    pipeline.add(target)
    pipeline.feed(Scrape(target, "runtime", 1.0, 0.01, structures=(Detected(target, 1.0, ""),)))
    pipeline.feed(Tick(1.0, 1))
    pipeline.feed(Ended(target, 2.0, "killed"))
    for second in range(3, 403, 100):
        pipeline.feed(Tick(float(second), second))
    history = view.history(target.identity, "up", seconds=1000)
    assert history is not None
    assert history.times.tolist() == [1.0, 2.0, 3.0, 103.0, 203.0, 303.0]
    assert history.values.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    pipeline.release(target.identity)
    pipeline.feed(Tick(403.0, 403))
    assert view.latest(target.identity, "up") is None


def test_the_place_of_a_target_that_has_never_been_there_is_given_up_once_one_is_told_that_came() -> None:
    store = MemoryStore()
    pipeline = Pipeline(store, host="box", overhead=lambda time: Overhead())
    pipeline.places.expect("name:web", "web")
    pipeline.places.arrive("name:other", [])
    place = Labels(__name__="up", job="web", instance="box", target="name:web")
    pipeline.feed(Tick(1.0, 1))
    target = worker(7)
    pipeline.places.arrive("name:web", [target.identity])
    pipeline.feed(Tick(2.0, 2))
    pipeline.add(target)
    pipeline.feed(Tick(3.0, 3))
    assert store.last(place) == 0.0, "it waits for its labels"
    pipeline.feed(Scrape(target, "runtime", 3.5, 0.01, structures=(Detected(target, 3.5, "cpython"),)))
    pipeline.feed(Tick(4.0, 4))
    pipeline.feed(Tick(5.0, 5))
    found = store.read(place, 0.0, 9.0)
    assert found is not None
    assert (found.times.tolist(), found.values[:3].tolist()) == ([1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0])
    assert store.last(place) is None
    assert LiveView(pipeline, store).latest(target.identity, "up") == 1.0


def run_session(
    find: Callable[[], Sequence[Target]], ticks: int, boards: list[AlertBoard | None]
) -> tuple[Session, list[View]]:
    views: list[View] = []

    def alerting(store: MemoryStore, view: View) -> Callable[[float], AlertBoard]:
        views.append(view)
        status = RuleStatus(RuleKey("f", "g", 0, "A"), "alerting", "up", Health.GOOD)
        return lambda time: AlertBoard(rules=(status,), error=f"{time:g}")

    session = Session(
        SessionOptions(hold_places=True, forget_seconds=300.0),
        sources=list,
        runtimes=list,
        clock=ManualClock(time=1000.0),
        executor=InlineExecutor(),
        alerting=alerting,
    )
    session.search(find, follow=True)

    def publish(state: SessionState) -> None:
        boards.append(state.alerts)
        if state.tick >= ticks:
            session.stop()

    session.run(publish)
    return session, views


def test_rules_are_evaluated_also_while_no_target_is_there_and_one_that_appears_is_watched() -> None:
    looks = 0
    target = Target(ProcessView(os.getpid()).identity, "self", selector="name:self")

    def find() -> Sequence[Target]:
        nonlocal looks
        looks += 1
        return [target] if looks > 2 else []

    boards: list[AlertBoard | None] = []
    session, [view] = run_session(find, 8, boards)
    assert view is session.view
    assert [board.rules[0].health for board in boards if board is not None] == [Health.GOOD] * 8
    assert boards[0] is not None
    assert boards[0].error == "1000", "it is asked at the tick's time"
    assert [status.target.identity for status in session.view.state().targets] == [target.identity]
    assert looks > 2
