"""Run the whole test suite as CI does: what owns its clock in parallel, what watches real processes one by one.

Tests of real processes measure time; on two cores a neighbour that computes would make them lie. So a few of them
that fail get one second try, alone, and are named when they pass it: a defect fails twice. Called by `make test`.
The last line counts all runs (build/tests/total.txt keeps it); the exit status is 1 if anything failed.
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
PARALLEL = ("tests/unit", "tests/architecture")
APART = ("tests/faults",)  # slow: it has a make target of its own
QUICK = ("-m", "not slow")  # the slow ones want a quiet machine: make soak
LONGEST = 20 * 60  # seconds for one of the two runs
MOST_TRIED_AGAIN = 5  # more failures than that are no noise
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
    workers = str(min(os.cpu_count() or 1, 4))
    ignored = [f"--ignore={folder}" for folder in (*PARALLEL, *APART)]
    parallel = [folder for folder in PARALLEL if (ROOT / folder).is_dir()]
    runs = {
        "parallel": [*parallel, "-n", workers, *QUICK],
        "serial": ["tests", *ignored, *QUICK],
    }
    total = Outcome()
    good = True
    for name, selection in runs.items():
        status, outcome = run(name, [*selection, *arguments])
        if name == "serial" and status == 1 and 0 < outcome.failed <= MOST_TRIED_AGAIN:
            status, outcome = try_again(outcome, [*selection, *arguments])
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
    try:
        status = subprocess.run(command, cwd=ROOT, timeout=LONGEST).returncode
    except subprocess.TimeoutExpired:
        print(f"the {name} tests did not end within {LONGEST} s", file=sys.stderr)
        status = 1
    return status, count(report) if report.exists() else Outcome()


def try_again(first: Outcome, arguments: list[str]) -> tuple[int, Outcome]:
    """The tests that failed, once more. What passes now is said, and counted as passed."""
    failed = failures_of(REPORTS / "serial.xml")
    status, second = run("again", [*arguments, "--last-failed", "--last-failed-no-failures=none"])
    if status != 0 or second.passed != first.failed:
        return 1, first
    for name in failed:
        print(f"passed at the second try only: {name}", flush=True)
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
