"""What an expression compares with what: units, scales, limits, and where nothing can be told."""

from __future__ import annotations

import numpy as np
import pytest

from razorprof.alerting.thresholds import Reading, Threshold, read_expression
from razorprof.model.labels import Labels
from razorprof.model.series import Series
from razorprof.query.values import Vector
from razorprof.store.fixed import FixedView


def threshold(text: str) -> Threshold:
    found = read_expression(text).threshold
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "operator", "limit", "unit", "scale"),
    [
        ("process_resident_memory_bytes > 805306368", ">", 805306368.0, "bytes", 1.0),
        ("process_resident_memory_bytes > 768 * 1024 * 1024", ">", 805306368.0, "bytes", 1.0),
        ("process_resident_memory_bytes > 768 * 2^20", ">", 805306368.0, "bytes", 1.0),
        ("process_resident_memory_bytes / 1024 / 1024 > 768", ">", 768.0, "bytes", 1048576.0),
        ("process_resident_memory_bytes / 1024^2 > 768", ">", 768.0, "bytes", 1048576.0),
        ("process_resident_memory_bytes / 1e6 > 800", ">", 800.0, "", 1.0),
        ("process_resident_memory_bytes * 8 > 800", ">", 800.0, "", 1.0),
        ("rate(process_cpu_seconds_total[1m]) >= 0.9", ">=", 0.9, "ratio", 1.0),
        ("rate(process_cpu_seconds_total[1m]) * 100 > 90", ">", 90.0, "ratio", 0.01),
        ("100 * rate(python_gc_seconds_total[1m]) > 5", ">", 5.0, "ratio", 0.01),
        ("python_gil_held_ratio > 0.9", ">", 0.9, "ratio", 1.0),
        ("process_open_fds / process_max_fds > 0.8", ">", 0.8, "ratio", 1.0),
        ("process_open_fds / process_max_fds * 100 > 80", ">", 80.0, "ratio", 0.01),
        ("100 * (1 - process_open_fds / process_max_fds) < 10", "<", 10.0, "ratio", 0.01),
        ("objects / collections > 3000", ">", 3000.0, "", 1.0),
        ("process_threads > 200", ">", 200.0, "", 1.0),
        ("200 < process_threads", ">", 200.0, "", 1.0),
        ("200 == process_threads", "==", 200.0, "", 1.0),
        ("rate(process_io_bytes_total[1m]) > 1e6", ">", 1e6, "bytes/s", 1.0),
        ("deriv(process_resident_memory_bytes[10m]) > 1e6", ">", 1e6, "bytes/s", 1.0),
        ("rate(process_page_faults_total[1m]) > 1e4", ">", 1e4, "/s", 1.0),
        ("increase(process_page_faults_total[1m]) > 1e4", ">", 1e4, "", 1.0),
        ("rate(x_seconds_sum[5m]) / rate(x_seconds_count[5m]) > 0.5", ">", 0.5, "seconds", 1.0),
        ("histogram_quantile(0.99, rate(python_gc_pause_seconds_bucket[5m])) > 0.2", ">", 0.2, "seconds", 1.0),
        ("1000 * histogram_quantile(0.9, rate(x_seconds_bucket[5m])) > 200", ">", 200.0, "seconds", 0.001),
        ("time() - process_start_time_seconds < 300", "<", 300.0, "seconds", 1.0),
        ("max_over_time(process_resident_memory_bytes[5m]) > 1e9", ">", 1e9, "bytes", 1.0),
        ("max by (pid) (process_resident_memory_bytes > 1e9)", ">", 1e9, "bytes", 1.0),
        ("sum(process_resident_memory_bytes) > 1e9", ">", 1e9, "bytes", 1.0),
        ("count(up == 1) < 3", "<", 3.0, "", 1.0),
        ("0.5 * process_resident_memory_bytes > 1e9", ">", 1e9, "bytes", 1.0),
        ("process_resident_memory_bytes - process_resident_memory_bytes offset 1h > 1e8", ">", 1e8, "bytes", 1.0),
        ("process_resident_memory_bytes / process_resident_memory_bytes offset 1h > 1.5", ">", 1.5, "ratio", 1.0),
        ("rate(process_cpu_seconds_total[1m]) > -1", ">", -1.0, "ratio", 1.0),
        ("process_threads > vector(3)", ">", 3.0, "", 1.0),
        ("instance:process_own_memory_bytes:current > 1e9", ">", 1e9, "bytes", 1.0),
        ("job:process_cpu_seconds:rate1m > 0.9", ">", 0.9, "ratio", 1.0),
        ("job:process_io_bytes:rate5m > 1e6", ">", 1e6, "bytes/s", 1.0),
        ("level:threads > 5", ">", 5.0, "", 1.0),
        ("max_over_time((process_threads > 3)[5m:]) > 9", ">", 9.0, "", 1.0),
    ],
)
def test_a_comparison_with_a_constant(text: str, operator: str, limit: float, unit: str, scale: float) -> None:
    found = threshold(text)
    assert (found.operator, found.limit, found.unit) == (operator, limit, unit)
    assert found.scale == pytest.approx(scale)
    assert not found.is_part


def test_both_sides_are_told_as_text() -> None:
    found = threshold("10 < rate(x_total[300s]) * 3")
    assert (found.left, found.operator, found.right) == ("rate(x_total[5m]) * 3", ">", "10")


def test_a_limit_that_moves_is_told_as_text_only() -> None:
    found = threshold("process_open_fds > 0.9 * process_max_fds")
    assert (found.limit, found.right, found.metric) == (None, "0.9 * process_max_fds", "process_open_fds")


@pytest.mark.parametrize(
    "text",
    ["(x_bytes > 5) and on () up == 1", "x_bytes > 5 unless y > 3", "(x_bytes > 3) > 5"],
)
def test_other_conditions_are_marked(text: str) -> None:
    found = threshold(text)
    assert (found.limit, found.unit, found.is_part) == (5.0, "bytes", True)


@pytest.mark.parametrize(
    "text",
    [
        "up",
        "absent(up)",
        "x > bool 5",
        "x > 5 or y > 3",
        "(x > 5) * 2",
        "sum(x > 5)",
        "count(x > 5)",
        "-(x > 5)",
        "abs(x > 5)",
        "vector(1)",
        "1",
        "this is ( none",
        "",
    ],
)
def test_where_nothing_plain_is_compared_there_is_no_threshold(text: str) -> None:
    assert read_expression(text).threshold is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("process_resident_memory_bytes", Reading("bytes", metric="process_resident_memory_bytes")),
        ("rate(a_seconds_total[1m])", Reading("ratio", metric="a_seconds_total", is_rate=True)),
        ("x_bytes or y_bytes", Reading("bytes")),
        ("x_bytes or y", Reading()),
        ("x_bytes * on () group_left () info", Reading("bytes")),
        ("x_bytes * y_bytes", Reading()),
        ("x / y", Reading()),
        ("x / rate(y[1m])", Reading()),
        ("1 / 0", Reading()),
        ("x / 0", Reading(metric="x")),
    ],
)
def test_the_unit_of_a_value_is_known_without_a_comparison(text: str, expected: Reading) -> None:
    assert read_expression(text) == expected


def test_a_deep_expression_is_read() -> None:
    assert threshold("+".join(["x_bytes"] * 200) + " > 5").unit == "bytes"


@pytest.mark.parametrize(
    ("text", "operator", "limit"),
    [
        ("load > 5", ">", 5.0),
        ("5 < load", ">", 5.0),
        ("load <= 0.5", "<=", 0.5),
        ("0.5 <= load", ">=", 0.5),
        ("load == 0", "==", 0.0),
        ("load != 1", "!=", 1.0),
        ("(sum by (job) (rate(load[5m])) > (2 * 1024))", ">", 2048.0),
        ("load > -1", ">", -1.0),
        ("load < -(2 + 1) ^ 2", "<", -9.0),
        ("load > 5 and other < 2", ">", 5.0),
        ("load > 5 unless on(pid) other", ">", 5.0),
        ("load > 5 and (other > 1 or other < 0)", ">", 5.0),
        ("load > 1e400", ">", float("inf")),
    ],
)
def test_the_number_stands_on_the_right_whatever_side_it_was_written_on(
    text: str, operator: str, limit: float
) -> None:
    found = threshold(text)
    assert (found.operator, found.limit) == (operator, limit)


@pytest.mark.parametrize(
    "text",
    [
        "load",
        "load > other",
        "load > bool 5",
        "load > 5 or other > 5",
        "load > time()",
        "load > scalar(other)",
        "(load > 5) * 2",
        "1 > bool 2",
        "vector(1)",
        "absent(load)",
        "load > 0 / 0",
    ],
)
def test_what_has_no_constant_threshold_has_none(text: str) -> None:
    found = read_expression(text).threshold
    assert found is None or found.limit is None


def test_the_left_side_can_be_asked_while_nothing_exceeds_the_limit() -> None:
    series = [
        Series(Labels(__name__="load", pid=pid), np.array([1.0]), np.array([value]))
        for pid, value in (("7", 1.0), ("8", 3.0))
    ]
    view = FixedView(series)
    found = threshold("max by (pid) (load * 2) > 100 and on () vector(1)")
    assert found.value is not None
    value = found.value.instant(view, 1.0)
    assert isinstance(value, Vector)
    assert dict(zip([labels["pid"] for labels in value.labels], value.values[0].tolist(), strict=True)) == {
        "7": 2.0,
        "8": 6.0,
    }
