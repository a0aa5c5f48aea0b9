"""An OpenMetrics text file as a FixedView: what `query --openmetrics` reads. Not for a target's /metrics page.

One pass over chunks of bounded size, 1 to 2 us a sample: the text before the value is a key, taken apart once for
each series, by prometheus_client's parser where it is not plain. That one's reader of whole files takes 20 times
as long, holds a family in memory and refuses families that come in two pieces, which Prometheus's own does not.
"""

from __future__ import annotations

import os
import re
import stat
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from razorprof.errors import ToolFailed
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, MetricKind
from razorprof.model.series import Floats, Series
from razorprof.store.fixed import FixedView

MOST_SAMPLES = 50_000_000
MOST_SERIES = 200_000
LONGEST_LINE = 64 * 1024
_MOST_METRICS = 50_000
_CHUNK = 1 << 20
_FARTHEST = 9e11  # seconds, as the query engine's
# A name or a label set or both; quoted text may hold anything but a bare quote or line end.
_SERIES = re.compile(rb'(?:[^\s{"#]+(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?|\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})(?= )')
_PLAIN_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="([^"\\]*)"')
_PLAIN_SERIES = re.compile(
    rf"([A-Za-z_:][A-Za-z0-9_:]*)(?:\{{((?:{_PLAIN_LABEL.pattern}(?:,(?!\}})|(?=\}})))*)\}})?"
)
_PLAIN = b"0123456789.+-eE"
_WORDS = re.compile(rb"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
_KINDS = {b"counter": MetricKind.COUNTER, b"gauge": MetricKind.GAUGE, b"histogram": MetricKind.HISTOGRAM}
Progress = Callable[[int, int], None]  # bytes read, bytes in all (0: not known)


@dataclass(frozen=True, slots=True, eq=False)
class OpenMetricsFile:
    """What was read. start, end: Unix seconds of the oldest and newest sample; the file's own time where it holds
    no sample. samples: how many."""

    view: FixedView
    start: float
    end: float
    samples: int


def read_openmetrics(
    path: Path, *, samples: int = MOST_SAMPLES, series: int = MOST_SERIES, progress: Progress | None = None
) -> OpenMetricsFile:
    """Read a file to its ``# EOF``. Samples have a time stamp each, or none has and they stand at the time when
    the file was written.

    Raises ToolFailed for a file that cannot be read, is damaged or truncated, or holds more than it may, and for
    samples of a series out of their order in time. 16 bytes a sample while it reads, 32 for a moment at the end.
    """
    try:
        # a pipe is not waited for
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ToolFailed(
                    "the file cannot be read: no regular file", value=path, hint="save it to one first"
                )
            reader = _Reader(samples, series)
            reader.read(file, status.st_size, progress or (lambda done, whole: None))
    except OSError as error:
        raise ToolFailed(f"the file cannot be read: {error.strerror or error}", value=path) from None
    return reader.result(round(status.st_mtime, 3))


@dataclass(slots=True)
class _Column:
    """The samples of one series, in the order of the file."""

    labels: Labels
    times: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))


class _Reader:
    """The state of one reading."""

    def __init__(self, most_samples: int, most_series: int) -> None:
        self._most_samples, self._most_series = most_samples, most_series
        self._by_text: dict[bytes, _Column] = {}
        self._by_labels: dict[Labels, _Column] = {}
        self._kinds: dict[bytes, MetricKind] = {}
        self._words: dict[tuple[str, bytes], str] = {}
        self._line = 0
        self._timed: bool | None = None
        self._ended = False
        self.samples = 0

    def read(self, file: BinaryIO, size: int, progress: Progress) -> None:
        done = 0
        for lines, length in _lines(file):
            if lines is None:
                self._line += 1
                raise self._damaged("a line is too long", b"")
            self._take(lines)
            if self.samples > self._most_samples:
                raise ToolFailed(
                    "the file holds too many samples",
                    value=f"more than {self._most_samples}",
                    hint="cut it into shorter times, or raise --max-samples",
                )
            done += length
            progress(done, size)
        if not self._ended:
            raise ToolFailed(
                "the file is truncated",
                value=f"no # EOF after line {self._line}",
                hint="OpenMetrics text ends with # EOF; a server gives it when asked: curl -H 'Accept: "
                "application/openmetrics-text' URL",
            )

    def result(self, written: float) -> OpenMetricsFile:
        start, end = float("inf"), float("-inf")
        found = []
        for column in self._by_labels.values():
            series = self._series(column, written)
            start, end = min(start, float(series.times[0])), max(end, float(series.times[-1]))
            found.append(series)
        self._by_text.clear()
        self._by_labels.clear()
        if not found:
            start = end = written
        return OpenMetricsFile(FixedView(found, self._metrics()), start, end, self.samples)

    def _take(self, lines: list[bytes]) -> None:
        by_text = self._by_text
        for line in lines:
            self._line += 1
            parts = line.rsplit(b" ", 2)
            # Only a text that was parsed before is in the dictionary: then what follows it are value and time.
            column = by_text.get(parts[0]) if len(parts) == 3 and not self._ended else None
            if column is None:
                self._other(line)
                continue
            _, value, stamp = parts
            if value.translate(None, _PLAIN) or stamp.translate(None, _PLAIN):
                column.values.append(self._number(value, line))
                column.times.append(self._time(stamp, line))
            else:
                try:
                    number, time = float(value), float(stamp)
                except ValueError:
                    raise self._damaged("no number", line) from None
                column.values.append(number)
                column.times.append(time)
            self.samples += 1

    def _other(self, line: bytes) -> None:
        """A line about a metric, the first of a series, or one that is not plain."""
        if self._ended:
            raise self._damaged("something follows # EOF", line)
        if line.startswith(b"#"):
            self._describe(line)
            return
        found = _SERIES.match(line)
        if found is None:
            raise self._damaged("not a sample", line)
        parts = line[found.end() + 1 :].split(b" # ", 1)[0].split(b" ")  # less the exemplar
        if len(parts) > 2:
            raise self._damaged("not a sample", line)
        timed = len(parts) == 2
        if self._timed is not None and self._timed is not timed:
            raise self._damaged("some samples have a time stamp and some have none", line)
        self._timed = timed
        column = self._column(found[0], line)
        if not timed and column.values:
            raise self._damaged("a series comes twice without time stamps", line)
        column.values.append(self._number(parts[0], line))
        column.times.append(self._time(parts[1], line) if timed else 0.0)
        self.samples += 1

    def _column(self, text: bytes, line: bytes) -> _Column:
        known = self._by_text.get(text)
        if known is not None:
            return known
        labels = _labels_of(text)
        if labels is None:
            raise self._damaged("not a name with labels", line)
        column = self._by_labels.setdefault(labels, _Column(labels))
        # The same labels may be written in many orders: as many texts are kept as there may be series.
        if len(self._by_labels) > self._most_series or len(self._by_text) >= 2 * self._most_series:
            raise ToolFailed("the file holds too many series", value=f"more than {self._most_series}")
        self._by_text[text] = column
        return column

    def _describe(self, line: bytes) -> None:
        """# TYPE, # UNIT, # HELP or # EOF."""
        if line == b"# EOF":
            self._ended = True
            return
        parts = line.split(b" ", 3)
        if len(parts) < 3 or parts[1] not in (b"TYPE", b"UNIT", b"HELP"):
            raise self._damaged("not a line of OpenMetrics", line)
        if len(self._kinds) + len(self._words) >= _MOST_METRICS:
            return
        said = parts[3] if len(parts) == 4 else b""
        if parts[1] == b"TYPE":
            if said in _KINDS:
                self._kinds[parts[2]] = _KINDS[said]
        else:
            self._words[parts[1].decode(), parts[2]] = said.decode("utf-8", "replace")

    def _metrics(self) -> Iterator[Metric]:
        for raw, kind in self._kinds.items():
            name = raw.decode("utf-8", "replace").strip('"')
            if kind is MetricKind.COUNTER:
                name += "_total"
            yield Metric(name, kind, self._words.get(("UNIT", raw), ""), self._words.get(("HELP", raw), ""))

    def _number(self, text: bytes, line: bytes) -> float:
        if text.translate(None, _PLAIN) and not _WORDS.fullmatch(text):  # 1_000 and 0x10 are Python's own
            raise self._damaged("no number", line)
        try:
            return float(text)
        except ValueError:
            raise self._damaged("no number", line) from None

    def _time(self, text: bytes, line: bytes) -> float:
        if text.translate(None, _PLAIN):
            raise self._damaged("no time stamp", line)
        return self._number(text, line)

    def _series(self, column: _Column, written: float) -> Series:
        if not self._timed:
            return Series(column.labels, np.array([written]), np.array(column.values, np.float64))
        times: Floats = np.frombuffer(column.times, np.float64)
        values: Floats = np.frombuffer(column.values, np.float64)
        if not (np.abs(times) < _FARTHEST).all():  # nor is NaN
            raise ToolFailed(
                "a time stamp is out of bounds", value=_said(column.labels), hint="they are in seconds"
            )
        times = np.trunc(times * 1000)  # toward zero, as Prometheus reads them
        gaps = times[1:] - times[:-1]
        if len(gaps) and (gaps <= 0).any():
            same = gaps == 0
            bits = values.view(np.uint64)
            if (gaps < 0).any() or (bits[1:][same] != bits[:-1][same]).any():
                wrong = int(np.flatnonzero(gaps <= 0)[0]) + 1
                what = "two values at one time" if gaps[wrong - 1] == 0 else "samples out of order in time"
                raise ToolFailed(
                    what,
                    value=f"{_said(column.labels)} at {times[wrong] / 1000:.3f}",
                    hint="each series' samples must come in the order of their time",
                )
            keep = np.concatenate(([True], ~same))
            times, values = times[keep], values[keep]
        return Series(column.labels, times / 1000, values)

    def _damaged(self, what: str, line: bytes) -> ToolFailed:
        shown = line[:120].decode("utf-8", "replace") + ("…" if len(line) > 120 else "")
        return ToolFailed(
            f"the file is damaged: {what}",
            value=f"line {self._line}: {shown}" if shown else f"line {self._line}",
            hint="OpenMetrics text is expected: NAME{LABELS} VALUE SECONDS, and # EOF at the end",
        )


def _lines(file: BinaryIO) -> Iterator[tuple[list[bytes] | None, int]]:
    """Lines and how many bytes they came from; None for a line that is too long."""
    rest = b""
    while chunk := file.read(_CHUNK):
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if len(rest) > LONGEST_LINE or max(map(len, lines), default=0) > LONGEST_LINE:
            yield None, len(chunk)
            return
        yield lines, len(chunk)
    if rest:
        yield [rest], 0


def _labels_of(text: bytes) -> Labels | None:
    """The labels that a series' text says, None where it is wrong.

    Plain ones are taken apart here, in a thirtieth of the time; what has escapes or quoted names goes to the
    client library's parser.
    """
    try:
        said = text.decode()
    except UnicodeDecodeError:
        return None
    found = _PLAIN_SERIES.fullmatch(said)
    if found is not None and "__name__" not in said:
        pairs = _PLAIN_LABEL.findall(found[2] or "")
        labels = dict(pairs)
        return Labels(labels, __name__=found[1]) if len(labels) == len(pairs) else None
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    try:
        (family,) = text_string_to_metric_families(said + " 0\n# EOF\n")  # type: ignore[no-untyped-call]
        (sample,) = family.samples
    except (ValueError, KeyError, IndexError):  # all that it raises for a bad text
        return None
    return Labels({**sample.labels, "__name__": sample.name})


def _said(labels: Labels) -> str:
    inside = ", ".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
    text = f"{labels.get('__name__', '')}{{{inside}}}"
    return text if len(text) <= 120 else text[:120] + "…"
