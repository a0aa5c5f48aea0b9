"""Our pprof files as Go's own reader sees them, and its files as we do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from razorprof.formats.pprof import Pprof
from razorprof.model.profile import top
from tests.unit.formats.sample_profiles import FULL

GO = shutil.which("go")
pytestmark = pytest.mark.skipif(GO is None, reason="no go (make test-deps installs it)")


def pprof(folder: Path, *options: str) -> str:
    path = folder / "profile.pb.gz"
    path.write_bytes(Pprof().write(FULL))
    assert GO is not None
    answer = subprocess.run(
        [GO, "tool", "pprof", *options, str(path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, "PPROF_TMPDIR": str(folder), "HOME": str(folder)},
        check=True,
    )
    return answer.stdout


def test_go_tool_pprof_shows_the_same_shares_and_all_names(tmp_path: Path) -> None:
    shown = pprof(tmp_path, "-top", "-nodefraction=0", "-unit=ms")
    assert "Total samples = 4s" in shown or "Total samples = 4000ms" in shown
    rows = re.findall(r"^\s*([\d.]+)(?:ms)?\s+[\d.]+%\s+[\d.]+%\s+([\d.]+)(?:ms)?\s+[\d.]+%\s+(.+)$", shown, re.M)
    found = {name: (float(own) / 1000, float(total) / 1000) for own, total, name in rows}
    assert found == {f.function: pytest.approx((f.self_weight, f.total_weight)) for f in top(FULL)}


def test_go_tool_pprof_reads_threads_blocks_period_and_further_values(tmp_path: Path) -> None:
    raw = pprof(tmp_path, "-raw")
    assert "cpu/nanoseconds[dflt] switches/count" in raw
    assert "Period: 10000000" in raw
    assert "Duration: 4" in raw
    assert "thread:[main]" in raw
    assert "block:[2] thread_id:[8]" in raw
    assert "Comment: the rate lagged behind" in raw


def test_what_go_tool_pprof_has_rewritten_is_read_with_the_same_figures(tmp_path: Path) -> None:
    rewritten = tmp_path / "rewritten.pb.gz"
    pprof(tmp_path, "-proto", "-output", str(rewritten))
    found = Pprof().read(rewritten.read_bytes())
    assert found.weights == pytest.approx(dict(FULL.weights))
    assert (found.unit, found.seconds, found.value, found.rate_hz) == ("seconds", 4.0, "cpu", 100.0)
    assert [(m.name, m.weights) for m in found.also] == [("switches", FULL.also[0].weights)]
