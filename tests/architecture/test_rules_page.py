"""razorprof-rules(5) is written by hand: it says what files of rules may hold, no more and no less."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from razorprof import __version__
from razorprof.alerting.rule_file import LARGEST_FILE, read_rule_file
from razorprof.alerting.rules import AlertingRule
from razorprof.alerting.template import compile_template
from razorprof.alerting.template_builtins import BUILTINS
from razorprof.alerting.template_functions import FUNCTIONS
from razorprof.alerting.yaml_tree import DEEPEST, MOST_NODES

PAGE = Path(__file__).resolve().parents[2] / "man" / "razorprof-rules.5"
TEXT = PAGE.read_text("ascii").replace("\\-", "-")


def section(title: str) -> str:
    return TEXT.partition(f'.SH "{title}"\n')[2].partition(".SH ")[0]


def literal_blocks(text: str) -> list[str]:
    return re.findall(r"^\.nf\n(.*?)^\.fi$", text, re.M | re.S)


def test_the_page_is_of_this_version() -> None:
    assert f'"razorprof {__version__}"' in TEXT.splitlines()[0]


def test_every_field_of_groups_and_rules_is_on_the_page() -> None:
    told = set(re.findall(r"^\.TP\n\.B (\w+)$", section("RULE FILES"), re.M))
    assert told == {
        *("name", "interval", "limit", "query_offset", "labels", "rules"),
        *("alert", "record", "expr", "for", "keep_firing_for", "annotations"),
    }


@pytest.mark.parametrize("field", ["name", "interval", "limit", "query_offset", "labels", "rules"])
def test_a_field_of_a_group_exists(field: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    value = {"name": "g", "rules": "[]", "labels": "{}", "limit": "0"}.get(field, "1m")
    file.write_text(f"groups:\n- {field}: {value}\n  {'name: g' if field != 'name' else ''}\n")
    assert [group.name for group in read_rule_file(file).groups] == ["g"]


def test_every_function_of_templates_is_on_the_page() -> None:
    builtins, own = literal_blocks(section("TEMPLATES"))
    assert set(builtins.split()) == BUILTINS.keys()
    assert set(own.split()) == FUNCTIONS.keys()


@pytest.mark.parametrize("name", re.findall(r"^\.B (\$\w+)(?:, (\$\w+))?", section("TEMPLATES"), re.M))
def test_a_variable_of_templates_exists(name: tuple[str, str]) -> None:
    for variable in filter(None, name):
        compile_template(f"{{{{ {variable} }}}}")


def test_the_bounds_are_told() -> None:
    assert f"{LARGEST_FILE >> 20} MiB, {MOST_NODES:,} nodes" in TEXT
    assert f"and {DEEPEST} levels" in TEXT


def test_the_example_is_read(tmp_path: Path) -> None:
    rules = literal_blocks(section("EXAMPLES"))[0]
    (tmp_path / "rules.yml").write_text(rules)
    [group] = read_rule_file(tmp_path / "rules.yml").groups
    recording, alerting = group.rules
    assert group.interval == 15
    assert recording.key.name == "worker:cpu:rate1m"
    assert isinstance(alerting, AlertingRule)
    assert (alerting.hold, alerting.keep_firing) == (120, 300)


def test_promtool_takes_the_example_and_its_test(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (make test-deps)")
    rules, test, _ = literal_blocks(section("EXAMPLES"))
    (tmp_path / "rules.yml").write_text(rules)
    (tmp_path / "test.yml").write_text(test)
    done = subprocess.run([promtool, "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
