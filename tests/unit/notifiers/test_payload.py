"""Alerts as Alertmanager writes them. The fingerprints and quoted texts here were written by Alertmanager 0.25."""

from __future__ import annotations

import pytest

from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.notifiers.payload import clean, fingerprint, timestamp, webhook_payload

START = 1_700_000_000.0


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (START, "2023-11-14T22:13:20Z"),
        (START + 0.5, "2023-11-14T22:13:20.5Z"),
        (START + 0.25, "2023-11-14T22:13:20.25Z"),
        (START + 0.001, "2023-11-14T22:13:20.001Z"),
        (START + 0.0004, "2023-11-14T22:13:20Z"),
        (START + 0.9996, "2023-11-14T22:13:21Z"),
        (0.0, "1970-01-01T00:00:00Z"),
        (-5.0, "1970-01-01T00:00:00Z"),
        (1e300, "9999-12-31T23:59:59Z"),
    ],
)
def test_times_are_written_as_go_writes_them(time: float, text: str) -> None:
    assert timestamp(time) == text


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ({"alertname": "Slow"}, "2a6d61766e100a13"),
        ({"alertname": "Slow", "severity": "page", "pid": "1234"}, "6ef4389b1748e3f6"),
        ({"alertname": 'é😀\n"\\', "a": "2", "B": "1"}, "87c4ca952296afb3"),
    ],
)
def test_fingerprints_are_alertmanager_s(labels: dict[str, str], text: str) -> None:
    assert fingerprint(labels) == text


def test_labels_that_would_be_refused_are_mended_and_none_takes_the_place_of_a_good_one() -> None:
    given = {"a-b": "bad", "a_b": "good", "a.b": "worse", "9": "nine", "": "none", "é": "letter", "empty": ""}
    assert clean(given) == {"_9": "nine", "_": "none", "a_b": "good"}
    assert clean({"text": "a\ud800b"}) == {"text": "a?b"}
    assert list(clean({"b": "1", "a": "2", "B": "3"})) == ["B", "a", "b"]


def test_a_group_s_key_is_written_as_go_writes_it() -> None:
    group = {"b": 'q"\\', "alertname": "tab\tline\nbell\a\x00\x7f\x80\u200b\u00a0 é😀\U000e0001"}
    payload = webhook_payload([Notice(Labels(alertname="x"))], group, "r", "")
    assert payload["groupKey"] == (
        '{}:{alertname="tab\\tline\\nbell\\a\\x00\\x7f\\u0080\\u200b\\u00a0 é😀\\U000e0001", b="q\\"\\\\"}'
    )
    assert webhook_payload([Notice(Labels(alertname="x"))], {}, "r", "")["groupKey"] == "{}:{}"


def test_what_all_alerts_of_a_group_have_in_common_stands_apart() -> None:
    first = Notice(
        Labels(alertname="a", pid="1", job="web"), {"summary": "s", "one": "1"}, START, START + 60, True
    )
    second = Notice(Labels(alertname="a", pid="2", job="web"), {"summary": "s"}, START, START + 60, True)
    payload = webhook_payload([first, second], {"alertname": "a"}, "r", "http://here")
    assert payload["commonLabels"] == {"alertname": "a", "job": "web"}
    assert payload["commonAnnotations"] == {"summary": "s"}
    assert (payload["status"], payload["version"], payload["truncatedAlerts"]) == ("resolved", "4", 0)
    assert [alert["endsAt"] for alert in payload["alerts"]] == ["2023-11-14T22:14:20Z"] * 2
