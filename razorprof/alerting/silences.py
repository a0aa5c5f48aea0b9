"""Silence files: which alerts nobody is told of, and when. Text -> values, with every problem and its line.

    version: 1
    silences:
      - comment: the database moves                 # why; has to be there
        matchers: ['alertname=~"Worker.*"', 'job="shop"']
        starts: 2026-12-01T22:00:00Z                # RFC 3339; without it: since ever
        ends: 2026-12-02T02:00:00+01:00             # has to be there where nothing recurs
      - comment: the nightly batch
        matchers: ['severity="ticket"']
        time_intervals:                             # as in Alertmanager's configuration
          - times: [{start_time: '22:00', end_time: '24:00'}, {start_time: '00:00', end_time: '06:00'}]
            weekdays: ['monday:friday']
            location: Europe/Berlin                 # without it: UTC

A silence covers alerts that all of its matchers fit, between its start and its end and, where it recurs, within
one of its intervals. Such alerts are evaluated and shown, but not told, and nothing is captured of them. `watch`
calls read_silences; session.alert_desk asks `hides` at each tick.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from razorprof.alerting.action_fields import Options, items_of, options_of
from razorprof.alerting.matchers import LabelMatcher, all_match
from razorprof.alerting.own_files import check_version, examine, matchers_of, read_trusted
from razorprof.alerting.problem import Problem, refuse
from razorprof.alerting.silence_intervals import read_interval
from razorprof.alerting.time_intervals import TimeInterval
from razorprof.alerting.yaml_fields import Problems, kind_of
from razorprof.alerting.yaml_tree import Mapping as YamlMapping
from razorprof.alerting.yaml_tree import Node, Scalar

VERSION = 1
MOST_SILENCES, MOST_INTERVALS = 1000, 64
_KNOWN = ("comment", "matchers", "starts", "ends", "time_intervals")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Silence:
    """comment: why it is there, untrusted; starts, ends: Unix seconds, infinite where not given; intervals: where
    there are any, it covers their times only; line: where it stands."""

    comment: str
    matchers: tuple[LabelMatcher, ...]
    starts: float = -math.inf
    ends: float = math.inf
    intervals: tuple[TimeInterval, ...] = ()
    line: int = 0

    def is_active(self, time: float) -> bool:
        """Whether it is in force at a moment, Unix seconds."""
        if not self.starts <= time < self.ends:
            return False
        return not self.intervals or any(interval.contains(time) for interval in self.intervals)


class Silences:
    """All silences of a file. Keeps which of them are in force at the moment that was asked for last: for one
    thread."""

    def __init__(self, silences: tuple[Silence, ...] = (), path: str = "") -> None:
        self.path = path
        self.all = silences
        self._time = math.nan
        self._active: tuple[Silence, ...] = ()

    def active(self, time: float) -> tuple[Silence, ...]:
        """Those in force at a moment, Unix seconds."""
        if time != self._time:
            self._active = tuple(silence for silence in self.all if silence.is_active(time))
            self._time = time
        return self._active

    def find(self, labels: Mapping[str, str], time: float) -> Silence | None:
        """The first one that covers an alert with these labels then, external ones included."""
        return next((silence for silence in self.active(time) if all_match(silence.matchers, labels)), None)

    def hides(self, labels: Mapping[str, str], time: float) -> bool:
        """Whether one covers such an alert then."""
        return self.find(labels, time) is not None


def read_silences(path: str | Path) -> Silences:
    """The silences of a file. Raises UsageError, with FILE:LINE in its value, for one that cannot be read, that
    others may write, or that is not as it has to be."""
    found, problems = examine_silences(read_trusted(path, "silences file"), path)
    refuse(problems, path, "silences file")
    return found


def examine_silences(content: str | bytes, path: str | Path) -> tuple[Silences, list[Problem]]:
    """What a content holds, and all that is wrong with it, in the order of its lines. Never raises for what it
    holds."""
    nothing: tuple[Silence, ...] = ()
    silences, problems = examine(content, _file, nothing)
    return Silences(silences, str(path)), problems


def _file(root: Node, problems: Problems) -> tuple[Silence, ...]:
    if not isinstance(root, YamlMapping):
        problems.add(root, f"a silences file is a mapping, not {kind_of(root)}")
        return ()
    options = options_of(root, "a silences file", ("version", "silences"), problems)
    check_version(options, VERSION)
    items = items_of(options.required("silences"), "silences", MOST_SILENCES, problems)
    return tuple(silence for item in items if (silence := _silence(item, problems)) is not None)


def _silence(node: Node, problems: Problems) -> Silence | None:
    if not isinstance(node, YamlMapping):
        problems.add(node, f"a silence is a mapping, not {kind_of(node)}")
        return None
    options = options_of(node, "a silence", _KNOWN, problems)
    comment = options.text("comment", "") if options.required("comment") is not None else ""
    if comment and not comment.strip():
        problems.add(options.line_of("comment"), "the comment says nothing", "say why, and who knows more")
    starts, ends = _moment(options, "starts", -math.inf), _moment(options, "ends", math.inf)
    if starts >= ends:
        problems.add(options.line_of("ends"), "the silence ends before it starts")
    intervals = options.node("time_intervals")
    if intervals is None and "ends" not in options and "time_intervals" not in options:
        problems.add(node, "a silence has no end", "add ends: or time_intervals:")
    items = items_of(intervals, "time_intervals", MOST_INTERVALS, problems)
    return Silence(
        comment,
        _matchers(options),
        starts,
        ends,
        tuple(interval for item in items if (interval := read_interval(item, problems)) is not None),
        node.line,
    )


def _matchers(options: Options) -> tuple[LabelMatcher, ...]:
    found = matchers_of(options)
    if found and all(matcher.matches({}) for matcher in found):
        options.problems.add(
            options.line_of("matchers"), "the matchers fit every alert", "one of them has to want a label"
        )
    return found


def _moment(options: Options, name: str, default: float) -> float:
    node = options.node(name)
    if node is None:
        return default
    hint = "write RFC 3339: 2026-12-01T22:00:00Z or 2026-12-01T22:00:00+01:00"
    if isinstance(node, Scalar) and _MOMENT.fullmatch(node.text):
        try:
            return datetime.fromisoformat(node.text.upper()).timestamp()
        except (ValueError, OverflowError):
            pass
    options.problems.add(node, f"{name} is no moment: {kind_of(node)}", hint)
    return default
