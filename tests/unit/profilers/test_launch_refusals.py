"""Programs that cannot be started: the code as a shell gives it, and what to do."""

from __future__ import annotations

import os
from pathlib import Path

from razorprof.profilers.launch import Launch, NotStarted


def refusal(command: str) -> NotStarted:
    launch = Launch([command], os.environ)
    try:
        found = launch.go()
    finally:
        launch.close()
    assert found is not None
    return found


def test_a_file_without_the_x_bit_is_told_how_to_be_run(tmp_path: Path) -> None:
    script = tmp_path / "fast.py"
    script.write_text("print(1)")
    found = refusal(str(script))
    assert found.code == 126
    assert "chmod +x" in found.hint


def test_a_folder_is_said_to_be_one(tmp_path: Path) -> None:
    found = refusal(str(tmp_path))
    assert (found.code, found.reason) == (126, "the command is a folder")


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    found = refusal(str(tmp_path / "nothing"))
    assert (found.code, found.reason) == (127, "the command was not found")
