"""``razorprof replay FILE...``: the dashboard over a recording; text or JSON Lines in a pipe and in CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.several_recordings import Shift, parse_shifts

if TYPE_CHECKING:
    from collections.abc import Callable

    from razorprof.session.player import Player
    from razorprof.session.view import SessionState

EPILOG = """\
\b
Examples:
  razorprof replay incident.rzp                      the dashboard, as if it were live
  razorprof replay incident.rzp --at 03:12           from that moment on
  razorprof replay incident.rzp --at 03:12 --once    that moment as text
  razorprof replay incident.rzp --from +60s --to +90s --json > half-a-minute.jsonl
  razorprof replay incident.rzp --rules new.yml      with the alerts of other rules
  razorprof replay web1.rzp web2.rzp                 what two hosts did at the same time

In a terminal: space pauses, + and - change the speed, [ and ] go one tick back and on, { and } to the alert
change or mark before and after, @ asks for a time, < and > go to the ends.

In a pipe every tick of the time is printed, as fast as possible, as `top` prints it. A time is 03:12 (local, after
the start), +90s after the start, -5m before the end, Unix seconds or RFC 3339.

Without --rules, alerts are those that were told while it was recorded.
"""


def replay(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="A recording; several are played as one, of several hosts.", show_default=False
        ),
    ],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Begin at this moment.", show_default=False)
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Print from then on.", show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Print until then.")] = None,
    shift: Shift = None,
    once: Annotated[bool, typer.Option("--once", help="Print the moment --at, or the last one, and end.")] = False,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="FILE", help="Evaluate the rules of this file; may be repeated."),
    ] = None,
    evaluation_interval: Annotated[
        str | None,
        typer.Option(
            "--evaluation-interval",
            metavar="SECONDS",
            help="Between evaluations of groups that give none (default: the recording's interval).",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines, one document a tick.")] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Settings instead of razorprof.toml.")
    ] = None,
) -> int | None:
    """Show a recording as the dashboard would have shown it live."""
    from razorprof.alerting.rule_file import read_rule_file
    from razorprof.cli.recording_time import parse_moment, parse_window
    from razorprof.cli.rules_backtest import parse_interval
    from razorprof.cli.show_recording import say_damage
    from razorprof.cli.top import is_interactive
    from razorprof.config.settings import load_settings
    from razorprof.errors import UsageError
    from razorprof.recording.rzp_merged import open_recordings
    from razorprof.session.player import Player, Playing

    settings = load_settings(config)
    files = tuple(read_rule_file(path) for path in dict.fromkeys(rules or []))
    if evaluation_interval is not None and not files:
        hint = "give --rules FILE"
        raise UsageError(
            "there is nothing to evaluate", value=f"--evaluation-interval {evaluation_interval}", hint=hint
        )
    interval = parse_interval(evaluation_interval)
    if (start or end) and (at or once):
        hint = "--at names one moment, --from and --to a time"
        raise UsageError("these options exclude each other", value="--from, --to and --at, --once", hint=hint)
    with open_recordings(recordings, parse_shifts(shift, recordings)) as recording:
        player = Player(recording, Playing(files, interval))
        span = player.ticks[0], player.ticks[-1]
        low, high = parse_window(start, end, span)
        moment = None if at is None else parse_moment(at, span, "moment")
        if is_interactive() and not (as_json or once or start or end):
            from razorprof.tui.replay_app import run_replay

            return run_replay(player, settings, moment, lambda text: parse_moment(text, span, "moment"))
        if once:
            _printer(player, as_json=as_json)(player.seek(span[1] if moment is None else moment))
        else:
            _print_all(player, low if moment is None else moment, high, as_json=as_json)
        say_damage(recording)
    return None


def _print_all(player: Player, start: float, end: float, *, as_json: bool) -> None:
    """Every tick in [start, end]."""
    show = _printer(player, as_json=as_json)
    state: SessionState | None = player.seek(start)
    while state is not None and state.time <= end:
        if state.time >= start:
            show(state)
        state = player.step()


def _printer(player: Player, *, as_json: bool) -> Callable[[SessionState], None]:
    from razorprof.cli import output

    if as_json:
        from razorprof.session.document import top_document

        return lambda state: output.print_json_line(top_document(player.view, state))
    from razorprof.tui.batch import BatchPrinter

    printer = BatchPrinter(player.view, width=output.terminal_width())
    return lambda state: output.print_text(_head(state.time) + printer.text(state))


def _head(time: float) -> str:
    """Which moment it is: the figures below do not say."""
    from datetime import datetime

    try:
        return f"{datetime.fromtimestamp(time):%Y-%m-%d %H:%M:%S}\n"
    except (ValueError, OverflowError, OSError):
        return f"{time:.0f}\n"
