"""All routes together, in their threads: who hangs delays nobody, who is asked to end does."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import ToolFailed, UsageError
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.session.dispatch import METRICS, Dispatcher
from razorprof.session.route import Route, RouteLimits
from razorprof.testing.fake_notifier import FakeNotifier, FakeSender

NOTICE = Notice(Labels(alertname="a"), {}, 1_700_000_000.0, 1_700_000_240.0)
LONG = 60.0  # seconds that no machine needs


def route(name: str, sender: FakeSender, **limits: float) -> Route:
    return Route(name, FakeNotifier(sender), sender, RouteLimits(**limits))  # type: ignore[arg-type]


class Signalling(FakeSender):
    """Says when it was asked, and hangs until it is let go."""

    def __init__(self, *, hangs: bool = False) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.let_go = threading.Event()
        self.hangs = hangs

    def send(self, notices: Sequence[Notice], timeout: float) -> None:
        self.asked.set()
        if self.hangs:
            assert self.let_go.wait(LONG)
        super().send(notices, timeout)


def test_an_endpoint_that_hangs_delays_neither_the_others_nor_the_caller() -> None:
    hanging, quick = Signalling(hangs=True), Signalling()
    dispatcher = Dispatcher([route("hanging", hanging), route("quick", quick)])
    dispatcher.start()
    try:
        dispatcher.offer([NOTICE])
        assert hanging.asked.wait(LONG)
        assert quick.asked.wait(LONG)
        for _ in range(1000):
            dispatcher.offer([NOTICE])
        assert dispatcher.samples()
        assert dispatcher.statuses()[0].waiting == 1
    finally:
        hanging.let_go.set()
        dispatcher.stop(LONG)
    assert (hanging.closed, quick.closed) == (1, 1)
    assert len(quick.told) == len(hanging.told) == 1


def test_an_endpoint_that_hangs_at_the_end_is_left_alone_and_its_notices_are_remembered() -> None:
    hanging = Signalling(hangs=True)
    dispatcher = Dispatcher([route("hanging", hanging)])
    dispatcher.start()
    dispatcher.offer([NOTICE])
    assert hanging.asked.wait(LONG)
    try:
        dispatcher.stop(0.01)
        assert dispatcher.statuses()[0].waiting == 1
        restarted = Dispatcher([route("hanging", again := FakeSender())], ManualClock())
        restarted.recall(dispatcher.remembered())
        restarted.deliveries[0].step()
        assert again.told == [NOTICE]
    finally:
        hanging.let_go.set()


def test_a_thread_that_pauses_between_attempts_ends_at_once() -> None:
    failing = Signalling()

    def fail(notices: Sequence[Notice]) -> None:
        raise ToolFailed("down")

    failing.fail = fail
    dispatcher = Dispatcher([route("failing", failing, first_pause=10 * LONG, longest_pause=10 * LONG)])
    dispatcher.start()
    dispatcher.offer([NOTICE])
    assert failing.asked.wait(LONG)
    dispatcher.stop(LONG)
    assert failing.closed == 1


def test_every_figure_is_declared() -> None:
    dispatcher = Dispatcher([route("one", FakeSender()), route("two", FakeSender())], ManualClock())
    samples = dispatcher.samples()
    assert {sample.metric for sample in samples} == set(METRICS)
    for sample in samples:
        assert set(sample.labels) - {"le"} <= set(sample.metric.labels)
    assert len({(sample.name, sample.labels) for sample in samples}) == len(samples)


def test_two_routes_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError):
        Dispatcher([route("one", FakeSender()), route("one", FakeSender())])


@pytest.mark.parametrize("document", [None, 3, {}, {"version": 7, "routes": {}}, {"version": 1, "routes": []}])
def test_a_state_that_is_none_counts_as_nothing(document: object) -> None:
    dispatcher = Dispatcher([route("one", FakeSender())], ManualClock())
    dispatcher.recall(document)
    assert dispatcher.statuses()[0].waiting == 0
