"""One route's deliveries, round by round on a manual clock: retries, breaker, limits, figures, words."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import NotSupported, TimedOut, ToolFailed, UsageError
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.plugin.notifiers import PartlyTold
from razorprof.session.delivery import Delivery
from razorprof.session.notice_queue import QueueLimits
from razorprof.session.route import Route, RouteLimits
from razorprof.testing.fake_notifier import FakeSender, fake_notifier

LIMITS = RouteLimits(
    timeout=10.0, attempts=3, first_pause=1.0, longest_pause=8.0, failures=5, open_seconds=30.0, burst=10
)


class Room:
    """A delivery to a fake endpoint. Pauses are the longest that may be."""

    def __init__(self, limits: RouteLimits = LIMITS, *, repeats: bool = False, most: int = 64) -> None:
        self.clock = ManualClock()
        self.sender = FakeSender()
        notifier = fake_notifier(self.sender, wants_repeats=repeats, most=most)
        self.delivery = Delivery(Route("fake", notifier, self.sender, limits), self.clock, chance=lambda: 0.0)
        self.began = self.clock.monotonic()
        self.at: list[float] = []

    def offer(self, *names: str) -> None:
        self.delivery.offer([firing(name) for name in names])

    def fails(self, error: Exception | None, times: int = 1_000_000) -> None:
        """The next so many attempts, each noted with its moment; None: noted only."""
        left = [times]

        def fail(notices: Sequence[Notice]) -> None:
            self.at.append(self.clock.monotonic() - self.began)
            left[0] -= 1
            if error is not None and left[0] >= 0:
                raise error

        self.sender.fail = fail

    def work(self, seconds: float) -> None:
        """Rounds until there is nothing to do or the time is over."""
        end = self.clock.monotonic() + seconds
        while (wait := self.delivery.step()) is not None and self.clock.monotonic() + wait <= end:
            self.clock.advance(wait)

    def figure(self, name: str, **labels: str) -> float:
        """Of razorprof_notifications_NAME."""
        wanted = Labels(notifier="fake", **labels)
        (found,) = (
            sample.value
            for sample in self.delivery.samples()
            if (sample.name, sample.labels) == (f"razorprof_notifications_{name}", wanted)
        )
        return found


def firing(name: str) -> Notice:
    return Notice(Labels(alertname=name), {}, 1_700_000_000.0, 1_700_000_240.0)


def test_what_is_offered_is_told_in_batches_of_the_notifier_s_size() -> None:
    room = Room(most=2)
    room.offer("a", "b", "c")
    room.work(1)
    assert [len(batch) for batch in room.sender.batches] == [2, 1]
    assert room.sender.timeouts == [10.0, 10.0]
    assert room.delivery.step() is None
    assert (room.figure("sent_total"), room.figure("queue_length")) == (3, 0)
    assert (room.figure("latency_seconds_count"), room.figure("errors_total")) == (2, 0)


@pytest.mark.parametrize("error", [ToolFailed("down"), TimedOut("slow")])
def test_what_may_work_another_time_is_tried_again_with_growing_pauses(error: Exception) -> None:
    room = Room()
    room.fails(error, times=2)
    room.offer("a")
    room.work(10)
    assert room.at == [0, 1, 3]
    assert [notice.labels["alertname"] for notice in room.sender.told] == ["a"]
    assert (room.figure("errors_total"), room.figure("sent_total")) == (2, 1)


def test_pauses_are_shorter_by_chance_but_never_by_more_than_half() -> None:
    room = Room()
    room.delivery._chance = lambda: 1.0
    room.fails(ToolFailed("down"), times=2)
    room.offer("a")
    room.work(10)
    assert room.at == [0, 0.5, 1.5]


@pytest.mark.parametrize(
    "error", [NotSupported("no"), UsageError("never"), ZeroDivisionError("a bug"), SystemExit(3)]
)
def test_what_never_will_work_is_not_tried_again_but_dropped_and_counted(error: Exception) -> None:
    room = Room()
    room.fails(error, times=1)
    room.offer("a", "b")
    room.work(100)
    assert (room.at, room.sender.told) == ([0], [])
    assert room.figure("dropped_total", reason="refused") == 2
    assert room.figure("breaker_open") == 0
    room.offer("c")
    room.work(100)
    assert [notice.labels["alertname"] for notice in room.sender.told] == ["c"]


def test_an_endpoint_that_fails_again_and_again_is_left_alone_then_tried_once() -> None:
    room = Room()
    room.fails(ToolFailed("down"))
    room.offer("a")
    room.work(100)
    # three attempts, a rest, two more until the breaker opens; from then on one every 30 s
    assert room.at == [0, 1, 3, 11, 12, 42, 72]
    assert room.figure("breaker_open") == 1
    assert room.delivery.status().is_open
    room.fails(None)
    room.work(100)
    assert room.figure("breaker_open") == 0
    assert [notice.labels["alertname"] for notice in room.sender.told] == ["a"]


def test_nothing_is_lost_however_long_the_endpoint_is_down() -> None:
    room = Room(most=10)
    room.fails(ToolFailed("down"))
    names = [f"alert-{number}" for number in range(50)]
    for name in names:
        room.offer(name)
        room.work(1800)
    room.fails(None)
    room.work(120)
    assert sorted(notice.labels["alertname"] for notice in room.sender.told) == sorted(names)


def test_one_notice_that_the_endpoint_chokes_on_does_not_hold_up_the_others() -> None:
    room = Room(most=1)

    def choke(notices: Sequence[Notice]) -> None:
        if notices[0].labels["alertname"] == "bad":
            raise ToolFailed("500")

    room.sender.fail = choke
    room.offer("bad", "a", "b", "c")
    room.work(300)
    assert [notice.labels["alertname"] for notice in room.sender.told] == ["a", "b", "c"]
    assert room.delivery.status().waiting == 1


def test_what_is_told_is_chosen_anew_for_each_attempt() -> None:
    room = Room()

    def fail_once(notices: Sequence[Notice]) -> None:
        room.fails(None)
        room.offer("b")
        raise ToolFailed("down")

    room.sender.fail = fail_once
    room.offer("a")
    room.work(10)
    assert [[notice.labels["alertname"] for notice in batch] for batch in room.sender.tries] == [["a"], ["a", "b"]]


def test_what_was_told_before_a_failure_in_the_middle_is_not_told_again() -> None:
    room = Room()
    room.offer("a", "b", "c")

    def fail(notices: Sequence[Notice]) -> None:
        room.fails(None)
        raise PartlyTold(notices[:1], ToolFailed("down"))

    room.sender.fail = fail
    room.work(10)
    assert [[notice.labels["alertname"] for notice in batch] for batch in room.sender.batches] == [["b", "c"]]
    assert (room.figure("sent_total"), room.figure("errors_total")) == (3, 1)


def test_a_storm_is_told_in_batches_at_the_rate_that_is_allowed() -> None:
    room = Room(RouteLimits(burst=3, per_second=0.5), most=10)
    room.fails(None)
    room.offer(*(f"alert-{number}" for number in range(60)))
    room.work(60)
    assert room.at == pytest.approx([0, 0, 0, 2, 4, 6])
    assert room.figure("sent_total") == 60


def test_too_many_notices_are_dropped_and_counted() -> None:
    room = Room(RouteLimits(queue=QueueLimits(capacity=10)))
    room.offer(*(f"alert-{number}" for number in range(25)))
    assert room.figure("queue_length") == room.figure("queue_capacity") == 10
    assert room.figure("dropped_total", reason="full") == 15


def test_a_failure_is_logged_when_it_begins_changes_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    room = Room()
    caplog.set_level(logging.INFO)
    room.fails(ToolFailed("no answer\x1b[31m", value=1, hint="start it"))
    room.offer("a")
    room.work(100)
    room.fails(ToolFailed("no answer\x1b[31m", value=2))
    room.work(60)
    room.fails(NotSupported("redirected"), times=1)
    room.work(60)
    room.offer("b")
    room.work(60)
    assert [record.message for record in caplog.records] == [
        "fake: 1 notices not told yet: no answer\\x1b[31m (1); start it",
        "fake: 1 notices refused: redirected",
        "fake: alerts are told again",
    ]


def test_the_status_tells_what_is_wrong_and_when_it_last_worked() -> None:
    room = Room()
    room.offer("a")
    room.work(1)
    worked = room.clock.time()
    assert (room.delivery.status().told, room.delivery.status().error) == (worked, "")
    room.fails(ToolFailed("down", value="here"))
    room.offer("b")
    room.work(1)
    status = room.delivery.status()
    assert (status.name, status.waiting, status.error, status.told) == ("fake", 1, "down (here)", worked)


class TestTheEnd:
    def test_what_waits_is_told_without_regard_to_limits(self) -> None:
        room = Room(RouteLimits(burst=1, per_second=0.01), most=1)
        room.offer("a", "b", "c")
        room.delivery.stop(room.clock.monotonic() + 5)
        room.delivery.finish()
        assert len(room.sender.told) == 3
        assert room.sender.closed == 1

    def test_an_endpoint_that_is_down_is_tried_once_and_what_waits_is_kept(self) -> None:
        room = Room()
        room.fails(ToolFailed("down"))
        room.offer("a")
        room.delivery.stop(room.clock.monotonic() + 5)
        room.delivery.finish()
        assert (room.at, room.sender.closed) == ([0], 1)
        restarted = Room()
        restarted.delivery.recall(room.delivery.remembered())
        restarted.work(1)
        assert len(restarted.sender.told) == 1

    def test_what_is_refused_does_not_end_it(self) -> None:
        room = Room(most=1)
        room.fails(NotSupported("no"), times=1)
        room.offer("a", "b")
        room.delivery.stop(room.clock.monotonic() + 5)
        room.delivery.finish()
        assert [notice.labels["alertname"] for notice in room.sender.told] == ["b"]

    def test_the_time_that_is_left_bounds_the_last_attempt(self) -> None:
        room = Room()
        room.offer("a")
        room.delivery.stop(room.clock.monotonic() + 2)
        room.delivery.finish()
        assert room.sender.timeouts == [2.0]

    def test_a_sender_that_fails_to_close_is_no_harm(self) -> None:
        room = Room()
        room.sender.close = lambda: 1 // 0  # type: ignore[method-assign,assignment]
        room.delivery.stop(room.clock.monotonic())
        room.delivery.finish()

    def test_a_pause_between_attempts_ends_with_the_delivery(self) -> None:
        room = Room()
        room.fails(ToolFailed("down"))
        room.offer("a")
        room.delivery.stop(room.clock.monotonic())
        room.delivery.step()
        assert room.at == [0]
