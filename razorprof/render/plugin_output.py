"""A verdict on rules in the form of the Monitoring Plugins (Nagios, Icinga and their kin).

One line `RAZORPROF CRITICAL - words | performance data`, then a line for each alert and for each rule of which
nothing can be said. Everything that comes from a target or a rule is escaped: no `|` but the one that begins the
performance data, no line but ours. After the guidelines on monitoring-plugins.org.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from razorprof.model.alert import AlertState
from razorprof.model.judgement import AlertFinding, Figure, Judgement, Mark, RuleFinding, Sight, Threshold
from razorprof.render import figures
from razorprof.render.text import printable

NAME = "RAZORPROF"
_MOST_IN_LINE = 3
_MOST_LINES = 50
_LONGEST_WORDS, _LONGEST_DATA = 500, 3000  # of the first line: what reads it cuts it at 4 KiB or later
_LONGEST_TEXT = 300
_NOT_TELLING = ("alertname", "severity", "__name__")
_LIMITS = {">": "~:{}", ">=": "~:{}", "<": "{}:", "<=": "{}:", "==": "@{0}:{0}", "!=": "{0}:{0}"}


def plugin_lines(judgement: Judgement) -> list[str]:
    """The output, line by line."""
    data = _performance(judgement.figures)
    words = _cut(_words(judgement), _LONGEST_WORDS)
    first = f"{NAME} {judgement.mark.name} - {words}" + (f" | {data}" if data else "")
    return [first, *_bounded(_details(judgement))]


def failure_line(words: str) -> str:
    """The output for what failed before there was a verdict."""
    return f"{NAME} {Mark.UNKNOWN.name} - {_cut(plain(words), _LONGEST_WORDS)}"


def plain(text: str) -> str:
    """Text that is no line, no control character and no beginning of performance data."""
    return printable(text).replace("|", "\\x7c")


def _words(judgement: Judgement) -> str:
    number = len(judgement.rules)
    rules = f"{number} rule{'s' * (number != 1)}"
    where = f" ({', '.join(map(plain, judgement.targets[:_MOST_IN_LINE]))})" if judgement.targets else ""
    named = [_named(judgement, mark) for mark in (Mark.CRITICAL, Mark.WARNING, Mark.UNKNOWN)]
    told = "; ".join(part for part in named if part)
    if told:
        return f"{told}; of {rules}{where}"
    pending = [one for one in judgement.alerts if one.alert.state is AlertState.PENDING]
    waits = f", {len(pending)} pending: {_names(pending)}" if pending else ""
    return f"{rules}, nothing fires{waits}{where}"


def _named(judgement: Judgement, mark: Mark) -> str:
    """How many of a mark, and which."""
    if mark is not Mark.UNKNOWN:
        alerts = [one for one in judgement.alerts if one.mark is mark]
        return f"{len(alerts)} {mark.name.lower()}: {_names(alerts)}" if alerts else ""
    reasons = [plain(problem) for problem in judgement.problems]
    reasons += [f"{plain(rule.key.name)}: {plain(rule.reason)}" for rule in judgement.rules if rule.mark is mark]
    shown = ", ".join(reasons[:_MOST_IN_LINE]) + (" ..." if len(reasons) > _MOST_IN_LINE else "")
    return f"{len(reasons)} unknown: {shown}" if reasons else ""


def _names(alerts: list[AlertFinding]) -> str:
    shown = [f"{plain(one.alert.name)} {_value(one)}" for one in alerts[:_MOST_IN_LINE]]
    return ", ".join(shown) + (" ..." if len(alerts) > _MOST_IN_LINE else "")


def _value(finding: AlertFinding) -> str:
    """An alert's value against its threshold, where there is one."""
    limit = finding.threshold
    return f"{finding.alert.value:.6g}" + (f" {limit.operator} {limit.limit:.6g}" if limit is not None else "")


def _details(judgement: Judgement) -> Iterator[str]:
    for finding in judgement.alerts:
        yield from _alert(finding, judgement.time)
    for rule in judgement.rules:
        if rule.mark is Mark.UNKNOWN:
            yield _rule(rule, judgement)
    for problem in judgement.problems:
        yield f"{Mark.UNKNOWN.name}: {_text(problem)}"


def _alert(finding: AlertFinding, now: float) -> Iterator[str]:
    alert = finding.alert
    state = alert.state.value
    lasted = figures.duration(max(0.0, now - finding.since))
    yield (
        f"{finding.mark.name} {plain(alert.name)}{_labels(alert.labels)}: {_value(finding)}, {state},"
        f" since {_moment(finding.since)} ({lasted})"
    )
    for name in ("summary", "description", "razorprof_capture"):
        if alert.annotations.get(name):
            yield f"  {name.removeprefix('razorprof_')}: {_text(alert.annotations[name])}"
    if finding.runbook:
        yield f"  runbook: {_text(finding.runbook)}"


def _rule(rule: RuleFinding, judgement: Judgement) -> str:
    seen = f" (on what was seen it is {rule.state})" if rule.state != "inactive" else ""
    return f"{rule.mark.name} {plain(rule.key.name)}: {_text(rule.reason)}{seen}{_remedy(rule, judgement)}"


def _remedy(rule: RuleFinding, judgement: Judgement) -> str:
    """What helps where a rule needs more samples."""
    if rule.needs is None:
        return ""
    needs, seen = math.ceil(rule.needs), judgement.seconds or 0.0
    match judgement.sight:
        case Sight.RECORDED:
            return f"; this recording is of {seen:.0f} s: record at least {needs} s, or check a running process"
        case Sight.ASKED:
            return f"; the watch began {seen:.0f} s ago: ask again in {max(1, math.ceil(rule.needs - seen))} s"
    if judgement.problems:  # it was cut short, and they say why: to watch for longer would not help
        return f"; it was watched for {seen:.0f} s"
    return f"; watch it for longer: --for {needs}s, or ask a watch: --from URL"


def _labels(labels: Mapping[str, str]) -> str:
    inside = [f'{name}="{plain(value)}"' for name, value in labels.items() if name not in _NOT_TELLING]
    return _cut("{" + ", ".join(inside) + "}", _LONGEST_TEXT) if inside else ""


def _performance(values: Iterable[Figure]) -> str:
    """Items that fit, each once: 'label'=value[unit];[warning];[critical]. Rules that differ in severity and limit
    only are one item, of the first one's name."""
    items: dict[str, str] = {}
    length = 0
    for first, *others in _alike(values):
        label = _label(first)
        if label in items:
            continue
        limits = {one.mark: _range(one.threshold) for one in (*reversed(others), first)}
        value = _number(first.value)
        unit = first.unit if value != "U" else ""
        warning, critical = limits.get(Mark.WARNING, ""), limits.get(Mark.CRITICAL, "")
        item = f"'{label}'={value}{unit};{warning};{critical}".rstrip(";")
        length += len(item) + 1
        if length > _LONGEST_DATA:
            break
        items[label] = item
    return " ".join(items.values())


def _alike(values: Iterable[Figure]) -> Iterable[list[Figure]]:
    """Figures of the same expression, or where that is not known of the same name, that are the same value."""
    found: dict[object, list[Figure]] = {}
    for one in values:
        what = ("expression", one.compared) if one.compared else ("name", one.rule)
        key = (*what, tuple(one.labels.items()), repr(one.value))
        known = found.setdefault(key, [])
        if one.mark in (other.mark for other in known):
            found[key, len(found)] = [one]  # another limit of the same severity: for itself
        else:
            known.append(one)
    return found.values()


def _label(figure: Figure) -> str:
    """What tells a value from the others. No equals sign may stand in it, and an apostrophe is doubled."""
    name = plain(figure.rule)
    if figure.labels:
        name += "{" + ",".join(f"{key}:{plain(value)}" for key, value in figure.labels.items()) + "}"
    return _cut(name, _LONGEST_TEXT // 3).replace("=", "_").replace("'", "''")


def _range(threshold: Threshold | None) -> str:
    """The values that are fine, as the plugins write ranges."""
    if threshold is None or not math.isfinite(threshold.limit):
        return ""
    return _LIMITS[threshold.operator].format(_number(threshold.limit))


def _number(value: float) -> str:
    """Without an exponent; U where there is no number."""
    if not math.isfinite(value):
        return "U"
    text = format(Decimal(f"{value:.12g}"), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(text: str) -> str:
    return _cut(plain(text), _LONGEST_TEXT)


def _moment(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{time:.0f}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _bounded(lines: Iterator[str]) -> list[str]:
    found = list(lines)
    if len(found) <= _MOST_LINES:
        return found
    return [*found[:_MOST_LINES], f"... and {len(found) - _MOST_LINES} lines more: --json has all"]
