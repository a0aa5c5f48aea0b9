"""Where a recording stands: its moment and speed, and a time line with what fired, marks, spikes and the place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from razorprof.model.alert import AlertState
from razorprof.render import figures
from razorprof.render.alert_history import strip_of_spans
from razorprof.render.palette import Palette

_LEAST = 10  # cells of a time line
_CELLS = {AlertState.INACTIVE: "─", AlertState.PENDING: "▄", AlertState.FIRING: "█"}


@dataclass(frozen=True, slots=True)
class Standing:
    """start, end: of the recording, Unix seconds; time: that is shown; spans: states of alerts, from when until
    when; marks, spikes: their times; named: letters and where they stand."""

    start: float
    end: float
    time: float
    speed: float
    is_playing: bool
    spans: tuple[tuple[AlertState, float, float], ...] = ()
    marks: tuple[float, ...] = ()
    spikes: tuple[float, ...] = ()
    named: tuple[tuple[str, float], ...] = ()


def replay_line(standing: Standing, width: int, palette: Palette) -> Text:
    """The time of day, how far it is of how much, the speed and the time line."""
    line = Text(" ", no_wrap=True)
    line.append("▸ " if standing.is_playing else "│ ", palette.accent)
    line.append(clock_text(standing.time), palette.title)
    passed, whole = standing.time - standing.start, standing.end - standing.start
    line.append(
        f"  +{figures.duration(passed)} of {figures.duration(whole)}  ×{standing.speed:g}  ", palette.label
    )
    room = width - line.cell_len - 1
    if room < _LEAST:
        line.truncate(max(0, width))
        return line
    strip = strip_of_spans(standing.spans, standing.start, standing.end, room)
    marked = {_place(mark, standing, room) for mark in standing.marks}
    spiked = {_place(spike, standing, room) for spike in standing.spikes}
    here = _place(standing.time, standing, room)
    letters = {_place(time, standing, room): letter for letter, time in standing.named}
    styles = {AlertState.PENDING: palette.look, AlertState.FIRING: palette.act}
    for place, state in enumerate(strip):
        if place == here:
            line.append("┃", palette.title)
        elif place in letters:
            line.append(letters[place], palette.accent)
        elif place in marked:
            line.append("▼", palette.accent)
        elif place in spiked:
            line.append("▲", styles.get(state or AlertState.INACTIVE, palette.look))
        else:
            state = state or AlertState.INACTIVE
            line.append(_CELLS[state], styles.get(state, palette.dim))
    return line


def _place(time: float, standing: Standing, room: int) -> int:
    whole = standing.end - standing.start
    share = (time - standing.start) / whole if whole > 0 else 0.0
    return min(room - 1, max(0, int(share * room)))


def clock_text(time: float) -> str:
    """The local time of day."""
    try:
        return f"{datetime.fromtimestamp(time):%H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return f"{time:.0f}"
