"""How much longer `razorprof threads --json` takes than `py-spy dump --json`, which it runs and adds to.

Run: python benchmarks/threads_dump.py. The two take turns on the same target in one run: 1, 20 and 200 threads
that wait. Wall time of the whole command, the median of ROUNDS; wants a quiet machine. Exit 1 where the
difference is above LIMIT.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from razorprof.profilers.pyspy import find_py_spy

ROUNDS = 9
LIMIT = 0.4  # seconds: what the dump may take longer

TARGET = """
import sys, threading
block = [bytearray(1 << 20) for _ in range(30)]
stop = threading.Event()
for _ in range(int(sys.argv[1]) - 1):
    threading.Thread(target=stop.wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def main() -> int:
    print(f"median wall time of {ROUNDS} runs each, in turns\n")
    print(f"{'threads':>7} {'py-spy dump':>12} {'py-spy, nonblocking':>20} {'razorprof':>10} {'longer by':>10}")
    worst = 0.0
    for threads in (1, 20, 200):
        with subprocess.Popen(
            [sys.executable, "-c", TARGET, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            process.stdout.readline()
            peer, quiet, ours = measure(process.pid)
            process.stdin.close()
        worst = max(worst, ours - peer)
        print(
            f"{threads:>7} {peer * 1e3:>9.0f} ms {quiet * 1e3:>17.0f} ms {ours * 1e3:>7.0f} ms"
            f" {(ours - peer) * 1e3:>7.0f} ms"
        )
    print(f"\nat most {LIMIT * 1e3:.0f} ms: {'kept' if worst <= LIMIT else 'broken'}")
    return 0 if worst <= LIMIT else 1


def measure(pid: int) -> tuple[float, float, float]:
    """Seconds of py-spy dump, of the same without stopping the target, and of razorprof threads."""
    py_spy = find_py_spy().path
    commands = (
        [py_spy, "dump", "--pid", str(pid), "--json"],
        [py_spy, "dump", "--pid", str(pid), "--json", "--nonblocking"],
        [str(Path(sys.executable).with_name("razorprof")), "threads", str(pid), "--json"],
    )
    spent: list[list[float]] = [[] for _ in commands]
    for _ in range(ROUNDS):
        for command, times in zip(commands, spent, strict=True):
            times.append(run(command))
    first, second, third = (statistics.median(times) for times in spent)
    return first, second, third


def run(command: Sequence[str]) -> float:
    """No timeout: to wait with one is to look every 50 ms."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
