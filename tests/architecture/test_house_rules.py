"""Rules of the house that no linter knows: where imports may go, how long a module is, what is said where."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof import __version__

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LONGEST_MODULE = 400
MODULES = sorted(path for path in (ROOT / "razorprof").rglob("*.py"))
WRITTEN = ("razorprof", "plugins", "tests", "scripts", "man", "examples", "benchmarks", "docs", ".ci")
ENTRY_POINTS = {
    **{f"razorprof.scripts:{name}": value for name, value in PROJECT["project"]["scripts"].items()},
    **{
        f"{group}:{name}": value
        for group, entries in PROJECT["project"]["entry-points"].items()
        for name, value in entries.items()
    },
}


def as_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the project that people wrote."""
    files = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in WRITTEN:
        files += [
            path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts
        ]
    for path in files:
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    checked = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert " 0 broken" in checked.stdout


@pytest.mark.parametrize("path", MODULES, ids=as_id)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring is not None
    assert len(docstring.split()) >= 4


@pytest.mark.parametrize("path", MODULES, ids=as_id)
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_an_entry_point_leads_to_something_that_can_be_called(name: str) -> None:
    module, _, attribute = ENTRY_POINTS[name].partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_the_changelog_tells_of_the_current_version() -> None:
    versions = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert __version__ in versions
    assert len(versions) == len(set(versions))


def test_no_file_names_a_place_on_somebody_s_machine() -> None:
    places = re.compile(
        rf"{re.escape(str(ROOT))}(?![\w.-])|{re.escape(str(Path.home()))}/\.|/home/[a-z]+/|/Users/[A-Za-z]+/"
        if len(ROOT.parts) > 2
        else rf"{re.escape(str(Path.home()))}/\.|/home/[a-z]+/|/Users/[A-Za-z]+/"
    )
    found = [
        f"{as_id(path)}: {match[0]}"
        for path, text in texts()
        if path != Path(__file__)
        for match in places.finditer(text)
    ]
    assert found == []


def test_every_command_of_make_help_is_a_target() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    told = set(re.findall(r'"make ([a-z-]+) ', makefile))
    assert {"demo", "test", "lint"} <= told
    assert told <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
