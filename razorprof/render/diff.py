"""A comparison as lines for people: a headline, and rows of text. For `diff` in a terminal and in Markdown.

Rows are plain cells, own text and a target's alike: who prints escapes.
"""

from __future__ import annotations

from razorprof.analysis.compare_values import Basis, Change, Comparison, FunctionChange
from razorprof.render import figures


def headline(comparison: Comparison) -> str:
    """Totals of both sides and what was compared, in one line."""
    runs = f" (means of {comparison.base_runs} and {comparison.new_runs} runs)" if _several(comparison) else ""
    compared = "shares" if comparison.basis is Basis.SHARE else comparison.unit
    change = ""
    if comparison.base_total > 0:
        change = f", {_signed(comparison.new_total / comparison.base_total - 1, 1)}"
    return (
        f"BASE {_weight(comparison.base_total, comparison.unit)} in {comparison.base_samples} samples, "
        f"NEW {_weight(comparison.new_total, comparison.unit)} in {comparison.new_samples}{change}{runs}; "
        f"compared: {compared}, significance: {comparison.significance.value}"
    )


def diff_titles(comparison: Comparison) -> tuple[str, ...]:
    """The heads of the columns of diff_rows; the first holds names, the last a word, all between are figures."""
    return ("FUNCTION", "OWN BASE", "NEW", "GROWTH", "TOTAL BASE", "NEW", "GROWTH", "CHANGE")


def diff_rows(comparison: Comparison, most: int) -> list[tuple[str, ...]]:
    """What broke the gate first, then what changed for certain, then the rest by the size of the change."""
    return [_row(function, comparison) for function in in_order(comparison)[:most]]


def in_order(comparison: Comparison) -> list[FunctionChange]:
    """The functions that reach the least share (all, if none does), as diff_rows lists them."""
    shown = [f for f in comparison.functions if f.judged] or list(comparison.functions)
    return sorted(shown, key=lambda f: (not f.too_much, not f.significant))  # stable: the rest by difference


def change_word(function: FunctionChange) -> str:
    """What can be said of a function for certain, in a word."""
    if function.too_much:
        return "TOO MUCH"
    if not function.significant:
        return ""
    if function.is_new:
        return "new"
    if function.new_total_ratio == 0:
        return "gone"
    change = function.own if function.own.significant else function.total
    return "grew" if change.difference > 0 else "shrank"


def _row(function: FunctionChange, comparison: Comparison) -> tuple[str, ...]:
    name = f"{function.function} ({function.file})" if function.file else function.function
    cells = [name]
    for change in (function.own, function.total):
        cells += [_figure(change.base, comparison), _figure(change.new, comparison), _growth(change)]
    return (*cells, change_word(function))


def _figure(value: float, comparison: Comparison) -> str:
    return figures.percent(value) if comparison.basis is Basis.SHARE else _weight(value, comparison.unit)


def _weight(value: float, unit: str) -> str:
    if unit == "seconds":
        return f"{value:.2f} s"
    return figures.size(value) if unit == "bytes" else figures.count(value)


def growth_text(growth: float | None, new: float) -> str:
    """A growth that is a share of what was before; new: what is now, where nothing was before (None)."""
    if growth is not None:
        return _signed(growth, 0) if growth < 99.995 else f"x{growth + 1:.0f}"
    return "new" if new > 0 else figures.NOTHING


def _growth(change: Change) -> str:
    return growth_text(change.growth, change.new)


def _signed(ratio: float, digits: int) -> str:
    """``+12.3 %``; ``0 %`` for what is nothing when rounded, whatever its sign."""
    text = f"{ratio * 100:+.{digits}f}"
    return f"{text} %" if float(text) else "0 %"


def _several(comparison: Comparison) -> bool:
    return comparison.base_runs > 1 or comparison.new_runs > 1
