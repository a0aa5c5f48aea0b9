"""Rule files as promtool judges them: the same verdict on each, told for the version that promtool is of."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

import pytest

from razorprof.alerting.problem import Problem, ProblemKind
from razorprof.alerting.rule_file import examine
from razorprof.alerting.versions import Version
from tests.integration.rule_file_corpus import EARLIER, FILES, UNSUPPORTED

_FILE = re.compile(r"^Checking (\d+)\.yml$", re.M)


@dataclass(frozen=True)
class Told:
    """What promtool says of a file. refused: lint alone does not refuse."""

    refused: bool
    duplicates: bool


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (make test-deps)")
    return found


@pytest.fixture(scope="module")
def version(promtool: str) -> Version:
    told = subprocess.run([promtool, "--version"], capture_output=True, text=True, timeout=60)
    found = re.search(r"version (\d+)\.(\d+)", told.stdout + told.stderr)
    assert found
    if int(found[1]) > 2:
        pytest.skip("this promtool is of 3.x: the corpus knows what 2.x takes")
    return Version(int(found[1]), int(found[2]))


@pytest.fixture(scope="module")
def told(promtool: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """promtool's verdict on every file, in one run."""
    folder = tmp_path_factory.mktemp("rules")
    names = [f"{number}.yml" for number in range(len(FILES))]
    for name, content in zip(names, FILES.values(), strict=True):
        (folder / name).write_bytes(content.encode())
    output = subprocess.run(
        [promtool, "check", "rules", *names],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100,
    ).stdout.decode("utf-8", "replace")  # fmt: skip
    parts = _FILE.split(output)[1:]
    by_number = dict(zip(map(int, parts[::2]), parts[1::2], strict=True))
    assert len(by_number) == len(FILES)
    return {
        name: Told(
            "FAILED" in by_number[number] and "lint error" not in by_number[number], "lint" in by_number[number]
        )
        for number, name in enumerate(FILES)
    }


def problems(name: str, version: Version, kind: ProblemKind) -> list[Problem]:
    found = examine(FILES[name].encode(), name, target_version=version).problems
    return [problem for problem in found if problem.kind is kind]


@pytest.mark.parametrize("name", [name for name in FILES if name not in EARLIER])
def test_the_verdict_is_promtool_s(name: str, told: dict[str, Told], version: Version) -> None:
    errors = problems(name, version, ProblemKind.ERROR)
    assert bool(errors) is told[name].refused, errors


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_what_promtool_takes_and_we_do_not_run_is_told_apart(
    name: str, told: dict[str, Told], version: Version
) -> None:
    assert not told[name].refused
    [problem] = problems(name, version, ProblemKind.UNSUPPORTED)
    assert "razorprof does not support" in problem.message


def test_nothing_else_in_the_corpus_is_unsupported(version: Version) -> None:
    found = {name for name in FILES if problems(name, version, ProblemKind.UNSUPPORTED)}
    assert found == UNSUPPORTED


def test_rules_that_stand_twice_are_promtool_s(told: dict[str, Told], version: Version) -> None:
    found = {
        name
        for name in FILES
        if any("has the name and labels of" in p.message for p in problems(name, version, ProblemKind.WARNING))
    }
    assert found == {name for name, one in told.items() if one.duplicates}
