"""``razorprof dump``: everything about one process in a bundle, with a report that a browser shows.

Parses, checks the output before the work, lets session.bundle collect and recording.bundle_write write, then
prints the summary that ``show`` prints of the same bundle.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.select import Choice, OneTarget, Probe, Wait, parse_wait, select_targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from razorprof.errors import PermissionDenied
    from razorprof.model.target import Target
    from razorprof.session.bundle import Check, DumpRequest

EPILOG = """\
\b
Examples:
  razorprof dump 1234 -o dump.tar.gz
  razorprof dump name:gunicorn -o 'dump-{pid}-{time}.tar.gz' --cpu 30
  razorprof dump 1234 -o dump/                       a folder; open dump/report.html
  razorprof dump 1234 -o dump.tar.gz --heap 10 --attach
  razorprof dump 1234 -o dump.tar.gz --allow signal  a JVM: Java stacks, classes
  razorprof show dump.tar.gz                         what is in it

In the bundle: facts of the process, metrics over the time, what limits it, advice,
threads with deadlocks, a CPU profile, memory by kind, with --heap and --attach
allocations, doctor's checks, a manifest with hashes, and report.html, which loads
nothing from anywhere. A part that cannot be had is told in the manifest with its
reason. Ctrl-C ends it early and keeps what is there (exit 130).

Of the environment there are names only, never values; secrets in command lines are
replaced by [redacted] as far as they can be recognised. Look before you pass it on.
"""

LONGEST_CPU, LONGEST_HEAP = 3600.0, 3600.0
SHORTEST_CPU, SHORTEST_HEAP = 0.5, 0.5


def dump(
    target: OneTarget,
    out: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR|FILE.tar.gz",
            help="A new folder, or an archive. {pid}, {name} and {time} are filled in.",
            show_default=False,
        ),
    ],
    cpu: Annotated[
        str, typer.Option("--cpu", metavar="SECONDS", help="Length of the CPU profile; 0: none.")
    ] = "5",
    heap: Annotated[
        str | None,
        typer.Option(
            "--heap", metavar="SECONDS", help="Record allocations too; needs --attach.", show_default=False
        ),
    ] = None,
    attach: Annotated[
        bool, typer.Option("--attach", help="Allow code to be put into the target, for --heap.")
    ] = False,
    allow: Annotated[
        str | None,
        typer.Option(
            "--allow",
            metavar="signal",
            help="What may be done to the target: signal (a JVM tells stacks and classes).",
        ),
    ] = None,
    probe: Probe = False,
    no_redact: Annotated[
        bool, typer.Option("--no-redact", help="Keep command lines as they are, secrets included.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle that exists.")] = False,
    wait: Wait = None,
    as_json: Annotated[bool, typer.Option("--json", help="The manifest as one JSON document on stdout.")] = False,
) -> int | None:
    """Collect everything about a process in one bundle: metrics, threads, CPU, memory, findings, a report."""
    from razorprof.cli import output
    from razorprof.recording.bundle_write import plan_bundle
    from razorprof.session import protect

    request = _request(cpu, heap, allow, attach=attach, redact=not no_redact, probe=probe)
    (chosen,) = select_targets([target], Choice(wait=parse_wait(wait), one=True, as_json=as_json))
    if request.heap_seconds is not None and not attach:
        from razorprof.errors import NotSupported

        raise NotSupported(
            "who allocated what can only be told by code in the process",
            value=chosen.pid,
            hint="--attach allows it (razorprof heap --help says what that does); without --heap it is not needed",
        )
    plan = plan_bundle(out, pid=chosen.pid, name=chosen.name, force=force)
    denied = _missing_permission(chosen)
    protect.step_back()
    from razorprof.cli.progress import Progress
    from razorprof.recording.bundle_write import write_bundle
    from razorprof.session.bundle import collect

    with Progress("dump") as progress:
        label = _label(chosen)
        (outcome,) = progress.take(
            [(label, lambda watch: collect(chosen, request, watch, checks=lambda: checks_of(chosen)))]
        )
        if outcome.value is None:
            assert outcome.error is not None  # noqa: S101 - a capture yields one of the two
            raise outcome.error
        manifest = write_bundle(plan, outcome.value.manifest, outcome.value.pieces)
    _report(plan.path, manifest.ended, as_json=as_json)
    if denied is None:
        return progress.code
    output.say("only what everybody may see is in it")
    output.print_error(denied)
    return progress.code if progress.code is not None else denied.code


def _request(
    cpu: str, heap: str | None, allow: str | None, *, attach: bool, redact: bool, probe: bool
) -> DumpRequest:
    from razorprof.errors import UsageError
    from razorprof.session.bundle import DumpRequest
    from razorprof.units import parse_duration

    if allow not in (None, "signal"):
        raise UsageError("--allow takes one word: signal", value=allow)
    cpu_seconds = parse_duration(cpu)
    if cpu_seconds and not SHORTEST_CPU <= cpu_seconds <= LONGEST_CPU:
        raise UsageError("--cpu is out of range", value=cpu, hint=f"0, or {SHORTEST_CPU:g} seconds to an hour")
    heap_seconds = None if heap is None else parse_duration(heap)
    if heap_seconds is not None and not SHORTEST_HEAP <= heap_seconds <= LONGEST_HEAP:
        raise UsageError("--heap is out of range", value=heap, hint=f"{SHORTEST_HEAP:g} seconds to an hour")
    if attach and heap is None:
        raise UsageError("--attach is for --heap", hint="say for how long: --heap 10 --attach")
    return DumpRequest(cpu_seconds, heap_seconds, redact, allow_signal=allow == "signal", probe=probe)


def _missing_permission(target: Target) -> PermissionDenied | None:
    """Why next to nothing of the process may be seen. What there is goes into the bundle all the same."""
    from razorprof.errors import PermissionDenied
    from razorprof.remote.process import ProcessView
    from razorprof.session.captures import need_permission

    try:
        need_permission(ProcessView(target.pid))
    except PermissionDenied as error:
        return error
    return None


def checks_of(target: Target) -> Sequence[Check]:
    """Doctor's, of this machine and of the target."""
    from razorprof.cli.host_checks import check_host
    from razorprof.cli.target_checks import check_target
    from razorprof.targets.table import read_table

    found = check_host()
    entry = read_table().get(target.pid)
    if entry is not None and entry.identity == target.identity:
        found += check_target(entry)
    return [(check.name, check.ok, check.detail, check.fix) for check in found]


def _report(path: Path, ended: str, *, as_json: bool) -> None:
    """The bundle as it can be read back, which is a check of what was written too."""
    from razorprof.cli import output, show_bundle
    from razorprof.recording.bundle_read import open_bundle
    from razorprof.render.text import printable

    bundle = open_bundle(path)
    if as_json:
        output.print_json({**show_bundle.document(bundle), "file": str(path)})
    else:
        show_bundle.print_summary(path.name, bundle)
    if ended:
        output.say(f"the target ended meanwhile ({printable(ended)}): what was seen is kept")
    output.say(f"wrote {printable(str(path))}")


def _label(target: Target) -> str:
    from razorprof.render.text import cut_end, printable

    return f"{target.pid} {cut_end(printable(target.name), 40)}"
