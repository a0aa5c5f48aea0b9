"""What one rule of a file may say: its fields, its expression, its labels and templates. For rule_file.

Follows Prometheus's rulefmt; warnings are promtool's lint, and what is taken there and never meant so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from razorprof.alerting.problem import ProblemKind
from razorprof.alerting.rule_expressions import check_expression
from razorprof.alerting.rule_names import Texts, check_label_names, check_labels, check_record_name, check_since
from razorprof.alerting.rules import AlertingRule, RecordingRule, Rule
from razorprof.alerting.template import Template, broken_template, compile_template
from razorprof.alerting.template_functions import FUNCTIONS
from razorprof.alerting.versions import ELSE_WITH, KEEP_FIRING_FOR, Version
from razorprof.alerting.yaml_fields import Fields, Problems, duration_of, fields_of, shown, text_of, texts_of
from razorprof.alerting.yaml_tree import Node, Scalar
from razorprof.errors import NotSupported, UsageError
from razorprof.model.alert import RuleKey
from razorprof.query.engine import Query

_FIELDS = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
_VALUE = re.compile(r"{{[^}]*\$value\b")
_ALERT_NAME = re.compile(r"\$labels\.alertname\b")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule stands. labels: those of its group."""

    file: str
    group: str
    labels: Mapping[str, str]


class RuleReader:
    """Reads rules for one version of Prometheus; what is wrong goes to `problems`."""

    def __init__(self, version: Version, problems: Problems) -> None:
        self._version = version
        self._problems = problems

    def read(self, node: Node, place: Place, number: int) -> Rule | None:
        """The rule that a node says, the group's labels in it, or None where it cannot be run."""
        problems = self._problems
        found = fields_of(node, "a rule", _FIELDS, problems)
        if found is None:
            return None
        before = len(problems.found)
        record, alert, expr = (self._text(found, name) for name in ("record", "alert", "expr"))
        query = self._query(found, node, expr)
        labels, annotations = (self._texts(found, name) for name in ("labels", "annotations"))
        hold, keep_firing = (self._duration(found, name) for name in ("for", "keep_firing_for"))
        if "keep_firing_for" in found:
            check_since(KEEP_FIRING_FOR, self._version, found["keep_firing_for"][0], "keep_firing_for", problems)
        if record and alert:
            problems.add(found["record"][0], "a rule has either record or alert, not both")
        elif not record and not alert:
            problems.add(node, "a rule has neither record nor alert", "add one: alert: NAME or record: NAME")
        if record:
            set_ones = {"annotations": bool(annotations), "for": hold > 0, "keep_firing_for": keep_firing > 0}
            for name in (name for name, is_set in set_ones.items() if is_set):
                problems.add(found[name][0], f"a recording rule takes no {name}", "rules with alert: have it")
            check_record_name(record, found["record"][1], self._version, problems)
        check_labels(labels, self._version, problems)
        check_label_names(annotations, "an annotation", self._version, problems)
        name = alert or record or ""
        templates = self._templates(labels, f"__alert_{alert}", "label") if alert else {}
        notes = self._templates(annotations, f"__alert_{alert}", "annotation") if alert else {}
        if query is None or any(p.kind is not ProblemKind.WARNING for p in problems.found[before:]):
            return None
        key = RuleKey(place.file, place.group, number, name)
        if alert:
            own = {label: _group_template(text, f"__alert_{alert}") for label, text in place.labels.items()}
            return AlertingRule(key, query, hold, keep_firing, own | templates, notes, node.line)
        plain = {label: text for label, (_, text) in labels.items()}
        return RecordingRule(key, query, {**place.labels, **plain}, node.line)

    def _text(self, found: Fields, name: str) -> str | None:
        return text_of(found[name][1], name, self._problems) if name in found else None

    def _texts(self, found: Fields, name: str) -> dict[str, tuple[Scalar, str]]:
        return texts_of(found[name][1], name, self._problems) if name in found else {}

    def _duration(self, found: Fields, name: str) -> float:
        return duration_of(found[name][1], name, self._problems) or 0.0 if name in found else 0.0

    def _query(self, found: Fields, node: Node, text: str | None) -> Query | None:
        if text:
            return check_expression(text, found["expr"][1], self._version, self._problems)
        if "expr" not in found or isinstance(found["expr"][1], Scalar):  # else it is told already
            at = found["expr"][0] if "expr" in found else node
            self._problems.add(at, "a rule has no expr", "add: expr: EXPRESSION")
        return None

    def _templates(self, texts: Texts, name: str, what: str) -> dict[str, Template]:
        """Compiled templates of labels or annotations. name: what messages call them."""
        return {label: self._template(key, text, name, f"{what} {label}") for label, (key, text) in texts.items()}

    def _template(self, key: Scalar, text: str, name: str, what: str) -> Template:
        problems, version = self._problems, self._version
        try:
            template = compile_template(text, name)
        except NotSupported as error:
            words = f"{what}: razorprof does not support this: {error}"
            problems.add(key, words, error.hint, ProblemKind.UNSUPPORTED)
            return Template(text)
        except UsageError as error:
            problems.add(key, f"{what}: {error}", error.hint)
            return Template(text)
        for function in sorted(template.functions & FUNCTIONS.keys()):
            first = FUNCTIONS[function].since
            if first is not None:
                check_since(first, version, key, f"{what}: the function {function}", problems)
        if template.tree is not None and template.tree.has_else_with:
            check_since(ELSE_WITH, version, key, f"{what}: {{{{else with}}}}", problems)
        if what.startswith("label ") and _VALUE.search(text):
            hint = "each new value makes a new alert; put it into an annotation"
            problems.add(key, f"{what} changes with $value", hint, ProblemKind.WARNING)
        if _ALERT_NAME.search(text):
            hint = "templates see the labels of the result, without those that the rule adds"
            problems.add(key, f"{what}: $labels.alertname is always empty", hint, ProblemKind.WARNING)
        return template


def check_group_labels(labels: Texts, version: Version, problems: Problems) -> None:
    """Labels of a group. Prometheus expands them for alerts, but finds out at evaluations what is wrong."""
    check_labels(labels, version, problems)
    for name, (key, text) in labels.items():
        try:
            compile_template(text)
        except (UsageError, NotSupported) as error:
            problems.add(key, f"label {name}: {error}", error.hint, ProblemKind.WARNING)


def find_duplicates(rules: Iterable[Rule], problems: Problems) -> None:
    """Rules with the name and labels of an earlier one: their series overwrite each other."""
    first: dict[tuple[str, frozenset[tuple[str, str]]], Rule] = {}
    for rule in rules:
        labels = frozenset(
            (name, part if isinstance(part, str) else part.text) for name, part in rule.labels.items()
        )
        before = first.setdefault((rule.key.name, labels), rule)
        if before is not rule:
            words = f"{shown(rule.key.name)} has the name and labels of the rule in line {before.line}"
            hint = "give one of them a label of its own: their series are the same"
            problems.add(rule.line, words, hint, ProblemKind.WARNING)


def _group_template(text: str, name: str) -> Template:
    try:
        return compile_template(text, name)
    except (UsageError, NotSupported) as error:
        return broken_template(text, name, error)
