"""One capture on its way: what was asked for, what became of each step, and the document that tells it.

Made by session.alert_captures when an alert fires, carried out by session.capture_steps in the captures' thread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from razorprof import __version__
from razorprof.alerting.capture_rules import Action, CaptureRule
from razorprof.model.alert import Alert, CaptureNote
from razorprof.model.labels import NO_LABELS, Labels
from razorprof.model.target import Target
from razorprof.session.capture_folder import CaptureFolder
from razorprof.session.ring import Before

VERSION = 1
_LONGEST_TEXT, _MOST_TEXTS = 4096, 64


@dataclass(slots=True)
class Step:
    """One action. state: waiting, running, done, failed or skipped; reason: why; notes: what a reader of its files
    has to know; files: names and sizes; started: Unix seconds."""

    action: Action
    state: str = "waiting"
    reason: str = ""
    started: float | None = None
    seconds: float | None = None
    files: list[tuple[str, int]] = field(default_factory=list)
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class CaptureJob:
    """alert: None where a person asked for it; before: what was seen until then; state: waiting, running, done,
    partial, failed or skipped (nothing of it was begun)."""

    rule: CaptureRule
    alert: Alert | None
    target: Target | None
    seat: str
    folder: CaptureFolder
    ordered: float
    before: Before | None = None
    steps: list[Step] = field(default_factory=list)
    state: str = "waiting"
    started: float | None = None
    ended: float | None = None

    @property
    def alert_name(self) -> str:
        return self.alert.name if self.alert is not None else ""

    @property
    def labels(self) -> Labels:
        return self.alert.labels if self.alert is not None else NO_LABELS

    def is_of(self, rule: CaptureRule, alert: Alert | None, target: Target | None) -> bool:
        """Whether it is the same capture of the same target (of the same alert, where there is no target)."""
        if self.rule.name != rule.name:
            return False
        if self.target is None or target is None:
            return self.target is target and alert is not None and self.labels == alert.labels
        return self.target.identity == target.identity

    def settle(self) -> None:
        """The state of the whole, once no step is left."""
        done = sum(step.state == "done" for step in self.steps)
        begun = any(step.state in ("done", "failed") for step in self.steps)
        if done == len(self.steps):
            self.state = "done"
        elif done:
            self.state = "partial"
        else:
            self.state = "failed" if begun else "skipped"

    def note(self) -> CaptureNote:
        """As screens show it."""
        troubles = [f"{step.action.name}: {step.reason}" for step in self.steps if step.reason]
        state = "running" if self.state == "waiting" else self.state
        return CaptureNote(
            self.rule.name,
            self.alert_name,
            self.ordered,
            None if self.target is None else self.target.pid,
            str(self.folder.path),
            state,
            "; ".join(troubles)[:_LONGEST_TEXT],
        )

    def document(self) -> dict[str, Any]:
        """capture.json."""
        target, before = self.target, self.before
        return {
            "razorprof_capture": VERSION,
            "program": f"razorprof {__version__}",
            "capture": self.rule.name,
            "state": self.state,
            "ordered": self.ordered,
            "started": self.started,
            "ended": self.ended,
            "alert": None if self.alert is None else alert_document(self.alert),
            "target": None
            if target is None
            else {
                "pid": target.pid,
                "start_ticks": target.identity.start_ticks,
                "start_time": target.started,
                "name": target.name,
                "job": target.job,
                "selector": target.selector,
                "seat": self.seat,
            },
            "before_seconds": None
            if before is None or not before.batches
            else before.time - before.batches[0].report.start,
            "actions": [_step(step) for step in self.steps],
        }


def alert_document(alert: Alert) -> dict[str, Any]:
    """An alert in plain values, bounded."""
    return {
        "rule": {"file": alert.rule.file, "group": alert.rule.group, "name": alert.rule.name},
        "labels": _texts(alert.labels),
        "annotations": _texts(alert.annotations),
        "state": alert.state.value,
        "value": alert.value if math.isfinite(alert.value) else str(alert.value),
        "active_at": alert.active_at,
        "fired_at": alert.fired_at,
        "resolved_at": alert.resolved_at,
    }


def steps_of(actions: Sequence[Action]) -> list[Step]:
    """A step for each action, in order."""
    return [Step(action) for action in actions]


def _step(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.name,
        "options": asdict(step.action),
        "state": step.state,
        "reason": step.reason or None,
        "started": step.started,
        "seconds": step.seconds,
        "notes": list(step.notes),
        "files": [{"path": name, "bytes": size} for name, size in step.files],
    }


def _texts(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: texts[name][:_LONGEST_TEXT] for name in list(texts)[:_MOST_TEXTS]}
