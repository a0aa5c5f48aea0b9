"""The gate: whether anything grew by too much, and whether that could have been seen at all.

A function fails the gate when its growth exceeds the threshold AND is significant: as it is, or beside the rest of
the program, which tells how fast the machine was (analysis.compare_beside). The critical value is such
that all functions together fail two runs of the same program with at most the chance `alpha`; functions that are
measured so well that chance does not carry them over the threshold leave their part of it to the others.

Too little was seen when, for more than half of the time, growth by the threshold would not have been significant:
such a gate would say "pass" whatever happened. A function that holds nearly everything (main) is not counted as
seeing its parts. Called by analysis.compare; `parse_threshold` by commands and budget files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from razorprof.analysis.compare_values import (
    Basis,
    Change,
    CompareOptions,
    Comparison,
    FunctionChange,
    Threshold,
    Verdict,
)
from razorprof.analysis.significance import Contrast, critical_value
from razorprof.errors import UsageError
from razorprof.model.profile import Profile

LEAST_COVERED = 0.5
LEAST_SAMPLES = 20  # of a side: below it nothing is said
_NEARLY_ALL = 0.8
_THRESHOLD = re.compile(r"(\d+(?:\.\d+)?)\s*(%|pp)", re.ASCII)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*(%?)", re.ASCII)


def parse_threshold(text: str) -> Threshold:
    """``20%`` (growth of the function) or ``5pp`` (points of the total). Raises UsageError."""
    found = _THRESHOLD.fullmatch(text.strip())
    if found is None or not 0 < float(found[1]) <= 1e6:
        raise UsageError(
            "not a threshold",
            value=text,
            hint="write 20% (growth of a function) or 5pp (points of the total)",
        )
    return Threshold(float(found[1]) / 100, points=found[2] == "pp")


def parse_share(text: str) -> float:
    """A share of 0..1, from ``1%`` or ``0.01``. Raises UsageError."""
    found = _SHARE.fullmatch(text.strip())
    share = float(found[1]) / (100 if found[2] else 1) if found else -1.0
    if not 0 <= share <= 1:
        raise UsageError("not a share", value=text, hint="write 1% or 0.01")
    return share


def judge(comparison: Comparison, profiles: Sequence[Profile]) -> Comparison:
    """The comparison with what is significant, what is too much, and the verdict. profiles: of both sides."""
    options = comparison.options
    judged = [change for f in comparison.functions if f.judged for change in (f.own, f.total) if change.error]
    plain = critical_value([Contrast(change.freedom) for change in judged], options.alpha, sides=2)
    gated = plain
    if options.fail_above is not None:
        contrasts = [
            Contrast(change.freedom, margin(change, comparison) / change.error)
            for change in judged
            if change.error
        ]
        contrasts += [
            Contrast(change.freedom, margin(change, comparison) / change.beside.error)
            for change in judged
            if change.beside is not None and change.beside.error
        ]
        gated = critical_value(contrasts, options.alpha)
    functions = tuple(
        replace(
            function,
            own=_mark(function.own, comparison, plain, gated),
            total=_mark(function.total, comparison, plain, gated),
        )
        if function.judged
        else function
        for function in comparison.functions
    )
    marked = replace(comparison, functions=functions)
    covered = None if options.fail_above is None else _covered(marked, profiles)
    verdict, reasons = _verdict(marked, options, covered)
    return replace(marked, covered=covered, verdict=verdict, reasons=reasons)


def margin(change: Change, comparison: Comparison) -> float:
    """The smallest difference that the gate minds, in the unit compared. What is new has no growth: its threshold
    is the same number of points of the total."""
    threshold = comparison.options.fail_above
    if threshold is None:
        return 0.0
    whole = comparison.base_total if comparison.basis is Basis.SECONDS else 1.0
    return threshold.amount * (whole if threshold.points or change.base <= 0 else change.base)


def _mark(change: Change, comparison: Comparison, plain: float, gated: float) -> Change:
    if not change.error:
        return change
    least = margin(change, comparison)
    gate = comparison.options.fail_above is not None
    too_much = gate and change.difference > max(least, gated * change.error)
    error = change.error
    if change.beside is not None:
        too_much = too_much or change.beside.difference > max(least, gated * change.beside.error)
        error = min(error, change.beside.error)
    return replace(
        change,
        seeable=(gated if gate else plain) * error,
        significant=too_much or abs(change.difference) > plain * change.error,
        too_much=too_much,
    )


def _covered(comparison: Comparison, profiles: Sequence[Profile]) -> float:
    """The share of the time under a function in which growth of the threshold would have been seen."""
    tops = {(f.function, f.file) for f in comparison.functions if _seen(f.own, comparison)}
    whole = {
        (f.function, f.file)
        for f in comparison.functions
        if _seen(f.total, comparison) and max(f.base_total_ratio, f.new_total_ratio) <= _NEARLY_ALL
    }
    covered = total = 0.0
    for profile in profiles:
        weight_of_side = profile.total
        if weight_of_side <= 0:
            continue
        total += 1
        for (_, stack), weight in profile.weights.items():
            if stack and (
                (stack[-1].function, stack[-1].file) in tops or any((f.function, f.file) in whole for f in stack)
            ):
                covered += weight / weight_of_side
    return covered / total if total else 0.0


def _seen(change: Change, comparison: Comparison) -> bool:
    return change.seeable is not None and change.base > 0 and change.seeable <= margin(change, comparison)


def _verdict(
    comparison: Comparison, options: CompareOptions, covered: float | None
) -> tuple[Verdict, tuple[str, ...]]:
    for side, whole in (("BASE", comparison.base_total), ("NEW", comparison.new_total)):
        if not whole > 0 or not math.isfinite(whole):
            return Verdict.INCONCLUSIVE, (f"nothing was sampled in {side}",)
    fewest = min(comparison.base_samples, comparison.new_samples)
    if fewest < LEAST_SAMPLES:
        return Verdict.INCONCLUSIVE, (f"too little was seen: only {fewest} samples on a side",)
    if not any(f.judged for f in comparison.functions):
        return Verdict.INCONCLUSIVE, (f"no function reaches {options.min_share * 100:g} % of the time",)
    if options.fail_above is None:
        return Verdict.PASS, ()
    failed = comparison.failed
    if failed:
        count = "1 function" if len(failed) == 1 else f"{len(failed)} functions"
        return Verdict.FAIL, (f"{count} grew by more than {options.fail_above}",)
    if covered is None or covered < LEAST_COVERED:
        percent = f"{(covered or 0.0) * 100:.0f}"
        where = "been noticed nowhere" if percent == "0" else f"been noticed in only {percent} % of the time"
        words = (
            f"too little was seen: growth of {options.fail_above} would have {where}"
            f"{_smallest(comparison.functions)}"
        )
        return Verdict.INCONCLUSIVE, (words,)
    return Verdict.PASS, (f"nothing grew by more than {options.fail_above} for certain",)


def _smallest(functions: Sequence[FunctionChange]) -> str:
    heavy = [f for f in functions if f.judged and f.own.seeable is not None and f.own.base > 0]
    if not heavy:
        return ""
    best = min((f.own.seeable or 0.0) / f.own.base for f in heavy)
    return (
        f"; the smallest that could have been seen anywhere is {math.ceil(best * 100)} % of a function's own time"
    )
