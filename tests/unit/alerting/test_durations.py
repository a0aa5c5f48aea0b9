"""Durations of Prometheus's files: stricter than our own, and the same bounds as Go's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.alerting.durations import format_prometheus_duration, parse_prometheus_duration
from razorprof.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("0s", 0.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("100ms", 0.1),
        ("1d12h", 129_600.0),
        ("1y2w3d4h5m6s7ms", 33_019_506.007),
        ("00005m", 300.0),
        ("0y0w", 0.0),
        ("292y", 292 * 365 * 86400.0),
        ("9223372036854ms", 9_223_372_036.854),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_prometheus_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "-1m",
        "+1m",
        "1.5h",
        "30m1h",
        "1h1h",
        "1M",
        "1 m",
        " 1m",
        "1m ",
        "5mm",
        "m",
        "١m",
        "0x5s",
        "1h30",
        "00",
    ],
)
def test_what_prometheus_refuses_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a valid duration"):
        parse_prometheus_duration(text)


@pytest.mark.parametrize("text", ["293y", "9223372036855ms", "9" * 5000 + "y", "292y99999w"])
def test_what_go_cannot_count_is_out_of_range(text: str) -> None:
    with pytest.raises(UsageError, match="out of range") as caught:
        parse_prometheus_duration(text)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.1, "100ms"), (90, "1m30s"), (86400, "1d"), (129_600, "36h"), (604_800, "1w"), (-5, "0s")],
)
def test_a_duration_is_written_as_prometheus_writes_it(seconds: float, text: str) -> None:
    assert format_prometheus_duration(seconds) == text


@given(st.integers(0, 9_223_372_036_854))
def test_what_is_written_is_read_again(millis: int) -> None:
    assert parse_prometheus_duration(format_prometheus_duration(millis / 1000)) == pytest.approx(millis / 1000)
