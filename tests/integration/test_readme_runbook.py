"""The README's runbook, tried as it is written: its files are written, its commands run, on a busy process."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.alertmanager_server import missing_alertmanager, running
from tests.integration.watch_targets import LONG, until, watching
from tests.live_targets import StartProgram

README = Path(__file__).resolve().parents[2] / "README.md"
BUSY = """
import time
print("ready", flush=True)
end = time.monotonic() + 280
while time.monotonic() < end:
    pass
"""


def section() -> str:
    found = re.search(
        r"^## Alert rules: the runbook\n(.*?)^## ", README.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[1]


def commands() -> list[list[str]]:
    """The arguments of razorprof on each line of the blocks, comments left out."""
    lines = [line for line in section().splitlines() if line.startswith("razorprof ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


@pytest.mark.timeout(300)
def test_the_runbook_does_what_it_says(start_program: StartProgram, tmp_path: Path) -> None:
    if missing_alertmanager():
        pytest.skip("no prometheus-alertmanager on this machine (make test-deps)")
    for name, content in re.findall(r"^`([\w.]+)`:\n\n```yaml\n(.*?)^```", section(), re.MULTILINE | re.DOTALL):
        (tmp_path / name).write_text(content)
    # the machine that this runs on is shared: less of a core than the README's is what the test can count on
    rules = (tmp_path / "worker.yml").read_text()
    assert "> 0.5" in rules
    (tmp_path / "worker.yml").write_text(rules.replace("> 0.5", "> 0.02"))
    captures = (tmp_path / "captures.yml").read_text()
    (tmp_path / "captures.yml").write_text(captures.replace("max_bytes", "min_free_bytes: 1MiB, max_bytes"))
    (tmp_path / "busy.py").write_text(BUSY)
    target = start_program(sys.executable, tmp_path / "busy.py")
    target.wait_for("ready")
    check_rules, check, check_actions, watch, ask = commands()

    def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
        given = [argument.replace("1234", str(target.pid)) for argument in arguments]
        command = [sys.executable, "-m", "razorprof", *given]
        return subprocess.run(command, capture_output=True, text=True, timeout=LONG, cwd=tmp_path)

    assert run(check_rules).returncode == 0
    done = run(check)
    assert done.returncode == 2, done.stdout + done.stderr
    first, alert, *rest = done.stdout.splitlines()
    assert first.startswith("RAZORPROF CRITICAL - 1 critical: WorkerCpuHigh ")
    assert "| 'WorkerCpuHigh'=" in first
    assert alert.startswith("CRITICAL WorkerCpuHigh{")
    assert [line.split(":")[0] for line in rest] == ["  summary", "  runbook"]
    assert run(check_actions).returncode == 0

    with running(tmp_path) as alertmanager:
        where = {
            "1234": str(target.pid),
            "http://127.0.0.1:9093": alertmanager.url,
            "127.0.0.1:9106": "127.0.0.1:0",
        }
        given = [where.get(argument, argument) for argument in watch[1:]]
        given = [str(tmp_path / argument) if argument.endswith(".yml") else argument for argument in given]
        with watching(tmp_path, *given, "--evaluation-interval", "1s") as running_watch:
            [told] = alertmanager.wait_for_alerts("WorkerCpuHigh", 1)
            folder = Path(told["annotations"]["razorprof_capture"])
            running_watch.wait_for("capture", name="slow-worker", state="done")
            shown = run(["show", str(folder / "bundle.tar.gz")])
            assert shown.returncode == 0, shown.stderr
            asked = run([argument.replace("http://127.0.0.1:9106", running_watch.url) for argument in ask])
            until(lambda: asked.returncode == 2, f"{asked.stdout} {asked.stderr}", 1.0)
            assert "razorprof_capture" not in asked.stdout
            assert f"  capture: {folder}" in asked.stdout
            assert running_watch.end() == 0
