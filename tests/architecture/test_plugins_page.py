"""razorprof-plugins(7) is written by hand: every hook of every protocol is on it, and nothing that is none."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from razorprof.plugin import captures, loading, notifiers, panels, protocols
from razorprof.testing import conformance
from tests.architecture.test_plugin_packages import OPEN

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "man" / "razorprof-plugins.7").read_text("ascii").replace("\\-", "-")
OPTIONAL = {
    "SOURCE": {"focused_only", "open_ended", "waits_for_target", "applies"},
    "READER": {"reasons", "rest"},
    "RUNTIME": {"record_cpu", "dump_threads", "record_heap", "advise"},
    "FORMAT": {"recognises"},
}


def section(name: str) -> str:
    return TEXT.partition(f'.SH "{name}"')[2].partition(".SH")[0]


def terms(name: str) -> set[str]:
    return set(re.findall(r"^\.TP\n\.BI? (\S+)", section(name), re.M))


def hooks(*kinds: type) -> set[str]:
    """The public names that protocols demand."""
    found: set[str] = set()
    for kind in kinds:
        names = {*vars(kind), *getattr(kind, "__annotations__", {})}
        found |= {name for name in names if not name.startswith("_")}
    return found


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("SOURCE", (protocols.Source,)),
        ("READER", (protocols.Reader,)),
        ("RUNTIME", (protocols.Runtime,)),
        ("FORMAT", (protocols.Format,)),
        ("NOTIFIER", (notifiers.Notifier, notifiers.Sender)),
        ("PANEL", (panels.Panel,)),
    ],
)
def test_every_hook_is_on_the_page(name: str, kinds: tuple[type, ...]) -> None:
    assert terms(name) == hooks(*kinds) | OPTIONAL.get(name, set())


def test_the_optional_hooks_are_those_that_the_code_asks_for() -> None:
    assert protocols.Source.__doc__ is not None
    assert all(name in protocols.Source.__doc__ for name in OPTIONAL["SOURCE"])
    assert protocols.Reader.__doc__ is not None
    assert all(f"`{name}`" in protocols.Reader.__doc__ for name in OPTIONAL["READER"])
    of_runtimes = (captures.RecordsCpu, captures.DumpsThreads, captures.RecordsHeap, protocols.Advises)
    assert OPTIONAL["RUNTIME"] == hooks(*of_runtimes)


def test_every_option_of_a_reader_is_on_the_page() -> None:
    assert terms("OPTIONS") == {field.name for field in fields(protocols.SourceOptions)}


def test_every_group_and_every_check_is_on_the_page() -> None:
    assert terms("GROUPS") == set(loading._SHAPES)
    checks = {name for name in conformance.__all__ if name.startswith("check_")}
    assert checks == set(re.findall(r"check_\w+", section("CHECKING ONE")))


def test_what_may_be_imported_is_what_the_contracts_let_through() -> None:
    told = section("WHAT A PLUG-IN MAY IMPORT").partition(";")[0].replace("razorprof.plugin", "plugin")
    assert set(re.findall(r"\w+", told)) - {"and"} == OPEN


def test_the_example_on_the_page_is_the_one_that_is_there() -> None:
    example = (ROOT / "examples" / "source_in_30_lines" / "pyproject.toml").read_text("utf-8")
    lines = [line for line in section("EXAMPLES").partition(".nf\n")[2].partition(".fi")[0].splitlines() if line]
    assert lines
    assert all(line in example for line in lines)
