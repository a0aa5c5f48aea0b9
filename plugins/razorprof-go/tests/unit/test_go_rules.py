"""The ready rules ask for series that the plug-in gives; each has a runbook and fires in a test of promtool's."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from razorprof_go import Go

from razorprof.model.metric import Metric, MetricKind
from razorprof.plugin.protocols import Detection

FOLDER = Path(__file__).parents[2] / "rules"
ROOT = FOLDER.parents[2]
RULES = [rule for group in yaml.safe_load((FOLDER / "go.yml").read_text())["groups"] for rule in group["rules"]]
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "False positives"]


def declared() -> set[str]:
    metrics: list[Metric] = []
    for source in Go().sources(Detection("go", "1.25.4")):
        metrics += source.metrics
    parts = ("_bucket", "_sum", "_count")
    return {m.name + part for m in metrics for part in (parts if m.kind is MetricKind.HISTOGRAM else ("",))}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_asks_for_series_that_exist_and_has_a_runbook(rule: dict[str, object]) -> None:
    asked = set(re.findall(r"\bgo_\w+", str(rule["expr"])))
    assert asked
    assert asked <= declared()
    annotations = rule["annotations"]
    assert isinstance(annotations, dict)
    assert list(annotations) == ["summary", "description", "runbook"]
    text = (ROOT / annotations["runbook"]).read_text()
    assert text.splitlines()[0] == f"# {rule['alert']}"
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == SECTIONS


def test_promtool_sees_each_alert_fire_and_stay_silent() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (make test-deps)")
    run = subprocess.run(
        [promtool, "test", "rules", "go.yml"], cwd=FOLDER / "tests", capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_names_and_kinds_of_metrics_are_as_prometheus_wants_them() -> None:
    for source in Go().sources(Detection("go", "1.25.4")):
        for metric in source.metrics:
            assert metric.help.endswith("."), metric.name
            assert (metric.kind is MetricKind.COUNTER) == metric.name.endswith("_total"), metric.name
