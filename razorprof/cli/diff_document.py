"""A comparison as JSON: CONTRACT's `diff`. For cli.diff."""

from __future__ import annotations

from typing import Any

from razorprof.analysis.compare_values import Change, Comparison, FunctionChange

_MOST_IN_JSON = 10_000


def document(comparison: Comparison) -> dict[str, Any]:
    """CONTRACT's `diff`."""
    gate = comparison.options.fail_above
    return {
        "unit": comparison.unit,
        "of": comparison.basis.value,
        "base_total": comparison.base_total,
        "new_total": comparison.new_total,
        "base_samples": comparison.base_samples,
        "new_samples": comparison.new_samples,
        "base_runs": comparison.base_runs,
        "new_runs": comparison.new_runs,
        "functions": [_function(f) for f in comparison.functions[:_MOST_IN_JSON]],
        "significance": comparison.significance.value,
        "fail_above": None if gate is None else str(gate),
        "min_share_ratio": comparison.options.min_share,
        "seen_ratio": comparison.covered,
        "verdict": comparison.verdict.value,
        "reasons": list(comparison.reasons),
        "notes": list(comparison.notes),
    }


def _function(function: FunctionChange) -> dict[str, Any]:
    return {
        "function": function.function,
        "file": function.file,
        "line": function.line,
        "base_self_ratio": function.base_self_ratio,
        "new_self_ratio": function.new_self_ratio,
        "base_total_ratio": function.base_total_ratio,
        "new_total_ratio": function.new_total_ratio,
        "delta": function.new_self_ratio - function.base_self_ratio,
        "significant": function.significant,
        "failed": function.too_much,
        "judged": function.judged,
        "self": _change(function.own),
        "total": _change(function.total),
    }


def _change(change: Change) -> dict[str, Any]:
    """In the unit compared: see "of"."""
    return {
        "base": change.base,
        "new": change.new,
        "difference": change.difference,
        "growth_ratio": change.growth,
        "standard_error": change.error,
        "growth_beside_the_rest": change.growth_beside,
        "smallest_seeable": change.seeable,
        "significant": change.significant,
        "failed": change.too_much,
    }
