"""What alerting remembers over a restart, as a JSON document, and the thread that writes it beside the evaluation.

A document is made in the session's thread, out of immutable values, when something changed (at most once a
second) and now and then while alerts are active, so that the time of the last evaluation is known. It is written
by a thread of its own, so that a slow or full disk never delays a tick. Called by session.alert_desk and watch.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from razorprof.model.alert import Alert, AlertState, RuleKey
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, counter, gauge
from razorprof.session.state_folder import StateFolder

logger = logging.getLogger(__name__)

VERSION = 1
LEAST_SECONDS = 1.0  # between two writes for what changed
CALM_SECONDS = 15.0  # between two writes while alerts are active and nothing changes
_MOST_ALERTS = 100_000

WRITTEN = gauge(
    "razorprof_alert_state_last_write_timestamp_seconds", "seconds", "When the state of alerts was last written."
)
FAILED = counter("razorprof_alert_state_write_failures_total", "", "Writes of the state of alerts that failed.")
METRICS = (WRITTEN, FAILED)


@dataclass(frozen=True, slots=True)
class Remembered:
    """time: when, Unix seconds; alerts: the evaluator's; told, owed: the own documents of alerting.notices and of
    session.dispatch; folders: where the captures of alerts lie, by their labels."""

    time: float
    alerts: tuple[Alert, ...] = ()
    told: object = None
    owed: object = None
    folders: Mapping[Labels, str] = field(default_factory=dict)


class StateKeeper:
    """Writes into a folder. `keep` and `samples` in the session's thread."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._latest: Remembered | None = None
        self._ready = threading.Condition()
        self._ending = False
        self._thread: threading.Thread | None = None
        self._asked = -math.inf
        self._trouble = ""
        self._failures = 0
        self._written: float | None = None

    def read(self) -> Remembered | None:
        """What was kept before; None where there is nothing, or nothing that can be used."""
        document = self._folder.read()
        if document is None:
            return None
        try:
            return parse_remembered(document)
        except ValueError as error:
            self._folder.set_aside(str(error))
            return None

    def start(self) -> None:
        """Write from now on."""
        self._thread = threading.Thread(target=self._run, name="alert-state", daemon=True)
        self._thread.start()

    def is_due(self, time: float, *, changed: bool, active: bool) -> bool:
        """Whether there should be a document at this tick. changed: since the last one; active: alerts are."""
        waited = time - self._asked
        return (changed and waited >= LEAST_SECONDS) or (active and waited >= CALM_SECONDS)

    def keep(self, remembered: Remembered) -> None:
        """Have it written soon; what was not written yet is replaced."""
        self._asked = remembered.time
        with self._ready:
            self._latest = remembered
            self._ready.notify()

    def stop(self, last: Remembered | None, seconds: float) -> None:
        """Write the last one, in at most so many seconds, and end."""
        with self._ready:
            self._latest = last or self._latest
            self._ending = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join(seconds)
            if self._thread.is_alive():
                logger.warning("the state of alerts could not be written within %g s", seconds)

    def samples(self) -> Iterator[Sample]:
        """How the writing fares."""
        yield Sample(FAILED, float(self._failures))
        if self._written is not None:
            yield Sample(WRITTEN, self._written)

    def _run(self) -> None:
        while True:
            with self._ready:
                while self._latest is None and not self._ending:
                    self._ready.wait()
                latest, self._latest = self._latest, None
            if latest is None:
                return
            self._write(latest)

    def _write(self, latest: Remembered) -> None:
        trouble = self._folder.write(as_document(latest))
        if trouble:
            self._failures += 1
        else:
            self._written = latest.time
        if trouble != self._trouble:
            logger.warning(
                "%s", f"the state of alerts cannot be kept: {trouble}" if trouble else "the state is kept again"
            )
        self._trouble = trouble


def as_document(remembered: Remembered) -> dict[str, Any]:
    """In values that JSON knows; numbers that it does not know are text."""
    return {
        "version": VERSION,
        "time": remembered.time,
        "alerts": [_alert_document(alert) for alert in remembered.alerts],
        "told": remembered.told,
        "owed": remembered.owed,
        "folders": [[dict(labels), folder] for labels, folder in remembered.folders.items()],
    }


def parse_remembered(document: Any) -> Remembered:
    """What `as_document` gave. Raises ValueError for anything else."""
    if not isinstance(document, Mapping) or document.get("version") != VERSION:
        _refuse("no version that is known")
    try:
        alerts = document["alerts"]
        if not isinstance(alerts, list) or len(alerts) > _MOST_ALERTS:
            _refuse("no list of alerts")
        folders = {Labels(_texts(labels)): _text(folder) for labels, folder in document["folders"]}
        time, told, owed = _time(document["time"]), document["told"], document["owed"]
        return Remembered(time, tuple(map(_alert, alerts)), told, owed, folders)
    except (TypeError, KeyError, OverflowError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _alert_document(alert: Alert) -> dict[str, Any]:
    return {
        "rule": list(alert.rule),
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state.value,
        "value": repr(alert.value),
        "active_at": alert.active_at,
        "fired_at": alert.fired_at,
        "resolved_at": alert.resolved_at,
        "keep_firing_since": alert.keep_firing_since,
        "evaluated": alert.evaluated,
    }


def _alert(document: Mapping[str, Any]) -> Alert:
    file, group, place, name = document["rule"]
    if isinstance(place, bool) or not isinstance(place, int):
        _refuse("a rule's place is no number")
    return Alert(
        rule=RuleKey(_text(file), _text(group), place, _text(name)),
        labels=Labels(_texts(document["labels"])),
        annotations=_texts(document["annotations"]),
        state=AlertState(document["state"]),
        value=float(_text(document["value"])),
        active_at=_time(document["active_at"]),
        fired_at=_time_or_none(document["fired_at"]),
        resolved_at=_time_or_none(document["resolved_at"]),
        keep_firing_since=_time_or_none(document["keep_firing_since"]),
        evaluated=_time(document["evaluated"]),
    )


def _texts(found: object) -> dict[str, str]:
    if not isinstance(found, Mapping):
        _refuse("no mapping of texts")
    return {_text(name): _text(value) for name, value in found.items()}


def _text(found: object) -> str:
    return found if isinstance(found, str) else _refuse("no text")


def _time(found: object) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        _refuse("no time")
    return float(found)


def _time_or_none(found: object) -> float | None:
    return None if found is None else _time(found)


def _refuse(why: str) -> NoReturn:
    raise ValueError(why)
