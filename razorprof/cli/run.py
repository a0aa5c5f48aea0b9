"""``razorprof run -- CMD``: launch a program, profile it, and judge what it used against a budget.

Parses and checks everything that can be wrong before the program starts. One run is session.launch_run's, what
came of all of them is told by cli.run_report.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from razorprof.analysis.budget import Budget
    from razorprof.cli.run_heap import HeapPlan
    from razorprof.model.profile import Profile
    from razorprof.profilers.launch import NotStarted
    from razorprof.recording.profile_files import OutputPlan
    from razorprof.session.launch_run import Run

EPILOG = """\
\b
Examples:
  razorprof run --cpu cpu.pb.gz -- python app.py
  razorprof run --heap heap.html -- pytest tests/unit
  razorprof run --budget budget.toml --junit run.xml -- make bench
  razorprof run --budget budget.toml --write-baseline baseline.json --force -- CMD

\b
The program keeps its terminal, input, output, signals, priority and exit code.
What razorprof says goes to stderr, when the program has ended; with --json the
last line of stdout is one JSON document.

\b
A budget (TOML; every part may be left out):
  version = 1
  [functions]                        # FUNCTION, MODULE.FUNCTION or FILE:FUNCTION
  "json.dumps" = { self = "20%" }
  "app/*.py:render" = { total = "35%" }
  [process]
  peak_memory = "512MiB"             # of the largest process
  gc = "5%"                          # of the CPU time; exact
  wall = "30s"
  cpu = "25s"                        # all processes
  [baseline]
  profile = "baseline.json"          # beside the budget file
  fail_above = "20%"                 # growth of a function, or "5pp"

\b
A baseline is made, and made anew, with --write-baseline FILE --force; with --repeat
it keeps every run (.json only). It belongs to a Python version and a kind of machine
(architecture, CPU model): on another one the growth is not judged (exit 6) unless
--any-baseline is given. Without the file a run says so and goes on; with
--require-baseline it does not start.

\b
Exit code: the program's own (128+N for signal N, 127 not found, 126 not executable).
Where it is 0: 1 a limit is broken, 6 a limit could not be judged. What is wrong
before the program starts: 2 or 6.
"""

SLOWEST_HZ, FASTEST_HZ, MOST_RUNS = 1, 1000, 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to give, checked. rate_hz None: nothing is sampled. baseline None: there is none, or none yet;
    notes: what was said before the start."""

    budget: Budget | None
    rate_hz: float | None
    cpu: OutputPlan | None
    heap: HeapPlan | None
    new_baseline: OutputPlan | None
    junit: Path | None
    markdown: Path | None
    force: bool
    as_json: bool
    baseline: Profile | None = None
    any_baseline: bool = False
    notes: tuple[str, ...] = ()


def run(
    command: Annotated[list[str], typer.Argument(metavar="CMD", help="The program and its arguments, after --.")],
    cpu: Annotated[
        str | None, typer.Option("--cpu", metavar="FILE", help="Write a CPU profile of the whole run.")
    ] = None,
    heap: Annotated[
        str | None,
        typer.Option("--heap", metavar="FILE", help="Record allocations with memray (.html, .bin or a profile)."),
    ] = None,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="FILE", help="Judge the run by the limits in a TOML file.")
    ] = None,
    junit: Annotated[str | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report.")] = None,
    markdown: Annotated[str | None, typer.Option("--markdown", metavar="FILE", help="Write Markdown.")] = None,
    rate: Annotated[int, typer.Option("-r", "--rate", metavar="HZ", help="Looks per second.")] = 250,
    repeat: Annotated[
        int,
        typer.Option(
            "--repeat",
            metavar="N",
            min=1,
            max=MOST_RUNS,
            help="Run it N times, one after the other, and judge them together.",
        ),
    ] = 1,
    write_baseline: Annotated[
        str | None,
        typer.Option(
            "--write-baseline",
            metavar="FILE",
            help="Write the profile of all runs as a baseline, if CMD succeeds.",
        ),
    ] = None,
    require_baseline: Annotated[
        bool, typer.Option("--require-baseline", help="Do not start without the budget's baseline.")
    ] = False,
    any_baseline: Annotated[
        bool, typer.Option("--any-baseline", help="Accept a baseline of another Python or machine.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document as the last line of stdout.")] = False,
) -> int | None:
    """Launch a program, profile it from its start, and check what it used against a budget."""
    from razorprof.cli.run_report import report
    from razorprof.profilers.launch import NotStarted

    plan = _plan(cpu, heap, budget, junit, markdown, rate, write_baseline, force, as_json)
    plan = _with_baseline(plan, require=require_baseline, accept_any=any_baseline)
    with ExitStack() as folders:  # what stands in them is read for the report
        runs: list[Run] = []
        for _ in range(repeat):
            done = _run_in(folders, command, plan)
            if isinstance(done, NotStarted):
                return _not_started(done, command, as_json)
            runs.append(done)
            if done.ended.code:
                break
        return report(command, runs, plan)


def _run_in(folders: ExitStack, command: list[str], plan: Plan) -> Run | NotStarted:
    import os

    from razorprof.profilers.private_folder import private_folder
    from razorprof.session.launch_run import Wanted, run_once

    folder = folders.enter_context(private_folder())
    wanted = Wanted(
        plan.rate_hz,
        gc=plan.budget is not None and plan.budget.gc is not None,
        heap=plan.heap is not None,
    )
    return run_once(command, os.environ, wanted, folder)


def _not_started(refused: NotStarted, command: list[str], as_json: bool) -> int:
    from razorprof.cli import output
    from razorprof.errors import ToolFailed

    error = ToolFailed(refused.reason, value=command[0], hint=refused.hint)
    if as_json:
        output.print_json_line({"error": {**error.as_json(), "code": refused.code}})
    else:
        output.print_error(error)
    return refused.code


def _plan(
    cpu: str | None,
    heap: str | None,
    budget: str | None,
    junit: str | None,
    markdown: str | None,
    rate: int,
    write_baseline: str | None,
    force: bool,
    as_json: bool,
) -> Plan:
    """Everything that can be wrong before the program starts."""
    from razorprof.config.budget import read_budget
    from razorprof.errors import UsageError
    from razorprof.recording.output_files import check_output

    if not SLOWEST_HZ <= rate <= FASTEST_HZ:
        raise UsageError("the rate is out of range", value=rate, hint=f"between {SLOWEST_HZ} and {FASTEST_HZ} Hz")
    named = [name for name in (cpu, heap, junit, markdown, write_baseline) if name is not None]
    if len({str(Path(name).absolute()) for name in named}) < len(named):
        raise UsageError("two results would be written into one file", value=", ".join(named))
    if "-" in named:
        raise UsageError("standard output belongs to the program", value="-", hint="name a file")
    limits = None if budget is None else read_budget(Path(budget))
    for name in (junit, markdown):
        if name is not None:
            check_output(Path(name), force=force)
    samples = cpu is not None or write_baseline is not None or (limits is not None and limits.needs_profile)
    if samples:
        from razorprof.profilers.pyspy import find_py_spy

        find_py_spy()
    return Plan(
        limits,
        float(rate) if samples else None,
        None if cpu is None else _profile_output(cpu, force),
        _heap_output(heap, force),
        None if write_baseline is None else _profile_output(write_baseline, force, readable=True),
        None if junit is None else Path(junit),
        None if markdown is None else Path(markdown),
        force,
        as_json,
    )


def _heap_output(name: str | None, force: bool) -> HeapPlan | None:
    if name is None:
        return None
    from razorprof.cli.run_heap import plan_heap

    return plan_heap(name, force=force)


def _profile_output(name: str, force: bool, *, readable: bool = False) -> OutputPlan:
    from razorprof.errors import UsageError
    from razorprof.recording.profile_files import plan_output

    planned = plan_output(name, force=force)
    if readable and planned.format.name not in ("razorprof", "pprof", "speedscope"):
        raise UsageError(
            f"a baseline cannot be kept as {planned.format.name}",
            value=name,
            hint="use .json, .pb.gz or .speedscope.json, which keep blocks and notes",
        )
    return planned


def _with_baseline(plan: Plan, *, require: bool, accept_any: bool) -> Plan:
    from dataclasses import replace

    from razorprof.errors import UsageError
    from razorprof.recording.profile_files import read_profile

    wanted = None if plan.budget is None else plan.budget.baseline
    if wanted is None:
        if require or accept_any:
            raise UsageError("no baseline is named", hint="name one in the budget: [baseline] profile = ...")
        return plan
    fresh = None if plan.new_baseline is None else plan.new_baseline.outputs[0].path
    if fresh is not None and fresh.resolve() == wanted.profile.resolve():
        return replace(plan, notes=("the baseline is made anew: growth against the last one was not judged",))
    if not wanted.profile.exists():
        hint = f"make one with: --write-baseline {wanted.profile}"
        if require:
            raise UsageError("the baseline is not there", value=wanted.profile, hint=hint)
        words = f"there is no baseline yet, so growth was not judged; {hint}"
        return replace(plan, notes=(words,))
    return replace(plan, baseline=read_profile(wanted.profile), any_baseline=accept_any)
