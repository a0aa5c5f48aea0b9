"""``razorprof heap``: the memory of a process by kind, read-only; with consent its allocations by call site.

Parses and checks everything that can be wrong before the work. Looking from outside is cli.heap_view's, recording
cli.heap_recording's.
"""

from __future__ import annotations

from typing import Annotated

import typer

from razorprof.cli.select import Choice, OneTarget, Probe, Wait, parse_wait, select_targets

EPILOG = """\
\b
Examples:
  razorprof heap 1234                             memory by kind, from outside
  razorprof heap 1234 -d 10                       and how it grows in ten seconds
  razorprof heap 1234 --attach -d 30 -o heap.html
  razorprof heap 1234 --attach -d 60 --leaks      who still grows
  razorprof heap 1234 --attach -d 30 -o heap.pb.gz

Without --attach nothing runs in the target and nothing is stopped.

--attach allows razorprof to put code into the target: gdb stops it for about half
a second (longer on a busy machine), memray's library is loaded (and stays loaded)
and records allocations for the time of -d. Meanwhile the target runs slower, more so
with --leaks or --objects; how much depends on how much it allocates.
The target needs Python 3.9 or later and the same version of memray as razorprof.
One that is stopped, traced by somebody else or in which no thread runs is refused.
However razorprof ends, the target is let go of.
A program that can be launched anew has none of this with: razorprof run --heap FILE

Runtimes that count allocations themselves need no --attach: a Go program's heap profile
is asked of its endpoint (url: or --probe), a JVM's count of objects takes --allow signal.
Without -d they show what is in use now.

Files: .html (memray's flame graph), .bin (memray's own file), and all endings of
profiles (.json .txt .collapsed .pb.gz .speedscope.json .svg): bytes that were held
when most was; with --leaks what was still held in the end.
"""

LONGEST_SECONDS = 3600.0
SHORTEST_SECONDS = 0.5  # of a recording


def heap(
    target: OneTarget,
    duration: Annotated[
        str | None,
        typer.Option(
            "-d", "--duration", metavar="SECONDS", help="How long (default: one look; with --attach 10)."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write the allocations; a Python needs --attach. {pid}, {name} and {time} are filled in.",
            show_default=False,
        ),
    ] = None,
    allow: Annotated[
        str | None,
        typer.Option(
            "--allow", metavar="signal", help="What may be done to the target: signal (a JVM counts its objects)."
        ),
    ] = None,
    probe: Probe = False,
    attach: Annotated[
        bool, typer.Option("--attach", help="Allow code to be put into the target (see below).")
    ] = False,
    leaks: Annotated[
        bool,
        typer.Option("--leaks", help="Name the sites that still grow; what is still held counts. Adds --objects."),
    ] = False,
    objects: Annotated[
        bool, typer.Option("--objects", help="See small Python objects one by one, not as arenas (dearer).")
    ] = False,
    max_bytes: Annotated[
        str, typer.Option("--max-bytes", metavar="SIZE", help="End the recording when it is that large.")
    ] = "1GiB",
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="SECONDS", help="For getting in, and for getting out.")
    ] = "30",
    report: Annotated[
        str, typer.Option("--report", metavar="NAME", help="memray's HTML: flamegraph or table.")
    ] = "flamegraph",
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help="The file's format (default: by its ending).", show_default=False
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="Sites in the table and in JSON.")] = 20,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that exists; attach although no thread runs.")
    ] = False,
    wait: Wait = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int | None:
    """Show what a process holds in memory, and with --attach who allocated it."""
    from dataclasses import replace

    from razorprof.errors import NotSupported, UsageError

    if allow not in (None, "signal"):
        raise UsageError("--allow takes one word: signal", value=allow)
    asks_runtime = allow is not None or probe
    recording = attach or out is not None or leaks or objects or format_name is not None or asks_runtime
    seconds = _seconds(duration, recording=recording)
    choice = Choice(wait=parse_wait(wait), one=True, as_json=as_json)
    if not recording:
        from razorprof.cli.heap_view import view

        (chosen,) = select_targets([target], choice)
        return view(chosen, seconds, as_json=as_json)
    from razorprof.cli import heap_recording

    request = heap_recording.request(seconds, attach, leaks, objects, max_bytes, timeout, force)
    if out == "-":
        raise UsageError("the allocations cannot go to standard output", hint="name a file with -o")
    if format_name is not None and out is None:
        raise UsageError("--format is about a file", hint="name it with -o")
    (chosen,) = select_targets([target], choice)
    injects = heap_recording.injects(chosen)
    plan = heap_recording.plan(out, chosen, report, format_name, force=force, by_memray=injects)
    if injects and not attach:
        raise NotSupported(
            "who allocated what can only be told by code in the process",
            value=chosen.pid,
            hint="--attach allows it: it stops the process for a moment and slows it while recording "
            "(see razorprof heap --help); without, launch it with: razorprof run --heap FILE -- COMMAND",
        )
    request = replace(request, allow_signal=allow == "signal", probe=probe)
    if duration is None and not injects:
        request = replace(request, seconds=0.0)  # what is in use now
    return heap_recording.record(chosen, request, plan, leaks=leaks, top=top, as_json=as_json)


def _seconds(text: str | None, *, recording: bool) -> float:
    from razorprof.errors import UsageError
    from razorprof.units import parse_duration

    if text is None:
        return 10.0 if recording else 0.0
    seconds = parse_duration(text)
    shortest = SHORTEST_SECONDS if recording else 0.0
    if not shortest <= seconds <= LONGEST_SECONDS:
        raise UsageError(
            "the duration is out of range", value=text, hint=f"between {shortest:g} seconds and an hour"
        )
    return seconds
