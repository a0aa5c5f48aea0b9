"""What every ready rule in examples/rules must have: severity, texts, a runbook, a test, figures that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from razorprof.alerting.actions import read_actions
from razorprof.cli.app import build_app
from razorprof.model.metric import Metric, MetricKind
from razorprof.plugin.loading import sources
from razorprof.plugin.protocols import Detection
from razorprof.runtimes.cpython import CPython
from razorprof.session import delivery_metrics, rule_metrics
from razorprof.session.pipeline import OWN_METRICS

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "rules"
FILES = sorted(FOLDER.glob("*.yml"))
RUNBOOKS = sorted((FOLDER / "runbooks").glob("*.md"))
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "False positives"]
# What happens once and is over: there is nothing to wait for. Nor is there time in a check.
EVENTS = ("ContainerOomKilled", "RazorprofNotificationsLost")
QUICK = "check.yml"
_NAME = re.compile(r"\b(?:process|python|container|razorprof)_\w+|\bup\b|\b\w+(?::\w+)+")


@dataclass(frozen=True, slots=True)
class Rule:
    file: str
    name: str
    is_alert: bool
    body: Mapping[str, Any]

    @property
    def annotations(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.body["annotations"]
        return found

    @property
    def severity(self) -> str:
        return str(self.body["labels"]["severity"])


def rules() -> Iterator[Rule]:
    for path in FILES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for body in group["rules"]:
                yield Rule(path.name, body.get("alert") or body["record"], "alert" in body, body)


ALERTS = [rule for rule in rules() if rule.is_alert]


def as_id(rule: Rule) -> str:
    return f"{rule.file}-{rule.name}-{rule.severity}"


def declared() -> set[str]:
    """Names of the series that razorprof gives of a process, and of itself."""
    python = Detection("cpython", "3.13.0")
    metrics: list[Metric] = [*OWN_METRICS, *rule_metrics.METRICS, *delivery_metrics.METRICS]
    for source in (*sources(), *CPython().sources(python)):
        metrics += source.metrics
    parts = ("_bucket", "_sum", "_count")
    return {m.name + part for m in metrics for part in (parts if m.kind is MetricKind.HISTOGRAM else ("",))}


@pytest.mark.parametrize("rule", ALERTS, ids=as_id)
def test_an_alert_tells_what_it_means_and_for_whom(rule: Rule) -> None:
    assert re.fullmatch("(Python|Process|Container|Razorprof)([A-Z][a-z]+)+", rule.name)
    assert rule.severity in ("critical", "warning")
    assert set(rule.body) <= {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
    assert list(rule.body["labels"]) == ["severity"]
    assert list(rule.annotations) == ["summary", "description", "runbook"]
    assert not rule.annotations["summary"].endswith(".")
    assert rule.annotations["description"].endswith(".")
    assert ("for" in rule.body) == (rule.name not in EVENTS and rule.file != QUICK)


@pytest.mark.parametrize("rule", ALERTS, ids=as_id)
def test_an_alert_has_a_runbook_that_names_it(rule: Rule) -> None:
    text = (FOLDER.parents[1] / rule.annotations["runbook"]).read_text()
    assert rule.name in text.splitlines()[0].removeprefix("# ").split(", ")
    assert rule.severity in text.lower()


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_has_its_sections_and_an_alert(path: Path) -> None:
    sections = [line.removeprefix("## ") for line in path.read_text().splitlines() if line.startswith("## ")]
    assert sections == SECTIONS
    assert f"examples/rules/runbooks/{path.name}" in {rule.annotations["runbook"] for rule in ALERTS}


@pytest.mark.parametrize("rule", list(rules()), ids=lambda rule: rule.name)
def test_a_rule_asks_for_series_that_exist(rule: Rule) -> None:
    recorded = {one.name for one in rules() if not one.is_alert and one.file == rule.file}
    asked = set(_NAME.findall(rule.body["expr"]))
    assert asked
    assert asked <= declared() | recorded


def test_the_readme_lists_every_alert_with_its_severities() -> None:
    rows = [line.split(" | ") for line in (FOLDER / "README.md").read_text().splitlines() if "](runbooks/" in line]
    listed = {row[0].removeprefix("| "): (row[1].split(", "), row[3]) for row in rows}
    severities: dict[str, list[str]] = {}
    for rule in (rule for rule in ALERTS if rule.file != QUICK):
        severities.setdefault(rule.name, []).append(rule.severity)
        assert rule.annotations["runbook"].removeprefix("examples/rules/") in listed[rule.name][1]
    assert {name: found for name, (found, _) in listed.items()} == severities


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_alert_of_a_file_is_seen_firing_and_silent_in_its_tests(path: Path) -> None:
    document = yaml.safe_load((FOLDER / "tests" / path.name).read_text())
    assert document["rule_files"] == [f"../{path.name}"]
    firing: set[tuple[str, str]] = set()
    silent: set[str] = set()
    for test in document["tests"]:
        for one in test["alert_rule_test"]:
            alerts = one.get("exp_alerts", [])
            firing |= {(one["alertname"], alert["exp_labels"]["severity"]) for alert in alerts}
            silent |= set() if alerts else {one["alertname"]}
        # whatever has fired by the end, so that all others were silent all the time
        assert any("ALERTS{" in one["expr"] for one in test["promql_expr_test"]), test["name"]
    ours = {(rule.name, rule.severity) for rule in ALERTS if rule.file == path.name}
    assert firing == ours
    assert silent >= {name for name, _ in ours}


def test_every_capture_of_the_example_is_of_alerts_that_are_there() -> None:
    for capture in read_actions(FOLDER.parent / "actions.yml").captures:
        labels = [{"alertname": rule.name, "severity": rule.severity} for rule in ALERTS]
        assert any(all(matcher.matches(one) for matcher in capture.matchers) for one in labels), capture.name


def test_a_check_finds_the_same_alerts_sooner() -> None:
    severities = {(rule.name, rule.severity) for rule in ALERTS if rule.file != QUICK}
    quick = [rule for rule in ALERTS if rule.file == QUICK]
    assert {rule.name for rule in quick} <= {name for name, _ in severities}
    lengths = {length for rule in quick for length in re.findall(r"\[(\w+)\]", rule.body["expr"])}
    assert lengths == {"15s"}


def commands() -> Iterator[tuple[str, str]]:
    """(file, command line) of each razorprof that a runbook, the README or a rule file's head tells to run."""
    for path in (*RUNBOOKS, FOLDER / "README.md", *FILES):
        text = path.read_text()
        blocks = "".join(re.findall(r"```\n(.*?)```", text, re.DOTALL)) + "".join(re.findall("#   (.*\n)", text))
        found = re.findall(r"^(razorprof .*)$", blocks, re.MULTILINE) + re.findall("`(razorprof [^`]+)`", text)
        yield from ((path.name, " ".join(line.split())) for line in found)


@pytest.mark.parametrize(("place", "line"), sorted(set(commands())))
def test_a_runbook_names_commands_and_options_that_exist(place: str, line: str) -> None:
    words = shlex.split(line.partition(" | ")[0])[1:]
    command = typer.main.get_command(build_app())
    while isinstance(command, TyperGroup):
        found = command.commands.get(words.pop(0))
        assert found is not None
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known
