"""Routes out of notifiers' names and options: what they are called, what is refused, what is let go."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from razorprof.clock import Clock, ManualClock
from razorprof.errors import NotSupported, ToolFailed, UsageError
from razorprof.plugin.notifiers import Notifier
from razorprof.session import route
from razorprof.session.route import open_routes
from razorprof.testing.fake_notifier import FakeNotifier, FakeSender


class Broken(FakeNotifier):
    def open(self, options: Mapping[str, str], clock: Clock) -> FakeSender:
        raise ZeroDivisionError("oops")


def test_a_route_is_called_after_its_notifier_and_host_never_after_what_may_be_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOK", "http://hooks.example/services/secret")
    routes = open_routes(
        [
            ("alertmanager", {"url": "http://am-1:9093/prefix"}),
            ("alertmanager", {"url": "http://am-2:9093"}),
            ("webhook", {"url": "https://hooks.example/services/secret?sig=secret"}),
            ("webhook", {"url": "https://hooks.example/services/other"}),
            ("webhook", {"url_env": "HOOK"}),
            ("command", {"argv": "/bin/true --token secret"}),
        ],
        ManualClock(),
    )
    assert [found.name for found in routes] == [
        "alertmanager am-1:9093",
        "alertmanager am-2:9093",
        "webhook hooks.example",
        "webhook hooks.example #2",
        "webhook",
        "command",
    ]
    assert [found.notifier.name for found in routes[::2]] == ["alertmanager", "webhook", "webhook"]


def test_a_notifier_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotSupported, match="no such notifier"):
        open_routes([("pigeon", {})], ManualClock())


def test_an_option_that_the_notifier_does_not_know_is_refused_with_those_that_it_does() -> None:
    with pytest.raises(UsageError, match="no such option") as refused:
        open_routes([("alertmanager", {"url": "http://host", "password": "x"})], ManualClock())
    assert "password_file" in refused.value.hint


def test_a_notifier_that_breaks_is_told_and_those_that_were_opened_are_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened, broken = FakeNotifier(FakeSender()), Broken(FakeSender())
    there: dict[str, Notifier] = {"opened": opened, "broken": broken}
    monkeypatch.setattr(route, "find_notifier", there.__getitem__)
    with pytest.raises(ToolFailed, match="oops"):
        open_routes([("opened", {}), ("broken", {})], ManualClock())
    assert opened.sender.closed == 1


def test_people_may_be_told_again_of_what_fires_on() -> None:
    (found,) = open_routes([("webhook", {"url": "http://host", "repeat": "4h"})], ManualClock())
    assert found.limits.queue.repeat == 4 * 3600
    for kind, options, words in (
        ("webhook", {"url": "http://host", "repeat": "10s"}, "too short"),
        ("webhook", {"url": "http://host", "repeat": "often"}, "not a duration"),
        ("alertmanager", {"url": "http://host", "repeat": "4h"}, "no such option"),
    ):
        with pytest.raises(UsageError, match=words):
            open_routes([(kind, options)], ManualClock())
