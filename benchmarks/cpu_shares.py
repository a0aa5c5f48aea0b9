"""razorprof cpu against py-spy record on a known split: error of the shares, CPU time used, time it took.

    .venv/bin/python benchmarks/cpu_shares.py [SECONDS]

Both look at the same program, one after the other, at 100 Hz; the truth is what the program measured itself in
that very time (tests/known_split.py). py-spy is run as its manual says, which stops the target at each look, and
with --nonblocking. Prints a table; fails where razorprof's worst share is more than 5 points off (chance alone
has a deviation of 1.6 points at 100 Hz and 10 s).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from razorprof.profilers.pyspy import find_py_spy  # noqa: E402
from tests.known_split import FUNCTIONS, true_shares  # noqa: E402
from tests.live_targets import Program, find_python, start  # noqa: E402

MOST_POINTS = 5.0


def main() -> int:
    """Measure and print; 1 where razorprof is too far off."""
    seconds = sys.argv[1] if len(sys.argv) > 1 else "10"
    build = find_python("3.12") or find_python("system")
    if build is None:
        print("no Python for the target")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = start(build, ROOT / "tests/programs/split_60_30_10.py", "600", folder=folder)
        try:
            program.wait_for("ready")
            return measure(program, seconds, folder)
        finally:
            program.end()


def measure(program: Program, seconds: str, folder: Path) -> int:
    pid, py_spy = str(program.pid), find_py_spy().path
    ours = [sys.executable, "-m", "razorprof", "cpu", pid, "-d", seconds, "--force"]
    theirs = [py_spy, "record", "--pid", pid, "-d", seconds, "-f", "raw"]
    print(f"{'':34}{'worst share off':>16}{'CPU':>10}{'took':>10}")
    worst = 0.0
    for title, command in (
        ("razorprof cpu", [*ours, "-o", str(folder / "a.json")]),
        ("razorprof cpu --blocking", [*ours, "-o", str(folder / "b.json"), "--blocking"]),
        ("py-spy record --nonblocking", [*theirs, "-o", str(folder / "c.raw"), "--nonblocking"]),
        ("py-spy record", [*theirs, "-o", str(folder / "d.raw")]),
    ):
        before, began, at = used(), time.monotonic(), time.time()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
        took, cost = time.monotonic() - began, used() - before
        truth = true_shares(program, at, time.time())
        file = Path(command[command.index("-o") + 1])
        found = shares_of_json(file) if file.suffix == ".json" else shares_of_raw(file)
        points = max(abs(found[name] - truth[name]) for name in FUNCTIONS) * 100
        if title.startswith("razorprof"):
            worst = max(worst, points)
        print(f"{title:34}{points:9.1f} points{cost:8.2f} s{took:8.2f} s")
    return int(worst > MOST_POINTS)


def used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def shares_of_json(file: Path) -> dict[str, float]:
    told = json.loads(file.read_bytes())
    weights: dict[str, float] = defaultdict(float)
    for stack in told["stacks"]:
        for name in {told["frames"][index][0] for index in stack["frames"]}:
            weights[name] += stack["weight"]
    whole = sum(stack["weight"] for stack in told["stacks"])
    return {name: weights[name] / whole for name in FUNCTIONS}


def shares_of_raw(file: Path) -> dict[str, float]:
    weights: dict[str, float] = defaultdict(float)
    whole = 0.0
    for line in file.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        whole += float(count)
        for name in {frame.partition(" ")[0] for frame in stack.split(";")}:
            weights[name] += float(count)
    return {name: weights[name] / whole for name in FUNCTIONS}


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    sys.exit(main())
