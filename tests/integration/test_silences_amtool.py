"""Intervals of silence files beside Alertmanager's own: what its amtool takes is taken here, and nothing more.

But for months that no year has, which amtool takes and which never come.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from razorprof.alerting.silences import examine_silences

pytestmark = pytest.mark.skipif(shutil.which("amtool") is None, reason="no amtool (make test-deps)")

MONTHS_THAT_NEVER_COME = ("{months: [13]}", "{months: [0]}")
INTERVALS = (
    "{weekdays: ['monday:friday']}",
    "{weekdays: [monday, 'Saturday']}",
    "{weekdays: ['friday:monday']}",
    "{weekdays: ['saturday:sunday']}",
    "{weekdays: ['sunday:saturday']}",
    "{weekdays: [mon]}",
    "{weekdays: ['1:5']}",
    "{weekdays: monday}",
    "{times: [{start_time: '09:00', end_time: '17:00'}]}",
    "{times: [{start_time: 09:00, end_time: 17:00}]}",
    "{times: [{start_time: '00:00', end_time: '24:00'}]}",
    "{times: [{start_time: '22:00', end_time: '06:00'}]}",
    "{times: [{start_time: '09:00', end_time: '09:00'}]}",
    "{times: [{start_time: '9:00', end_time: '17:00'}]}",
    "{times: [{start_time: '09:00', end_time: '24:01'}]}",
    "{times: [{start_time: '09:00'}]}",
    "{times: [{start_time: '09:00', end_time: '17:00', more: 1}]}",
    "{times: ['09:00']}",
    "{days_of_month: ['1:5', '-3:-1']}",
    "{days_of_month: [1, -1]}",
    "{days_of_month: ['0']}",
    "{days_of_month: ['32']}",
    "{days_of_month: ['-32']}",
    "{days_of_month: ['5:1']}",
    "{days_of_month: ['-1:-5']}",
    "{days_of_month: ['-5:5']}",
    "{days_of_month: ['15:-1']}",
    "{days_of_month: ['25:-10']}",
    "{days_of_month: ['1:31']}",
    "{days_of_month: [a]}",
    "{months: ['january:march', 'may', 12]}",
    "{months: ['1:3']}",
    "{months: ['december:january']}",
    "{months: [jan]}",
    "{years: [2026, '2027:2030']}",
    "{years: ['2030:2026']}",
    "{years: [soon]}",
    "{weekdays: [monday], location: Europe/Berlin}",
    "{weekdays: [monday], location: UTC}",
    "{weekdays: [monday], location: Local}",
    "{weekdays: [monday], location: Europe/Atlantis}",
    "{weekdays: [monday], location: ../../etc/passwd}",
    "{weekday: [monday]}",
    "[monday]",
)


def is_taken_by_amtool(interval: str, folder: Path) -> bool:
    file = folder / "alertmanager.yml"
    file.write_text(
        "route: {receiver: none}\nreceivers: [{name: none}]\n"
        f"time_intervals:\n  - name: x\n    time_intervals:\n      - {interval}\n"
    )
    checked = subprocess.run(["amtool", "check-config", file], capture_output=True, text=True, timeout=60)
    assert checked.returncode in (0, 1), checked.stderr
    return checked.returncode == 0


def is_taken_here(interval: str) -> bool:
    text = (
        "version: 1\nsilences:\n  - comment: why\n    matchers: [alertname=x]\n"
        f"    time_intervals:\n      - {interval}\n"
    )
    return not examine_silences(text, "x")[1]


def test_an_interval_is_taken_where_amtool_takes_it(tmp_path: Path) -> None:
    taken = {interval: is_taken_here(interval) for interval in INTERVALS}
    assert taken == {interval: is_taken_by_amtool(interval, tmp_path) for interval in INTERVALS}
    assert 10 < sum(taken.values()) < len(taken) - 10


def test_a_month_that_never_comes_is_taken_by_amtool_alone(tmp_path: Path) -> None:
    for interval in MONTHS_THAT_NEVER_COME:
        assert is_taken_by_amtool(interval, tmp_path)
        assert not is_taken_here(interval)
