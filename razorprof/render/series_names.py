"""Series by their names, as Prometheus writes them and as a legend shortens them: untrusted text, not yet escaped.

Called by `query` and by the time screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from razorprof.model.labels import Labels

_NAME = "__name__"


def series_text(labels: Labels) -> str:
    """A label set as it stands in an expression."""
    inside = ", ".join(f'{name}="{_quoted(value)}"' for name, value in labels.items() if name != _NAME)
    name = labels.get(_NAME, "")
    return f"{name}{{{inside}}}" if inside or not name else name


def legend_names(series: Sequence[Labels]) -> list[str]:
    """A name for each, made of the labels in which they differ: those of a job all say the same job."""
    if len(series) < 2:
        return [series_text(labels) for labels in series]
    first = series[0]
    same = {name for name, value in first.items() if all(other.get(name) == value for other in series)}
    return [series_text(labels.without(*same)) for labels in series]


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
