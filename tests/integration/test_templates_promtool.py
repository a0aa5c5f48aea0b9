"""Templates as promtool expands them: the same text, the same words for what goes wrong, the same refusals."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from razorprof.alerting.go_text import unquote
from razorprof.alerting.template import TemplateData, compile_template
from razorprof.errors import NotSupported, UsageError
from tests.integration.template_cases import EXTERNAL, LABELS, SERIES, THOUGHT_OF, Maker, answers

_REFUSED = re.compile(r'rule (\d+), "A(\d+)": annotation "x": template: __alert_A\d+:\d+: (.*)')
_ALERT = re.compile(r"    alertname: A(\d+), ")
_ANNOTATION = re.compile(r'\s+Annotations:\{x=(".*")\}$')
_LINE = re.compile(r"^bad template: (?:line \d+: )?")
_NORMAL = (
    (re.compile(r"Value float64 }"), "Value interface {} }"),  # so it is since native histograms
    (re.compile(r"error calling query: .*", re.S), "error calling query"),
    (re.compile(r"error parsing regexp: .*", re.S), "error parsing regexp"),
    (re.compile(r"0xc[0-9a-f]{9}"), "0xc000000000"),  # addresses of samples
    (re.compile("[\udc80-\udcff]"), "\ufffd"),  # bytes that are no text
)
# verbs that fit no time show its fields there; newer Go ranges over whole numbers
_NOT_COMPARED = re.compile(r"time\.Location=|can't iterate over -?\d+>|&\{\S+ \S+ ")


@dataclass(frozen=True)
class Theirs:
    """What promtool says of each template, by its number: why it is refused, or what it becomes."""

    refused: dict[int, str]
    expanded: dict[int, str]


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (make test-deps)")
    return found


def output_of(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100)
    return done.stdout.decode("utf-8", "surrogateescape")


def series_text(name: str, labels: Any) -> str:
    return name + "{" + ",".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in labels) + "}"


def promtool_says(promtool: str, templates: Sequence[str], value: str, folder: Path) -> Theirs:
    rules = [
        {"alert": f"A{number}", "expr": "m", "annotations": {"x": template}}
        for number, template in enumerate(templates)
    ]

    def write(kept: list[dict[str, Any]]) -> None:
        (folder / "r.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": kept}]}))

    write(rules)
    told = output_of([promtool, "check", "rules", "r.yml"], folder)
    refused = {int(found[2]): found[3] for found in _REFUSED.finditer(told)}
    write([one for number, one in enumerate(rules) if number not in refused])
    inputs = [{"series": series_text("m", LABELS.items()), "values": f"{value} {value}"}]
    inputs += [
        {"series": series_text(name, labels.items()), "values": f"{number:g} {number:g}"}
        for name, (labels, number) in SERIES.items()
    ]
    wanted = [
        {"eval_time": "1m", "alertname": f"A{number}", "exp_alerts": []}
        for number in range(len(rules))
        if number not in refused
    ]
    test = {"interval": "1m", "external_labels": EXTERNAL, "input_series": inputs, "alert_rule_test": wanted}
    (folder / "t.yml").write_text(
        json.dumps({"rule_files": ["r.yml"], "evaluation_interval": "1m", "tests": [test]})
    )
    expanded: dict[int, str] = {}
    current = -1
    for line in output_of([promtool, "test", "rules", "t.yml"], folder).splitlines():
        if found := _ALERT.match(line):
            current = int(found[1])
        elif found := _ANNOTATION.match(line):
            expanded[current] = unquote(found[1])
    return Theirs(refused, expanded)


def normal(text: str) -> str:
    for pattern, instead in _NORMAL:
        text = pattern.sub(instead, text)
    return text


def difference(number: int, template: str, value: str, theirs: Theirs) -> str:
    """What is different, or an empty text."""
    try:
        compiled = compile_template(template, f"__alert_A{number}")
    except UsageError as error:
        words = _LINE.sub("", error.message)
        wanted = theirs.refused.get(number, "accepted")
        return "" if words == wanted else f"{template!r}\n  ours:   {words}\n  theirs: {wanted}"
    if number in theirs.refused:
        return f"{template!r}\n  ours:   accepted\n  theirs: {theirs.refused[number]}"
    data = TemplateData({"__name__": "m", **LABELS}, float(value), 60.0, EXTERNAL, "", answers(float(value)))
    ours, other = normal(compiled.expand(data)), normal(theirs.expanded.get(number, "(nothing)"))
    if ours == other or _NOT_COMPARED.search(other):
        return ""
    return f"{template!r}\n  ours:   {ours}\n  theirs: {other}"


def differences(promtool: str, templates: Sequence[str], value: str, folder: Path) -> list[str]:
    theirs = promtool_says(promtool, templates, value, folder)
    found = (difference(number, template, value, theirs) for number, template in enumerate(templates))
    return [one for one in found if one]


def test_templates_that_somebody_thought_of_become_the_same(promtool: str, tmp_path: Path) -> None:
    templates = [template for template in THOUGHT_OF if not template.startswith("{{ call ")]
    assert len(templates) > 250
    assert differences(promtool, templates, "1234567.891", tmp_path) == []


def test_what_can_only_fail_is_refused_when_it_is_read() -> None:
    for template in THOUGHT_OF:
        if template.startswith("{{ call "):
            with pytest.raises(NotSupported, match="call"):
                compile_template(template)


@pytest.mark.parametrize("value", ["1234567.891", "0", "NaN", "+Inf", "-0.00012"])
def test_templates_made_at_random_become_the_same(promtool: str, value: str, tmp_path: Path) -> None:
    maker = Maker(20_260)
    templates = [maker.template() for _ in range(600)]
    assert differences(promtool, templates, value.removeprefix("+"), tmp_path) == []
