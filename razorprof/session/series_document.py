"""All series of a process over a time as the document metrics.json of bundles: names, labels, times, values."""

from __future__ import annotations

import math
from typing import Any

from razorprof.render.trace import level_trace
from razorprof.store.view import SeriesView, equal


def series_document(view: SeriesView, pid: int, *, start: float = 0.0, end: float = math.inf) -> dict[str, Any]:
    """Plain values; what the metrics are stands beside them. start, end: Unix seconds."""
    kept: list[dict[str, Any]] = []
    for one in view.select((equal("pid", str(pid)),), start, end):
        fine = level_trace(one)
        if len(fine.times):
            labels = {name: value for name, value in one.labels.items() if name != "__name__"}
            times = [round(float(time), 3) for time in fine.times]
            kept.append({"name": one.name, "labels": labels, "times": times, "values": fine.values.tolist()})
    names = {entry["name"] for entry in kept}
    return {
        "metrics": [
            {"name": metric.name, "kind": metric.kind.value, "unit": metric.unit, "help": metric.help}
            for metric in view.metrics()
            if metric.name in names or f"{metric.name}_sum" in names
        ],
        "series": sorted(kept, key=lambda entry: (entry["name"], sorted(entry["labels"].items()))),
    }
