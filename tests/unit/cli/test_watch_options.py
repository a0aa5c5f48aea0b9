"""What the options of watch mean: notifiers with their options, external labels, intervals."""

from __future__ import annotations

import pytest

from razorprof.cli.watch_options import (
    parse_evaluation_interval,
    parse_external_labels,
    parse_notify,
    parse_ring,
    wanted_routes,
)
from razorprof.errors import UsageError


def test_each_way_of_naming_a_notifier_is_a_route() -> None:
    assert wanted_routes(["http://a", "http://b"], ["http://c"], ["bell"]) == [
        ("alertmanager", {"url": "http://a"}),
        ("alertmanager", {"url": "http://b"}),
        ("webhook", {"url": "http://c"}),
        ("bell", {}),
    ]


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("bell", "bell", {}),
        ("webhook:url=http://a:1/x?y=z", "webhook", {"url": "http://a:1/x?y=z"}),
        ("webhook:url_file=/a,token_env=T", "webhook", {"url_file": "/a", "token_env": "T"}),
        (r"webhook:group_by=a\,b,url=x", "webhook", {"group_by": "a,b", "url": "x"}),
        (r"command:argv=[\"/a b\"\, \"c\\d\"]", "command", {"argv": r'["/a b", "c\d"]'}),
        ("x:a=", "x", {"a": ""}),
    ],
)
def test_options_of_a_notifier_are_pairs_with_commas_between(
    text: str, name: str, options: dict[str, str]
) -> None:
    assert parse_notify(text) == (name, options)


@pytest.mark.parametrize(
    "text", ["", ":", "x:", "x:a", "x:=b", "x:a=b,a=c", "x:A=b", "x:a=b,,c=d", "x:a=b\\", "x:a b=c"]
)
def test_what_is_no_notifier_with_options_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--notify"):
        parse_notify(text)


def test_external_labels_are_names_with_values() -> None:
    assert parse_external_labels(["cluster=eu", "zone=a=b"]) == {"cluster": "eu", "zone": "a=b"}


@pytest.mark.parametrize(
    "texts", [["x"], ["=x"], ["x="], ["1x=y"], ["__x=y"], ["a-b=c"], ["alertname=x"], ["x=1", "x=2"]]
)
def test_other_external_labels_are_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="no external label"):
        parse_external_labels(texts)


@pytest.mark.parametrize("text", ["0", "10ms", "2d", "soon"])
def test_an_evaluation_interval_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_evaluation_interval(text)
    assert parse_evaluation_interval("1m") == 60.0


def test_what_is_recorded_is_bounded_in_time_and_bytes_or_nothing_is() -> None:
    assert parse_ring("15m", "64MiB", 1.0) == (900.0, 64 << 20)
    assert parse_ring("0", "64MiB", 1.0) == (0.0, 64 << 20)
    for last, size, interval in (("5s", "64MiB", 1.0), ("25h", "64MiB", 1.0), ("1m", "64MiB", 10.0)):
        with pytest.raises(UsageError, match="--last is out of range"):
            parse_ring(last, size, interval)
    with pytest.raises(UsageError, match="--max-bytes is too small"):
        parse_ring("15m", "100KiB", 1.0)
