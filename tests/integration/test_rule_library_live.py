"""The ready rules on real programs: each misbehaving one sets off its alert, a calm one none.

The rules are those of examples/rules with their lengths of time divided, and what a program would have to use up
in minutes made smaller; all else is as it ships.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
from razorprof.alerting.rule_file import read_rule_file
from razorprof.model.alert import AlertBoard, AlertState
from razorprof.model.target import Target
from razorprof.plugin.loading import runtimes, sources
from razorprof.remote.process import ProcessView
from razorprof.session.session import Session, SessionOptions
from razorprof.session.view import SessionState, View
from razorprof.sources import process
from razorprof.sources.pace import Pace
from razorprof.store.memory import MemoryStore
from tests.integration.source_targets import v1_group
from tests.live_targets import StartProgram

RULES = Path(__file__).parents[2] / "examples" / "rules"
PROGRAMS = Path(__file__).parents[1] / "programs"
INTERVAL = 0.5
LONGEST = 100.0  # 25 s on a quiet machine
# By what lengths are divided. A rate over five minutes still needs some samples, a second apart in a crowd.
GROWTH_SPEED, SPEED = 150, 60
# What a program needs minutes for, or a CPU of its own. Each must be found in the rules.
LESSENED = {
    "64 * 1024 * 1024": "4 * 1024 * 1024",
    "2 * 3600": f"2 * 3600 / {GROWTH_SPEED}",
    "rate(process_cpu_seconds_total[5m]) > 0.5": "rate(process_cpu_seconds_total[5m]) > 0.05",
}
_LENGTH = re.compile(r"(?<=\[)\d+[smh](?=\])|(?<=offset )\d+[smh]|^\d+[smh]$")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
MISBEHAVING = {
    "function": "PythonFunctionDominates",  # the first: functions are told of the first of many targets only
    "memory": "ProcessMemoryGrowing",
    "threads": "ProcessThreadsGrowing",
    "descriptors": "ProcessOpenFilesNearLimit",
    "gc": "PythonGcThrashing",
    "gil": "PythonGilSaturated",
    "deadlock": "PythonDeadlock",
    "stuck": "ProcessIoStuck",
    "gone": "ProcessGone",
}


def quickened(document: dict[str, Any], lessened: set[str]) -> dict[str, Any]:
    """A rule file whose lengths of time are divided and whose demands are lessened; adds those that it found."""

    def shorter(found: re.Match[str]) -> str:
        length = found.group()
        return f"{int(length[:-1]) * _SECONDS[length[-1]] * 1000 // speed}ms"

    for group in document["groups"]:
        for rule in group["rules"]:
            speed = GROWTH_SPEED if "offset 20m" in rule["expr"] else SPEED
            for part, less in LESSENED.items():
                lessened |= {part} if part in rule["expr"] else set()
                rule["expr"] = rule["expr"].replace(part, less)
            rule |= {
                key: _LENGTH.sub(shorter, rule[key]) for key in ("expr", "for", "keep_firing_for") if key in rule
            }
    return document


@pytest.fixture
def quick_rules(tmp_path: Path) -> list[Path]:
    lessened: set[str] = set()
    paths = []
    for path in sorted(RULES.glob("*.yml")):
        if path.name == "check.yml":
            continue  # for a moment's look: the same alerts, which two rules would write at different values
        document = quickened(yaml.safe_load(path.read_text()), lessened)
        paths.append(tmp_path / path.name)
        paths[-1].write_text(yaml.safe_dump(document))
    assert lessened == LESSENED.keys()
    return paths


class Room:
    """A session over programs, with the rules evaluated at each tick. `fired`: (alert, job) of all that did."""

    def __init__(self, rules: list[Path]) -> None:
        self._files = [read_rule_file(path) for path in rules]
        self.fired: set[tuple[str, str]] = set()
        self.unhealthy: set[str] = set()
        self.session = Session(
            SessionOptions(interval=INTERVAL, budget=100.0),
            sources=sources,
            runtimes=runtimes,
            alerting=self._evaluate,
        )

    def _evaluate(self, store: MemoryStore, view: View) -> Callable[[float], AlertBoard]:
        evaluator = Evaluator(self._files, view, store, EvaluatorOptions(interval=INTERVAL))

        def at(time: float) -> AlertBoard:
            evaluator.evaluate(time)
            alerts = evaluator.alerts()
            self.fired |= {(a.name, a.labels.get("job", "")) for a in alerts if a.state is AlertState.FIRING}
            self.unhealthy |= {f"{s.key.name}: {s.error}" for s in evaluator.statuses() if s.error}
            return AlertBoard(alerts, evaluator.statuses())

        return at

    def watch(self, pid: int, job: str) -> None:
        self.session.watch(Target(ProcessView(pid).identity, job, job=job))

    def run(self, until: Callable[[], bool]) -> None:
        """Until that is so, or LONGEST seconds have passed."""
        deadline = time.monotonic() + LONGEST

        def publish(state: SessionState) -> None:
            if until() or time.monotonic() > deadline:
                self.session.stop()

        self.session.run(publish)


@pytest.mark.timeout(300)
def test_each_misbehaving_program_sets_off_its_alert_and_the_calm_one_none(
    quick_rules: list[Path], start_program: StartProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    # unique memory is read every ten seconds or more, in which these rules have seen half an hour
    monkeypatch.setattr(process, "Pace", lambda **pace: Pace(shortest=0.0, longest=60.0, share=1.0))
    programs = {}
    for job in [*MISBEHAVING, "calm"]:
        kind = {"deadlock": "rlock2", "gone": "calm"}.get(job, job)
        file = "deadlocks.py" if job == "deadlock" else "alerting.py"
        programs[job] = start_program(sys.executable, PROGRAMS / file, kind, LIFETIME=str(LONGEST + 60))
    room = Room(quick_rules)
    for job, program in programs.items():
        program.wait_for("ready")
        room.watch(program.pid, job)
    wanted = {(alert, job) for job, alert in MISBEHAVING.items()}
    ticks = 0

    def is_done() -> bool:
        nonlocal ticks
        ticks += 1
        if ticks == 8:
            programs["gone"].end()
        return wanted <= room.fired

    room.run(is_done)
    assert wanted - room.fired == set()
    assert {(alert, job) for alert, job in room.fired if job in ("calm", "razorprof", "")} == set()
    assert room.unhealthy == set()


@pytest.fixture
def cpu_group() -> Iterator[Path]:
    yield from v1_group("cpu")


@pytest.fixture
def memory_group() -> Iterator[Path]:
    yield from v1_group("memory")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_program_is_told_to_be_at_the_limits_of_its_container(
    quick_rules: list[Path], start_program: StartProgram, cpu_group: Path, memory_group: Path
) -> None:
    (cpu_group / "cpu.cfs_period_us").write_text("100000")
    (cpu_group / "cpu.cfs_quota_us").write_text("10000")
    room = Room(quick_rules)
    programs = {}
    for job, kind, group in (("throttled", "function", cpu_group), ("full", "filled", memory_group)):
        programs[job] = start_program(sys.executable, PROGRAMS / "alerting.py", kind, LIFETIME=str(LONGEST + 60))
        (group / "cgroup.procs").write_text(str(programs[job].pid))
        programs[job].wait_for("ready")
        room.watch(programs[job].pid, job)
    programs["full"].wait_for("filled")
    used = int((memory_group / "memory.usage_in_bytes").read_text())
    (memory_group / "memory.limit_in_bytes").write_text(str(int(used / 0.94)))
    wanted = {("ContainerCpuThrottled", "throttled"), ("ContainerMemoryNearLimit", "full")}
    room.run(lambda: wanted <= room.fired)
    for program in programs.values():
        program.end()
    assert wanted - room.fired == set()
