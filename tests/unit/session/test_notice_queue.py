"""What an endpoint has still to be told: the newest of each alert, nothing twice, nothing lost without a count."""

from __future__ import annotations

import json

import pytest

from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.session.notice_queue import NoticeQueue, QueueLimits

SECOND = 1_700_000_000.0


def firing(name: str = "a", start: float = 0.0, *, sent: float = 0.0, again: bool = False) -> Notice:
    labels = Labels(alertname=name)
    return Notice(labels, {}, SECOND + start, SECOND + sent + 240, is_repeat=again)


def resolved(name: str = "a", start: float = 0.0, end: float = 600.0, *, again: bool = False) -> Notice:
    labels = Labels(alertname=name)
    return Notice(labels, {}, SECOND + start, SECOND + end, is_resolved=True, is_repeat=again)


def a_queue(
    *, repeats: bool = False, capacity: int = 100, flaps: int = 100, repeat: float | None = None
) -> NoticeQueue:
    return NoticeQueue(QueueLimits(capacity=capacity, flaps=flaps, repeat=repeat), wants_repeats=repeats)


def words(notices: tuple[Notice, ...]) -> list[str]:
    """Each as its alert's name with + where it fires and - where it is resolved, and ~ before a repeat."""
    return [
        ("~" if notice.is_repeat else "") + ("-" if notice.is_resolved else "+") + notice.labels["alertname"]
        for notice in notices
    ]


def tell_all(queue: NoticeQueue, now: float = 1000.0) -> list[str]:
    """Tell what waits, and what that was."""
    told: list[str] = []
    while batch := queue.next(64, now):
        queue.begin(batch)
        queue.told(batch, now)
        told += words(batch)
    return told


def test_what_is_offered_is_told_in_order() -> None:
    queue = a_queue()
    queue.offer([firing("a"), firing("b")])
    queue.offer([firing("c")])
    assert words(queue.next(2, 0.0)) == ["+a", "+b"]
    assert tell_all(queue) == ["+a", "+b", "+c"]
    assert len(queue) == 0


def test_a_newer_notice_takes_the_place_of_the_older_and_is_still_news() -> None:
    queue = a_queue()
    queue.offer([firing("a"), firing("b")])
    queue.offer([firing("a", sent=60, again=True)])
    first, second = queue.next(64, 0.0)
    assert (words((first, second)), first.ends_at) == (["+a", "+b"], SECOND + 300)
    assert queue.coalesced == 1


def test_a_repeat_is_told_only_to_those_who_want_it() -> None:
    for repeats in (False, True):
        queue = a_queue(repeats=repeats)
        queue.offer([firing("a")])
        tell_all(queue)
        queue.offer([firing("a", sent=75, again=True)])
        assert tell_all(queue) == (["~+a"] if repeats else [])


def test_who_asks_for_it_hears_again_of_what_fires_on_after_a_while() -> None:
    queue = a_queue(repeat=300)
    told = []
    for sent in range(0, 1200, 75):
        queue.offer([firing("a", sent=sent, again=sent > 0)])
        told += [(sent, word) for word in tell_all(queue)]
        if sent == 450:
            restarted = a_queue(repeat=300)
            restarted.recall(json.loads(json.dumps(queue.remembered())))
            queue = restarted
    assert told == [(0, "+a"), (300, "~+a"), (600, "~+a"), (900, "~+a")]


def test_a_repeat_of_what_was_never_told_is_told_as_new() -> None:
    queue = a_queue()
    queue.offer([firing("a", again=True)])
    assert tell_all(queue) == ["+a"]


def test_a_resolution_waits_until_its_firing_was_told() -> None:
    queue = a_queue()
    queue.offer([firing("a"), firing("b")])
    queue.offer([resolved("a")])
    assert words(queue.next(64, 0.0)) == ["+a", "+b"], "two notices of one alert never go together"
    assert tell_all(queue) == ["+a", "+b", "-a"]


def test_a_short_firing_that_was_over_before_it_could_be_told_is_not_told() -> None:
    queue = a_queue()
    queue.offer([firing("a")])
    queue.offer([resolved("a", end=59)])
    assert (tell_all(queue), queue.coalesced) == ([], 2)


def test_a_short_firing_that_may_have_arrived_is_told_with_its_end() -> None:
    queue = a_queue()
    queue.offer([firing("a")])
    queue.begin(queue.next(64, 0.0))
    queue.offer([resolved("a", end=59)])
    assert tell_all(queue) == ["+a", "-a"]


def test_a_resolution_removes_a_repeat_that_is_no_longer_true() -> None:
    queue = a_queue(repeats=True)
    queue.offer([firing("a")])
    tell_all(queue)
    queue.offer([firing("a", again=True), resolved("a")])
    assert tell_all(queue) == ["-a"]


def test_a_resolution_is_told_once_and_again_only_to_those_who_want_it() -> None:
    for repeats in (False, True):
        queue = a_queue(repeats=repeats)
        queue.offer([firing("a"), resolved("a")])
        tell_all(queue)
        queue.offer([resolved("a", again=True)])
        assert tell_all(queue) == (["~-a"] if repeats else [])


def test_a_resolution_that_was_lost_is_made_up_for_by_its_repeat() -> None:
    queue = a_queue()
    queue.offer([firing("a")])
    tell_all(queue)
    queue.offer([resolved("a")])
    queue.refuse(queue.next(64, 0.0))
    queue.offer([resolved("a", again=True)])
    assert tell_all(queue) == ["-a"]


def test_each_firing_of_an_alert_is_told_in_order() -> None:
    queue = a_queue()
    for start in (0, 1000, 2000):
        queue.offer([firing("a", start), resolved("a", start, start + 600)])
    assert tell_all(queue) == ["+a", "-a", "+a", "-a", "+a", "-a"]


def test_what_failed_waits_behind_everything_else() -> None:
    queue = a_queue()
    queue.offer([firing("a"), firing("b"), resolved("a"), firing("c")])
    queue.postpone(queue.next(1, 0.0))
    assert tell_all(queue) == ["+b", "+c", "+a", "-a"]


class TestTooMuch:
    def test_repeats_go_first(self) -> None:
        queue = a_queue(repeats=True, capacity=2)
        queue.offer([firing("a"), firing("b")])
        tell_all(queue)
        queue.offer([firing("a", again=True), firing("b", again=True), firing("c")])
        assert (tell_all(queue), queue.dropped) == (["~+b", "+c"], 1)

    def test_then_the_oldest_firings_with_their_resolutions(self) -> None:
        queue = a_queue(capacity=2)
        queue.offer([firing("a"), resolved("a"), firing("b"), firing("c")])
        assert (tell_all(queue), queue.dropped) == (["+b", "+c"], 2)

    def test_a_resolution_of_what_was_told_stays_longest(self) -> None:
        queue = a_queue(capacity=3)
        queue.offer([firing("a"), firing("b")])
        tell_all(queue)
        queue.offer([resolved("a"), resolved("b")])
        queue.offer([firing(name) for name in "cdef"])
        assert (tell_all(queue), queue.dropped) == (["-a", "-b", "+f"], 3)

    def test_what_was_dropped_while_it_fires_is_told_at_its_next_repeat(self) -> None:
        queue = a_queue(capacity=1)
        queue.offer([firing("a"), firing("b")])
        assert tell_all(queue) == ["+b"]
        queue.offer([firing("a", again=True), firing("b", again=True)])
        assert tell_all(queue) == ["+a"]

    def test_it_never_holds_more_than_its_capacity(self) -> None:
        queue = a_queue(capacity=10)
        for number in range(100):
            queue.offer([firing(f"{number}-{part}") for part in range(7)])
            assert len(queue) <= 10
        assert queue.dropped == 690


class TestFlapping:
    def test_an_alert_that_changes_often_is_told_less_often(self) -> None:
        queue = a_queue(flaps=4)
        told: list[tuple[float, str]] = []
        for number in range(40):  # fires for 15 s, rests for 15 s, for 20 minutes
            start = number * 30.0
            for now, notice in ((start, firing("a", start)), (start + 15, resolved("a", start, start + 15))):
                queue.offer([notice])
                told += [(now, word) for word in tell_all(queue, now)]
        assert [word for _, word in told] == [("+a", "-a")[number % 2] for number in range(len(told))]
        assert 1200 / 30 <= len(told) <= 4 + 1200 / 30
        assert len(queue) <= 2

    def test_the_others_are_told_meanwhile(self) -> None:
        queue = a_queue(flaps=1)
        queue.offer([firing("a")])
        assert tell_all(queue, 1000.0) == ["+a"]
        queue.offer([resolved("a"), firing("b")])
        assert tell_all(queue, 1000.0) == ["+b"]
        assert queue.wait(1000.0) == pytest.approx(30.0)
        assert tell_all(queue, 1030.0) == ["-a"]

    def test_at_the_end_nothing_is_held_back(self) -> None:
        queue = a_queue(flaps=1)
        queue.offer([firing("a")])
        tell_all(queue)
        queue.offer([resolved("a")])
        assert queue.next(64, 1000.0) == ()
        assert words(queue.next(64, 1000.0, hurry=True)) == ["-a"]

    def test_who_wants_repeats_is_told_every_change(self) -> None:
        queue = a_queue(repeats=True, flaps=1)
        for start in range(0, 300, 30):
            queue.offer([firing("a", start)])
            tell_all(queue)
            queue.offer([resolved("a", start, start + 15)])
            assert tell_all(queue) == ["-a"]


class TestRestarts:
    @staticmethod
    def after_restart(queue: NoticeQueue) -> NoticeQueue:
        found = a_queue()
        found.recall(json.loads(json.dumps(queue.remembered(), allow_nan=False)))
        return found

    def test_what_waits_and_what_is_known_survive(self) -> None:
        queue = a_queue()
        queue.offer([firing("a")])
        tell_all(queue)
        queue.offer([firing("b"), resolved("b")])
        restarted = self.after_restart(queue)
        restarted.offer([firing("a", again=True)])
        assert tell_all(restarted) == ["+b", "-b"]
        restarted.offer([resolved("a")])
        assert tell_all(restarted) == ["-a"]

    def test_an_endpoint_that_is_new_is_told_of_what_fires_already(self) -> None:
        queue = a_queue()
        queue.recall(None)
        queue.offer([firing("a", again=True), resolved("b", again=True)])
        assert tell_all(queue) == ["+a"]

    @pytest.mark.parametrize(
        "document",
        [
            3,
            {"waiting": 3, "believed": [3]},
            {"waiting": [{"labels": {"a": "b"}}], "believed": [{"labels": {"a": "b"}, "since": "x"}]},
            {"believed": [{"labels": {"a": 1}, "since": 1}, {"since": 1}]},
        ],
    )
    def test_a_damaged_state_counts_as_nothing(self, document: object) -> None:
        queue = a_queue()
        queue.recall(document)
        assert queue.remembered() == {"waiting": [], "believed": []}
