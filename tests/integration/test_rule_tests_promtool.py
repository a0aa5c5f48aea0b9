"""Tests of rules as promtool judges them: the same verdict on each file, and the same moment for every alert.

Two batches, one run of promtool each: files written by hand (rule_test_corpus), and files whose expectations our
evaluator gave, for samples and durations made at random: promtool must confirm them, and refuse them once one
expectation is altered.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from razorprof.alerting.rule_test_run import FailureKind
from razorprof.alerting.rule_tests import TestFileResult, run_test_file
from razorprof.alerting.versions import Version
from tests.integration.rule_test_corpus import CASES, RULES

_FILE = re.compile(r"^Unit Testing:  (\d+)\.test\.yml$", re.M)
MADE = 12
Case = dict[str, Any]


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (make test-deps)")
    told = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=60)
    version = re.search(r"version (\d+)\.(\d+)", told.stdout + told.stderr)
    assert version
    if Version(int(version[1]), int(version[2])) < Version(2, 42):
        pytest.skip("this promtool does not know keep_firing_for")
    return found


def verdicts(promtool: str, folder: Path, count: int) -> dict[int, str]:
    """What promtool says of 0.test.yml, 1.test.yml, ... in a folder."""
    output = subprocess.run(
        [promtool, "test", "rules", *(f"{number}.test.yml" for number in range(count))],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=110,
    ).stdout.decode("utf-8", "replace")  # fmt: skip
    parts = _FILE.split(output)[1:]
    found = dict(zip(map(int, parts[::2]), parts[1::2], strict=True))
    assert len(found) == count
    return found


def passes(result: TestFileResult) -> bool:
    return not (result.bad or result.failed or result.unsupported)


@pytest.fixture(scope="module")
def corpus(promtool: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    folder = tmp_path_factory.mktemp("corpus")
    for name, text in RULES.items():
        (folder / f"{name}.yml").write_text(text)
    for number, (rules, text) in enumerate(CASES.values()):
        (folder / f"{number}.test.yml").write_text(text.replace("{rules}", f"{rules}.yml"))
    return folder, verdicts(promtool, folder, len(CASES))


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_is_promtool_s(name: str, corpus: tuple[Path, dict[int, str]]) -> None:
    folder, told = corpus
    number = list(CASES).index(name)
    result = run_test_file(folder / f"{number}.test.yml")
    assert passes(result) is ("SUCCESS" in told[number]), (result, told[number])


def test_the_corpus_has_both_verdicts(corpus: tuple[Path, dict[int, str]]) -> None:
    good = sum("SUCCESS" in words for words in corpus[1].values())
    assert 50 < good < len(CASES) - 50


@dataclass(frozen=True)
class Made:
    """A scenario made at random."""

    rules: str
    document: Case

    def write(self, folder: Path, number: int) -> Path:
        (folder / f"{number}.rules.yml").write_text(self.rules)
        test = {**self.document, "rule_files": [f"{number}.rules.yml"]}
        path = folder / f"{number}.test.yml"
        path.write_text(json.dumps(test, indent=1))
        return path


def made(seed: int) -> Made:
    """Samples with flapping and gaps, alerts with durations that fit the steps or do not. Nothing is missing for
    five minutes: 2.42 looks back a millisecond further than 3.x."""
    chance = random.Random(seed)
    step = chance.choice([15, 30, 60, 120])
    sampled = chance.choice([30, 60])
    minutes = chance.randint(12, 25)
    names = ("A", "B", "C")
    rules = []
    for name in names:
        hold, keep = (chance.choice([0, 1, 30, 60, 90, 150, 300]) for _ in range(2))
        texts = (
            "labels: {severity: page, at: 'level {{ $value }}'}"
            if name == "C"
            else "annotations: {value: 'is {{ $value }} for {{ $labels.i }}'}"
        )
        rules.append(
            f'  - alert: {name}\n    expr: x{{of="{name}"}} > 5\n    for: {hold}s\n'
            f"    keep_firing_for: {keep}s\n    {texts}\n"
        )
    series = [
        {"series": f'x{{of="{name}",i="{number}"}}', "values": " ".join(points(chance, minutes * 60 // sampled))}
        for name in names
        for number in range(2)
    ]
    times = range(0, minutes * 60, step)
    test = {
        "interval": f"{sampled}s",
        "input_series": series,
        "alert_rule_test": [{"eval_time": f"{at}s", "alertname": name} for at in times for name in names],
        "promql_expr_test": [
            {"eval_time": f"{at}s", "expr": expr}
            for at in chance.sample(times, min(12, len(times)))
            for expr in ("ALERTS", "ALERTS_FOR_STATE", "count by (alertstate) (ALERTS)")
        ],
    }
    return Made(
        "groups:\n- name: g\n  interval: 10m\n  rules:\n" + "".join(rules),
        {"evaluation_interval": f"{step}s", "tests": [test]},
    )


def points(chance: random.Random, count: int) -> Iterator[str]:
    kind = ""
    while count > 0:
        kind = chance.choice([one for one in ("9", "9", "7", "1", "1", "_", "stale") if (kind, one) != ("_", "_")])
        most = {"_": 3, "stale": 1}.get(kind, 8)
        for _ in range(min(count, chance.randint(1, most))):
            yield kind
            count -= 1


def filled(scenario: Made, result: TestFileResult) -> Made:
    """The scenario, expecting what came out."""
    (outcome,) = result.tests
    got = {(failure.subject, failure.time): failure.got or () for failure in outcome.failures}
    assert {failure.kind for failure in outcome.failures} <= {FailureKind.ALERTS, FailureKind.SAMPLES}
    (test,) = scenario.document["tests"]
    alerts = [
        {**case, "exp_alerts": [_alert(one) for one in got.get((case["alertname"], _seconds(case)), ())]}
        for case in test["alert_rule_test"]
    ]
    exprs = [
        {**case, "exp_samples": [_sample(one) for one in got.get((case["expr"], _seconds(case)), ())]}
        for case in test["promql_expr_test"]
    ]
    document = {**scenario.document, "tests": [{**test, "alert_rule_test": alerts, "promql_expr_test": exprs}]}
    return replace(scenario, document=document)


def altered(scenario: Made, chance: random.Random) -> Made:
    """One expectation is wrong: an alert is missing, too many, or another."""
    document = json.loads(json.dumps(scenario.document))
    (test,) = document["tests"]
    case = chance.choice(test["alert_rule_test"])
    if not case["exp_alerts"]:
        case["exp_alerts"].append({"exp_labels": {"of": case["alertname"], "i": "0"}})
    elif chance.random() < 0.5:
        case["exp_alerts"].pop()
    else:
        case["exp_alerts"][0]["exp_labels"]["i"] += "x"
    return replace(scenario, document=document)


def test_alerts_are_pending_and_fire_when_promtool_says(promtool: str, tmp_path: Path) -> None:
    fired = 0
    for seed in range(MADE):
        scenario = made(seed)
        scenario = filled(scenario, run_test_file(scenario.write(tmp_path, 2 * seed)))
        fired += sum(bool(case["exp_alerts"]) for case in scenario.document["tests"][0]["alert_rule_test"])
        assert passes(run_test_file(scenario.write(tmp_path, 2 * seed)))
        wrong = altered(scenario, random.Random(seed)).write(tmp_path, 2 * seed + 1)
        assert not passes(run_test_file(wrong))
    assert fired > 200
    for number, words in verdicts(promtool, tmp_path, 2 * MADE).items():
        assert ("SUCCESS" in words) is (number % 2 == 0), (number, words)


def _alert(told: Any) -> Case:
    labels = {name: text for name, text in told["labels"].items() if name != "alertname"}
    return {"exp_labels": labels, "exp_annotations": told["annotations"]}


def _sample(told: Any) -> Case:
    return {"labels": told["labels"], "value": float(told["value"])}


def _seconds(case: Case) -> float:
    return float(case["eval_time"].removesuffix("s"))
