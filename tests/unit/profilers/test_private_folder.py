"""The private folder: gone with its context, and gone when its owner is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from razorprof.profilers.private_folder import private_folder

OWNER = """
import os, sys
from razorprof.profilers.private_folder import private_folder
with private_folder() as folder:
    (folder / "secret").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_it_is_for_its_user_alone_and_gone_with_the_context() -> None:
    with private_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "below").mkdir()
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGQUIT])
def test_it_is_removed_when_its_owner_is_killed(number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])},
        cwd=tmp_path,
    ) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        assert folder.parent == tmp_path
        assert folder.is_dir()
        owner.send_signal(number)
        owner.wait(30)
    end = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < end, "it is still there"
        time.sleep(0.02)
