"""razorprof-notifiers(5) and razorprof-silences(5) are written by hand: they say what there is and no more."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from razorprof import __version__
from razorprof.alerting import silence_intervals, silences
from razorprof.alerting.silences import examine_silences
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.notifiers.command import variables
from razorprof.plugin.loading import NOTIFIERS, list_plugins
from razorprof.session.dispatch import METRICS
from razorprof.session.route import RouteLimits

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("razorprof-notifiers.5", "razorprof-silences.5")


def text_of(page: str) -> str:
    return (ROOT / "man" / page).read_text("ascii").replace("\\-", "-")


def section(page: str, name: str) -> str:
    return text_of(page).partition(f'.SH "{name}"')[2].partition(".SH")[0]


def bold(text: str) -> list[str]:
    """The terms of a list."""
    found: list[str] = []
    for kind, rest in re.findall(r"^\.TP\n\.(B|BR|BI) (.+)$", text, re.M):
        words = rest.replace('", "', "").split()
        found += words if kind == "BR" else words[:1]
    return found


def test_every_notifier_is_on_the_page() -> None:
    there = [
        report.name for report in list_plugins() if (report.group, report.distribution) == (NOTIFIERS, "razorprof")
    ]
    assert sorted(bold(section(PAGES[0], "NOTIFIERS"))) == there


def test_every_variable_of_the_command_is_on_the_page() -> None:
    given = {f"RAZORPROF_{name}" for name in variables(Notice(Labels(alertname="x")))}
    told = set(bold(section(PAGES[0], "ENVIRONMENT")))
    assert told == given | {"RAZORPROF_LABEL_", "RAZORPROF_ANNOTATION_"}


def test_every_metric_is_on_the_page() -> None:
    assert set(bold(section(PAGES[0], "METRICS"))) == {metric.name for metric in METRICS}


def test_the_limits_on_the_page_are_those_in_force() -> None:
    limits, told = RouteLimits(), " ".join(text_of(PAGES[0]).split())
    assert (limits.attempts, limits.failures, limits.queue.flaps) == (3, 5, 4)
    assert "is tried three times" in told
    assert f"After five failures in a row the endpoint is left alone for {limits.open_seconds:g} seconds" in told
    assert f"its notices wait, {limits.queue.capacity:,} at most" in told
    assert f"of four changes of one alert at once, then of one each {limits.queue.flap_seconds:g} seconds" in told
    assert (limits.queue.shortest, limits.timeout) == (60, 10)
    assert "A firing of less than a minute" in told
    assert "Its time is 10 seconds" in told


def test_every_key_of_a_silence_is_on_the_page() -> None:
    known = ("version", "silences", *silences._KNOWN, *silence_intervals._KNOWN)
    assert bold(section(PAGES[1], "DESCRIPTION")) == list(known)


@pytest.mark.parametrize("place", ["page", "example"])
def test_the_examples_of_silences_are_read(place: str) -> None:
    if place == "page":
        [content] = re.findall(r"^\.nf\n(version: 1\n.*?)^\.fi$", text_of(PAGES[1]), re.M | re.S)
    else:
        content = (ROOT / "examples" / "silences.yml").read_text("utf-8")
    found, problems = examine_silences(content, place)
    assert problems == []
    assert len(found.all) == 2


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_of_this_version_and_shows_without_a_complaint(page: str) -> None:
    assert f'"razorprof {__version__}"' in text_of(page).splitlines()[0]
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed (make test-deps)")
    checked = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", ROOT / "man" / page], capture_output=True, text=True, timeout=60
    )
    assert (checked.stdout, checked.stderr) == ("", "")
