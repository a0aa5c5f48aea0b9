"""What a test expected and what came out, told apart: alert by alert, label by label, sample by sample.

Compares as promtool does: alerts as a set of labels with annotations, samples exactly, or but for the last bit.
Used by alerting.rule_test_run. Texts are untrusted; who prints escapes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from razorprof.model.labels import Labels
from razorprof.query.http_json import format_value

_MOST_PAIRED = 200
_MOST_LINES = 60
_LONGEST = 400
Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """An alert as tests compare it: empty values count."""

    labels: Texts
    annotations: Texts


def alert_differences(
    expected: Sequence[ToldAlert], got: Sequence[ToldAlert], notes: Mapping[Labels, str]
) -> list[str]:
    """Lines on what differs; none where nothing does. notes: on alerts that do not fire, by labels."""
    missing, extra = _without_equals(expected, got)
    lines: list[str] = []
    for one, other in _pairs(missing, extra):
        lines.append(f"differs: {label_text(other.labels)}")
        lines += _text_differences("label", one.labels, other.labels)
        lines += _text_differences("annotation", one.annotations, other.annotations)
    for one in missing:
        note = notes.get(Labels(one.labels), "")
        lines.append(f"expected, but does not fire: {label_text(one.labels)}" + (f" ({note})" if note else ""))
    for other in extra:
        lines.append(f"fires, but is not expected: {label_text(other.labels)}")
        lines += [f"  annotation {name}: {_quoted(text)}" for name, text in sorted(other.annotations.items())]
    return _bounded(lines)


def sample_differences(
    expected: Sequence[tuple[Labels, float]], got: Sequence[tuple[Labels, float]], *, is_fuzzy: bool
) -> list[str]:
    """Lines on what differs; none where nothing does."""
    found = dict(got)
    lines: list[str] = []
    seen: set[Labels] = set()
    for labels, value in expected:
        if labels in seen:
            lines.append(f"expected twice: {label_text(labels)}")
        elif labels not in found:
            lines.append(f"expected, but not there: {label_text(labels)} {format_value(value)}")
        elif not equal(value, found[labels], is_fuzzy=is_fuzzy):
            told = _value_difference(value, found[labels])
            lines.append(f"{label_text(labels)}: expected {format_value(value)}, got {told}")
        seen.add(labels)
    for labels, value in got:
        if labels not in seen:
            lines.append(f"there, but not expected: {label_text(labels)} {format_value(value)}")
    return _bounded(lines)


def equal(expected: float, got: float, *, is_fuzzy: bool) -> bool:
    """As promtool compares: exactly, and NaN equals nothing; fuzzy forgives the last bit."""
    if expected == got:
        return True
    return is_fuzzy and got in (math.nextafter(expected, -math.inf), math.nextafter(expected, math.inf))


def label_text(labels: Texts) -> str:
    """name{label="value"}, labels in their order."""
    name = labels.get("__name__", "")
    inside = ", ".join(f"{label}={_quoted(text)}" for label, text in sorted(labels.items()) if label != "__name__")
    return f"{name}{{{inside}}}"


def _without_equals(
    expected: Sequence[ToldAlert], got: Sequence[ToldAlert]
) -> tuple[list[ToldAlert], list[ToldAlert]]:
    """What is on one side only."""
    left: dict[str, list[ToldAlert]] = {}
    for other in got:
        left.setdefault(_key(other), []).append(other)
    missing = []
    for one in expected:
        same = left.get(_key(one))
        if same:
            same.pop()
        else:
            missing.append(one)
    return missing, [other for rest in left.values() for other in rest]


def _key(alert: ToldAlert) -> str:
    return json.dumps([sorted(alert.labels.items()), sorted(alert.annotations.items())])


def _pairs(missing: list[ToldAlert], extra: list[ToldAlert]) -> Iterator[tuple[ToldAlert, ToldAlert]]:
    """Those that are meant to be the same, the most alike first; they leave the lists."""
    if len(missing) * len(extra) > _MOST_PAIRED**2:
        return
    alike = sorted(
        ((_likeness(one, other), i, j) for i, one in enumerate(missing) for j, other in enumerate(extra)),
        key=lambda found: (-found[0], found[1], found[2]),
    )
    used: tuple[set[int], set[int]] = (set(), set())
    pairs = []
    for likeness, i, j in alike:
        if i not in used[0] and j not in used[1] and (likeness > 0 or len(missing) == len(extra) == 1):
            used[0].add(i)
            used[1].add(j)
            pairs.append((i, j))
    yield from ((missing[i], extra[j]) for i, j in sorted(pairs))
    missing[:] = [one for i, one in enumerate(missing) if i not in used[0]]
    extra[:] = [other for j, other in enumerate(extra) if j not in used[1]]


def _likeness(one: ToldAlert, other: ToldAlert) -> float:
    """Above 0 where at least half of the labels are the same, alertname not counted."""
    names = (one.labels.keys() | other.labels.keys()) - {"alertname"}
    same = sum(one.labels.get(name) == other.labels.get(name) for name in names)
    if 2 * same < len(names):
        return 0.0
    notes = sum(one.annotations.get(name) == text for name, text in other.annotations.items())
    return 1 + same + notes / 1000


def _text_differences(what: str, expected: Texts, got: Texts) -> Iterator[str]:
    for name in sorted(expected.keys() | got.keys()):
        one, other = expected.get(name), got.get(name)
        if one == other:
            continue
        if one is None:
            yield f"  {what} {name}: not expected, got {_quoted(other or '')}"
        elif other is None:
            yield f"  {what} {name}: expected {_quoted(one)}, got none"
        elif len(one) + len(other) < 60:
            yield f"  {what} {name}: expected {_quoted(one)}, got {_quoted(other)}"
        else:
            yield f"  {what} {name}:"
            yield f"    expected {_quoted(one)}"
            yield f"    got      {_quoted(other)}"
            yield f"    they part at character {_parting(one, other)}: {_around(one, other)}"


def _parting(one: str, other: str) -> int:
    """The number of the first character that differs, from 1."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False), 1) if a != b), min(len(one), len(other)) + 1
    )


def _around(one: str, other: str) -> str:
    at = _parting(one, other) - 1
    a, b = (_quoted(text[at : at + 20]) if text[at:] else "its end" for text in (one, other))
    return f"expected {a}, got {b}"


def _value_difference(expected: float, got: float) -> str:
    told = format_value(got)
    if math.isnan(expected) and math.isnan(got):
        return f"{told} (NaN equals nothing here, as in promtool; EXPR != EXPR finds it)"
    if equal(expected, got, is_fuzzy=True):
        return f"{told} (but for the last bit the same: fuzzy_compare: true forgives that)"
    if expected and math.isfinite(expected) and math.isfinite(got):
        return f"{told} (off by {(got - expected) / abs(expected):+.2g} of it)"
    return told


def _quoted(text: str) -> str:
    return json.dumps(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…", ensure_ascii=False)


def _bounded(lines: list[str]) -> list[str]:
    left = len(lines) - _MOST_LINES
    return lines if left <= 0 else [*lines[:_MOST_LINES], f"and {left} lines more"]
