"""`show -o` and `diff -o` with flame graphs, as a shell sees them."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.cli.edge import run
from razorprof.recording.profile_files import plan_output, write_profile
from tests.unit.formats.sample_profiles import FULL


@pytest.mark.parametrize("ending", ["html", "svg"])
def test_a_profile_becomes_a_flame_graph_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], ending: str
) -> None:
    source, target = tmp_path / "p.json", tmp_path / f"p.{ending}"
    write_profile(plan_output(str(source)), FULL)
    assert run(["show", str(source), "-o", str(target)]) == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "cpu profile of shop" in target.read_text("utf-8")
    assert run(["show", str(source), "-o", str(target)]) == 2
    assert run(["show", str(target)]) == 5
    assert "only written" in capfd.readouterr().err


@pytest.mark.parametrize("ending", ["html", "svg"])
def test_a_difference_becomes_one_in_the_unit_that_was_compared(tmp_path: Path, ending: str) -> None:
    base, new, target = tmp_path / "base.json", tmp_path / "new.json", tmp_path / f"diff.{ending}"
    write_profile(plan_output(str(base)), FULL)
    slower = {key: 2 * weight for key, weight in FULL.weights.items()}
    write_profile(plan_output(str(new)), replace(FULL, weights=slower, blocks=()))
    assert run(["diff", str(base), str(new), "-o", str(target)]) == 0
    text = target.read_text("utf-8")
    assert "differential flame graph: BASE, shop 1234 and NEW, shop 1234" in text
    assert "+4.00 s (+100.0 %)" in text  # FULL is a complete run: seconds
    assert "significance is approximate" in text
    assert run(["diff", str(base), str(new), "--of", "share", "-o", str(target), "--force"]) == 0
    assert "shares of each side&#x27;s total" in target.read_text("utf-8")
