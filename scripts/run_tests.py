"""Run the whole test suite as CI does: what owns its clock in parallel, what measures real processes one by one.

Between them, in parallel too, what runs whole commands but judges no time, and two at a time what looks at real
processes but judges no small times: what does would lie beside a neighbour that computes. A few failures get one
second try, one by one, and are named when they pass it: a defect fails twice. Called by `make test`. The last line
counts all runs (build/tests/total.txt keeps it); the exit status is 1 if anything failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "tests"
PLUGINS = sorted(path.relative_to(ROOT) for path in ROOT.glob("plugins/*/tests"))
PARALLEL = ("tests/unit", "tests/architecture", *(str(path / "unit") for path in PLUGINS))
TOGETHER = (  # whole commands and screens, which judge no time and mostly wait
    "tests/cli",
    "tests/tui",
    "tests/fuzz",
    "tests/test_live_targets.py",
    *(
        f"tests/integration/test_{name}.py"
        for name in (
            *("application_metrics", "dump_command", "flame_browser", "http_pages", "pprof_tool"),
            *("promql_reference", "query_answers", "report_browser", "run_baseline_and_heap", "run_command"),
            *("serve_command", "session_forgets", "heap_attach", "heap_strangers", "heap_pythons"),
            *("record_command", "recording_ends"),
            *("alert_captures_real", "alerting_whole", "alertmanager", "check_command", "notify_command"),
            *("notify_http", "readme_runbook", "rule_files_promtool", "rule_library", "rule_tests_promtool"),
            *("silences_amtool", "templates_promtool", "top_alerts", "watch_command"),
            *("cgroup_namespaces", "cgroup_v1", "cpython_debian", "cpython_detect", "cpython_refusals"),
            *("demo_command", "demo_terminal", "doctor_live", "incident_replay", "makefile_targets"),
            *("process_source_waits", "protect_real", "run_in_ci", "targets_live"),
            *(
                "plugin_examples",
                "bad_plugins",
                "foreign_runtime",
                "pprof_endpoint",
                "ending_real",
            ),
        )
    ),
    *(str(path / "integration") for path in PLUGINS),
)
PAIRED = tuple(  # real processes: exact figures, and times with some room
    f"tests/integration/test_{name}.py"
    for name in (
        *("top_batch", "cpython_gc_figures", "advice_programs", "cpu_command", "examples", "demo_program"),
        *("threads_command", "locks_source", "process_source", "watch_recording", "rule_library_live"),
        *("cpython_gil_and_life", "pyspy_supervisor"),
    )
)
ROOTS = ("tests", *map(str, PLUGINS))
APART = ("tests/faults",)  # slow: it has a make target of its own
QUICK = ("-m", "not slow")  # the slow ones want a quiet machine: make soak
LONGEST = 40 * 60  # seconds for one of the runs
MOST_TRIED_AGAIN = 8  # of some thousands; more failures than that are no noise
NO_TESTS = 5  # pytest's exit status when it collected nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


def main(arguments: list[str]) -> int:
    REPORTS.mkdir(parents=True, exist_ok=True)
    workers = min(os.cpu_count() or 1, 4)
    ignored = [f"--ignore={path}" for path in (*PARALLEL, *TOGETHER, *PAIRED, *APART)]
    parallel, together, paired = (
        [path for path in paths if (ROOT / path).exists()] for paths in (PARALLEL, TOGETHER, PAIRED)
    )
    runs = {
        "parallel": [*parallel, "-n", str(workers), *QUICK],
        "together": [*together, "-n", str(workers + 1), *QUICK] if together else [],
        "paired": [*paired, "-n", "2", "--dist", "loadfile", *QUICK] if paired else [],
        "serial": [*ROOTS, *ignored, *QUICK],
    }
    total = Outcome()
    good = True
    for name, selection in runs.items():
        if not selection:
            continue
        status, outcome = run(name, [*selection, *arguments])
        if status == 1 and 0 < outcome.failed <= MOST_TRIED_AGAIN:
            status, outcome = try_again(name, outcome, arguments)
        total += outcome
        good = good and status in (0, NO_TESTS)
    if not good and not total.failed:  # a crash of pytest itself is a failure, whatever the reports say
        total += Outcome(failed=1)
    line = f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped"
    (REPORTS / "total.txt").write_text(line + "\n")
    print(line, flush=True)
    return 0 if good and total.passed else 1


def run(name: str, arguments: list[str]) -> tuple[int, Outcome]:
    """One pytest run: its exit status and what its report counts (nothing if it left none)."""
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", f"--junit-xml={report}", *arguments]
    # Hundreds of tests start razorprof: where bytecode is not kept, each compiles it anew, for half a second.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        status = subprocess.run(command, cwd=ROOT, env=environment, timeout=LONGEST).returncode
    except subprocess.TimeoutExpired:
        print(f"the {name} tests did not end within {LONGEST} s", file=sys.stderr)
        status = 1
    return status, count(report) if report.exists() else Outcome()


def try_again(name: str, first: Outcome, arguments: list[str]) -> tuple[int, Outcome]:
    """The tests that failed, once more, one by one. What passes now is said, and counted as passed."""
    failed = failures_of(REPORTS / f"{name}.xml")
    selection = [f"--ignore={path}" for path in APART]
    again = [*ROOTS, *selection, *QUICK, *arguments, "--last-failed", "--last-failed-no-failures=none"]
    status, second = run("again", again)
    if status != 0 or second.passed != first.failed:
        return 1, first
    for test in failed:
        print(f"passed at the second try only: {test}", flush=True)
    return 0, Outcome(first.passed + second.passed, 0, first.skipped)


def failures_of(report: Path) -> list[str]:
    """The names of the tests that failed, as the report tells them."""
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]


def count(report: Path) -> Outcome:
    """The totals of a JUnit report. An error in a fixture is a failure."""
    total = Outcome()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        tests, failures, errors, skipped = (
            int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")
        )
        failed = failures + errors
        total += Outcome(tests - failed - skipped, failed, skipped)
    return total


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
