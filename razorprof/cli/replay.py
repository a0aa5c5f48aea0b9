"""``razorprof replay FILE...``: the dashboard over a recording; text or JSON Lines in a pipe and in CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.several_recordings import Shift, parse_shifts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from razorprof.recording.rzp_values import Mark
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
  razorprof replay incident.rzp --diff 03:10,03:12   what changed between two moments
  razorprof replay incident.rzp --diff +0s..+60s,-60s..-1s --json
  razorprof replay incident.rzp --moments            its marks, alerts and spikes
  razorprof replay today.rzp --against yesterday.rzp
  razorprof replay web1.rzp web2.rzp                 what two hosts did at the same time

In a terminal: space pauses, + and - change the speed, [ and ] go one tick back and on, { and } to the alert
change or mark before and after, ( and ) to the spike before and after, @ asks for a time, < and > go to the ends.

A spike is where a figure leaves what was usual in the two minutes before: CPU, memory growth, GC, GIL, threads and
others, by more than their spread.

m marks the moment by a name, M takes the mark away. Marks are kept in FILE.marks.json beside the recording, which
is not touched; where that cannot be written, in $XDG_STATE_HOME/razorprof/marks (~/.local/state without it).
Where several recordings are played as one, none can be set.

In a pipe every tick of the time is printed, as fast as possible, as `top` prints it. A time is 03:12 (local, after
the start), +90s after the start, -5m before the end, Unix seconds or RFC 3339.

A sets the first moment to compare and B the second one, w how long they are, 9 shows what changed between them:
figures, threads, alerts, and functions in CPU seconds per second, with what is no chance. With --against, A lies
in the other recording, as far after its start as you stand here. --diff names both: a time is a moment, the ten
seconds up to it; FROM..TO is a window; the name of a mark is its time. In a pipe, or with --json or --once, it is
printed. 8 and --moments list the moments of the recording: marks, alerts and spikes.

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
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff",
            metavar="BASE,NEW",
            help="What changed between two moments (TIME) or windows (FROM..TO).",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="OTHER", help="The recording of BASE.", show_default=False),
    ] = None,
    moments: Annotated[
        bool, typer.Option("--moments", help="Print the marks, changes of alerts and spikes of the time.")
    ] = False,
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
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON Lines, one document a tick; of a difference and of moments, one.")
    ] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Settings instead of razorprof.toml.")
    ] = None,
) -> int | None:
    """Show a recording as the dashboard would have shown it live."""
    from contextlib import ExitStack

    from razorprof.alerting.rule_file import read_rule_file
    from razorprof.cli import output
    from razorprof.cli.recording_time import parse_moment, parse_window
    from razorprof.cli.replay_difference import comparing_of, print_difference
    from razorprof.cli.replay_moments import print_moments
    from razorprof.cli.rules_backtest import parse_interval
    from razorprof.cli.show_recording import say_damage
    from razorprof.cli.top import is_interactive
    from razorprof.config.settings import load_settings
    from razorprof.errors import UsageError
    from razorprof.recording.rzp_merged import open_recordings
    from razorprof.render.text import printable
    from razorprof.session.player import Player, Playing
    from razorprof.session.user_marks import UserMarks

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
    is_compared = diff is not None or against is not None
    if is_compared and (start or end):
        hint = "the windows are those of --diff: BASE,NEW with FROM..TO"
        raise UsageError("these options exclude each other", value="--diff, --against and --from, --to", hint=hint)
    if moments and (is_compared or at or once):
        hint = "--moments lists those of --from..--to"
        raise UsageError("these options exclude each other", value="--moments and a moment or --diff", hint=hint)
    with ExitStack() as stack:
        recording = open_recordings(recordings, parse_shifts(shift, recordings))
        stack.callback(recording.close)
        own_marks = UserMarks(recordings[0], recording.header.id) if len(recordings) == 1 else None
        if own_marks is not None and own_marks.trouble:
            output.say(f"marks cannot be shown: {printable(own_marks.trouble)}")
        player = Player(recording, Playing(files, interval), own_marks)
        span = player.ticks[0], player.ticks[-1]
        low, high = parse_window(start, end, span)
        moment = None if at is None else parse_moment(at, span, "moment")
        comparing = comparing_of(player, diff, against, stack)
        if is_interactive() and not (as_json or once or start or end or moments):
            from razorprof.tui.replay_run import run_replay

            return run_replay(comparing, settings, moment, lambda text: parse_moment(text, span, "moment"))
        if is_compared:
            print_difference(comparing, as_json=as_json)
        elif moments:
            print_moments(player, low, high, as_json=as_json)
        elif once:
            player.seek(span[1] if moment is None else moment)
            _printer(player, as_json=as_json)(player.recall_all())
        else:
            _print_all(player, low if moment is None else moment, high, as_json=as_json)
        say_damage(recording)
    return None


def _print_all(player: Player, start: float, end: float, *, as_json: bool) -> None:
    """Every tick in [start, end]."""
    show = _printer(player, as_json=as_json)
    player.seek(start)
    state: SessionState | None = player.recall_all()
    while state is not None and state.time <= end:
        if state.time >= start:
            show(state)
        state = player.step()


def _printer(player: Player, *, as_json: bool) -> Callable[[SessionState], None]:
    from razorprof.cli import output

    if as_json:
        from razorprof.session.document import top_document
        from razorprof.session.user_marks import marks_document

        def document(state: SessionState) -> dict[str, object]:
            return {
                **top_document(player.view, state),
                "marks": marks_document(player.marks_here(), player.own_marks),
            }

        return lambda state: output.print_json_line(document(state))
    from razorprof.tui.batch import BatchPrinter

    printer = BatchPrinter(player.view, width=output.terminal_width(), remembers=False)
    return lambda state: output.print_text(_head(state.time, player.marks_here()) + printer.text(state))


def _head(time: float, marks: Sequence[Mark]) -> str:
    """Which moment it is, and how it is marked: the figures below do not say."""
    from datetime import datetime

    from razorprof.render.text import printable

    try:
        moment = f"{datetime.fromtimestamp(time):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        moment = f"{time:.0f}"
    return "".join(f"{line}\n" for line in (moment, *(printable(f"{mark.kind}: {mark.text}") for mark in marks)))
