"""What the dashboard costs beside `py-spy top`: CPU and memory of the process tree, and the first frame.

Run: python benchmarks/top_cost.py [ROUNDS]. Both at their defaults, in a terminal of 120x40 that swallows what
they draw, in turns on one target: tests/programs/five_threads.py, five busy threads of 30 to 40 frames. CPU is
that of the tree from WARM to WARM + SECONDS after the start, read from /proc, tools that ended meanwhile
included; memory is the sum of the resident (and of the proportional) sets at the end. Nothing here asserts:
machines are noisy.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import sysconfig
import termios
import threading
import time
from dataclasses import dataclass
from pathlib import Path

WARM, SECONDS, COLUMNS, ROWS = 5.0, 15.0, 120, 40
TARGET = Path(__file__).parents[1] / "tests" / "programs" / "five_threads.py"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """cpu: share of a core; resident, proportional: bytes; first_frame: seconds to a screen with the verdict."""

    cpu: float
    resident: int
    proportional: int
    first_frame: float | None


class Terminal:
    """A program in a pseudo-terminal whose output is read and kept only until the first frame."""

    def __init__(self, argv: list[str], mark: bytes) -> None:
        self.started = time.monotonic()
        self.first_frame: float | None = None
        self._mark = mark
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(argv[0], argv)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._ended = threading.Event()
        self._drain = threading.Thread(target=self._read, daemon=True)
        self._drain.start()

    def close(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        self._ended.set()
        self._drain.join()
        os.close(self._master)

    def _read(self) -> None:
        seen = b""
        while not self._ended.is_set():
            if not select.select([self._master], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(self._master, 65536)
            except OSError:
                return
            if self.first_frame is None:
                seen = (seen + piece)[-200_000:]
                if self._mark in seen:
                    self.first_frame = time.monotonic() - self.started


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    scripts = Path(sysconfig.get_path("scripts"))
    py_spy = str(scripts / "py-spy") if (scripts / "py-spy").exists() else shutil.which("py-spy")
    if py_spy is None:
        raise SystemExit("py-spy is not installed")
    with subprocess.Popen([sys.executable, str(TARGET)], stdout=subprocess.PIPE) as target:
        assert target.stdout is not None
        while b"ready" not in target.stdout.readline():
            pass
        contestants = {
            "razorprof top": ([sys.executable, "-m", "razorprof", "top", str(target.pid)], b"threads"),
            "py-spy top": ([py_spy, "top", "--pid", str(target.pid)], b"%Own"),
            "py-spy top --nonblocking": ([py_spy, "top", "--nonblocking", "--pid", str(target.pid)], b"%Own"),
        }
        found: dict[str, list[Cost]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, (argv, mark) in contestants.items():
                found[name].append(measure(argv, mark))
        target.kill()
    print(f"{'':<26} {'CPU % of a core':>22} {'RSS MiB':>8} {'PSS MiB':>8} {'first frame s':>14}")
    for name, costs in found.items():
        cpu = sorted(cost.cpu * 100 for cost in costs)
        spread = f"{statistics.median(cpu):.1f} ({cpu[0]:.1f}-{cpu[-1]:.1f})"
        frames = [cost.first_frame for cost in costs if cost.first_frame is not None]
        first = f"{statistics.median(frames):.2f}" if frames else "-"
        resident = statistics.median(cost.resident for cost in costs) / 2**20
        proportional = statistics.median(cost.proportional for cost in costs) / 2**20
        print(f"{name:<26} {spread:>22} {resident:>8.0f} {proportional:>8.0f} {first:>14}")


def measure(argv: list[str], mark: bytes) -> Cost:
    terminal = Terminal(argv, mark)
    try:
        time.sleep(WARM)
        before = tree(terminal.pid)[0]
        time.sleep(SECONDS)
        after, resident, proportional = tree(terminal.pid)
    finally:
        terminal.close()
    return Cost((after - before) / SECONDS, resident, proportional, terminal.first_frame)


def tree(pid: int) -> tuple[float, int, int]:
    """(CPU seconds with those of ended children, resident bytes, proportional bytes) of a process tree."""
    cpu, resident, proportional = 0.0, 0, 0
    todo = [pid]
    while todo:
        folder = Path(f"/proc/{todo.pop()}")
        try:
            raw = (folder / "stat").read_bytes()
            fields = raw[raw.rindex(b")") + 2 :].split()
            cpu += sum(map(int, fields[11:15])) / TICKS
            for line in (folder / "smaps_rollup").read_text().splitlines():
                if line.startswith(("Rss:", "Pss:")):
                    size = int(line.split()[1]) * 1024
                    resident += size if line.startswith("Rss:") else 0
                    proportional += size if line.startswith("Pss:") else 0
            for task in (folder / "task").iterdir():
                todo.extend(map(int, (task / "children").read_text().split()))
        except (OSError, ValueError):
            continue
    return cpu, resident, proportional


if __name__ == "__main__":
    main()
