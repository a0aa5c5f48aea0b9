"""What options of `watch` mean: who is told, external labels, the interval of evaluation. Called by cli.watch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from razorprof.errors import UsageError
from razorprof.units import parse_duration, parse_size

_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_PAIR = re.compile(r"((?:[^,\\]|\\.)*)(,|$)", re.DOTALL)
_OPTION = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_SHORTEST, _LONGEST = 0.1, 86400.0
_SMALLEST_RING = 256 << 10
_NOTIFY_HINT = (
    r"write NAME:key=value,key=value; a comma or backslash in a value is written \, or \\; see: razorprof plugins"
)

Wanted = tuple[str, Mapping[str, str]]


def wanted_routes(alertmanagers: Sequence[str], webhooks: Sequence[str], others: Sequence[str]) -> list[Wanted]:
    """(notifier's name, its options) of all who are to be told. Raises UsageError."""
    routes: list[Wanted] = [("alertmanager", {"url": url}) for url in alertmanagers]
    routes += [("webhook", {"url": url}) for url in webhooks]
    return routes + [parse_notify(text) for text in others]


def parse_notify(text: str) -> Wanted:
    """The value of --notify: NAME or NAME:key=value,key=value. Raises UsageError."""
    name, colon, rest = text.partition(":")
    if not name or (colon and not rest):
        raise UsageError("--notify: no notifier that can be meant", value=text, hint=_NOTIFY_HINT)
    options: dict[str, str] = {}
    for pair in _pairs(rest):
        key, equals, value = pair.partition("=")
        if not equals or not _OPTION.fullmatch(key) or key in options:
            raise UsageError("--notify: no option that can be meant", value=pair, hint=_NOTIFY_HINT)
        options[key] = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
    return name, options


def parse_external_labels(texts: Sequence[str]) -> dict[str, str]:
    """The values of --external-label, NAME=VALUE each. Raises UsageError."""
    labels: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value or not _LABEL.fullmatch(name) or name == "alertname" or name in labels:
            hint = "write NAME=VALUE, as in cluster=eu; each name once, and alertname is taken"
            raise UsageError("no external label", value=text, hint=hint)
        labels[name] = value
    return labels


def parse_evaluation_interval(text: str) -> float:
    """Seconds. Raises UsageError."""
    seconds = parse_duration(text)
    if not _SHORTEST <= seconds <= _LONGEST:
        hint = f"between {_SHORTEST:g} s and a day"
        raise UsageError("the evaluation interval is out of range", value=text, hint=hint)
    return seconds


def parse_ring(last: str, max_bytes: str, interval: float) -> tuple[float, int]:
    """The values of --last and --max-bytes: seconds (0: nothing is recorded) and bytes. Raises UsageError."""
    seconds, size = parse_duration(last), parse_size(max_bytes)
    if seconds and not 10 * interval <= seconds <= _LONGEST:
        hint = f"0, or between {10 * interval:g} s and a day"
        raise UsageError("--last is out of range", value=last, hint=hint)
    if size < _SMALLEST_RING:
        raise UsageError("--max-bytes is too small", value=max_bytes, hint=f"at least {_SMALLEST_RING >> 10}KiB")
    return seconds, size


def _pairs(text: str) -> list[str]:
    """Parts between commas that are not escaped."""
    found, place = [], 0
    while place < len(text):
        match = _PAIR.match(text, place)
        if match is None or (not match[2] and match.end() < len(text)):
            raise UsageError("--notify: a backslash stands at the end", value=text, hint=_NOTIFY_HINT)
        found.append(match[1])
        place = match.end()
    return found
