"""Whether the gate holds: how often it finds a function made 30 % dearer, and how often it fails equal programs.

Run: python benchmarks/gate.py [RUNS [CYCLES [HZ [REPEAT]]]]. Real profiles of complete runs of
tests/programs/gate_work.py, which does a fixed amount of work (CYCLES of about 13 ms). In each of RUNS rounds the
program runs as it was and then with each of its functions (60, 30 and 10 % of the time) 30 % dearer; the kinds
take turns, so that a machine that changes its speed does so for all. REPEAT runs are a side of a comparison.

A dearer side is compared with the program as it was in the same round. Equal programs are compared across rounds,
each with the LAGS that follow it: so 26 rounds give 100 pairs, which are not independent of each other but hold
the machine's slow changes too. Judged with --fail-above 20%: in CPU seconds as `run` and `diff` do (the sampled
seconds scaled to the kernel's count), in sampled seconds (which hold the time that a busy machine let it wait), by
shares, and without blocks. Nothing here asserts: machines are noisy; the goal is 10 of 10 found and 5 of 100 equal
ones failed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from razorprof.analysis.compare import compare
from razorprof.analysis.compare_scale import in_cpu_seconds
from razorprof.analysis.compare_values import Basis, CompareOptions, Comparison, Verdict
from razorprof.analysis.gate import parse_threshold
from razorprof.model.profile import Profile
from razorprof.model.target import Target
from razorprof.plugin.captures import CpuRequest, Watch
from razorprof.remote.process import ProcessView
from razorprof.session.captures import record_cpu
from razorprof.session.machine_load import MachineLoad

PROGRAM = Path(__file__).parents[1] / "tests" / "programs" / "gate_work.py"
FUNCTIONS = ("sixty", "thirty", "ten")
FACTOR, THRESHOLD = 1.3, "20%"
LAGS = 4
LONGEST = 300.0


@dataclass(frozen=True, slots=True)
class Taken:
    """A profile of one run, as sampled and in CPU seconds."""

    sampled: Profile
    cpu: Profile


def main() -> None:
    numbers = [int(text) for text in sys.argv[1:]]
    rounds, cycles, rate, repeat = [*numbers, *(10, 1000, 250, 3)[len(numbers) :]]
    verdicts: dict[tuple[str, str], Counter[Verdict]] = {}
    named: Counter[str] = Counter()
    as_it_was: list[list[Taken]] = []

    def judge(kind: str, base: Sequence[Taken], new: Sequence[Taken]) -> None:
        for words, found in comparisons(base, new).items():
            verdicts.setdefault((kind, words), Counter())[found.verdict] += 1
            if words == "seconds":
                named[kind] += any(f.function == kind for f in found.failed)

    for number in range(rounds):
        sides: dict[str, list[Taken]] = {kind: [] for kind in ("", *FUNCTIONS)}
        for _ in range(repeat):
            for kind, side in sides.items():
                side.append(profile(cycles, rate, *((kind, str(FACTOR)) if kind else ())))
        base = sides.pop("")
        for kind, side in sides.items():
            judge(kind, base, side)
        for earlier in as_it_was[-LAGS:]:
            judge("equal", earlier, base)
        as_it_was.append(base)
        for one in base:
            busy = one.cpu.others_ratio or 0.0
            print(f"{number + 1}/{rounds}: {one.cpu.total:.2f} CPU s, others {busy:.0%}", file=sys.stderr)
    seconds = [one.cpu.total for side in as_it_was for one in side]
    spread = statistics.stdev(seconds) / statistics.mean(seconds) if len(seconds) > 1 else 0.0
    print(f"{rounds} rounds of {cycles} cycles, {repeat} a side, {rate} Hz, --fail-above {THRESHOLD}, ", end="")
    print(f"dearer by {FACTOR - 1:.0%}")
    print(f"equal runs: {statistics.mean(seconds):.2f} CPU s, spread {spread:.1%}\n")
    print(f"{'dearer':<8} {'compared':<20} {'fail':>5} {'pass':>5} {'inconclusive':>13}")
    for (kind, words), counts in sorted(verdicts.items()):
        print(f"{kind:<8} {words:<20}" + "".join(f"{counts[v]:>{w}}" for v, w in _COLUMNS))
    print("\nthe dearer function itself named, by seconds:", {kind: named[kind] for kind in FUNCTIONS})


def comparisons(base: Sequence[Taken], new: Sequence[Taken]) -> dict[str, Comparison]:
    """The same two sides, compared in each way."""
    threshold = parse_threshold(THRESHOLD)
    cpu, sampled = ([[getattr(one, name) for one in side] for side in (base, new)] for name in ("cpu", "sampled"))
    bare = [[replace(one, blocks=()) for one in side] for side in cpu]
    return {
        words: compare(before, after, CompareOptions(basis, threshold))
        for words, basis, (before, after) in (
            ("seconds", Basis.SECONDS, cpu),
            ("seconds, sampled", Basis.SECONDS, sampled),
            ("share", Basis.SHARE, sampled),
            ("seconds, no blocks", Basis.SECONDS, bare),
        )
    }


_COLUMNS = ((Verdict.FAIL, 6), (Verdict.PASS, 6), (Verdict.INCONCLUSIVE, 14))


def profile(cycles: int, rate: int, *dearer: str) -> Taken:
    """Of one run of the program, from its first cycle to its end."""
    with subprocess.Popen(
        [sys.executable, PROGRAM, str(cycles), *dearer], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        load = MachineLoad()
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
    cpu_seconds = float(text[-1])
    whole = replace(taken, complete=True, others_ratio=load.others_ratio(cpu_seconds))
    return Taken(whole, in_cpu_seconds(whole, cpu_seconds))


if __name__ == "__main__":
    main()
