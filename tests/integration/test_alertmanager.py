"""A real Alertmanager is told of alerts, and our webhook says what its own says of the same ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from razorprof.clock import SystemClock
from razorprof.errors import NotSupported
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.notifiers.payload import timestamp
from razorprof.plugin.loading import find_notifier
from razorprof.plugin.notifiers import Sender
from razorprof.session.dispatch import Dispatcher
from razorprof.session.route import open_routes
from tests.integration.alertmanager_server import (
    LONG,
    AlertmanagerServer,
    Listener,
    listening,
    missing_alertmanager,
    running,
)

pytestmark = pytest.mark.skipif(missing_alertmanager(), reason="no prometheus-alertmanager (make test-deps)")

HOSTILE = (
    'q"uo\\te\n\t\r\x00\x01\x1f\x7f\x80\u00a0\u00e9\u200b\u202e\ufeff😀\ud7ff\ue000\U000e0001{{ .x }} <b>$(id)'
)


@pytest.fixture(scope="module")
def hook() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, hook: Listener) -> Iterator[AlertmanagerServer]:
    with running(tmp_path_factory.mktemp("alertmanager"), hook=hook.url) as started:
        yield started


def sender_to(url: str, **options: str) -> Sender:
    return find_notifier("alertmanager").open({"url": url, **options}, SystemClock())


def firing(labels: Labels, annotations: dict[str, str] | None = None, **more: Any) -> Notice:
    now = time.time()
    return Notice(labels, annotations or {}, now - 90.25, now + 240, **more)


def resolved(notice: Notice) -> Notice:
    return Notice(
        notice.labels, notice.annotations, notice.starts_at, time.time(), True, generator_url=notice.generator_url
    )


def document_of(hook: Listener, name: str, status: str, alerts: int = 1) -> dict[str, Any]:
    """What was posted of so many alerts of this name in this state, once it was."""
    limit, number = time.monotonic() + LONG, 1
    while time.monotonic() < limit:
        posts = hook.posts(number)
        for post in posts:
            assert isinstance(post, dict)
            found = post["commonLabels"].get("alertname"), post["status"], len(post["alerts"])
            if found == (name, status, alerts):
                return post
        number = len(posts) + 1
    raise AssertionError(f"nothing was posted of {name!r}")


def test_an_alert_arrives_as_it_is_and_its_end_follows(server: AlertmanagerServer) -> None:
    labels = Labels(alertname="Arrives", severity="page", pid="1234")
    link = "http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1"
    notice = firing(labels, {"summary": "slow", "razorprof_capture": "/captures/1"}, generator_url=link)
    dispatcher = Dispatcher(open_routes([("alertmanager", {"url": server.url})], SystemClock()))
    dispatcher.start()
    try:
        dispatcher.offer([notice])
        (alert,) = server.wait_for_alerts("Arrives", 1)
        assert alert["labels"] == dict(labels)
        assert alert["annotations"] == dict(notice.annotations)
        assert alert["generatorURL"] == link
        assert alert["status"]["state"] == "active"
        assert seconds(alert["startsAt"]) == pytest.approx(notice.starts_at, abs=0.001)
        assert seconds(alert["endsAt"]) == pytest.approx(notice.ends_at, abs=0.001)
        dispatcher.offer([resolved(notice)])
        server.wait_for_alerts("Arrives", 0)
    finally:
        dispatcher.stop(LONG)
    (status,) = dispatcher.statuses()
    assert (status.error, status.waiting) == ("", 0)


def test_an_alert_of_which_no_more_is_heard_ends_when_that_was_told(
    server: AlertmanagerServer, hook: Listener
) -> None:
    notice = firing(Labels(alertname="Silent"))
    short = Notice(notice.labels, {}, notice.starts_at, time.time() + 2)
    sender_to(server.url).send([short], LONG)
    assert document_of(hook, "Silent", "resolved")["alerts"][0]["endsAt"] == timestamp(short.ends_at)


def test_paths_may_have_a_prefix(tmp_path: Path) -> None:
    with running(tmp_path, prefix="/under/here") as server:
        sender_to(f"{server.url}/").send([firing(Labels(alertname="Prefix"))], LONG)
        server.wait_for_alerts("Prefix", 1)


@pytest.mark.parametrize(
    "sets",
    [
        [{"alertname": "One", "severity": "page"}],
        [{"alertname": "Two", "pid": "1", "job": "web"}, {"alertname": "Two", "pid": "2", "job": "web"}],
        [{"alertname": 'A "name" with\n\\everything\u00e9\u200b\x01\x7f\x80', "pid": HOSTILE}],
        [{"alertname": "Empty", "pid": ""}],
        [{"alertname": "Order", "a": "1", "aa": "2", "B": "3", "_": "4", "a_b": "5", "a0": "6"}],
    ],
    ids=["one", "two", "hostile", "empty", "order"],
)
def test_our_webhook_says_what_alertmanager_s_says(
    server: AlertmanagerServer, hook: Listener, sets: list[dict[str, str]]
) -> None:
    annotations = {"summary": "all have it", "hostile": HOSTILE}
    notices = [
        firing(Labels(labels), {**annotations, "number": str(number)}, generator_url="http://prometheus/graph?a=b")
        for number, labels in enumerate(sets)
    ]
    ends = [resolved(notice) for notice in notices]
    for told, status in ((notices, "firing"), (ends, "resolved")):
        sender_to(server.url).send(told, LONG)
        theirs = document_of(hook, sets[0]["alertname"], status, len(sets))
        with listening() as listener:
            options = {"url": listener.url, "receiver": "hook", "external_url": server.url}
            find_notifier("webhook").open(options, SystemClock()).send(told, LONG)
            (ours,) = listener.posts(1)
        for document in (theirs, ours):
            document["alerts"].sort(key=lambda alert: str(alert["fingerprint"]))
        assert ours == theirs
        assert list(ours) == list(theirs), "even the order is the same"


def test_a_group_in_which_one_alert_is_over_still_fires(server: AlertmanagerServer, hook: Listener) -> None:
    still, over = (firing(Labels(alertname="Mixed", pid=pid)) for pid in "12")
    with listening() as listener:
        options = {"url": listener.url, "receiver": "hook"}
        find_notifier("webhook").open(options, SystemClock()).send([still, resolved(over)], LONG)
        (ours,) = listener.posts(1)
    assert (ours["status"], [alert["status"] for alert in ours["alerts"]]) == ("firing", ["firing", "resolved"])
    assert (ours["commonLabels"], ours["alerts"][0]["endsAt"]) == ({"alertname": "Mixed"}, "0001-01-01T00:00:00Z")


def test_labels_that_alertmanager_would_refuse_are_mended(server: AlertmanagerServer) -> None:
    labels = Labels({"alertname": "Mended", "bad-name": "x", "0": "y", "bad.name": "z", "text": "\ud800"})
    sender_to(server.url).send([firing(labels, {"an annotation": "w"})], LONG)
    (alert,) = server.wait_for_alerts("Mended", 1)
    assert alert["labels"] == {"alertname": "Mended", "bad_name": "x", "_0": "y", "text": "?"}
    assert alert["annotations"] == {"an_annotation": "w"}


def test_a_link_that_is_none_does_not_cost_the_alert(server: AlertmanagerServer) -> None:
    for number, link in enumerate(("no link", "http://[", "javascript:alert(1)", "http://\u00e9/ x", "/graph")):
        name = f"Link{number}"
        sender_to(server.url).send([firing(Labels(alertname=name), generator_url=link)], LONG)
        server.wait_for_alerts(name, 1)


def test_an_alert_that_is_refused_does_not_keep_the_others_of_its_batch(server: AlertmanagerServer) -> None:
    refused = firing(Labels({"alertname": ""}))  # it wants one label at least
    with pytest.raises(NotSupported, match=r"status 400.*label"):
        sender_to(server.url).send([refused, firing(Labels(alertname="Taken"))], LONG)
    server.wait_for_alerts("Taken", 1)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
