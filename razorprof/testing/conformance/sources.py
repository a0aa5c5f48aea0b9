"""Checks of a source and its readers: declared metrics, what reads give, time, endings."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from itertools import islice
from typing import Any

from razorprof.errors import RazorprofError
from razorprof.model.frame import StackSample
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, MetricKind, Sample
from razorprof.model.scrape import Structure
from razorprof.model.target import Target
from razorprof.plugin.border import misfit, source_misfit
from razorprof.plugin.protocols import Reader, Source, SourceOptions
from razorprof.testing.conformance.findings import Finding, Notes, called
from razorprof.testing.conformance.programs import end, python_program, target_of

LONGEST_READ = 5.0  # seconds, as in a session
MOST_READINGS = 200_000
OURS = frozenset({"job", "instance", "pid", "runtime", "__name__"})
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_UNITS = ("seconds", "bytes", "ratio")
_PARTS = ("_bucket", "_sum", "_count")
Key = tuple[str, Labels]


def check_source(
    source: Source,
    *,
    target: Target | None = None,
    options: SourceOptions | None = None,
    reads: int = 3,
    pause: float = 0.1,
    limit: float = LONGEST_READ,
    may_refuse: bool = False,
) -> list[Finding]:
    """What a source does not keep to. target: what it is opened on; None: a Python program that sleeps, which is
    ended in the end to see that the reader notices. reads, pause: how often and at which distance it is read;
    limit: seconds for each call; may_refuse: an error with a remedy is an answer (a tool is not installed)."""
    notes = Notes(source)
    notes.name(source)
    wrong = called(lambda: source_misfit(source), limit)
    if wrong.wrong or wrong.value:
        notes.add("shape", wrong.wrong or str(wrong.value))
        return notes.found
    for metric in source.metrics:
        _declared(metric, notes)
    with ExitStack() as stack:
        program = None
        if target is None:
            program = stack.enter_context(python_program())
            target = target_of(program.pid)
        reader = _open(source, target, options or SourceOptions(), limit, may_refuse, notes)
        if reader is None:
            return notes.found
        alive = _read_all(source, reader, reads, pause, limit, may_refuse, notes)
        if alive and program is not None:
            end(program)
            _read_the_gone(reader, limit, notes)
        _close(reader, limit, notes)
    return notes.found


def _declared(metric: Metric, notes: Notes) -> None:
    name = metric.name
    if not _NAME.fullmatch(name):
        notes.add("metric_name", f"{name!r} is no name for a metric")
    if (metric.kind is MetricKind.COUNTER) is not name.endswith("_total"):
        notes.add("metric_name", f"{name} is a {metric.kind.value}: counters end in _total, and nothing else does")
    if metric.unit and metric.unit not in _UNITS:
        notes.add("metric_unit", f"{name} has the unit {metric.unit!r}, which is none of {', '.join(_UNITS)}")
    said = name.removesuffix("_total").rpartition("_")[2]
    if said in _UNITS and said != metric.unit:
        notes.add("metric_unit", f"{name} is declared in {metric.unit!r}, and its name says {said}")
    if not metric.help.strip():
        notes.add("metric_help", f"{name} says nothing of itself")
    for label in metric.labels:
        if not _LABEL.fullmatch(label) or label in OURS:
            notes.add("label_name", f"{name} declares the label {label!r}, which is not its own to give")


def _open(
    source: Source, target: Target, options: SourceOptions, limit: float, may_refuse: bool, notes: Notes
) -> Reader | None:
    """An open reader; another one was closed before it was ever read."""
    for last in (False, True):
        opened = called(lambda: source.open(target, options), limit)
        if opened.wrong:
            notes.add("open", f"open {opened.wrong}")
            return None
        if opened.refused is not None:
            if not may_refuse:
                notes.add("open", f"open refused: {opened.refused}")
            return None
        reader = opened.value
        if reader is None or not callable(getattr(reader, "read", None)) or not callable(_close_of(reader)):
            notes.add("open", f"open gave {type(reader).__name__}, which is no reader")
            return None
        if last:
            return reader
        closed = called(reader.close, limit)
        if closed.wrong or closed.refused:
            notes.add("close", f"close before the first read {closed.wrong or closed.refused}")
    return None


def _close_of(reader: object) -> object:
    return getattr(reader, "close", None)


def _read_all(
    source: Source, reader: Reader, reads: int, pause: float, limit: float, may_refuse: bool, notes: Notes
) -> bool:
    """Whether the reader answers."""
    before: dict[Key, float] = {}
    for number in range(reads):
        if number:
            time.sleep(pause)
        done = called(lambda: list(islice(reader.read(), MOST_READINGS + 1)), limit)
        if done.wrong:
            notes.add("hang" if "did not return" in done.wrong else "read", f"read {done.wrong}")
            return False
        if done.refused is not None:
            if not may_refuse:
                notes.add("read", f"read refused: {done.refused}")
            return False
        readings: list[Any] = done.value or []
        if len(readings) > MOST_READINGS:
            notes.add("read", f"a read gave more than {MOST_READINGS} readings")
            return False
        before = _judge(source, readings, before, notes)
        _extras(reader, notes)
    return True


def _extras(reader: Reader, notes: Notes) -> None:
    wrong = misfit(getattr(reader, "reasons", {}), Mapping[str, str], "reasons")
    wrong = wrong or misfit(getattr(reader, "rest", 0.0), float, "rest")
    if wrong:
        notes.add("type", wrong)


def _judge(source: Source, readings: Iterable[Any], before: Mapping[Key, float], notes: Notes) -> dict[Key, float]:
    """The values of this read; what is wrong with it goes to notes."""
    declared = {metric.name: metric for metric in source.metrics}
    values: dict[Key, float] = {}
    for reading in readings:
        if not isinstance(reading, Sample | StackSample | Structure):
            notes.add("type", f"a read gave {type(reading).__name__}, which is no reading")
            continue
        wrong = misfit(reading, type(reading))
        if wrong:
            notes.add("type", wrong)
        elif isinstance(reading, Sample):
            _sample(reading, declared, bool(getattr(source, "open_ended", False)), notes)
            key = (reading.name, reading.labels)
            if key in values:
                notes.add("duplicate", f"{reading.name}{dict(reading.labels)} stands twice in one read")
            values[key] = float(reading.value)
            counts = reading.metric.kind is MetricKind.COUNTER or reading.suffix in ("_count", "_bucket")
            if counts and values[key] < before.get(key, -math.inf):
                notes.add("counter_fell", f"{reading.name} fell from {before[key]:g} to {values[key]:g}")
    _histograms(values, declared, notes)
    return values


def _sample(sample: Sample, declared: Mapping[str, Metric], open_ended: bool, notes: Notes) -> None:
    metric = sample.metric
    known = declared.get(metric.name)
    if known is None:
        if not open_ended:
            notes.add("undeclared", f"{metric.name} is given and not declared")
        return
    if metric.kind is not known.kind:
        notes.add("kind", f"{metric.name} is declared as {known.kind.value} and given as {metric.kind.value}")
    if metric.unit != known.unit:
        notes.add("unit", f"{metric.name} is declared in {known.unit!r} and given in {metric.unit!r}")
    is_part = sample.suffix in _PARTS
    if is_part is not (metric.kind is MetricKind.HISTOGRAM):
        notes.add("suffix", f"{metric.name} is a {metric.kind.value} and has the suffix {sample.suffix!r}")
    own = set(sample.labels) - ({"le"} if sample.suffix == "_bucket" else set())
    if own - set(known.labels):
        notes.add("label", f"{metric.name} has the label {sorted(own - set(known.labels))[0]!r}, undeclared")
    if metric.kind is MetricKind.COUNTER and not (math.isfinite(sample.value) and sample.value >= 0):
        notes.add("value", f"{metric.name} is a counter of {sample.value:g}")


def _histograms(values: Mapping[Key, float], declared: Mapping[str, Metric], notes: Notes) -> None:
    for name, metric in declared.items():
        if metric.kind is not MetricKind.HISTOGRAM:
            continue
        families: dict[Labels, list[tuple[float, float]]] = {}
        for (series, labels), value in values.items():
            if series == f"{name}_bucket":
                bound = math.inf if labels.get("le") == "+Inf" else float(labels.get("le", "nan"))
                families.setdefault(labels.without("le"), []).append((bound, value))
        for labels, buckets in families.items():
            counts = [count for _, count in sorted(buckets)]
            if counts != sorted(counts):
                notes.add("histogram", f"the buckets of {name} are not cumulative")
            if not any(math.isinf(bound) for bound, _ in buckets):
                notes.add("histogram", f"{name} has no bucket +Inf")
            elif values.get((f"{name}_count", labels)) != counts[-1]:
                notes.add("histogram", f"the bucket +Inf of {name} is not its _count")


def _read_the_gone(reader: Reader, limit: float, notes: Notes) -> None:
    """A process that ended has no figures any more; whose pid it was may be another one by now."""
    done = called(lambda: list(islice(reader.read(), MOST_READINGS)), limit)
    if done.wrong:
        notes.add("gone", f"the read after the target's end {done.wrong}")
    elif any(isinstance(reading, Sample) for reading in done.value or []):
        notes.add("gone", "figures of a process that has ended: raise TargetGone")


def _close(reader: Reader, limit: float, notes: Notes) -> None:
    for times in ("close", "a second close"):
        done = called(reader.close, limit)
        if done.wrong or isinstance(done.refused, RazorprofError | OSError):
            notes.add("close", f"{times} {done.wrong or f'raised {done.refused}'}")
