"""Scripts of FakeAlerts that screens are shown with: a worker that grows, a family of which some are busy, and
rules and labels that mean harm.
"""

from __future__ import annotations

from collections.abc import Sequence

from razorprof.model.labels import Labels
from razorprof.testing.fake_alerts import FILE, Episode, FakeAlerts, capture_of, rule_status, target_labels
from razorprof.testing.fake_targets import HOSTILE, MIB
from razorprof.testing.fake_view import FakeTarget

_DESCRIPTION = (
    "Resident memory is above 768 MiB. At this pace the container's limit of 1 GiB is reached in about three "
    "hours; the kernel then kills the worker."
)
_FOLDER = "/var/lib/razorprof/captures/20231114-221410-slow-worker-1234"


def worker_alerts(target: FakeTarget, *, file: str = FILE) -> FakeAlerts:
    """At tick 180 memory fires, the GIL is pending, collecting was too much and is over; one rule fails, two are
    quiet. file: of the rules, where a runbook is to be found."""
    labels, name = target_labels(target), target.status.target.name
    rules = [
        rule_status("MemoryGrowth", "process_resident_memory_bytes > 768 * 1024 * 1024", severity="page"),
        rule_status("GilSaturated", "python_gil_held_ratio > 0.9", hold=300.0, severity="warning"),
        rule_status("GcThrash", "rate(python_gc_seconds_total[1m]) > 0.15", hold=30.0, severity="warning"),
        rule_status("DescriptorsLow", "process_open_fds / process_max_fds > 0.8", severity="warning"),
        rule_status(
            "SlowRequests",
            "histogram_quantile(0.99, app_request_seconds_bucket) > 0.5",
            error="many-to-many matching not allowed: matching labels must be unique on one side",
        ),
        rule_status("TargetGone", "up == 0", hold=0.0, severity="critical"),
        rule_status("job:cpu:rate1m", "sum by (job) (rate(process_cpu_seconds_total[1m]))", kind="recording"),
    ]
    growth = {
        "summary": f"{name} holds 812 MiB and grows by 1.2 MiB a minute",
        "description": _DESCRIPTION,
        "runbook_url": "runbooks/memory-growth.md",
    }
    thrash = {"summary": f"{name} collects all the time"}
    episodes = [
        Episode("GilSaturated", labels.with_(severity="warning"), 110, value=0.968),
        Episode("MemoryGrowth", labels.with_(severity="page"), 0, 50, None, 812.4 * MIB, growth),
        Episode("GcThrash", labels.with_(severity="warning"), 20, 50, 95, 0.162, thrash),
    ]
    who, alert = target.identity, "MemoryGrowth"
    captures = [
        capture_of(who, "slow-worker", alert, 50, folder=_FOLDER, state="done"),
        capture_of(who, "heap-when-large", alert, 50, state="skipped", detail="--allow-attach was not given"),
    ]
    return FakeAlerts(rules, episodes, captures, file=file)


def family_alerts(targets: Sequence[FakeTarget]) -> FakeAlerts:
    """Each worker's CPU, some of which fire; one alert of all together; one that is silenced."""
    rules = [
        rule_status("WorkerCpuHigh", "rate(process_cpu_seconds_total[1m]) > 0.3", hold=240.0, severity="warning"),
        rule_status("WorkersBusy", "sum by (job) (rate(process_cpu_seconds_total[1m])) > 2", severity="page"),
    ]
    episodes = [
        Episode(
            "WorkerCpuHigh",
            target_labels(target).with_(severity="warning"),
            60 + 10 * place,
            None if place % 3 else 120 + place,
            value=0.3 + 0.01 * (place + 1),
            silenced=place == 3,
        )
        for place, target in enumerate(targets)
    ]
    together = Labels(job="gunicorn: worker [app]", severity="page")
    return FakeAlerts(rules, [*episodes, Episode("WorkersBusy", together, 90, 150, value=2.71)])


def hostile_alerts(target: FakeTarget) -> FakeAlerts:
    """Names, labels, annotations, errors and captures that would steer a terminal."""
    labels = target_labels(target).with_(severity="[bold red]page[/]", path=HOSTILE)
    evil = "Evil\x1b[2J"
    rules = [
        rule_status(evil, 'x{a="\u202e"} > 5'),
        rule_status("Broken", "y > 3", error="no \x1b]0;owned\x07 such thing\nsecond line"),
    ]
    annotations = {
        "summary": HOSTILE,
        "description": "line one\nline two\x1b[1;1H\r\n" + "long " * 3000,
        "run\x1bbook\n": "x",
        "runbook": "../../etc/passwd.txt",
    }
    episodes = [Episode(evil, labels, 0, 10, None, float("nan"), annotations)]
    captures = [
        capture_of(target.identity, "a\x1b[m", evil, 20, folder="/tmp/\x1b[31m", state="failed", detail="\n")
    ]
    return FakeAlerts(rules, episodes, captures, "bad file \x1b[31m")
