"""What recording allocations costs a target, beside `memray attach`: how much slower it runs, its longest pause.

Run: python benchmarks/heap_cost.py [ROUNDS]. Two targets that do the same piece of work again and again, one that
encodes and decodes JSON (small objects of Python) and one whose blocks all go to malloc. Slower by: CPU of the
working thread for a piece while recorded, over the same before, so that other load of the machine counts for
little; the median of the rounds, and their range. Pause: the longest time between two pieces from the start of the
command to the recording, the injection's stop within; other load counts there. Nothing here asserts: machines are
noisy.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

BEFORE, SECONDS, PATIENCE = 2.0, 6.0, 60.0
SCRIPTS = Path(sysconfig.get_path("scripts"))
TARGET = """
import json, sys, time
document = [{"id": i, "name": "name %d" % i, "tags": ["a", "b", str(i)], "share": i / 7} for i in range(60)]
def encode():
    return json.loads(json.dumps(document))
def allocate():
    return [bytearray(2000) for _ in range(400)]
work = {"json": encode, "malloc": allocate}[sys.argv[1]]
pieces, longest, last, told = 0, 0.0, time.monotonic(), 0.0
while True:
    work()
    pieces += 1
    now = time.monotonic()
    longest, last = max(longest, now - last), now
    if now - told > 0.1:
        told = now
        print(now, pieces, time.thread_time(), longest, flush=True)
        longest = 0.0
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What the target wrote: monotonic seconds, pieces done, CPU seconds, the longest piece since the last row."""

    time: float
    pieces: int
    cpu: float
    longest: float


@dataclass(frozen=True, slots=True)
class Cost:
    """slower: CPU for a piece, times that before; pause: seconds."""

    slower: float
    pause: float


def ours(*options: str) -> Callable[[int, Path], list[str]]:
    def argv(pid: int, folder: Path) -> list[str]:
        command = [str(SCRIPTS / "razorprof"), "heap", str(pid), "--attach", "-d", str(SECONDS)]
        return [*command, "-o", str(folder / "ours.bin"), "--force", *options]

    return argv


def memray(*options: str) -> Callable[[int, Path], list[str]]:
    def argv(pid: int, folder: Path) -> list[str]:
        command = [str(SCRIPTS / "memray"), "attach", "--method", "gdb", "--duration", str(int(SECONDS))]
        return [*command, "-f", "-o", str(folder / "memray.bin"), *options, str(pid)]

    return argv


WAYS: dict[str, Callable[[int, Path], list[str]]] = {
    "razorprof heap": ours(),
    "memray attach": memray(),
    "razorprof heap --objects": ours("--objects"),
    "memray attach --trace-python-allocators": memray("--trace-python-allocators"),
}


def measure(work: str, way: Callable[[int, Path], list[str]]) -> Cost | None:
    """One target, before and while it is recorded. None where the recording did not begin."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "rows"
        with out.open("wb") as file:
            argv = [sys.executable, "-c", TARGET, work]
            target = subprocess.Popen(argv, stdout=file, stderr=subprocess.DEVNULL, env={"TMPDIR": name})
        try:
            time.sleep(1.0 + BEFORE)
            began = time.monotonic()
            tool = subprocess.Popen(
                way(target.pid, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
            )
            recording = wait_for_recording(folder)
            if recording is None:
                tool.wait(PATIENCE)
                return None
            time.sleep(SECONDS + 0.5)
            rows = list(read(out))
            tool.terminate()  # what is left is reading what it recorded
            tool.wait(PATIENCE)
        finally:
            target.terminate()
            target.wait(10)
    before = [row for row in rows if began - BEFORE < row.time < began]
    while_recorded = [row for row in rows if recording + 0.5 < row.time < recording + SECONDS - 0.5]
    pause = max(row.longest for row in rows if began < row.time < recording + 1.0)
    return Cost(cpu_for_a_piece(while_recorded) / cpu_for_a_piece(before), pause)


def wait_for_recording(folder: Path) -> float | None:
    """When the file of a recording appeared in the target's folder; None if it never did."""
    end = time.monotonic() + PATIENCE
    while (now := time.monotonic()) < end:
        if [*folder.glob("razorprof-*/allocations.bin"), *folder.glob("memray.bin")]:
            return now
        time.sleep(0.01)
    return None


def read(path: Path) -> Iterator[Row]:
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) == 4:
            yield Row(float(fields[0]), int(fields[1]), float(fields[2]), float(fields[3]))


def cpu_for_a_piece(rows: list[Row]) -> float:
    return (rows[-1].cpu - rows[0].cpu) / (rows[-1].pieces - rows[0].pieces)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    if shutil.which("gdb") is None:
        raise SystemExit("no gdb on this machine: nothing can be recorded")
    costs: dict[tuple[str, str], list[Cost]] = {}
    for _ in range(rounds):
        for work in ("json", "malloc"):
            for name, way in WAYS.items():
                cost = measure(work, way)
                print(f"{work}, {name}: {cost or 'not recorded'}", file=sys.stderr, flush=True)
                if cost is not None:
                    costs.setdefault((work, name), []).append(cost)
    print(f"{'target':<8}{'recorded by':<42}{'slower by':>10}{'range':>14}{'longest pause':>15}")
    for (work, name), seen in costs.items():
        times = [cost.slower for cost in seen]
        spread = f"{min(times):.2f}-{max(times):.2f}"
        pause = statistics.median(cost.pause for cost in seen)
        print(f"{work:<8}{name:<42}{statistics.median(times):>9.2f}x{spread:>14}{pause:>13.2f} s")


if __name__ == "__main__":
    main()
