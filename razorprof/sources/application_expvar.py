"""A page of Go's expvar (/debug/vars, JSON) as samples: its numbers, by the names that the application gave them.

Called by sources.application. ``requests: 3`` is expvar_requests, ``cache: {"hits": 3}`` expvar_cache{key="hits"};
what is deeper, a text or a list is passed over. Whether a number only grows is not told there: all are gauges.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from razorprof.errors import NotSupported, ToolFailed
from razorprof.model.labels import NO_LABELS, Labels
from razorprof.model.metric import Metric, Sample, gauge
from razorprof.remote.http_page import Page

CONTENT_TYPE = "application/json"
VARS_PATH = "/debug/vars"
MOST_BYTES, MOST_SAMPLES = 4 << 20, 1_000
_LONGEST_NAME, _LONGEST_KEY = 128, 256
_ODD = re.compile(r"[^a-zA-Z0-9_]")
# A runtime's own figures, which its plug-in gives under their proper names.
_KNOWN = frozenset({"memstats", "cmdline"})


class VarsParser:
    """Of one target's page; keeps the metrics and labels that it has made. taken: names that razorprof gives."""

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken
        self._metrics: dict[str, Metric] = {}
        self._labels: dict[str, Labels] = {}

    def parse(self, page: Page) -> list[Sample]:
        """The samples. Raises ToolFailed for a page that cannot be parsed or is too large, NotSupported for JSON
        that is not expvar's."""
        if len(page.body) > MOST_BYTES:
            raise ToolFailed("the page of variables is too large", value=f"{len(page.body)} bytes")
        try:
            document = json.loads(page.body)
        except (ValueError, RecursionError) as error:
            raise ToolFailed("the page of variables cannot be parsed", value=str(error)[:100]) from error
        if not isinstance(document, dict) or not _KNOWN & document.keys():
            raise NotSupported("not a page of metrics", value="JSON, and not that of expvar")
        if len(self._metrics) + len(self._labels) > 2 * MOST_SAMPLES:
            self._metrics.clear()
            self._labels.clear()
        found: dict[tuple[str, Labels], Sample] = {}
        for name, key, value in _numbers(document):
            metric = self._metric(name)
            labels = self._labels.setdefault(key, Labels(key=key)) if key else NO_LABELS
            if metric.name not in self._taken and len(found) < MOST_SAMPLES:
                found.setdefault((metric.name, labels), Sample(metric, value, labels))
        return list(found.values())

    def _metric(self, name: str) -> Metric:
        metric = self._metrics.get(name)
        if metric is None:
            told = "expvar_" + _ODD.sub("_", name[:_LONGEST_NAME])
            metric = self._metrics[name] = gauge(told, "", "A variable of the application's expvar page.", "key")
        return metric


def _numbers(document: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    """(name, key, value)."""
    for name, value in document.items():
        if name in _KNOWN:
            continue
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for key, part in parts:
            if isinstance(part, int | float) and not isinstance(part, bool) and len(key) <= _LONGEST_KEY:
                try:
                    number = float(part)
                except OverflowError:
                    continue
                if math.isfinite(number):
                    yield name, key, number
