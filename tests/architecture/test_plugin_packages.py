"""The packages in plugins/ and examples/ are shaped as a third party's, and import no more than one may."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(
    path.parent for path in [*ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("examples/*/pyproject.toml")]
)
OPEN = frozenset(
    {
        *("plugin", "model", "analysis", "remote", "targets", "profilers", "render", "recording"),
        *("errors", "clock", "units"),
    }
)
IN_TESTS = OPEN | {"testing", "cli", "session", "__main__"}
GROUPS = frozenset(f"razorprof.{kind}" for kind in ("runtimes", "sources", "formats", "notifiers", "panels"))


def as_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[str]:
    """The parts of razorprof that a module imports: ``model`` for razorprof.model.metric."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
            if node.module == "razorprof":
                names = [f"razorprof.{alias.name}" for alias in node.names]
        for name in names:
            if name.partition(".")[0] == "razorprof":
                yield name.split(".")[1] if "." in name else "razorprof"


@pytest.mark.parametrize("package", PACKAGES, ids=as_id)
def test_a_package_imports_what_a_third_party_may(package: Path) -> None:
    for path in package.rglob("*.py"):
        may = IN_TESTS if "tests" in path.relative_to(package).parts else OPEN
        beyond = set(imported(path)) - may
        assert not beyond, f"{as_id(path)} imports razorprof.{', razorprof.'.join(sorted(beyond))}"


@pytest.mark.parametrize("package", PACKAGES, ids=as_id)
def test_a_package_announces_what_it_is_and_where_it_plugs_in(package: Path) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"]
    assert project["description"]
    assert project["requires-python"] == ">=3.11"
    assert any(name.split(">")[0].strip() == "razorprof" for name in project["dependencies"])
    assert set(project["entry-points"]) <= GROUPS
    assert project["entry-points"]


def test_there_are_packages() -> None:
    assert PACKAGES
