"""The sample program as a process: runs everywhere, stays small, and never outlives whoever started it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from razorprof.cli import demo
from razorprof.errors import ToolFailed
from tests.live_targets import PythonBuild, StartProgram

SHOP = Path(demo.__file__).parent / "demo_program"
TICKS = os.sysconf("SC_CLK_TCK")


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (proc(5): field 3 and later)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_running(pid: int) -> bool:
    try:
        return stat_fields(pid)[0] not in "ZX"
    except OSError:
        return False


def wait_until_gone(pid: int, timeout: float = 15.0) -> bool:
    until = time.monotonic() + timeout
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not is_running(pid)


def test_the_shop_opens_on_every_python_and_closes_in_order(
    python_build: PythonBuild, start_program: StartProgram, tmp_path: Path
) -> None:
    launcher = tmp_path / "launcher.py"
    launcher.write_text(
        f"import os, runpy, sys\nsys.path.insert(0, {str(SHOP)!r})\nrunpy.run_module('shop', None, '__main__')\n"
    )
    shop = start_program(python_build, launcher, "--phase", "0.5")
    shop.wait_for("shop open")
    time.sleep(1.5)  # through all phases
    assert int(stat_fields(shop.pid)[17]) == 9  # field 20: threads
    shop.send(signal.SIGTERM)
    assert shop.process.wait(15) == 0
    assert shop.errors == ""


def test_the_shop_uses_less_than_a_core_and_little_memory() -> None:
    with demo.sample_program("--phase", "2") as pid:
        before, started = sum(map(int, stat_fields(pid)[11:13])), time.monotonic()
        time.sleep(6)
        used = (sum(map(int, stat_fields(pid)[11:13])) - before) / TICKS
        assert 0.05 < used / (time.monotonic() - started) < 1.0
        status = Path(f"/proc/{pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        assert resident < 100 * 1024  # KiB; the sessions add 48 MiB at most


def test_the_shop_ends_with_the_block_that_started_it() -> None:
    with demo.sample_program() as pid:
        assert is_running(pid)
        assert os.getsid(pid) == pid, "not in a session of its own: Ctrl-C would reach it"
    assert not is_running(pid)


def test_the_shop_ends_when_the_block_fails_even_if_somebody_stopped_it() -> None:
    seen = []

    def stop_it_and_fail() -> None:
        with demo.sample_program() as pid:
            seen.append(pid)
            os.kill(pid, signal.SIGSTOP)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stop_it_and_fail()
    assert not is_running(seen[0])


def test_the_shop_ends_by_itself_when_its_parent_is_killed(start_program: StartProgram, tmp_path: Path) -> None:
    source = tmp_path / "parent.py"
    source.write_text(
        "import time\n"
        "from razorprof.cli.demo import sample_program\n"
        "with sample_program() as pid:\n"
        "    print('pid', pid, '.', flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = start_program(sys.executable, source)
    shop = int(parent.wait_for(" .").split()[1])
    assert is_running(shop)
    parent.send(signal.SIGKILL)
    assert wait_until_gone(shop)


def test_a_shop_that_cannot_open_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("raise SystemExit('the keys are lost')\n")
    monkeypatch.setattr(demo, "_FOLDER", tmp_path)
    with pytest.raises(ToolFailed, match="the keys are lost"), demo.sample_program():
        pass


def test_a_module_in_the_working_directory_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("raise SystemExit('run from the working directory')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with demo.sample_program() as pid:
        assert Path(f"/proc/{pid}/cwd").resolve() == SHOP
