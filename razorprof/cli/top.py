"""``razorprof top``: the dashboard on a tty; text tables or JSON Lines in a pipe, in cron and in CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.select import (
    Choice,
    Job,
    Probe,
    TakeAll,
    Targets,
    Wait,
    WithChildren,
    parse_wait,
    select_targets,
)

if TYPE_CHECKING:
    from razorprof.cli.top_alerting import TopAlerting
    from razorprof.cli.top_record import TopRecording
    from razorprof.config.settings import Settings
    from razorprof.model.target import Target
    from razorprof.recording.rzp_writer import RecordingWriter
    from razorprof.session.session import Session
    from razorprof.session.view import SessionState

EPILOG = """\
\b
Examples:
  razorprof top 1234
  razorprof top name:gunicorn --children        all workers, ranked by how far each deviates
  razorprof top 1234 --once                     one look as text
  razorprof top 1234 -n 60 --json > minute.jsonl
  razorprof top port:8000 --follow              goes on with the process that takes its place
  razorprof top 1234 --rules worker.yml         with the alerts of a Prometheus rule file
  razorprof top 1234 --record incident.rzp      and: razorprof replay incident.rzp
  razorprof top 1234 --record last.rzp --last 15m    only the last minutes; kill -USR1 copies them meanwhile
  razorprof top url:http://127.0.0.1:8000 --json     with the metrics of the application's own page

A capture (c, or --actions) of a session that is recorded begins with the recording: before.rzp in its bundle. With
--last, what is recorded lies in a folder FILE.ring until the end, and SIGUSR1 writes FILE-DATE-TIME.rzp; without,
SIGUSR1 notes a mark.
"""

SHORTEST_INTERVAL, LONGEST_INTERVAL = 0.1, 60.0
LOWEST_RATE, HIGHEST_RATE = 1.0, 1000.0
MOST_WARMING_TICKS = 4
CAPTURES_END = 10.0  # seconds that captures may take to end


def top(
    targets: Targets,
    interval: Annotated[
        str | None, typer.Option("--interval", metavar="SECONDS", help="Seconds between two looks (default 1).")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", metavar="HZ", help="Stacks sampled a second (default: adapts to what it costs)."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print the figures once and end.")] = False,
    count: Annotated[
        int | None, typer.Option("-n", "--count", metavar="N", min=1, help="Print the figures N times and end.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines, one document an interval.")] = False,
    take_all: TakeAll = False,
    children: WithChildren = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="When a target ends, go on with the one that takes its place.")
    ] = False,
    wait: Wait = None,
    job: Job = "",
    probe: Probe = False,
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--rules", metavar="FILE", help="Evaluate the rules of a Prometheus rule file; may be repeated."
        ),
    ] = None,
    actions: Annotated[
        str | None,
        typer.Option("--actions", metavar="FILE", help="What to capture when alerts fire.", show_default=False),
    ] = None,
    silences: Annotated[
        str | None,
        typer.Option("--silences", metavar="FILE", help="Which alerts to mark as silenced.", show_default=False),
    ] = None,
    evaluation_interval: Annotated[
        str | None,
        typer.Option(
            "--evaluation-interval",
            metavar="SECONDS",
            help="Between evaluations of groups that give none (default: at each look).",
        ),
    ] = None,
    bell: Annotated[
        bool, typer.Option("--bell", help="Ring the terminal's bell when an alert begins to fire.")
    ] = False,
    allow_attach: Annotated[
        bool, typer.Option("--allow-attach", help="Captures may put code into the target (heap, attach: true).")
    ] = False,
    allow_commands: Annotated[bool, typer.Option("--allow-commands", help="Captures may run commands.")] = False,
    record: Annotated[
        str | None,
        typer.Option(
            "--record",
            metavar="FILE",
            help="Record it, too, for replay; {pid}, {name} and {time} are filled in.",
            show_default=False,
        ),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option(
            "--last", metavar="TIME", help="Of --record, keep only the last minutes.", show_default=False
        ),
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Settings instead of razorprof.toml.")
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Start even where little memory is left in this container; overwrite a recording.",
        ),
    ] = False,
) -> int | None:
    """Show live what a process does: what limits it, CPU, memory, GC, threads and hot functions."""
    import gc

    from razorprof.session import protect

    protect.check_headroom(force=force)
    gc.disable()  # while modules are loaded there is no garbage: 50 ms less until the first frame
    from razorprof.config.settings import load_settings

    settings = load_settings(config)
    seconds = session_interval(interval, settings)
    hertz = sampling_rate(rate if rate is not None else settings.rate)
    times = 1 if once and count is None else count
    from razorprof.cli.top_alerting import TopAlerting, read_wishes

    wishes = read_wishes(
        rules or (),
        actions=actions,
        silences=silences,
        interval=evaluation_interval,
        looks=seconds,
        attach=allow_attach,
        commands=allow_commands,
    )
    back = _ring_seconds(record, last, seconds)
    batch = as_json or times is not None or not is_interactive()
    choice = Choice(take_all, children, parse_wait(wait), job, as_json=as_json)
    chosen = select_targets(targets, choice)
    protect.step_back()
    recording = None
    if record is not None:
        recording = _recording(record, chosen, seconds, back, force=force, talks=batch)
    alerting = None
    if wishes.book is not None or not batch:
        alerting = TopAlerting(wishes)
        if recording is not None:
            alerting = TopAlerting(wishes, recording.hear, recording.before)
    writer = None if recording is None else recording.writer
    session = _make_session(seconds, hertz, settings, alerting, writer, probe=probe)
    for target in chosen:
        session.watch(target)
    search_more(session, targets, choice, chosen, follow=follow)
    try:
        if batch:
            gc.enable()
            return _batch(session, times, as_json=as_json)
        from razorprof.tui.run import run_dashboard

        gc.freeze()
        gc.enable()
        return run_dashboard(session, settings, bell=bell or settings.bell)
    finally:
        session.stop()
        _end(alerting)
        if recording is not None:
            recording.close()


def is_interactive() -> bool:
    """Whether a dashboard can be drawn: all three streams are ttys, and TERM names a terminal that can."""
    return all(os.isatty(descriptor) for descriptor in (0, 1, 2)) and os.environ.get("TERM", "") not in (
        "",
        "dumb",
    )


def session_interval(text: str | None, settings: Settings) -> float:
    from razorprof.errors import UsageError
    from razorprof.units import parse_duration

    seconds = settings.interval if text is None else parse_duration(text)
    if not SHORTEST_INTERVAL <= seconds <= LONGEST_INTERVAL:
        raise UsageError(
            "the interval is out of range",
            value=text if text is not None else seconds,
            hint=f"between {SHORTEST_INTERVAL:g} and {LONGEST_INTERVAL:g} seconds",
        )
    return seconds


def sampling_rate(hertz: float | None) -> float | None:
    from razorprof.errors import UsageError

    if hertz is not None and not LOWEST_RATE <= hertz <= HIGHEST_RATE:
        raise UsageError(
            "the sampling rate is out of range", value=hertz, hint=f"between {LOWEST_RATE:g} and {HIGHEST_RATE:g}"
        )
    return hertz


def _recording(
    template: str, chosen: Sequence[Target], interval: float, last: float | None, *, force: bool, talks: bool
) -> TopRecording:
    from razorprof.cli.top_record import TopRecording

    return TopRecording(template, chosen, interval, force=force, last=last, talks=talks)


def _ring_seconds(record: str | None, last: str | None, interval: float) -> float | None:
    from razorprof.errors import UsageError
    from razorprof.units import parse_duration

    if last is None:
        return None
    if record is None:
        raise UsageError("there is nothing to keep", value=f"--last {last}", hint="add --record FILE")
    seconds = parse_duration(last)
    if seconds < 10 * interval:
        raise UsageError("--last is too short", value=last, hint=f"at least {10 * interval:g} seconds")
    return seconds


def _make_session(
    interval: float,
    rate: float | None,
    settings: Settings,
    alerting: TopAlerting | None,
    recorder: RecordingWriter | None,
    *,
    probe: bool,
) -> Session:
    from razorprof.plugin import loading
    from razorprof.session.session import Session, SessionOptions

    wishes = alerting.wishes if alerting is not None else None
    options = SessionOptions(
        interval,
        rate,
        settings.budget,
        settings.history_seconds if wishes is None else wishes.history(settings.history_seconds),
        settings.history_bytes,
        hold_places=wishes is not None and wishes.book is not None,
        probe=probe,
    )
    if alerting is None:
        return Session(options, sources=loading.sources, runtimes=loading.runtimes, recorder=recorder)
    return Session(
        options,
        sources=loading.sources,
        runtimes=loading.runtimes,
        taps=alerting.taps,
        alerting=alerting,
        take_capture=alerting.take,
        recorder=recorder,
    )


def _end(alerting: TopAlerting | None) -> None:
    """Let captures end, and say where they lie: the screen that told it is gone."""
    from razorprof.cli import output
    from razorprof.render.text import printable

    for note in reversed(alerting.stop(CAPTURES_END) if alerting is not None else ()):
        output.say(f"capture {note.state}: {printable(note.folder)}")


def search_more(
    session: Session, texts: Sequence[str], choice: Choice, chosen: Sequence[Target], *, follow: bool
) -> None:
    """Children that are born later, and processes that take the place of one that ended."""
    from dataclasses import replace

    from razorprof.errors import RazorprofError

    if not (follow or choice.children):
        return
    again = replace(choice, take_all=True, wait=None, as_json=True)

    def find() -> Sequence[Target]:
        try:
            return select_targets(texts, again)
        except RazorprofError:
            return ()  # nothing there now: looked for again

    session.search(find, key=chosen[0], follow=follow)


def _batch(session: Session, times: int | None, *, as_json: bool) -> int | None:
    """Print `times` looks (None: until interrupted), each after a whole interval; TargetGone once all are gone."""
    from razorprof.errors import TargetGone

    printed, last = 0, 0.0
    show = _json_printer(session) if as_json else _text_printer(session)

    def publish(state: SessionState) -> None:
        nonlocal printed, last
        if session.alive():
            if not printed and state.tick <= MOST_WARMING_TICKS and not session.is_warm():
                return  # the first ticks have no rates and no stacks yet
            if state.time - last < 0.9 * state.interval:
                return  # the session's first rounds come sooner
        show(state)
        printed, last = printed + 1, state.time
        if times is not None and printed >= times:
            session.stop()

    session.run(publish)
    if not session.alive():
        gone = session.view.state().targets
        raise TargetGone(
            "the target ended" if len(gone) == 1 else "all targets ended",
            value="; ".join(f"{status.target.pid} {status.how}" for status in gone[:5]),
            hint="to go on with the process that takes its place, use --follow",
        )
    return None


def _json_printer(session: Session) -> Callable[[SessionState], None]:
    from razorprof.cli import output
    from razorprof.session.document import top_document

    return lambda state: output.print_json_line(top_document(session.view, state))


def _text_printer(session: Session) -> Callable[[SessionState], None]:
    from razorprof.cli import output
    from razorprof.tui.batch import BatchPrinter

    printer = BatchPrinter(session.view, width=output.terminal_width())
    return lambda state: output.print_text(printer.text(state))
