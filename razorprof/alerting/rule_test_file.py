"""Files that test rules, in promtool's form: text -> what is to be loaded, evaluated and expected, with lines.

As strict as promtool: an unknown field, a key that stands twice or a value of another kind makes the file bad.
What the tests say is not looked at here (series, expressions): that is the test's own failure. Run by
alerting.rule_tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from razorprof.alerting.problem import Problem, ProblemKind
from razorprof.alerting.rule_file import decode
from razorprof.alerting.yaml_fields import (
    Fields,
    Problems,
    duration_of,
    fields_of,
    flag_of,
    items_of,
    number_of,
    shown,
    text_of,
    texts_of,
)
from razorprof.alerting.yaml_tree import BadYaml, Node, parse_yaml

_FILE = ("rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare")
_TEST = (
    "interval", "input_series", "alert_rule_test", "promql_expr_test", "external_labels", "external_url", "name",
    "start_timestamp",
)  # fmt: skip
_SERIES = ("series", "values")
_ALERT_CASE = ("eval_time", "alertname", "exp_alerts")
_ALERT = ("exp_labels", "exp_annotations")
_EXPR_CASE = ("expr", "eval_time", "exp_samples")
_SAMPLE = ("labels", "value", "histogram")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_FARTHEST = 9e11  # seconds: with any offset, milliseconds stay within 64 bits
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class InputSeries:
    line: int
    series: str
    values: str


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    line: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AlertCase:
    """Which alerts of a name fire at a time. time: seconds after the start."""

    line: int
    time: float
    name: str
    alerts: tuple[ExpectedAlert, ...]


@dataclass(frozen=True, slots=True)
class ExpectedSample:
    line: int
    labels: str
    value: float
    histogram: str = ""


@dataclass(frozen=True, slots=True)
class ExprCase:
    """What an expression gives at a time, seconds after the start."""

    line: int
    time: float
    expr: str
    samples: tuple[ExpectedSample, ...]


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One item of `tests`. interval: seconds between samples; start: Unix seconds of the first."""

    line: int
    name: str = ""
    interval: float = MINUTE
    series: tuple[InputSeries, ...] = ()
    alerts: tuple[AlertCase, ...] = ()
    exprs: tuple[ExprCase, ...] = ()
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    start: float = 0.0

    @property
    def duration(self) -> float:
        """Seconds until the last moment that is looked at."""
        times = [case.time for case in self.alerts] + [case.time for case in self.exprs]
        return max(times, default=0.0)


@dataclass(frozen=True, slots=True)
class RuleTestFile:
    """rule_files: patterns as they stand there, with their lines; order: names of groups."""

    rule_files: tuple[tuple[str, int], ...] = ()
    interval: float = MINUTE
    order: tuple[str, ...] = ()
    tests: tuple[RuleTest, ...] = ()
    is_fuzzy: bool = False


def read_tests(content: str | bytes) -> tuple[RuleTestFile, tuple[Problem, ...]]:
    """What a test file says, and what is wrong with it: errors make it bad as a whole."""
    problems = Problems()
    try:
        found = _file(decode(content), problems)
    except BadYaml as error:
        problems.found.append(error.problem)
        found = RuleTestFile()
    return found, tuple(sorted(dict.fromkeys(problems.found), key=lambda problem: problem.line))


def _file(text: str, problems: Problems) -> RuleTestFile:
    document = parse_yaml(text)
    if document.more:
        problems.add(
            document.more, "a second document begins here and is not read", kind=ProblemKind.WARNING
        )  # fmt: skip
    fields = _Fields.of(document.root, "a test file", _FILE, problems)
    interval = fields.duration("evaluation_interval") or MINUTE
    order = fields.lines("group_eval_order")
    known: dict[str, int] = {}
    for name, line in order:
        if name in known:
            problems.add(
                line, f"the group {shown(name)} stands in group_eval_order again", f"see line {known[name]}"
            )
        known.setdefault(name, line)
    tests = tuple(_test(node, interval, problems) for node in fields.items("tests"))
    return RuleTestFile(
        tuple(fields.lines("rule_files")), interval, tuple(known), tests, fields.flag("fuzzy_compare")
    )  # fmt: skip


def _test(node: Node, interval: float, problems: Problems) -> RuleTest:
    fields = _Fields.of(node, "a test", _TEST, problems)
    return RuleTest(
        node.line,
        fields.text("name"),
        fields.duration("interval") or interval,
        tuple(_series(item, problems) for item in fields.items("input_series")),
        tuple(_alert_case(item, problems) for item in fields.items("alert_rule_test")),
        tuple(_expr_case(item, problems) for item in fields.items("promql_expr_test")),
        fields.texts("external_labels"),
        fields.text("external_url"),
        fields.moment("start_timestamp"),
    )


def _series(node: Node, problems: Problems) -> InputSeries:
    fields = _Fields.of(node, "an input series", _SERIES, problems)
    return InputSeries(node.line, fields.text("series"), fields.text("values"))


def _alert_case(node: Node, problems: Problems) -> AlertCase:
    fields = _Fields.of(node, "an alert test", _ALERT_CASE, problems)
    alerts = tuple(_alert(item, problems) for item in fields.items("exp_alerts"))
    return AlertCase(node.line, fields.duration("eval_time"), fields.text("alertname"), alerts)


def _alert(node: Node, problems: Problems) -> ExpectedAlert:
    fields = _Fields.of(node, "an expected alert", _ALERT, problems)
    return ExpectedAlert(node.line, fields.texts("exp_labels"), fields.texts("exp_annotations"))


def _expr_case(node: Node, problems: Problems) -> ExprCase:
    fields = _Fields.of(node, "an expression test", _EXPR_CASE, problems)
    samples = tuple(_sample(item, problems) for item in fields.items("exp_samples"))
    return ExprCase(node.line, fields.duration("eval_time"), fields.text("expr"), samples)


def _sample(node: Node, problems: Problems) -> ExpectedSample:
    fields = _Fields.of(node, "an expected sample", _SAMPLE, problems)
    return ExpectedSample(node.line, fields.text("labels"), fields.number("value"), fields.text("histogram"))


@dataclass(frozen=True, slots=True)
class _Fields:
    """Fields by name, each with what Go has where there is none."""

    found: Fields
    problems: Problems

    @classmethod
    def of(cls, node: Node | None, what: str, known: tuple[str, ...], problems: Problems) -> _Fields:
        return cls({} if node is None else fields_of(node, what, known, problems) or {}, problems)

    def items(self, name: str) -> list[Node]:
        return list(items_of(self.found[name][1], name, self.problems)) if name in self.found else []

    def lines(self, name: str) -> list[tuple[str, int]]:
        return [(text_of(item, f"an item of {name}", self.problems) or "", item.line) for item in self.items(name)]

    def text(self, name: str) -> str:
        return text_of(self.found[name][1], name, self.problems) or "" if name in self.found else ""

    def texts(self, name: str) -> dict[str, str]:
        if name not in self.found:
            return {}
        return {label: text for label, (_, text) in texts_of(self.found[name][1], name, self.problems).items()}

    def duration(self, name: str) -> float:
        return duration_of(self.found[name][1], name, self.problems) or 0.0 if name in self.found else 0.0

    def number(self, name: str) -> float:
        return number_of(self.found[name][1], name, self.problems) or 0.0 if name in self.found else 0.0

    def flag(self, name: str) -> bool:
        return name in self.found and flag_of(self.found[name][1], name, self.problems)

    def moment(self, name: str) -> float:
        """Unix seconds, from those or from RFC 3339."""
        text = self.text(name)
        if not text:
            return 0.0
        seconds = float("nan")
        if _NUMBER.fullmatch(text):
            seconds = float(text)
        elif _RFC3339.fullmatch(text):
            with suppress(ValueError):
                seconds = datetime.fromisoformat(text).timestamp()
        if abs(seconds) < _FARTHEST:
            return seconds
        self.problems.add(
            self.found[name][1], f"{name} is no time: {shown(text)}", "Unix seconds, or 2021-01-01T00:00:00Z"
        )  # fmt: skip
        return 0.0
