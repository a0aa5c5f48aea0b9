"""Run the whole test suite as CI does: what owns its clock in parallel, what watches real processes one by one.

Tests of real processes measure time; on two cores a neighbour that computes would make them lie. Called by
`make test`. The last line counts both runs (build/tests/total.txt keeps it); the exit status is 1 if anything
failed.
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
