"""Values in words, against their limits; and whose alert it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from razorprof.alerting.thresholds import read_expression
from razorprof.model.labels import Labels
from razorprof.model.target import Identity, Life, Target
from razorprof.session.alert_targets import Owners, own_labels
from razorprof.session.alert_values import subject_words, value_words
from razorprof.session.view import TargetStatus

MIB = 2.0**20


@pytest.mark.parametrize(
    ("value", "expression", "expected"),
    [
        (812.3 * MIB, "process_resident_memory_bytes > 768 * 1024 * 1024", "812 MiB > 768 MiB"),
        (812.3, "process_resident_memory_bytes / 1024 / 1024 > 768", "812 MiB > 768 MiB"),
        (768.2 * MIB, "process_resident_memory_bytes > 768 * 1024 * 1024", "768 MiB > 768 MiB by 205 KiB"),
        (0.968, "python_gil_held_ratio > 0.9", "96.8 % > 90 %"),
        (2.71, "rate(process_cpu_seconds_total[1m]) > 0.855", "271 % > 85.5 %"),
        (96.8, "100 * python_gil_held_ratio > 90", "96.8 % > 90 %"),
        (0.3, "histogram_quantile(0.9, rate(x_seconds_bucket[5m])) > 0.25", "300 ms > 250 ms"),
        (400.0, "time() - process_start_time_seconds > 300", "6 m 40 s > 5 m"),
        (212.0, "process_threads > 200", "212 > 200"),
        (0.01, "x < 0.5", "0.01 < 0.5"),
        (2.5e6, "rate(process_io_bytes_total[1m]) > 1048576", "2.38 MiB/s > 1 MiB/s"),
        (2.0 * MIB, "x_bytes > 1.5 * 1024 * 1024", "2.00 MiB > 1.5 MiB"),
        (2e6, "x > 1e6", "2.00M > 1M"),
        (float("inf"), "x_seconds > Inf", "+Inf > +Inf"),
        (0.0, "up == 0", "0"),
        (1.0, "absent(up)", "1"),
        (910.0, "process_open_fds > 0.9 * process_max_fds", "910 > 0.9 * process_max_fds"),
        (5.0, 'x > on () y{a="\x1b[2J"}', '5 > y{a="\\x1b[2J"}'),
        (float("nan"), "x_bytes > 5", "NaN > 5 B"),
        (float("inf"), "x_seconds > 5", "+Inf > 5 s"),
        (float("-inf"), "x < -5", "-Inf < -5"),
        (3.0, "not PromQL (", "3"),
    ],
)
def test_a_value_stands_against_its_limit(value: float, expression: str, expected: str) -> None:
    assert value_words(value, read_expression(expression)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("process_resident_memory_bytes > 5", "resident"),
        ("rate(process_cpu_seconds_total[1m]) > 5", "CPU"),
        ("process_cpu_seconds_total > 5", "process_cpu_seconds_total"),
        ("app_jobs > 5", "app_jobs"),
        ("a + b > 5", ""),
    ],
)
def test_the_subject_is_the_word_that_the_dashboard_uses(expression: str, expected: str) -> None:
    assert subject_words(read_expression(expression)) == expected


def status(pid: int, start: int = 1, **labels: str) -> TargetStatus:
    known = {"job": "api", "instance": f"host/{pid}", "pid": str(pid), **labels}
    return TargetStatus(Target(Identity(pid, start), "api"), Life.ALIVE, labels=known)


def test_an_alert_belongs_to_the_target_that_its_labels_name() -> None:
    targets = [status(1), status(2)]
    assert Owners(targets).of(Labels(alertname="A", pid="2")) == targets[1]
    assert Owners(targets).of(Labels(instance="host/1", job="api")) == targets[0]


@pytest.mark.parametrize(
    "labels", [Labels(job="api"), Labels(pid="3"), Labels(pid="1", instance="host/2"), Labels()]
)
def test_an_alert_that_names_no_target_or_two_belongs_to_none(labels: Labels) -> None:
    assert Owners([status(1), status(2)]).of(labels) is None


def test_all_alerts_are_about_the_only_target_unless_they_name_another() -> None:
    only = [status(1)]
    assert Owners(only).of(Labels(severity="page")) == only[0]
    assert Owners(only).of(Labels(job="api")) == only[0]
    assert Owners(only).of(Labels(job="web")) is None


def test_of_two_processes_with_one_pid_the_living_one_is_meant() -> None:
    gone, living = replace(status(1, 5), life=Life.GONE), status(1, 3)
    assert Owners([gone, living]).of(Labels(pid="1")) == living


def test_own_labels_are_those_that_the_target_does_not_have_anyway() -> None:
    labels = Labels(alertname="A", pid="1", job="other", severity="page")
    assert own_labels(labels, status(1)) == Labels(job="other", severity="page")
    assert own_labels(labels, None) == labels.without("alertname")
