"""``razorprof replay --moments``: what there is to see in a recording, printed. For cli.replay only."""

from __future__ import annotations

from razorprof.cli import output
from razorprof.cli.output import Cell, Column, Style
from razorprof.render import figures
from razorprof.render.replay_line import clock_text
from razorprof.render.thresholds import Level
from razorprof.session.played_moments import moments_document, moments_of
from razorprof.session.player import Player

_COLUMNS = (
    Column("TIME"),
    Column("AFTER START", right=True),
    Column("WHAT"),
    Column("PID", right=True),
    Column(""),
)
_STYLES = {Level.ACT: Style.ACT, Level.LOOK: Style.LOOK}


def print_moments(player: Player, start: float, end: float, *, as_json: bool) -> None:
    """Those in [start, end], Unix seconds, on stdout; rules are tried on the whole recording first."""
    if player.backtest is not None:
        player.backtest.advance(player.ticks[-1])
    found, trouble = moments_of(player)
    rows = [row for row in found if start <= row.time <= end]
    if as_json:
        output.print_json(moments_document(rows, trouble))
        return
    if trouble:
        output.say(trouble)
    if not rows:
        output.say("no mark, no alert and no spike")
        return
    output.print_table(
        _COLUMNS,
        (
            (
                clock_text(row.time),
                f"+{figures.duration(row.passed)}",
                row.kind.value,
                row.target,
                Cell(row.words, _STYLES.get(row.level, Style.PLAIN)),
            )
            for row in rows
        ),
    )
