"""razorprof-actions(5) is written by hand: it says what an action file takes, no more and no less."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from razorprof import __version__
from razorprof.alerting import action_options
from razorprof.alerting.actions import check_allowed, examine_actions
from razorprof.alerting.capture_rules import CaptureLimits
from tests.unit.session.capture_room import Room, actions, fires

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "man" / "razorprof-actions.5"
TEXT = PAGE.read_text("ascii").replace("\\-", "-")
ACTIONS = TEXT.partition('.SH "ACTIONS"')[2].partition(".SH")[0]


def test_the_example_of_the_page_is_read() -> None:
    [example] = re.findall(r"^\.nf\n(version: 1\n.*?)^\.fi$", TEXT, re.M | re.S)
    found, problems = examine_actions(example, PAGE)
    assert problems == []
    assert [action.name for action in found.captures[0].actions] == ["threads", "cpu", "bundle", "recording"]


def test_the_shipped_example_is_read_and_needs_no_consent() -> None:
    found, problems = examine_actions((ROOT / "examples" / "actions.yml").read_bytes(), "actions.yml")
    assert problems == []
    assert [capture.name for capture in found.captures] == ["deadlock", "busy", "memory", "gone"]
    check_allowed(found, allow_attach=False, allow_commands=False)


def test_every_action_is_on_the_page_with_all_its_options() -> None:
    assert re.findall(r"^\.B (\w+):", ACTIONS, re.M) == list(action_options._ACTIONS)
    for name, (options, _) in action_options._ACTIONS.items():
        part = ACTIONS.partition(f".B {name}:")[2].partition(".TP")[0]
        for option in options:
            assert re.search(rf"\b{option}\b", part), f"{option} of {name}"


def test_the_limits_on_the_page_are_the_defaults() -> None:
    pairs = dict(re.findall(r"(count|window|cooldown|max_bytes|min_free_bytes) \" (\w+)\"", TEXT.replace(",", "")))
    pairs |= dict(re.findall(r'(count|window) " (\w+)', TEXT))
    pairs |= dict(re.findall(r'" (window) " (\w+)"', TEXT))
    limits = ", ".join(f"{name}: {value}" for name, value in pairs.items())
    assert {field.name for field in dataclasses.fields(CaptureLimits)} == set(pairs)
    found, problems = examine_actions(
        f"version: 1\nlimits: {{{limits}}}\ncaptures: [{{name: a, matchers: [a=b], do: [gc: {{}}]}}]\n", "a.yml"
    )
    assert problems == []
    assert found.limits == CaptureLimits()


def test_every_variable_of_a_command_is_on_the_page(tmp_path: Path) -> None:
    room = Room(tmp_path, actions("[command: {argv: [/bin/true]}]"))
    room.take(fires())
    ((_, (_, environment, _)),) = room.hands.called
    given = {name for name in environment if name.startswith("RAZORPROF_") and "_LABEL_" not in name}
    assert set(re.findall(r"\b(RAZORPROF_(?!LABEL_)[A-Z_]+)\b", TEXT)) == given
    assert "RAZORPROF_LABEL_" in TEXT


def test_the_page_is_of_this_version_and_shows_without_a_complaint() -> None:
    assert f'"razorprof {__version__}"' in TEXT.splitlines()[0]
    if shutil.which("man") is None:
        pytest.skip("no man here")
    shown = subprocess.run(
        ["man", "-l", "--warnings", str(PAGE)], capture_output=True, text=True, timeout=60, check=False
    )
    assert shown.returncode == 0
    assert shown.stderr == ""
