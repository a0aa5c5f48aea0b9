"""The parts of the process source that a frozen /proc can show."""

from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.remote.process import ProcessView
from razorprof.sources.process import soft_limit_of_fds

LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max processes             5                    6                    processes
Max open files            {}                 1048576              files
"""


@pytest.mark.parametrize(("soft", "value"), [("1024", 1024.0), ("unlimited", None)])
def test_the_soft_limit_of_descriptors_counts_and_unlimited_is_none(
    tmp_path: Path, soft: str, value: float | None
) -> None:
    (tmp_path / "42").mkdir()
    (tmp_path / "42" / "limits").write_text(LIMITS.format(soft))
    assert soft_limit_of_fds(ProcessView(42, proc=tmp_path)) == value
