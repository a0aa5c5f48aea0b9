"""Verdicts on rule and action files, and what they come to together. For cli.rules_check, which prints them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

from razorprof.alerting.problem import Problem, ProblemKind
from razorprof.alerting.rule_file import LARGEST_FILE, decode, examine, read_content
from razorprof.alerting.rules import AlertingRule
from razorprof.alerting.versions import Version
from razorprof.alerting.yaml_tree import BadYaml
from razorprof.errors import ExitCode, ToolFailed

_STDIN = "-"


class Verdict(StrEnum):
    GOOD = "good"
    BAD = "bad"
    UNSUPPORTED = "unsupported"
    UNREADABLE = "unreadable"


# which one counts where several files have several: what could not be judged goes first
_CODES = {
    Verdict.UNREADABLE: ExitCode.TOOL_FAILED,
    Verdict.BAD: ExitCode.FINDING,
    Verdict.UNSUPPORTED: ExitCode.NOT_SUPPORTED,
    Verdict.GOOD: ExitCode.DONE,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One file. kind: "rules" or "actions"; unreadable: why it could not be read; alerts: rules that alert."""

    file: str
    kind: str
    problems: tuple[Problem, ...] = ()
    groups: int = 0
    rules: int = 0
    alerts: int = 0
    unreadable: str = ""

    @property
    def verdict(self) -> Verdict:
        if self.unreadable:
            return Verdict.UNREADABLE
        if self.count(ProblemKind.ERROR):
            return Verdict.BAD
        return Verdict.UNSUPPORTED if self.count(ProblemKind.UNSUPPORTED) else Verdict.GOOD

    def count(self, kind: ProblemKind) -> int:
        return sum(problem.kind is kind for problem in self.problems)


def judge_rules(file: str, version: Version) -> Judged:
    """The verdict on a rule file, - being standard input."""
    try:
        content = _content(file)
    except ToolFailed as error:
        return Judged(file, "rules", unreadable=str(error.value))
    name = "(standard input)" if file == _STDIN else file
    examined = examine(content, name, target_version=version)
    rules = [rule for group in examined.file.groups for rule in group.rules]
    alerts = sum(isinstance(rule, AlertingRule) for rule in rules)
    return Judged(name, "rules", examined.problems, len(examined.file.groups), len(rules), alerts)


def judge_actions(file: str) -> Judged:
    """The verdict on a file of captures."""
    try:
        content = read_content(file)
    except ToolFailed as error:
        return Judged(file, "actions", unreadable=str(error.value))
    try:
        text = decode(content)
    except BadYaml as error:
        return Judged(file, "actions", (error.problem,))
    problems = import_module("razorprof.alerting.actions").problems_of_actions(text, file)
    return Judged(file, "actions", tuple(problems))


def verdict_words(judged: Judged) -> str:
    """The verdict in a line: "bad: 2 errors, 1 warning"."""
    counts = (
        (judged.count(ProblemKind.ERROR), "error"),
        (judged.count(ProblemKind.UNSUPPORTED), "place that razorprof does not support"),
        (judged.count(ProblemKind.WARNING), "warning"),
    )
    told = [_counted(count, what) for count, what in counts if count]
    if judged.verdict is Verdict.GOOD and judged.kind == "rules":
        told.insert(0, f"{_counted(judged.rules, 'rule')} in {_counted(judged.groups, 'group')}")
    return f"{judged.verdict}: {', '.join(told)}" if told else str(judged.verdict)


def exit_code(judged: Sequence[Judged], *, lint_fatal: bool = False) -> ExitCode:
    """What the command ends with."""
    verdict = _worst(judged)
    warned = any(one.count(ProblemKind.WARNING) for one in judged)
    if lint_fatal and warned and verdict is not Verdict.UNREADABLE:
        return ExitCode.FINDING
    return _CODES[verdict]


def as_document(judged: Sequence[Judged], version: Version | None) -> dict[str, Any]:
    """The document of --json."""
    return {
        "verdict": str(_worst(judged)),
        "target_version": None if version is None else str(version),
        "files": [
            {
                "file": one.file,
                "kind": one.kind,
                "verdict": str(one.verdict),
                "groups": one.groups,
                "rules": one.rules,
                "alerts": one.alerts,
                "problems": [_problem(problem) for problem in one.problems],
                **({"error": one.unreadable} if one.unreadable else {}),
            }
            for one in judged
        ],
    }


def _worst(judged: Sequence[Judged]) -> Verdict:
    found = {one.verdict for one in judged}
    return next(verdict for verdict in _CODES if verdict in found or verdict is Verdict.GOOD)


def _content(file: str) -> bytes:
    if file == _STDIN:
        return sys.stdin.buffer.read(LARGEST_FILE + 1)
    return read_content(file)


def _problem(problem: Problem) -> dict[str, Any]:
    kind = str(problem.kind)
    return {"line": problem.line, "kind": kind, "message": problem.message, "hint": problem.hint}


def _counted(count: int, what: str) -> str:
    first, _, rest = what.partition(" ")
    return " ".join(filter(None, (str(count), first if count == 1 else first + "s", rest)))
