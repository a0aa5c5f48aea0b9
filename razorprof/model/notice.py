"""What a notifier is given: alerts as Alertmanager's API takes them. Pending ones are never told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from razorprof.model.labels import Labels


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert, to be told. labels: external ones included; starts_at: since when it fires; ends_at: when it was
    resolved, or until when it counts as firing if nothing more is heard, Unix seconds; is_repeat: it was told
    before, in the same state (Alertmanager wants that, people do not)."""

    labels: Labels
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: float = 0.0
    ends_at: float = 0.0
    is_resolved: bool = False
    is_repeat: bool = False
    generator_url: str = ""
    value: float = 0.0
