"""Whether the gate holds: how often it finds a function made 30 % dearer, and how often it fails equal programs.

Run: python benchmarks/gate.py [PAIRS [CYCLES [HZ]]]. Real profiles of complete runs of
tests/programs/gate_work.py, which does a fixed amount of work: for each of its functions (60, 30 and 10 % of the
time) PAIRS pairs of a run as it was and a run with that function 30 % dearer, and PAIRS pairs of two runs as it
was; judged with --fail-above 20%, in CPU seconds (the sampled seconds scaled to the kernel's count), in sampled
seconds (which hold the time that a busy machine let it wait), by shares, and without blocks. A pair's runs follow
each other, the kinds take turns, so that a machine that changes its speed does so for all. Two minutes or more for
each of PAIRS. Nothing here asserts: machines are noisy; the goal is 10 of 10 found and 5 of 100 equal ones failed.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from razorprof.analysis.compare import compare
from razorprof.analysis.compare_scale import in_cpu_seconds
from razorprof.analysis.compare_values import Basis, CompareOptions, Verdict
from razorprof.analysis.gate import parse_threshold
from razorprof.model.profile import Profile
from razorprof.model.target import Target
from razorprof.plugin.captures import CpuRequest, Watch
from razorprof.remote.process import ProcessView
from razorprof.session.captures import record_cpu

PROGRAM = Path(__file__).parents[1] / "tests" / "programs" / "gate_work.py"
FUNCTIONS = ("sixty", "thirty", "ten")
FACTOR, THRESHOLD = 1.3, "20%"
LONGEST = 300.0


def main() -> None:
    numbers = [int(text) for text in sys.argv[1:]]
    pairs, cycles, rate = [*numbers, *(10, 1000, 200)[len(numbers) :]]
    verdicts: dict[tuple[str, str], Counter[Verdict]] = {}
    named: Counter[str] = Counter()
    for number in range(pairs):
        for kind in ("equal", *FUNCTIONS):
            base = profile(cycles, rate)
            new = profile(cycles, rate, *(() if kind == "equal" else (kind, str(FACTOR))))
            for basis, sides in {
                "seconds": (base.cpu, new.cpu),
                "seconds, sampled": (base.sampled, new.sampled),
                "share": (base.sampled, new.sampled),
                "seconds, no blocks": (replace(base.cpu, blocks=()), replace(new.cpu, blocks=())),
            }.items():
                options = CompareOptions(Basis(basis.partition(",")[0]), parse_threshold(THRESHOLD))
                found = compare([sides[0]], [sides[1]], options)
                verdicts.setdefault((kind, basis), Counter())[found.verdict] += 1
                if basis == "seconds":
                    named[kind] += any(f.function == kind for f in found.failed)
            print(f"{number + 1}/{pairs} {kind}: {base} and {new}", file=sys.stderr)
    print(
        f"{pairs} pairs each, {cycles} cycles, {rate} Hz, --fail-above {THRESHOLD}, dearer by {FACTOR - 1:.0%}\n"
    )
    print(f"{'dearer':<8} {'compared':<20} {'fail':>5} {'pass':>5} {'inconclusive':>13}")
    for (kind, basis), counts in verdicts.items():
        print(f"{kind:<8} {basis:<20}" + "".join(f"{counts[v]:>{w}}" for v, w in _COLUMNS))
    print("\nthe dearer function itself named, by seconds:", {kind: named[kind] for kind in FUNCTIONS})


_COLUMNS = ((Verdict.FAIL, 6), (Verdict.PASS, 6), (Verdict.INCONCLUSIVE, 14))


@dataclass(frozen=True, slots=True)
class Taken:
    """A profile of one run, as sampled and in CPU seconds."""

    sampled: Profile
    cpu: Profile

    def __str__(self) -> str:
        return f"{self.cpu.total:.2f} CPU s of {self.sampled.total:.2f} s"


def profile(cycles: int, rate: int, *dearer: str) -> Taken:
    """Of one run of the program, from its first cycle to its end."""
    with subprocess.Popen(
        [sys.executable, PROGRAM, str(cycles), *dearer], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        target = Target(ProcessView(process.pid).identity, "gate_work")
        begun = False

        def begin(done: float, whole: float, words: str) -> None:
            nonlocal begun
            if not begun:
                begun = True
                assert process.stdin is not None
                process.stdin.write(b"\n")
                process.stdin.flush()

        try:
            taken = record_cpu(target, CpuRequest(LONGEST, rate_hz=float(rate)), Watch(tell=begin))
        finally:
            process.kill()
        text = process.stdout.read().split()
    whole = replace(taken, complete=True)
    return Taken(whole, in_cpu_seconds(whole, float(text[-1])))


if __name__ == "__main__":
    main()
