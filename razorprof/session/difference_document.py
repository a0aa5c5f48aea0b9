"""A difference of two windows as a JSON document: what cannot be had is null, with a reason.

For cli.replay_difference.
"""

from __future__ import annotations

from typing import Any

from razorprof.analysis.compare_values import Comparison, FunctionChange
from razorprof.render.diff import change_word
from razorprof.session.difference import Difference, TargetDifference
from razorprof.session.sight import Seen, Sight

MOST_FUNCTIONS = 10_000


def difference_document(found: Difference) -> dict[str, Any]:
    """Plain values only. base is A, new is B."""
    return {
        "base": _side(found.before),
        "new": _side(found.after),
        "targets": [_target(one) for one in found.targets],
        "only_base": [_process(one) for one in found.only_before],
        "only_new": [_process(one) for one in found.only_after],
        "alerts": [
            {"name": one.name, "labels": dict(one.labels), "base": one.before.value, "new": one.after.value}
            for one in found.alerts
        ],
        "notes": list(found.notes),
    }


def _side(sight: Sight) -> dict[str, Any]:
    return {"recording": sight.name, "start": sight.window.start, "end": sight.window.end}


def _process(one: Seen) -> dict[str, Any]:
    target = one.target
    return {
        "pid": target.pid,
        "name": target.name,
        "start_time": target.started,
        "job": target.job or target.name,
        "runtime": one.runtime or None,
        "stack_seconds": one.profile.seconds,
        "stack_samples": one.profile.samples,
    }


def _target(one: TargetDifference) -> dict[str, Any]:
    document: dict[str, Any] = {
        "matched": one.matched,
        "base": _process(one.before),
        "new": _process(one.after),
        "figures": [
            {
                "name": change.figure.key,
                "metric": change.figure.figure.metric,
                "kind": change.figure.kind.value,
                "unit": change.figure.unit,
                "base": change.before,
                "new": change.after,
                "delta": change.change,
                "matters": change.matters,
            }
            for change in one.figures
        ],
    }
    if one.functions is None:
        document |= {"functions": None, "functions_reason": one.functions_reason}
    else:
        document |= _functions(one.functions)
    if one.threads is None:
        document |= {"threads": None, "threads_reason": one.threads_reason}
    else:
        document["threads"] = {
            "stayed": one.stayed,
            "changed": [
                {"name": row.name, "native_id": row.native_id or None, "base": row.before, "new": row.after}
                for row in one.threads
            ],
        }
    return document


def _functions(compared: Comparison) -> dict[str, Any]:
    return {
        "functions": [_function(one) for one in compared.functions[:MOST_FUNCTIONS]],
        "base_cpu_ratio": compared.base_total,
        "new_cpu_ratio": compared.new_total,
        "significance": compared.significance.value,
        "functions_notes": list(compared.notes),
    }


def _function(one: FunctionChange) -> dict[str, Any]:
    return {
        "function": one.function,
        "file": one.file,
        "line": one.line,
        "base_self_cpu_ratio": one.own.base,
        "new_self_cpu_ratio": one.own.new,
        "delta": one.own.difference,
        "base_total_cpu_ratio": one.total.base,
        "new_total_cpu_ratio": one.total.new,
        "base_self_ratio": one.base_self_ratio,
        "new_self_ratio": one.new_self_ratio,
        "base_total_ratio": one.base_total_ratio,
        "new_total_ratio": one.new_total_ratio,
        "significant": one.significant,
        "change": change_word(one) or None,
    }
