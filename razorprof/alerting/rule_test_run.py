"""Runs one test of rules: the same evaluator as a session's, moment by moment, and what comes out against what is
expected. promtool's semantics: every group is evaluated at every interval of the file, whatever its own; alerts
compared are those that fire after the last evaluation at or before their time; a rule that fails ends the test.
Called by alerting.rule_tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from razorprof.alerting.durations import format_prometheus_duration
from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
from razorprof.alerting.rule_runs import ALERT_NAME, ALERTS, FOR_STATE
from razorprof.alerting.rule_test_differences import ToldAlert, alert_differences, label_text, sample_differences
from razorprof.alerting.rule_test_file import AlertCase, ExpectedAlert, ExprCase, RuleTest, RuleTestFile
from razorprof.alerting.rule_test_series import BadSeries, RuleTestSeries, clash_words, read_inputs
from razorprof.alerting.rules import AlertingRule, RecordingRule, RuleFile, RuleGroup
from razorprof.errors import NotSupported, RazorprofError, UsageError
from razorprof.model.alert import Alert, AlertState
from razorprof.model.labels import NO_LABELS, Labels
from razorprof.query.engine import compile_query
from razorprof.query.http_json import format_value
from razorprof.query.limits import Limits
from razorprof.query.series_notation import parse_labels
from razorprof.query.values import Scalar, Vector

MOST_EVALUATIONS = 1_000_000
_SPACED = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)\s+\{")


class FailureKind(StrEnum):
    """What failed: alerts or samples are others; a rule's evaluation or a test's expression gave an error; the
    test could not be set up (series, rule files)."""

    ALERTS = "alerts"
    SAMPLES = "samples"
    RULE = "rule"
    EXPRESSION = "expression"
    SETUP = "setup"


@dataclass(frozen=True, slots=True)
class Failure:
    """line: in the test file, or of `file`; subject: the alert, expression or rule; time: seconds after the start;
    details: what differs, line by line; unsupported: because razorprof lacks something that Prometheus has. Texts
    are untrusted."""

    kind: FailureKind
    line: int
    message: str
    subject: str = ""
    time: float | None = None
    details: tuple[str, ...] = ()
    expected: tuple[Mapping[str, object], ...] | None = None
    got: tuple[Mapping[str, object], ...] | None = None
    unsupported: bool = False
    file: str = ""


def run_test(test: RuleTest, file: RuleTestFile, groups: Sequence[RuleGroup]) -> list[Failure]:
    """All that does not come out as the test says."""
    unnamed = [case for case in test.alerts if not case.name]
    if unnamed:
        return [Failure(FailureKind.SETUP, unnamed[0].line, "an alert test has no alertname")]
    try:
        return _Run(test, file, groups).failures()
    except BadSeries as bad:
        unsupported = isinstance(bad.error, NotSupported)
        return [Failure(FailureKind.SETUP, bad.line, str(bad.error), unsupported=unsupported)]
    except UsageError as error:
        return [Failure(FailureKind.SETUP, test.line, str(error))]


class _Run:
    """A test in progress. Times are milliseconds."""

    def __init__(self, test: RuleTest, file: RuleTestFile, groups: Sequence[RuleGroup]) -> None:
        self._test = test
        self._is_fuzzy = file.is_fuzzy
        self._start, self._step = _millis(test.start), max(1, _millis(file.interval))
        self._moments = range(self._start, self._start + _millis(test.duration) + 1, self._step)
        if len(self._moments) > MOST_EVALUATIONS:
            raise UsageError(
                "the test is too long",
                value=f"{len(self._moments)} evaluations, at most {MOST_EVALUATIONS}",
                hint="look at earlier times, from a later start_timestamp",
            )
        rules = [rule for group in groups for rule in group.rules]
        alerting = {rule.key.name for rule in rules if isinstance(rule, AlertingRule)}
        names = {rule.key.name for rule in rules if isinstance(rule, RecordingRule)}
        if alerting:
            names |= {ALERTS, FOR_STATE}
        inputs = read_inputs(test.series, self._start, _millis(test.interval))
        self._view = RuleTestSeries(inputs, names)
        self._limits = Limits(subquery_step=self._step)
        self._evaluator = Evaluator(
            [RuleFile(group.file, (replace(group, interval=None),)) for group in groups],
            self._view,
            self._view.written,
            EvaluatorOptions(
                interval=self._step / 1000,
                external_labels=test.external_labels,
                external_url=test.external_url,
                limits=self._limits,
            ),
        )
        self._alert_names = alerting
        self._lines = {rule.key: rule.line for rule in rules}
        self._cases = sorted(test.alerts, key=lambda case: case.time)

    def failures(self) -> list[Failure]:
        found: list[Failure] = []
        for moment in self._moments:
            self._view.until = moment
            self._evaluator.evaluate(moment / 1000)
            if wrong := list(self._failed_rules(moment)):
                return found + wrong
            while self._cases and self._start + _millis(self._cases[0].time) < moment + self._step:
                found += self._compare_alerts(self._cases.pop(0))
        for case in self._test.exprs:
            found += self._compare_samples(case)
        return found

    def _failed_rules(self, moment: int) -> Iterator[Failure]:
        time = (moment - self._start) / 1000
        for status in self._evaluator.statuses():
            if status.error:
                line, file = self._lines[status.key], status.key.file
                yield Failure(FailureKind.RULE, line, status.error, status.key.name, time, file=file)
        clash = self._view.clash(moment)
        if clash is not None:
            name = clash["__name__"]
            subject = clash.get(ALERT_NAME, name) if name in (ALERTS, FOR_STATE) else name
            yield Failure(FailureKind.RULE, 0, clash_words(clash), subject, time)
        if self._view.is_full:
            yield Failure(FailureKind.SETUP, self._test.line, "the rules write too much for one test", time=time)

    def _compare_alerts(self, case: AlertCase) -> Iterator[Failure]:
        alerts = [alert for alert in self._evaluator.alerts() if alert.rule.name == case.name]
        firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
        expected = [_expected(alert, case.name) for alert in case.alerts]
        got = [ToldAlert(alert.labels, alert.annotations) for alert in firing]
        details = alert_differences(expected, got, dict(self._notes(alerts)))
        if not details:
            return
        message = f"{_count(len(expected), 'alert')} expected, {len(got)} {'fires' if len(got) == 1 else 'fire'}"
        if case.name not in self._alert_names:
            message += "; no rule alerts under this name"
        yield Failure(
            FailureKind.ALERTS, case.line, message, case.name, case.time, tuple(details),
            tuple(_alert_document(alert) for alert in expected), tuple(_alert_document(alert) for alert in got),
        )  # fmt: skip

    def _notes(self, alerts: Iterable[Alert]) -> Iterator[tuple[Labels, str]]:
        """On alerts that are there and do not fire."""
        holds = {status.key: status.hold for status in self._evaluator.statuses()}
        for alert in alerts:
            if alert.state is AlertState.PENDING:
                held, hold = (
                    format_prometheus_duration(seconds)
                    for seconds in (alert.evaluated - alert.active_at, holds[alert.rule])
                )
                yield alert.labels, f"it is pending for {held} of {hold}"
            elif alert.state is AlertState.INACTIVE and alert.resolved_at is not None:
                at = format_prometheus_duration(alert.resolved_at - self._start / 1000)
                yield alert.labels, f"it was resolved at {at}"

    def _compare_samples(self, case: ExprCase) -> Iterator[Failure]:
        try:
            got = self._ask(case)
        except RazorprofError as error:
            yield self._bad_expression(case, str(error), isinstance(error, NotSupported))
            return
        expected: list[tuple[Labels, float]] = []
        for sample in case.samples:
            if sample.histogram:
                yield self._bad_expression(case, "native histograms are not supported", True)
                return
            try:
                expected.append((_metric(sample.labels), sample.value))
            except UsageError as error:
                yield replace(self._bad_expression(case, f"labels {sample.labels!r}: {error}"), line=sample.line)
                return
        details = sample_differences(expected, got, is_fuzzy=self._is_fuzzy)
        if details:
            yield Failure(
                FailureKind.SAMPLES, case.line, f"{_count(len(expected), 'sample')} expected, {len(got)} there",
                case.expr, case.time, tuple(details),
                tuple(map(_sample_document, expected)), tuple(map(_sample_document, got)),
            )  # fmt: skip

    def _ask(self, case: ExprCase) -> list[tuple[Labels, float]]:
        value = compile_query(case.expr).instant(
            self._view, self._start / 1000 + case.time, self._limits
        )  # fmt: skip
        match value:
            case Vector():
                found = zip(value.labels, value.values[0].tolist(), strict=True)
                return sorted(found, key=lambda sample: tuple(sample[0].items()))
            case Scalar():
                return [(NO_LABELS, float(value.values[0]))]
        raise UsageError("the result is neither a vector nor a scalar")

    def _bad_expression(self, case: ExprCase, message: str, unsupported: bool = False) -> Failure:
        return Failure(
            FailureKind.EXPRESSION, case.line, message, case.expr, case.time, unsupported=unsupported
        )  # fmt: skip


def _expected(alert: ExpectedAlert, name: str) -> ToldAlert:
    return ToldAlert({**alert.labels, ALERT_NAME: name}, alert.annotations)


def _metric(text: str) -> Labels:
    """The labels of an expected sample; none is no labels."""
    text = _SPACED.sub(r"\1{", text.strip())  # which a series with points behind it may not have
    if not text:
        return NO_LABELS
    labels, end = parse_labels(text)
    if text[end:].strip():
        raise UsageError("something stands behind the labels", value=text[end : end + 40])
    return labels


def _alert_document(alert: ToldAlert) -> dict[str, object]:
    return {"labels": dict(alert.labels), "annotations": dict(alert.annotations)}


def _sample_document(sample: tuple[Labels, float]) -> dict[str, object]:
    return {"labels": label_text(sample[0]), "value": format_value(sample[1])}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _millis(seconds: float) -> int:
    return round(seconds * 1000)
