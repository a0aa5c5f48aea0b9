"""Checks as CI systems list them: a name, how it came out, and why. For render.markdown and render.junit.

`diff` makes them of a comparison (`checks_of`); `run` of its budgets. Text may be a target's: who renders escapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from razorprof.analysis.compare_values import Basis, Change, Comparison, FunctionChange, Verdict


class Outcome(StrEnum):
    """How a check came out."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """words: one line on why; details: more lines, for who looks closer; doubt: why a pass may be worthless."""

    name: str
    outcome: Outcome
    words: str = ""
    details: tuple[str, ...] = ()
    doubt: str = ""


def verdict_of(checks: Sequence[Check]) -> Outcome:
    """The worst of all: a failure before what could not be judged before a pass."""
    for worst in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        if any(check.outcome is worst for check in checks):
            return worst
    return Outcome.PASS


def checks_of(comparison: Comparison) -> tuple[Check, ...]:
    """One check for the gate as a whole, and one for each function that was judged."""
    whole = Check(
        "gate" if comparison.options.fail_above is None else f"growth above {comparison.options.fail_above}",
        Outcome(comparison.verdict.value),
        "; ".join(comparison.reasons),
        comparison.notes,
    )
    seen = comparison.verdict is not Verdict.INCONCLUSIVE
    return (whole, *(_check(f, comparison, seen) for f in comparison.functions if f.judged))


def _check(function: FunctionChange, comparison: Comparison, seen: bool) -> Check:
    name = f"{function.file}:{function.function}" if function.file else function.function
    lines = tuple(
        f"{what}: {change_words(change, comparison)}"
        for what, change in (("own", function.own), ("total", function.total))
    )
    outcome = Outcome.FAIL if function.too_much else Outcome.PASS if seen else Outcome.SKIPPED
    which = 1 if function.total.too_much and not function.own.too_much else 0
    return Check(name, outcome, lines[which], lines)


def change_words(change: Change, comparison: Comparison) -> str:
    """``2.000 -> 2.600 seconds (+30.0 %, significant)``."""
    if comparison.basis is Basis.SHARE:
        figures = f"{change.base * 100:.1f} -> {change.new * 100:.1f} % of the total"
        amount = f"{change.difference * 100:+.1f} points"
    else:
        figures = f"{change.base:.3f} -> {change.new:.3f} {comparison.unit}"
        amount = f"{change.difference:+.3f}"
    growth = "new" if change.growth is None and change.new > 0 else ""
    if change.growth is not None:
        growth = f"{change.growth * 100:+z.1f} %"
    parts = [growth or amount, "significant" if change.significant else "not significant"]
    beside = change.growth_beside
    if change.too_much and beside is not None and abs(beside - (change.growth or 0.0)) >= 0.01:
        parts.insert(1, f"{beside * 100:+z.1f} % beside the rest of the program")
    return f"{figures} ({', '.join(parts)})"
