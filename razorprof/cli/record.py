"""``razorprof record``: what a session reads of processes, kept in a file until it is stopped.

Checks what can be wrong, finds the targets, opens the file; the recording itself is cli.record_run's.
"""

from __future__ import annotations

from pathlib import Path
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
    from collections.abc import Sequence

    from razorprof.cli.record_run import Plan
    from razorprof.config.settings import Settings
    from razorprof.model.target import Target
    from razorprof.recording.rzp_writer import RecordingWriter
    from razorprof.session.session import Session

EPILOG = """\
\b
Examples:
  razorprof record 1234 -o incident.rzp               until Ctrl-C, SIGTERM or the end of the process
  razorprof record name:gunicorn --children -d 1h -o web-{time}.rzp
  razorprof record 1234 --last 15m -o crash.rzp       a flight recorder: the last 15 minutes
  kill -USR1 PID-OF-RAZORPROF                         write them now, and go on

\b
Look at it:
  razorprof show incident.rzp
  razorprof query 'rate(process_cpu_seconds_total[1m])' --recording incident.rzp --plot
  razorprof show incident.rzp --from 10:30 --to 10:31 -o slow.html

A recording holds all figures, sampled stacks, threads, GC and GIL states, each second, in some 40 kB a minute for
a process with five threads; razorprof-recording(5) describes the format. If razorprof is killed, the last second
is lost. With --last the file appears when it ends; until then a folder FILE.ring holds it, which show opens, too.
Without --last, SIGUSR1 notes a mark. Stacks are sampled of up to three targets; of more, of one.

A line of --json is {"file", "bytes", "seconds", "ticks", "start", "end", "ended"}; ended is duration, signal,
gone, max_bytes or error, and null for a copy by SIGUSR1.
"""

DEFAULT_OUTPUT = "{name}-{pid}-{time}.rzp"
SMALLEST = 256 << 10
FORGET_SECONDS = 300.0
_TERMINATED = 143


def record(
    targets: Targets,
    out: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The recording; {pid}, {name} and {time} are filled in."
        ),
    ] = DEFAULT_OUTPUT,
    duration: Annotated[
        str | None,
        typer.Option("-d", "--duration", metavar="TIME", help="End after this time: 90s, 15m, 1h."),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option("--last", metavar="TIME", help="Keep only the last minutes, as a flight recorder."),
    ] = None,
    max_bytes: Annotated[
        str, typer.Option("--max-bytes", metavar="SIZE", help="End at this size; with --last, keep no more.")
    ] = "200MiB",
    interval: Annotated[
        str | None, typer.Option("--interval", metavar="SECONDS", help="Seconds between two looks (default 1).")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", metavar="HZ", help="Stacks sampled a second (default: adapts to what it costs)."),
    ] = None,
    take_all: TakeAll = False,
    children: WithChildren = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="When a target ends, go on with the one that takes its place.")
    ] = False,
    wait: Wait = None,
    job: Job = "",
    probe: Probe = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="A line of JSON for each file that was written.")
    ] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Settings instead of razorprof.toml.")
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Overwrite a file that exists; start even where little memory is left in this container.",
        ),
    ] = False,
) -> int | None:
    """Record what processes do, to look at it later: figures, stacks, threads, GC, alerts."""
    from razorprof.cli.record_run import run
    from razorprof.cli.top import sampling_rate, session_interval
    from razorprof.config.settings import load_settings
    from razorprof.session import protect

    protect.check_headroom(force=force)
    settings = load_settings(config)
    seconds = session_interval(interval, settings)
    hertz = sampling_rate(rate if rate is not None else settings.rate)
    plan = _plan(duration, last, max_bytes, seconds, force=force, follows=follow)
    if "{" not in out:
        _check(Path(out), force=force)
    choice = Choice(take_all, children, parse_wait(wait), job, as_json=as_json)
    try:
        chosen = select_targets(targets, choice)
    except KeyboardInterrupt:
        return None  # while it waited for a target
    except SystemExit as request:
        if request.code != _TERMINATED:
            raise
        return None
    path = _path(out, chosen)
    protect.step_back()  # before there are threads

    def make_session(writer: RecordingWriter) -> Session:
        return _make_session(
            seconds, hertz, settings, writer, probe=probe, watched=(targets, choice, chosen, follow)
        )

    return run(path, plan, make_session, as_json=as_json)


def _plan(
    duration: str | None, last: str | None, max_bytes: str, interval: float, *, force: bool, follows: bool
) -> Plan:
    from razorprof.cli.record_run import Plan
    from razorprof.errors import UsageError
    from razorprof.units import parse_duration, parse_size

    size = parse_size(max_bytes)
    if size < SMALLEST:
        raise UsageError("--max-bytes is too small", value=max_bytes, hint=f"at least {SMALLEST >> 10}KiB")
    lasting = None if duration is None else parse_duration(duration)
    if lasting is not None and not lasting > 0:
        raise UsageError("the duration is out of range", value=duration, hint="longer than 0 seconds")
    back = None if last is None else parse_duration(last)
    if back is not None and back < 10 * interval:
        raise UsageError("--last is too short", value=last, hint=f"at least {10 * interval:g} seconds")
    return Plan(interval, lasting, back, size, force, follows)


def _path(template: str, chosen: Sequence[Target]) -> Path:
    from time import time

    from razorprof.recording.output_files import fill_name

    return fill_name(template, pid=chosen[0].pid, name=chosen[0].name, time=time())


def _check(path: Path, *, force: bool) -> None:
    """Before anything is waited for."""
    from razorprof.recording.output_files import check_output

    check_output(path, force=force)


def _make_session(
    interval: float,
    rate: float | None,
    settings: Settings,
    writer: RecordingWriter,
    *,
    probe: bool,
    watched: tuple[Sequence[str], Choice, Sequence[Target], bool],
) -> Session:
    from razorprof.cli.top import search_more
    from razorprof.plugin import loading
    from razorprof.session.session import Session, SessionOptions

    options = SessionOptions(
        interval,
        rate,
        settings.budget,
        min(settings.history_seconds, FORGET_SECONDS),  # nobody asks it for more
        settings.history_bytes,
        forget_seconds=FORGET_SECONDS,
        probe=probe,
    )
    session = Session(options, sources=loading.sources, runtimes=loading.runtimes, recorder=writer)
    texts, choice, chosen, follow = watched
    for target in chosen:
        session.watch(target)
    search_more(session, texts, choice, chosen, follow=follow)
    return session
