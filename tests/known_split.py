"""What tests/programs/split_60_30_10.py says of itself: the truth that shares are compared with.

It splits its CPU time 60 : 30 : 10, but who samples threads sees wall time, and on a machine that others use a
function also waits for a CPU: so the program measures its wall time, and that is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.live_targets import Program

FUNCTIONS = ("sixty", "thirty", "ten")


def true_shares(program: Program, start: float, end: float) -> dict[str, float]:
    """The share of each function between two times, Unix seconds, to the nearest line that it wrote (0.4 s)."""
    lines = [[float(word) for word in line.split()] for line in program.output.splitlines()[1:]]
    before = min(lines, key=lambda line: abs(line[0] - start))
    after = min(lines, key=lambda line: abs(line[0] - end))
    spent = [late - early for early, late in zip(before[1:], after[1:], strict=True)]
    return {name: seconds / sum(spent) for name, seconds in zip(FUNCTIONS, spent, strict=True)}
