"""The ready rules for JVMs, judged by promtool and by razorprof, with the metrics of a real JVM."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from razorprof_jvm.gc_source import GcSource
from razorprof_jvm.metrics import METRICS

from razorprof.model.metric import Sample
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions

ROOT = Path(__file__).resolve().parents[4]
RULES = Path(__file__).resolve().parents[2] / "rules"
RAZORPROF = (sys.executable, "-m", "razorprof", "rules")
StartJvm = Callable[..., Target]

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def run(*command: str, folder: Path = RULES) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)


@needs_promtool
def test_promtool_finds_the_rules_good_and_their_tests_pass() -> None:
    checked = run("promtool", "check", "rules", "jvm.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = run("promtool", "test", "rules", "jvm.yml", folder=RULES / "tests")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_razorprof_finds_the_rules_good_and_their_tests_pass() -> None:
    checked = run(*RAZORPROF, "check", "jvm.yml", "--target-version", "2.42", "--lint-fatal")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = run(*RAZORPROF, "test", "jvm.yml", folder=RULES / "tests")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_tests_notice_a_rule_that_fires_at_another_time(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    shutil.copy(RULES / "tests" / "jvm.yml", tmp_path / "tests" / "jvm.yml")
    text = (RULES / "jvm.yml").read_text()
    (tmp_path / "jvm.yml").write_text(text.replace("> 0.9\n", "> 0.99\n"))
    assert run(*RAZORPROF, "test", "jvm.yml", folder=tmp_path / "tests").returncode == 1


def test_every_alert_has_its_runbook_and_asks_for_metrics_that_are_there() -> None:
    text = (RULES / "jvm.yml").read_text()
    alerts = set(re.findall(r"alert: (\w+)", text))
    assert {path.stem for path in (RULES / "runbooks").glob("*.md")} == alerts
    for runbook in re.findall(r"runbook: (\S+)", text):
        assert (ROOT / runbook).is_file(), runbook
    declared = {metric.name for metric in METRICS}
    asked = {name.removesuffix("_sum").removesuffix("_count") for name in re.findall(r"\bjvm_[a-z_]+", text)}
    assert asked - declared == set()


@needs_promtool
def test_the_metrics_of_a_real_jvm_pass_promtool(start_jvm: StartJvm) -> None:
    reader = GcSource().open(start_jvm("Garbage"), SourceOptions())
    samples = [reading for reading in reader.read() if isinstance(reading, Sample)]
    reader.close()
    page = exposition(samples)
    assert len(list(text_string_to_metric_families(page))) > 20
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def exposition(samples: list[Sample]) -> str:
    lines = []
    for metric in METRICS:
        own = [sample for sample in samples if sample.metric is metric]
        if own:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind.value}"]
        for sample in own:
            labels = ",".join(f'{name}="{text}"' for name, text in sample.labels.items())
            lines.append(f"{sample.name}{{{labels}}} {sample.value!r}")
    return "\n".join([*lines, ""])
