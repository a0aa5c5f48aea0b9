"""Patterns of file names as Go has them: promtool finds the same files (the integration test asks it)."""

from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.alerting.file_globs import matching_files
from razorprof.errors import UsageError

FILES = (
    "a.yml",
    "b.yml",
    "c.yaml",
    ".hidden.yml",
    "sub/a.yml",
    "sub/deep/a.yml",
    "other/a.yml",
    "[x].yml",
    "^.yml",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a.yml", ["a.yml"]),
        ("none.yml", []),
        ("", []),
        ("*.yml", [".hidden.yml", "[x].yml", "^.yml", "a.yml", "b.yml"]),
        ("?.y*", ["^.yml", "a.yml", "b.yml", "c.yaml"]),
        ("[a-b].yml", ["a.yml", "b.yml"]),
        ("[^a-b].yml", ["^.yml"]),
        ("[ab^].yml", ["^.yml", "a.yml", "b.yml"]),
        ("\\[x\\].yml", ["[x].yml"]),
        ("[[]x].yml", ["[x].yml"]),
        ("*/a.yml", ["other/a.yml", "sub/a.yml"]),
        ("*/*/a.yml", ["sub/deep/a.yml"]),
        ("**/a.yml", ["other/a.yml", "sub/a.yml"]),
        ("none/*.yml", []),
        ("[z-a].yml", []),
        ("[^z-a].yml", ["^.yml", "a.yml", "b.yml"]),
        ("*.YML", []),
        ("a.ym", []),
    ],
)
def test_a_pattern_finds_what_go_finds_in_the_order_of_names(folder: Path, pattern: str, found: list[str]) -> None:
    assert matching_files(pattern) == found
    assert matching_files(str(folder / pattern) if pattern else "") == [str(folder / one) for one in found]


@pytest.mark.parametrize("pattern", ["[a.yml", "[]a].yml", "a\\", "[a-].yml", "[-a].yml", "[].yml", "none/[a"])
def test_a_pattern_that_cannot_be_read_is_refused(folder: Path, pattern: str) -> None:
    with pytest.raises(UsageError, match="pattern"):
        matching_files(pattern)


def test_stars_in_great_number_take_no_time(folder: Path) -> None:
    name = "a" * 200
    (folder / name).touch()
    assert matching_files("*" * 50 + "a" * 100) == [name]
    assert matching_files("*a" * 30 + "b") == []
