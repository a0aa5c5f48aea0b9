"""Notices as Alertmanager writes alerts: labels that it takes, times, fingerprints, and its webhook's payload.

Used by the built-in notifiers. Checked field by field against a real Alertmanager.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from razorprof.model.notice import Notice

VERSION = "4"
NEVER = "0001-01-01T00:00:00Z"  # Go's zero time: what ends nobody knows when
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NO_NAME = re.compile(r"[^A-Za-z0-9_]", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799.0  # the last second of year 9999
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
            "\v": "\\v"}  # fmt: skip


def clean(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels or annotations as every Alertmanager takes them, by name. In a name that it would refuse, what is
    neither a letter, a digit nor _ becomes _; where another one has that name already, that one is kept. What is
    no UTF-8 becomes a question mark; empty ones are left out."""
    found = {name: _text(value) for name, value in labels.items() if value and _NAME.fullmatch(name)}
    for name, value in labels.items():
        if value and not _NAME.fullmatch(name):
            made = _NO_NAME.sub("_", name)
            found.setdefault(f"_{made}" if not made or made[0].isdigit() else made, _text(value))
    return dict(sorted(found.items()))


def timestamp(time: float) -> str:
    """RFC 3339 in UTC, to the millisecond, without zeros at the end, as Go writes it."""
    moment = _EPOCH + timedelta(milliseconds=round(max(0.0, min(time, _LATEST)) * 1000))
    fraction = f"{moment.microsecond // 1000:03d}".rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{'.' if fraction else ''}{fraction}Z"


def fingerprint(labels: Mapping[str, str]) -> str:
    """Alertmanager's name for a label set: FNV-1a, 64 bits, of names and values, each with a byte 0xff behind it
    (prometheus/common: model/signature.go)."""
    found = 0xCBF29CE484222325
    for name, value in sorted(labels.items(), key=lambda pair: pair[0].encode()):
        for byte in b"%b\xff%b\xff" % (name.encode(), value.encode()):
            found = ((found ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{found:016x}"


def webhook_payload(
    notices: Sequence[Notice], group: Mapping[str, str], receiver: str, url: str
) -> dict[str, Any]:
    """The payload of Alertmanager's webhook, for the alerts of one group. group: the labels that make it; url: of
    who sends it, for people, may be empty."""
    alerts = [_alert(notice) for notice in notices]
    return {
        "receiver": receiver,
        "status": "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved",
        "alerts": alerts,
        "groupLabels": dict(group),
        "commonLabels": _common(alert["labels"] for alert in alerts),
        "commonAnnotations": _common(alert["annotations"] for alert in alerts),
        "externalURL": url,
        "version": VERSION,
        "groupKey": "{}:" + _label_set(group),
        "truncatedAlerts": 0,
    }


def _alert(notice: Notice) -> dict[str, Any]:
    labels = clean(notice.labels)
    return {
        "status": "resolved" if notice.is_resolved else "firing",
        "labels": labels,
        "annotations": clean(notice.annotations),
        "startsAt": timestamp(notice.starts_at),
        "endsAt": timestamp(notice.ends_at) if notice.is_resolved else NEVER,
        "generatorURL": notice.generator_url,
        "fingerprint": fingerprint(labels),
    }


def _common(all_labels: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What all have in common."""
    first, *others = all_labels
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _label_set(labels: Mapping[str, str]) -> str:
    """As Go's model.LabelSet is written."""
    return "{" + ", ".join(sorted(f"{name}={_quoted(value)}" for name, value in labels.items())) + "}"


def _quoted(text: str) -> str:
    """As Go's %q writes a string."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character == " " or unicodedata.category(character)[0] in "LMNPS":
        return character
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode()
