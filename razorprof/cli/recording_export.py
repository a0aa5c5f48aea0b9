"""Series of a recording as text for other programs: OpenMetrics, which promtool imports into Prometheus, and CSV.

Written line by line, so that a long recording need not fit into memory as text. Stale markers are left out:
neither form has a word for them. For cli.show_recording.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.series import Series, is_stale
from razorprof.recording.output_files import write_with
from razorprof.store.fixed import FixedView
from razorprof.store.view import Matcher

OPEN_METRICS_ENDINGS = (".om", ".openmetrics")
CSV_ENDINGS = (".csv",)


def write_series(view: FixedView, path: Path, matchers: Sequence[Matcher] = (), *, force: bool) -> int:
    """Write the series that fulfil the matchers, in the form that the ending names; how many samples. Raises
    UsageError, ToolFailed."""
    series = view.select(matchers, -np.inf, np.inf)
    declared = {metric.name: metric for metric in view.metrics()}
    lines = _csv_lines if path.name.lower().endswith(CSV_ENDINGS) else _open_metrics_lines
    written = 0

    def count(more: int) -> None:
        nonlocal written
        written += more

    def fill(descriptor: int) -> None:
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="", closefd=False) as out:
            for text in lines(series, declared, count):
                out.write(text)

    write_with(path, fill, force=force)
    return written


def is_series_name(name: str) -> bool:
    """Whether a file of this name is to hold series, and not a profile."""
    return name.lower().endswith((*OPEN_METRICS_ENDINGS, *CSV_ENDINGS))


def _open_metrics_lines(
    found: Sequence[Series], declared: Mapping[str, Metric], count: Callable[[int], None]
) -> Iterator[str]:
    """Family by family, each with its head; of a series all samples in the order of their times, which Prometheus
    counts in milliseconds."""
    from prometheus_client.utils import floatToGoString

    number: Callable[[float], str] = floatToGoString
    from razorprof.serve.families import Family, TextFormat, family_of, lines_of, valid_labels

    families: dict[Family, dict[Labels, Series]] = {}
    by_name: dict[str, Family] = {}
    for series in found:
        labels = valid_labels(series.labels)
        name = labels["__name__"]
        family = by_name.get(name) or by_name.setdefault(name, family_of(name, declared))
        families.setdefault(family, {}).setdefault(labels, series)  # made valid, two may look alike: the first
    for family in sorted(families, key=lambda one: one.name):
        members = families[family]
        yield family.head(TextFormat.OPEN_METRICS)
        lines = lines_of(family, members)
        for line, series in sorted(zip(lines, members.values(), strict=True), key=lambda pair: pair[0].before):
            times, values = _told(series, never_below=0.0 if family.type == "counter" else -np.inf)
            count(len(times))
            yield "".join(
                f"{line.before}{number(value)} {time / 1000:.3f}\n"
                for time, value in zip(times, values, strict=True)
            )
    yield "# EOF\n"


def _csv_lines(
    found: Sequence[Series], declared: Mapping[str, Metric], count: Callable[[int], None]
) -> Iterator[str]:
    """One sample a line. All labels are in one column, so that no cell begins with what a spreadsheet computes."""
    from razorprof.query.http_json import format_value
    from razorprof.render.series_names import series_text

    yield "time,name,labels,value\r\n"
    for series in sorted(found, key=lambda one: tuple(one.labels.items())):
        times, values = _told(series)
        count(len(times))
        labels = series_text(series.labels.without("__name__"))
        out = io.StringIO()
        writer = csv.writer(out)
        for time, value in zip(times, values, strict=True):
            writer.writerow((f"{time / 1000:.3f}", series.name, labels, format_value(value)))
        yield out.getvalue()


def _told(series: Series, *, never_below: float = -np.inf) -> tuple[list[int], list[float]]:
    """Milliseconds and values; of several in one millisecond the last. A counter below zero is no counter."""
    keep = ~is_stale(series.values) & ~(series.values < never_below)
    millis = np.round(series.times[keep] * 1000).astype(np.int64)
    last = np.append(np.diff(millis) > 0, True)[: len(millis)]
    return millis[last].tolist(), series.values[keep][last].tolist()
