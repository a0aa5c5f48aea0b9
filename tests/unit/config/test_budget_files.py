"""Budget files: what they mean, and that nothing in them goes unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.analysis.budget import Baseline, Budget, FunctionLimit
from razorprof.analysis.compare_values import Threshold
from razorprof.config.budget import read_budget
from razorprof.errors import RazorprofError, UsageError

WHOLE = """\
version = 1
[functions]
"json.dumps" = { self = "20%" }
"app/*.py:render" = { total = "35%", self = "1.5%" }
[process]
peak_memory = "512MiB"
gc = "5%"
wall = "30s"
cpu = "1m"
[baseline]
profile = "baseline.pb.gz"
fail_above = "20%"
"""


def read(tmp_path: Path, text: str) -> Budget:
    path = tmp_path / "budget.toml"
    path.write_text(text)
    return read_budget(path)


def test_all_limits_are_read_in_base_units(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE) == Budget(
        functions=(FunctionLimit("json.dumps", 0.2), FunctionLimit("app/*.py:render", 0.015, 0.35)),
        peak_memory=512 << 20,
        gc=0.05,
        wall=30.0,
        cpu=60.0,
        baseline=Baseline(tmp_path / "baseline.pb.gz", Threshold(0.2)),
    )


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("version = 1\n[process]\nwal = '1s'\n", 3, "process.wal"),
        ("version = 1\n\n[functions]\n'f' = { sel = '1%' }\n", 4, "functions.f.sel"),
        ("version = 1\n[functions]\n'f' = { self = 20 }\n", 3, "functions.f.self"),
        ("version = 1\n[functions]\n'f' = { self = '101%' }\n", 3, "functions.f.self"),
        ("version = 1\n[functions]\n'f' = { self = '0.2' }\n", 3, "functions.f.self"),
        ("version = 1\n[functions]\n'f' = {}\n", 3, "functions.f"),
        ("version = 1\n[process]\nwall = 30\n", 3, "process.wall"),
        ("version = 1\n[process]\nwall = 'soon'\n", 3, "process.wall"),
        ("version = 1\n[process]\npeak_memory = '5 miles'\n", 3, "process.peak_memory"),
        ("version = 1\n[process]\ngc = true\n", 3, "process.gc"),
        ("version = 1\n[baseline]\nprofile = 'b.json'\nfail_above = '20'\n", 4, "baseline.fail_above"),
        ("version = 1\n[baseline]\nprofile = 'b.json'\n", 2, "baseline"),
        ("version = 2\n[process]\nwall = '1s'\n", 1, "version"),
        ("version = true\n", 1, "version"),
        ("version = 1\n[proces]\nwall = '1s'\n", 2, "proces"),
        ("version = 1\nprocess = 3\n", 2, "process"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: int, key: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert caught.value.value == f"{tmp_path / 'budget.toml'}:{line}: {key}"
    assert caught.value.hint


def test_a_file_that_is_no_toml_says_where(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, "version = 1\n[process\n")
    assert "line 2" in caught.value.hint


def test_a_budget_that_limits_nothing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="limits nothing"):
        read(tmp_path, "version = 1\n[process]\n")


def test_a_version_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="version"):
        read(tmp_path, "[process]\nwall = '1s'\n")


def test_a_missing_file_and_a_huge_one_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the budget"):
        read_budget(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        read(tmp_path, "#" * (1 << 20) + "\n")


@given(st.binary(max_size=300))
def test_no_content_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("budget") / "b.toml"
    path.write_bytes(content)
    with pytest.raises(RazorprofError):
        read_budget(path)
