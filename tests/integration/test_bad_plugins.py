"""A plug-in that fails to import, lies, hangs, raises or leaves costs its own figures and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.plugged_in import PluggedIn, plug_in

MODULE = Path(__file__).with_name("bad_plugins.py")
SOURCES = {
    **{name.lower(): name for name in ("Good", "Raising", "Leaving", "Hanging", "Lying", "Typeless", "Nonsense")},
    **{name.lower(): name for name in ("Unopenable", "Choosy", "Shapeless")},
}


@pytest.fixture(scope="module")
def razorprof(tmp_path_factory: pytest.TempPathFactory) -> PluggedIn:
    folder = tmp_path_factory.mktemp("plugins")
    points = {"razorprof.sources": dict(SOURCES), "razorprof.runtimes": {"aaa_bad": "BadRuntime"}}
    made = plug_in(folder, MODULE, points)
    points_file = folder / "bad_plugins-1.0.dist-info" / "entry_points.txt"
    points_file.write_text(
        points_file.read_text()
        + "\n[razorprof.formats]\nimportless = no_such_module_anywhere:Format\n"
        + "\n[razorprof.panels]\nimportless = no_such_module_anywhere:Panel\n"
    )
    return made


@pytest.fixture(scope="module")
def document(razorprof: PluggedIn) -> Any:
    """Of a Python program, after reads that hang have been given up."""
    code = "import time\nwhile True: time.sleep(0.1)"
    with subprocess.Popen([sys.executable, "-c", code]) as program:
        try:
            return razorprof.json("top", program.pid, "-n", "14", "--interval", "0.5")
        finally:
            program.kill()


def test_every_other_figure_is_there(document: Any) -> None:
    (target,) = document["targets"]
    assert target["runtime"] == "cpython"
    values = {metric["name"]: metric["value"] for metric in target["metrics"]}
    assert values["good_figure"] == 42.0
    assert values["process_threads"] == 1.0
    assert "python_gc_enabled" in values
    assert target["threads"]
    assert not {"undeclared_figure", "kind_figure"} & values.keys()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raising", "ZeroDivisionError: in a read"),
        ("leaving", "SystemExit: 3"),
        ("hanging", "no answer for"),
        ("typeless", "Sample.metric is str, not Metric"),
        ("nonsense", "the reader gave str, which is no reading"),
        ("unopenable", "LookupError: in open"),
    ],
)
def test_what_it_did_is_told_of_the_source(document: Any, source: str, words: str) -> None:
    found = {one["name"]: one for one in document["targets"][0]["sources"]}
    assert found["good"]["up"] is True
    assert found[source]["up"] is False
    assert words in found[source]["error"]["message"]


def test_what_was_never_usable_is_not_opened(document: Any) -> None:
    names = {one["name"] for one in document["targets"][0]["sources"]}
    assert not {"choosy", "shapeless"} & names


def test_the_list_of_plugins_says_which_cannot_be_used(razorprof: PluggedIn) -> None:
    found = {(one["group"], one["name"]): one["error"] for one in razorprof.json("plugins")}
    assert "its metrics are no tuple of Metric" in found["razorprof.sources", "shapeless"]
    assert "no_such_module_anywhere" in found["razorprof.formats", "importless"]
    assert "no_such_module_anywhere" in found["razorprof.panels", "importless"]
    assert found["razorprof.sources", "good"] is None
