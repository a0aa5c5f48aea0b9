"""The moments of a recording that somebody may want to see: marks, changes of alerts, spikes.

    rows, trouble = moments_of(player)

For the dashboard's screen of them and ``razorprof replay --moments``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from razorprof.errors import ToolFailed
from razorprof.model.alert import AlertState
from razorprof.render.figures import duration
from razorprof.render.moments import MomentKind, MomentRow
from razorprof.render.replay_line import clock_text
from razorprof.render.series_names import series_text
from razorprof.render.spikes import spike_words
from razorprof.render.text import printable
from razorprof.render.thresholds import Level
from razorprof.session.player import Player

_LEVELS = {AlertState.FIRING: Level.ACT, AlertState.PENDING: Level.LOOK}
_PID = re.compile(r"[0-9]{1,10}")  # of an alert it is a label, which may say anything
_OF_THE_TARGET = ("alertname", "pid", "instance", "job", "runtime")


def moments_of(player: Player) -> tuple[list[MomentRow], str]:
    """In the order of their times, of all targets; and why some may be missing, printable, else empty. Spikes are
    looked for when first asked for. Rules are tried no further than they were: see Player.backtest."""
    rows = [*_marks(player), *_alerts(player)]
    trouble = ""
    tried = player.backtest.end if player.backtest is not None else None
    if tried is not None and tried < player.ticks[-1]:
        trouble = f"alerts up to {clock_text(tried)}: rules were tried no further yet"
    try:
        rows += _spikes(player)
    except ToolFailed as error:
        trouble = f"no spikes: {printable(str(error))}"
    return sorted(rows, key=lambda row: row.time), trouble


def moments_document(rows: Iterable[MomentRow], trouble: str) -> dict[str, Any]:
    """As JSON. Times are Unix seconds, values in the figure's base unit; texts are untrusted, as they are."""
    return {
        "moments": [
            {
                "time": row.time,
                "after_start_seconds": row.passed,
                "kind": row.kind.value,
                "words": row.words,
                "pid": int(row.target) if _PID.fullmatch(row.target) else None,
                **row.facts,
            }
            for row in rows
        ],
        "reason": trouble or None,
    }


def _marks(player: Player) -> Iterator[MomentRow]:
    for mark in player.marks:
        facts = {"mark": mark.text, "made_by": mark.kind}
        yield _row(player, mark.time, MomentKind.MARK, f"{mark.kind}: {mark.text}", facts)


def _alerts(player: Player) -> Iterator[MomentRow]:
    for course in player.courses:
        labels = course.labels.without(*_OF_THE_TARGET)
        what = f" {series_text(labels)}" if labels else ""
        pid = course.labels.get("pid", "")
        for state, begin, over in course.states(player.ticks[-1] + 1):
            words = f"{course.rule.name} {state.value} for {duration(over - begin)}{what}"
            lasts = course.ended is None and (state is AlertState.FIRING or course.firing is None)
            facts = {
                "alert": course.rule.name,
                "state": state.value,
                "end": None if lasts else over,
                "labels": dict(course.labels),
            }
            yield _row(player, begin, MomentKind.ALERT, words, facts, pid, _LEVELS[state])


def _spikes(player: Player) -> Iterator[MomentRow]:
    """Raises ToolFailed as Player.spikes."""
    for one in player.spikes:
        spike, figure = one.spike, one.figure
        facts = {
            "figure": figure.key,
            "unit": figure.unit,
            "value": spike.value,
            "usual": spike.usual,
            "start": spike.start,
            "end": spike.end,
            "score": spike.score,
        }
        words = spike_words(figure.figure, spike)
        yield _row(player, one.tick, MomentKind.SPIKE, words, facts, str(one.target.pid), Level.LOOK)


def _row(
    player: Player,
    time: float,
    kind: MomentKind,
    words: str,
    facts: dict[str, Any],
    target: str = "",
    level: Level = Level.FINE,
) -> MomentRow:
    return MomentRow(time, time - player.ticks[0], kind, words, target, level, facts)
