"""A page of metrics as samples: prometheus-client's parsers behind bounds, their families as our metrics.

Called by sources.application. A page is hostile: what is too long or does not fit is skipped and counted by
reason; what the parser refuses, or what takes it too long, costs the page. Time stamps and exemplars are not
taken.
"""

from __future__ import annotations

import io
import math
import re
import time
from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from razorprof.errors import NotSupported, TimedOut, ToolFailed
from razorprof.model.histogram import bound_text
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, MetricKind, Sample
from razorprof.remote.http_page import Page

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family
    from prometheus_client.samples import Sample as Line

OURS = "ours"  # razorprof gives a metric of this name itself
DUPLICATE = "duplicate"
CREATED = "created"
TOO_MANY = "too_many"
TOO_LONG = "too_long"
BAD_NAME = "bad_name"
BAD_LABEL = "bad_label"
BAD_VALUE = "bad_value"
REASONS = (OURS, DUPLICATE, CREATED, TOO_MANY, TOO_LONG, BAD_NAME, BAD_LABEL, BAD_VALUE)

MOST_SAMPLES = 10_000  # what a target may have in the store
LONGEST_PARSE = 1.0  # CPU seconds
_LONGEST_LINE = 16 << 10
_LONGEST_HELP, _LONGEST_NAME, _LONGEST_VALUE, _MOST_LABELS = 512, 256, 4096, 64
_MOST_KNOWN = 2 * MOST_SAMPLES
_OPENMETRICS = "application/openmetrics-text"
_TYPES = ("", "text/plain", _OPENMETRICS)
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_WITH_CREATED = ("counter", "histogram", "summary")
_PARTS = ("_bucket", "_sum", "_count")
_UNITS = ("seconds", "bytes", "ratio")
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)  # what the parsers raise

_Key = tuple[str, str, str, tuple[tuple[str, str], ...]]
_Place = tuple[Metric, Labels, str]


class PageParser:
    """Of one target's page; keeps what it has made of names and labels, so that the same series are the same
    objects at the next page. skipped: samples that were not taken, by reason, since the beginning."""

    def __init__(self, taken: Collection[str]) -> None:
        """taken: names of series that razorprof itself gives."""
        self.skipped: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        self._taken = taken
        self._metrics: dict[str, Metric] = {}
        self._known: dict[_Key, _Place | str] = {}

    def parse(self, page: Page) -> list[Sample]:
        """The samples. Raises NotSupported for another type of content, ToolFailed for a page that cannot be
        parsed, TimedOut for one that takes too long."""
        kind = page.content_type.partition(";")[0].strip()
        if kind not in _TYPES:
            raise NotSupported("not a page of metrics", value=f"content type {kind[:60]}")
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
            self._metrics.clear()
        found: dict[tuple[str, Labels], Sample] = {}
        created_of: set[str] = set()
        lines = _Lines(page.body, self.skipped, is_text=kind != _OPENMETRICS)
        try:
            for family in _families(lines, kind):
                if family.type in _WITH_CREATED:
                    created_of.add(family.name)
                for line in family.samples:
                    self._take(family, line, lines.plain_counters, created_of, found)
        except _MALFORMED as error:
            words = f"line {lines.number}: {error or type(error).__name__}"
            raise ToolFailed("the page of metrics cannot be parsed", value=words[:200]) from error
        return list(found.values())

    def _take(
        self,
        family: Family,
        line: Line,
        plain_counters: Collection[str],
        created_of: Collection[str],
        found: dict[tuple[str, Labels], Sample],
    ) -> None:
        name = line.name
        if family.type == "counter" and family.name in plain_counters:
            name = name.removesuffix("_total")  # the parser has added it; Prometheus keeps the name
        if name.endswith("_created") and name.removesuffix("_created") in created_of:
            self.skipped[CREATED] += 1
            return
        key = (family.type, family.name, name, tuple((line.labels or {}).items()))
        place = self._known.get(key)
        if place is None:
            place = self._known[key] = self._place(family, name, line.labels or {})
        value = _number(line.value)
        if isinstance(place, str):
            self.skipped[place] += 1
        elif value is None:
            self.skipped[BAD_VALUE] += 1
        elif (name, place[1]) in found:
            self.skipped[DUPLICATE] += 1
        else:
            metric, labels, suffix = place
            found[name, labels] = Sample(metric, value, labels, suffix)

    def _place(self, family: Family, name: str, labels: dict[str, str]) -> _Place | str:
        """The series of a sample, or why it is none."""
        if len(name) > _LONGEST_NAME or not _METRIC_NAME.fullmatch(name):
            return BAD_NAME
        bounds = {"le", "quantile"}
        own: dict[str, str] = {}
        for label, value in labels.items():
            if len(label) > _LONGEST_NAME or len(value) > _LONGEST_VALUE or not _LABEL_NAME.fullmatch(label):
                return BAD_LABEL
            text = _bound(value) if label in bounds and family.type in ("histogram", "summary") else value
            if text is None:
                return BAD_LABEL
            own[label] = text
        if len(own) > _MOST_LABELS:
            return BAD_LABEL
        suffix = name[len(family.name) :] if name.startswith(family.name) else ""
        is_part = family.type == "histogram" and suffix in _PARTS
        metric = self._metric(family, family.name if is_part else name, suffix)
        if name in self._taken or metric.name in self._taken:
            return OURS
        return metric, Labels(own), suffix if is_part else ""

    def _metric(self, family: Family, name: str, suffix: str) -> Metric:
        metric = self._metrics.get(name)
        if metric is None:
            counts = family.type == "counter" or (family.type == "summary" and suffix in ("_sum", "_count"))
            kind = MetricKind.COUNTER if counts else MetricKind.GAUGE
            if family.type == "histogram" and name == family.name:
                kind = MetricKind.HISTOGRAM
            help = " ".join(family.documentation[:_LONGEST_HELP].split())
            metric = self._metrics[name] = Metric(name, kind, _unit(family, name), help)
        return metric


class _Lines:
    """The lines of a page as the parsers take them, until there are too many or they have taken too long."""

    def __init__(self, body: bytes, skipped: Counter[str], *, is_text: bool) -> None:
        self.number = 0
        self.plain_counters: set[str] = set()  # declared as counters without _total, which OpenMetrics forbids
        self._is_text = is_text
        self._body = body
        self._skipped = skipped
        self._deadline = time.thread_time() + LONGEST_PARSE

    @property
    def ends_well(self) -> bool:
        """Whether OpenMetrics' end mark is there: else the page was cut."""
        return self._body.rstrip().endswith(b"# EOF")

    def __iter__(self) -> Iterator[str]:
        samples = 0
        rest = iter(io.BytesIO(self._body))
        for raw in rest:
            self.number += 1
            is_comment = raw.startswith(b"#")
            if len(raw) > _LONGEST_LINE:
                self._skipped[TOO_LONG] += not is_comment
                continue
            if not raw.strip() or raw.startswith(b"# EOF"):
                continue
            if (self.number % 64 == 0 or len(raw) > 1024) and time.thread_time() > self._deadline:
                raise TimedOut("the page of metrics takes too long to parse", value=f"at line {self.number}")
            if is_comment and samples >= MOST_SAMPLES:  # at the end of a family, so that histograms are whole
                self._skipped[TOO_MANY] += sum(not line.startswith(b"#") for line in rest if line.strip())
                return
            samples += not is_comment
            if samples > 2 * MOST_SAMPLES:
                raise ToolFailed("the page of metrics has too many samples", value=f"more than {MOST_SAMPLES}")
            text = raw.decode("utf-8", "replace").rstrip("\r\n") + "\n"
            if is_comment and self._is_text:
                self._note_type(text)
            yield text

    def _note_type(self, text: str) -> None:
        words = text.split(None, 4)
        if len(words) == 4 and words[1] == "TYPE" and words[3] == "counter" and not words[2].endswith("_total"):
            self.plain_counters.add(words[2])


def _families(lines: _Lines, kind: str) -> Iterator[Family]:
    if kind != _OPENMETRICS:
        from prometheus_client.parser import text_fd_to_metric_families

        yield from text_fd_to_metric_families(lines)  # type: ignore[arg-type]  # it only iterates
        return
    from prometheus_client.openmetrics import parser

    if not lines.ends_well:
        raise ToolFailed("the page of metrics was cut short", value="no # EOF at its end")

    def ended() -> Iterator[str]:
        yield from lines
        yield "# EOF\n"

    yield from parser.text_fd_to_metric_families(ended())  # type: ignore[no-untyped-call]


def _number(value: object) -> float | None:
    """None for a native histogram (it has no value) and for an integer that no float can hold."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def _bound(text: str) -> str | None:
    """A bucket's bound or a quantile in the one form that Prometheus 3 stores."""
    try:
        bound = float(text)
    except ValueError:
        return None
    if math.isinf(bound):
        return "+Inf" if bound > 0 else "-Inf"
    return None if math.isnan(bound) else bound_text(bound)


def _unit(family: Family, name: str) -> str:
    """The base unit that the family or the name tells."""
    words = name.removesuffix("_total").rpartition("_")[2]
    return family.unit if family.unit in _UNITS else words if words in _UNITS else ""
