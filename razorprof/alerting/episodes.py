"""One firing of one alert, as it was told so far, and how that is kept over a restart. Held by alerting.notices.

An episode lasts from the firing of an alert to its resolution; the endpoints know it by its labels and its start.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from razorprof.alerting.notice_documents import flag, number, text, texts
from razorprof.model.alert import Alert, AlertState
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice


@dataclass(slots=True)
class Episode:
    """labels: external ones included; active_at: of the alert when last seen, which tells episodes apart; extra:
    annotations that are not the rule's; sent: when it was last told; ends_at: until when it counts as firing, or
    when it was over; interval: seconds between evaluations; is_unsure: not seen since a restart."""

    labels: Labels
    starts_at: float
    active_at: float
    annotations: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    ends_at: float = 0.0
    sent: float = 0.0
    interval: float = 0.0
    value: float = math.nan
    generator_url: str = ""
    told_firing: bool = False
    told_resolved: bool = False
    is_over: bool = False
    is_unsure: bool = False

    def is_of(self, alert: Alert) -> bool:
        """Whether the alert, which has these labels, is still in this episode."""
        if self.is_over:
            return alert.state is AlertState.INACTIVE and (self.is_unsure or alert.active_at == self.active_at)
        return self.is_unsure or alert.active_at == self.active_at or alert.active_at <= self.starts_at

    def notice(self, *, is_repeat: bool) -> Notice:
        """It, as of now."""
        return Notice(
            labels=self.labels,
            annotations={**self.annotations, **self.extra},
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            is_resolved=self.is_over,
            is_repeat=is_repeat,
            generator_url=self.generator_url,
            value=self.value,
        )


def as_document(episode: Episode) -> dict[str, object]:
    """The episode in values that JSON knows; its value is text, because it may be infinite or undefined."""
    return {
        "labels": dict(episode.labels),
        "annotations": dict(episode.annotations),
        "extra": dict(episode.extra),
        "starts_at": episode.starts_at,
        "active_at": episode.active_at,
        "ends_at": episode.ends_at,
        "sent": episode.sent,
        "interval": episode.interval,
        "value": repr(episode.value),
        "generator_url": episode.generator_url,
        "told_firing": episode.told_firing,
        "told_resolved": episode.told_resolved,
        "is_over": episode.is_over,
    }


def from_document(document: Mapping[object, object]) -> Episode:
    """The episode of a document. Raises ValueError for one that as_document never made."""
    return Episode(
        labels=Labels(texts(document, "labels")),
        annotations=texts(document, "annotations"),
        extra=texts(document, "extra"),
        starts_at=number(document, "starts_at"),
        active_at=number(document, "active_at"),
        ends_at=number(document, "ends_at"),
        sent=number(document, "sent"),
        interval=number(document, "interval"),
        value=float(text(document, "value")),
        generator_url=text(document, "generator_url"),
        told_firing=flag(document, "told_firing"),
        told_resolved=flag(document, "told_resolved"),
        is_over=flag(document, "is_over"),
        is_unsure=True,
    )
