"""Tests of rule files in promtool's form, run with our evaluator: a file in, a verdict on each test out.

`run_test_file` is all that others call (the command `rules test`, tests of our own rules). Reading is
rule_test_file's business, running rule_test_run's.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from razorprof.alerting.file_globs import matching_files
from razorprof.alerting.problem import Problem, ProblemKind
from razorprof.alerting.rule_file import examine, read_content
from razorprof.alerting.rule_test_file import RuleTest, RuleTestFile, read_tests
from razorprof.alerting.rule_test_run import Failure, FailureKind, run_test
from razorprof.alerting.rule_test_series import lines_of
from razorprof.alerting.rules import RuleGroup
from razorprof.errors import ToolFailed, UsageError
from razorprof.store.regexes import Regex


@dataclass(frozen=True, slots=True)
class TestResult:
    """How a test came out. name: the file's, or unnamed#N; line: where it stands."""

    __test__ = False  # for pytest, which takes it for one of its own

    name: str
    line: int
    failures: tuple[Failure, ...] = ()

    @property
    def unsupported(self) -> bool:
        """It fails for nothing but what razorprof lacks."""
        return bool(self.failures) and all(failure.unsupported for failure in self.failures)


@dataclass(frozen=True, slots=True)
class TestFileResult:
    """How a test file came out. problems: of the file itself; an error among them, and no test ran."""

    __test__ = False

    path: str
    tests: tuple[TestResult, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def bad(self) -> bool:
        return any(problem.kind is not ProblemKind.WARNING for problem in self.problems)

    @property
    def failed(self) -> int:
        """How many tests failed, those for what razorprof lacks not counted."""
        return sum(bool(test.failures) and not test.unsupported for test in self.tests)

    @property
    def unsupported(self) -> int:
        return sum(test.unsupported for test in self.tests)


def run_test_file(path: str | Path, *, names: Regex | None = None) -> TestFileResult:
    """Run the tests of a file, those whose name fits. Raises ToolFailed where it cannot be read."""
    try:
        content = read_content(path)
    except ToolFailed as error:
        raise ToolFailed("cannot read the test file", value=error.value) from None
    file, problems = read_tests(content)
    if any(problem.kind is not ProblemKind.WARNING for problem in problems):
        return TestFileResult(str(path), (), problems)
    more: list[Problem] = []
    try:
        paths = _rule_files(file, Path(path), more)
    except UsageError as error:
        return TestFileResult(str(path), (), (*problems, Problem(0, str(error), error.hint)))
    wanted = [(place, test) for place, test in enumerate(file.tests) if names is None or names.matches(test.name)]
    groups, failures = _groups(paths, file.order) if wanted else ([], ())
    results = []
    for place, test in wanted:
        found = failures or tuple(run_test(test, file, groups))
        results.append(TestResult(test.name or f"unnamed#{place}", test.line, found))
        more += _unread(test)
    if not file.tests:
        more.append(Problem(0, "the file has no tests", "add: tests:", ProblemKind.WARNING))
    elif not wanted:
        more.append(Problem(0, "no test has such a name", "", ProblemKind.WARNING))
    return TestFileResult(str(path), tuple(results), (*problems, *more))


def _rule_files(file: RuleTestFile, path: Path, problems: list[Problem]) -> list[str]:
    """The rule files that the test file names, relative to its folder, each once."""
    folder = os.path.dirname(path)
    found: dict[str, None] = {}
    for pattern, line in file.rule_files:
        full = (
            os.path.normpath(os.path.join(folder, pattern)) if pattern and not os.path.isabs(pattern) else pattern
        )
        files = matching_files(full)
        if not files:
            problems.append(
                Problem(line, f"no file fits {full}", "it is relative to the test file", ProblemKind.WARNING)
            )  # fmt: skip
        found.update(dict.fromkeys(files))
    return list(found)


def _groups(paths: Sequence[str], order: Sequence[str]) -> tuple[list[RuleGroup], tuple[Failure, ...]]:
    """The groups in the order of their evaluation, or why there are none: the first file that is bad ends it."""
    groups: list[RuleGroup] = []
    for path in paths:
        try:
            examined = examine(read_content(path), path)
        except ToolFailed as error:
            return [], (Failure(FailureKind.SETUP, 0, str(error), file=path),)
        bad = [problem for problem in examined.problems if problem.kind is not ProblemKind.WARNING]
        if bad:
            return [], tuple(
                Failure(
                    FailureKind.SETUP, problem.line, problem.message, file=path,
                    unsupported=problem.kind is ProblemKind.UNSUPPORTED,
                )
                for problem in bad
            )  # fmt: skip
        groups += examined.file.groups
    places = {name: place for place, name in enumerate(order)}
    return sorted(groups, key=lambda group: places.get(group.name, 0)), ()


def _unread(test: RuleTest) -> list[Problem]:
    """A warning where promtool reads less than the file gives."""
    line = lines_of(test.series)[1]
    words = "this input series and those behind it are not read: an empty line or a comment ends them"
    hint = "write values as plain or >- text, not as | text"
    return [Problem(line, words, hint, ProblemKind.WARNING)] if line else []
