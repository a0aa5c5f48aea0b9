"""What CPython says of recording allocations: that it needs consent, or why it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.plugin.protocols import Capability, Detection
from razorprof.runtimes.cpython import CPython, heap_support


def test_recording_allocations_is_told_as_code_injection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gdb = tmp_path / "gdb"
    gdb.write_text("#!/bin/sh\n")
    gdb.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    support = CPython().capabilities(Detection("cpython", "3.11.7"))[Capability.HEAP]
    assert support.available
    assert support.intrusiveness == 4
    assert "memray" in support.source


def test_without_gdb_it_is_said_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    support = heap_support(Detection("cpython", "3.11.7"))
    assert not support.available
    assert "gdb" in support.reason
    assert "razorprof run --heap" in support.reason


@pytest.mark.parametrize(
    ("detection", "words"),
    [
        (Detection("cpython", "3.8.18"), "3.9 or later"),
        (Detection("cpython", None), "not known"),
        (Detection("cpython", "3.13.0", detail={"free_threaded": "yes"}), "free-threaded"),
    ],
)
def test_a_python_that_memray_cannot_record_is_told_with_the_reason(detection: Detection, words: str) -> None:
    support = heap_support(detection)
    assert not support.available
    assert words in support.reason
