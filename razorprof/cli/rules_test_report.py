"""What `rules test` says: lines, a document, a JUnit report, and what it all comes to. For cli.rules_test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from razorprof.alerting.durations import format_prometheus_duration
from razorprof.alerting.problem import Problem, ProblemKind
from razorprof.alerting.rule_test_run import Failure, FailureKind
from razorprof.alerting.rule_tests import TestFileResult, TestResult, run_test_file
from razorprof.analysis.gate_checks import Check, Outcome
from razorprof.cli.output import Style
from razorprof.errors import ExitCode, ToolFailed
from razorprof.render.junit import junit_suites
from razorprof.render.text import printable
from razorprof.store.regexes import Regex, compile_regex

_WHAT = {
    FailureKind.ALERTS: "alert",
    FailureKind.SAMPLES: "expr",
    FailureKind.EXPRESSION: "expr",
    FailureKind.RULE: "rule",
    FailureKind.SETUP: "",
}


@dataclass(frozen=True, slots=True)
class Tested:
    """One test file. unreadable: why it could not be read."""

    file: str
    result: TestFileResult = field(default_factory=lambda: TestFileResult(""))
    unreadable: str = ""

    @property
    def verdict(self) -> str:
        if self.unreadable:
            return "unreadable"
        if self.result.bad:
            return "bad"
        if self.result.failed:
            return "fail"
        return "unsupported" if self.result.unsupported else "pass"


def name_pattern(texts: Sequence[str]) -> Regex | None:
    """The names of the tests that are wanted, None for all. Raises UsageError for a bad regex."""
    return compile_regex(f".*(?:{'|'.join(texts)}).*") if texts else None


def run_file(file: str, names: Regex | None) -> Tested:
    """The verdict on a test file."""
    try:
        return Tested(file, run_test_file(file, names=names))
    except ToolFailed as error:
        return Tested(file, unreadable=str(error.value))


def exit_code(tested: Sequence[Tested]) -> ExitCode:
    """What the command ends with."""
    verdicts = {one.verdict for one in tested}
    if "unreadable" in verdicts:
        return ExitCode.TOOL_FAILED
    if verdicts & {"bad", "fail"}:
        return ExitCode.FINDING
    return ExitCode.NOT_SUPPORTED if "unsupported" in verdicts else ExitCode.DONE


def test_lines(tested: Tested) -> Iterator[tuple[str, Style]]:
    """Escaped lines on everything that is not as it should be."""
    for problem in tested.result.problems:
        is_warning = problem.kind is ProblemKind.WARNING
        mark = "warning: " if is_warning else ""
        yield (
            f"{_place(tested.file, problem.line)}: {mark}{printable(problem.message)}",
            (Style.LOOK if is_warning else Style.ACT),
        )
        if problem.hint:
            yield f"  hint: {printable(problem.hint)}", Style.PLAIN
    told: tuple[Failure, ...] = ()
    for test in tested.result.tests:
        if not test.failures:
            continue
        word = "not supported" if test.unsupported else "FAILED"
        yield (
            f"{_place(tested.file, test.line)}: {word}: {printable(test.name)}",
            (Style.LOOK if test.unsupported else Style.ACT),
        )
        if test.failures == told:  # a bad rule file, say
            yield "  as above", Style.PLAIN
            continue
        told = test.failures
        for failure in test.failures:
            yield f"  {headline(failure, tested.file)}", Style.PLAIN
            for line in failure.details:
                yield f"    {printable_line(line)}", Style.PLAIN


def summary(tested: Tested) -> tuple[str, Style]:
    """The last line on a file."""
    result = tested.result
    if result.bad:
        return "bad: no test was run", Style.ACT
    parts = [_counted(len(result.tests), "test")]
    if result.failed:
        parts.append(f"{result.failed} failed")
    if result.unsupported:
        parts.append(f"{result.unsupported} not supported")
    style = {"fail": Style.ACT, "unsupported": Style.LOOK}.get(tested.verdict, Style.PLAIN)
    return f"{tested.verdict}: {', '.join(parts)}", style


def headline(failure: Failure, file: str) -> str:
    """One escaped line: where, what, when, and what is wrong."""
    what = f"{_WHAT[failure.kind]} {printable(failure.subject)}".strip() if failure.subject else ""
    when = "" if failure.time is None else f" at {_duration(failure.time)}"
    subject = f"{what}{when}: " if what or when else ""
    place = _place(failure.file or file, failure.line) if failure.file or failure.line else ""
    mark = "not supported: " if failure.unsupported else ""
    return (f"{place}: " if place else "") + subject + mark + printable(failure.message)


def printable_line(line: str) -> str:
    """An escaped line of details, its indentation kept."""
    text = line.lstrip(" ")
    return " " * (len(line) - len(text)) + printable(text)


def as_document(tested: Sequence[Tested]) -> dict[str, Any]:
    """The document of --json."""
    tests = [test for one in tested for test in one.result.tests]
    failed = sum(one.result.failed for one in tested)
    unsupported = sum(one.result.unsupported for one in tested)
    order = ("unreadable", "bad", "fail", "unsupported")
    return {
        "verdict": next((word for word in order if any(one.verdict == word for one in tested)), "pass"),
        "passed": len(tests) - failed - unsupported,
        "failed": failed,
        "unsupported": unsupported,
        "files": [
            {
                "file": one.file,
                "verdict": one.verdict,
                "problems": [_problem(problem) for problem in one.result.problems],
                "tests": [_test(test) for test in one.result.tests],
                **({"error": one.unreadable} if one.unreadable else {}),
            }
            for one in tested
        ],
    }


def junit_text(tested: Sequence[Tested]) -> str:
    """The JUnit report: a suite for each file; what could not be judged is an error."""
    return junit_suites("razorprof rules test", [(one.file, list(_checks(one))) for one in tested])


def _checks(tested: Tested) -> Iterator[Check]:
    if tested.unreadable:
        yield Check("the test file", Outcome.INCONCLUSIVE, f"cannot be read: {tested.unreadable}")
    if tested.result.bad:
        problems = [problem for problem in tested.result.problems if problem.kind is not ProblemKind.WARNING]
        details = tuple(problem.at(tested.file) for problem in problems)
        yield Check("the test file", Outcome.FAIL, "the test file is bad", details)
    for test in tested.result.tests:
        details = tuple(
            line for one in test.failures for line in (headline(one, tested.file), *one.details)
        )  # fmt: skip
        if not test.failures:
            yield Check(test.name, Outcome.PASS)
        elif test.unsupported:
            yield Check(test.name, Outcome.SKIPPED, "not supported by razorprof", details)
        else:
            yield Check(test.name, Outcome.FAIL, details[0], details[1:])


def _test(test: TestResult) -> dict[str, Any]:
    verdict = "pass" if not test.failures else "unsupported" if test.unsupported else "fail"
    return {
        "name": test.name,
        "line": test.line,
        "verdict": verdict,
        "failures": [_failure(failure) for failure in test.failures],
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "kind": str(failure.kind),
        "line": failure.line,
        "file": failure.file,
        "subject": failure.subject,
        "time": failure.time,
        "message": failure.message,
        "details": list(failure.details),
        "expected": None if failure.expected is None else list(failure.expected),
        "got": None if failure.got is None else list(failure.got),
        "unsupported": failure.unsupported,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "line": problem.line,
        "kind": str(problem.kind),
        "message": problem.message,
        "hint": problem.hint,
    }


def _place(file: str, line: int) -> str:
    return printable(f"{file}:{line}" if line else file)


def _duration(seconds: float) -> str:
    return format_prometheus_duration(seconds)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
