"""``razorprof cpu``: a CPU profile of processes that were never prepared for it, into a file or as a table.

Parses, checks everything that can be wrong before the sampling, lets the targets' runtimes record, and writes. How
the figures are told is cli.cpu_report's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.select import Choice, Probe, TakeAll, Targets, Wait, WithChildren, parse_wait, select_targets

if TYPE_CHECKING:
    from razorprof.cli.cpu_report import Taken
    from razorprof.cli.progress import Outcome
    from razorprof.model.profile import Profile
    from razorprof.model.target import Target
    from razorprof.plugin.captures import CpuRequest
    from razorprof.recording.profile_files import OutputPlan

EPILOG = """\
\b
Examples:
  razorprof cpu 1234                              10 seconds, as a table
  razorprof cpu 1234 -d 30 -o cpu.pb.gz           for go tool pprof
  razorprof cpu name:gunicorn --all -o 'cpu-{pid}.speedscope.json'
  razorprof cpu 1234 --wall --threads -o cpu.collapsed
  razorprof cpu 1234 --blocking --native -o cpu.html

\b
How it looks at the target (100 times a second; -r changes that):
  as it is      nothing is stopped; a few stacks may be torn. Threads that run.
                Below Python 3.11: the holder of the GIL only.
  --gil         only the thread that holds the GIL: what Python code costs others
  --wall        idle threads too: where time passes, waiting included
  --blocking    the target is stopped for each look: exact stacks, and about 2 % of
                the time of one thread (more with many threads)
  --native      C and C++ frames too; needs --blocking, costs about 8 % of the time

\b
Weights are seconds of thread time: the measured time divided by the looks done in it.
Ctrl-C ends it early and keeps what was sampled (exit 130).
"""

SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 24 * 3600.0
SLOWEST_HZ, FASTEST_HZ = 1, 1000


def cpu(
    target: Targets,
    duration: Annotated[str, typer.Option("-d", "--duration", metavar="SECONDS", help="How long.")] = "10",
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write a file; {pid}, {name} and {time} are filled in.",
            show_default=False,
        ),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help="The file's format (default: by its ending).", show_default=False
        ),
    ] = None,
    rate: Annotated[int, typer.Option("-r", "--rate", metavar="HZ", help="Looks per second.")] = 100,
    gil: Annotated[bool, typer.Option("--gil", help="Only the thread that holds the GIL.")] = False,
    wall: Annotated[bool, typer.Option("--wall", help="Idle threads too.")] = False,
    threads: Annotated[bool, typer.Option("--threads", help="Keep threads apart in the output.")] = False,
    subprocesses: Annotated[
        bool,
        typer.Option("--subprocesses", help="The processes that it starts too, in one profile, kept apart."),
    ] = False,
    blocking: Annotated[bool, typer.Option("--blocking", help="Stop the target for each look.")] = False,
    native: Annotated[bool, typer.Option("--native", help="Native frames too; needs --blocking.")] = False,
    top: Annotated[
        int, typer.Option("--top", metavar="N", min=1, help="Functions in the table and in JSON.")
    ] = 20,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
    take_all: TakeAll = False,
    children: WithChildren = False,
    probe: Probe = False,
    wait: Wait = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int | None:
    """Record where a process spends its CPU time, without stopping it."""
    from dataclasses import replace

    from razorprof.session import protect

    request = replace(_request(duration, rate, gil, wall, native, blocking, subprocesses), probe=probe)
    _check_output_options(out, format_name, force, as_json)
    targets = select_targets(
        target, Choice(take_all=take_all, children=children, wait=parse_wait(wait), as_json=as_json)
    )
    plan = _plan(out, targets, force, format_name)
    protect.step_back()
    return _record(targets, request, plan, keep_threads=threads or subprocesses, top=top, as_json=as_json)


def _request(
    duration: str, rate: int, gil: bool, wall: bool, native: bool, blocking: bool, subprocesses: bool
) -> CpuRequest:
    from razorprof.errors import UsageError
    from razorprof.plugin.captures import CpuRequest, block_length
    from razorprof.units import parse_duration

    seconds = parse_duration(duration)
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise UsageError(
            "the duration is out of range", value=duration, hint=f"between {SHORTEST_SECONDS:g} seconds and a day"
        )
    if not SLOWEST_HZ <= rate <= FASTEST_HZ:
        raise UsageError("the rate is out of range", value=rate, hint=f"between {SLOWEST_HZ} and {FASTEST_HZ} Hz")
    if native and not blocking:
        raise UsageError(
            "--native needs --blocking: native stacks can only be read while the target is stopped",
            hint="add --blocking, which stops the target for each look (about 8 % of the time)",
        )
    if gil and wall:
        raise UsageError("--gil and --wall exclude each other", hint="an idle thread never holds the GIL")
    return CpuRequest(
        seconds,
        rate_hz=float(rate),
        only_gil=gil,
        wall=wall,
        native=native,
        blocking=blocking,
        children=subprocesses,
        block_seconds=block_length(seconds),
    )


def _check_output_options(out: str | None, format_name: str | None, force: bool, as_json: bool) -> None:
    from razorprof.errors import UsageError

    if out is None and (format_name is not None or force):
        raise UsageError("--format and --force are about a file", hint="name it with -o")
    if out == "-" and as_json:
        raise UsageError("the profile and --json cannot both go to standard output", hint="name a file with -o")


def _plan(out: str | None, targets: list[Target], force: bool, format_name: str | None) -> OutputPlan | None:
    """Everything that can be wrong about the output, before the sampling."""
    if out is None:
        return None
    from razorprof.recording.profile_files import plan_output

    return plan_output(out, targets, force=force, format_name=format_name)


def _record(
    targets: list[Target],
    request: CpuRequest,
    plan: OutputPlan | None,
    *,
    keep_threads: bool,
    top: int,
    as_json: bool,
) -> int | None:
    from functools import partial

    from razorprof.cli import cpu_report
    from razorprof.cli.progress import Progress
    from razorprof.session.captures import record_cpu

    cost = cpu_report.Cost()
    with Progress("cpu") as progress:
        outcomes = progress.take(
            [(cpu_report.label(target), partial(record_cpu, target, request)) for target in targets]
        )
        spent = cost.seconds()
        taken = [
            _keep(target, outcome, plan, place, keep_threads)
            for place, (target, outcome) in enumerate(zip(targets, outcomes, strict=True))
        ]
    if len(taken) == 1 and taken[0].error is not None:
        raise taken[0].error
    cpu_report.report(taken, request, spent, top=top, as_json=as_json, table=plan is None, code=progress.code)
    failed = next((one.error.code for one in taken if one.error is not None), None)
    return progress.code if progress.code is not None else failed


def _keep(
    target: Target, outcome: Outcome[Profile], plan: OutputPlan | None, place: int, keep_threads: bool
) -> Taken:
    """Write what came of one target; what goes wrong with it is told beside the others."""
    from razorprof.cli.cpu_report import Taken
    from razorprof.errors import RazorprofError
    from razorprof.model.profile import join_threads

    profile = outcome.value
    if profile is None:
        return Taken(target, None, error=outcome.error)
    if not keep_threads:
        profile = join_threads(profile)
    if plan is None or not profile.rounds:
        return Taken(target, profile)
    from razorprof.recording.profile_files import write_profile

    output = plan.outputs[place]
    try:
        return Taken(target, profile, path=write_profile(output, profile), format=output.format.name)
    except RazorprofError as error:
        return Taken(target, profile, error=error)
