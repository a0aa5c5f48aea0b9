"""Notices in values that JSON knows, for state files: there and back.

Used by alerting.notices and, for what has yet to be told, by session.notice_queue.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from razorprof.model.labels import Labels
from razorprof.model.notice import Notice


def as_document(notice: Notice) -> dict[str, object]:
    """The notice as plain values; its value is text, because it may be infinite or undefined."""
    return {
        "labels": dict(notice.labels),
        "annotations": dict(notice.annotations),
        "starts_at": notice.starts_at,
        "ends_at": notice.ends_at,
        "is_resolved": notice.is_resolved,
        "is_repeat": notice.is_repeat,
        "generator_url": notice.generator_url,
        "value": repr(notice.value),
    }


def from_document(document: Mapping[object, object]) -> Notice:
    """The notice of a document. Raises ValueError for one that as_document never made."""
    return Notice(
        labels=Labels(texts(document, "labels")),
        annotations=texts(document, "annotations"),
        starts_at=number(document, "starts_at"),
        ends_at=number(document, "ends_at"),
        is_resolved=flag(document, "is_resolved"),
        is_repeat=flag(document, "is_repeat"),
        generator_url=text(document, "generator_url"),
        value=float(text(document, "value")),
    )


def entries(document: object, name: str) -> list[Mapping[object, object]]:
    """The mappings in the list of this name; empty where there is no such list."""
    found = document.get(name) if isinstance(document, Mapping) else None
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []


def texts(document: Mapping[object, object], name: str) -> dict[str, str]:
    """A mapping of texts. Raises ValueError."""
    found = document.get(name)
    if not isinstance(found, Mapping):
        raise ValueError(f"no mapping: {name}")
    pairs = {key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, str)}
    if len(pairs) != len(found):
        raise ValueError(f"no mapping of texts: {name}")
    return pairs


def number(document: Mapping[object, object], name: str) -> float:
    """A finite number. Raises ValueError."""
    found = document.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise ValueError(f"no number: {name}")
    return float(found)


def flag(document: Mapping[object, object], name: str) -> bool:
    """Raises ValueError."""
    found = document.get(name)
    if not isinstance(found, bool):
        raise ValueError(f"neither true nor false: {name}")
    return found


def text(document: Mapping[object, object], name: str) -> str:
    """Raises ValueError."""
    found = document.get(name)
    if not isinstance(found, str):
        raise ValueError(f"no text: {name}")
    return found
