"""``razorprof diff``: what grew and shrank between two profiles, and whether that breaks a build.

Parses, checks every output before the work, and prints. Where the profiles come from (files, live processes) is
cli.diff_sides; what is compared and judged is analysis.compare and analysis.gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.complete import complete_target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from razorprof.analysis.compare_values import CompareOptions, Comparison
    from razorprof.model.profile import Profile
    from razorprof.recording.profile_files import OutputPlan

EPILOG = """\
\b
Examples:
  razorprof diff base.json new.json
  razorprof diff base.pb.gz new.pb.gz --fail-above 20% --junit gate.xml
  razorprof diff base.json new.json --base-run base2.json --new-run new2.json
  razorprof diff 1234 1240 -d 20                two live processes, sampled at once
  razorprof diff monday.rzp tuesday.rzp --base-pid 1234 --new-pid 987
  razorprof diff incident.rzp@03:00..03:10 incident.rzp@03:12..03:13
  razorprof diff base.json new.json --json
  razorprof diff base.json new.json -o diff.html     a differential flame graph
  razorprof diff base.json new.json -i               look around in it, on a terminal

\b
What is compared: seconds where all profiles are of complete runs (razorprof run),
else shares; --of chooses. Seconds show a program that is slower all over; shares do
not, and a function's share grows by less than its time. How fast the machine was
cancels in shares, but not in seconds: one run a side is allowed 8 % for it,
more where other work kept the machine busy meanwhile; with several runs of each side
(--base-run, --new-run) their own spread counts.

\b
Of a recording (razorprof record) the stacks are compared, of all of its time or of a
window: FILE.rzp@FROM..TO, each a time as razorprof show takes it, or left out. They
are no complete runs: shares, unless --of seconds says that both windows do the same
work. Below, figures of both are set side by side (CPU, memory, GC ...); they are told
and not judged.

\b
A function fails the gate when its own or its total time grew by more than
--fail-above and the growth is significant: all functions together fail two equal
programs at most once in 20. Of complete runs it may also have grown so beside the rest
of the program, whose seconds tell how fast the machine was (where they differ by 15 %
or half of --fail-above at the most; by 30 % where all of it moved alike). 20% is growth
of the function, 5pp are points of the total; a function that is new is compared in
points (20% as 20pp). The spread is told from the profiles' blocks of time; files
without blocks are judged as spreading twice as far as independent samples would
("approximate").

\b
Exit: 0 passed, or no gate; 1 failed; 6 inconclusive: growth of --fail-above would
have been noticed in less than half of the time. Longer, faster or more runs help,
and a higher --min-share or threshold.
"""


@dataclass(frozen=True, slots=True)
class Reports:
    """Where the comparison goes beside the terminal; all checked before the work."""

    markdown: Path | None
    junit: Path | None
    graph: OutputPlan | None
    force: bool


def diff(
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE",
            help="A profile, a recording (FILE.rzp@FROM..TO) or a live process (a TARGET).",
            autocompletion=complete_target,
        ),
    ],
    new: Annotated[
        str,
        typer.Argument(metavar="NEW", help="What is compared with it.", autocompletion=complete_target),
    ],
    of: Annotated[
        str | None,
        typer.Option(
            "--of",
            metavar="seconds|share",
            help="Compare seconds or shares (default: seconds of complete runs).",
            show_default=False,
        ),
    ] = None,
    fail_above: Annotated[
        str | None,
        typer.Option("--fail-above", metavar="20%|5pp", help="Exit 1 where growth is above.", show_default=False),
    ] = None,
    min_share: Annotated[
        str, typer.Option("--min-share", metavar="1%", help="Judge functions of at least this share.")
    ] = "1%",
    thread: Annotated[
        str | None,
        typer.Option("--thread", metavar="NAME|ID", help="Only this thread's part.", show_default=False),
    ] = None,
    duration: Annotated[
        str, typer.Option("-d", "--duration", metavar="SECONDS", help="How long live processes are sampled.")
    ] = "10",
    rate: Annotated[
        int, typer.Option("-r", "--rate", metavar="HZ", min=1, max=1000, help="Looks per second at those.")
    ] = 100,
    base_run: Annotated[
        list[str] | None,
        typer.Option("--base-run", metavar="FILE", help="A further run of BASE's program; may be repeated."),
    ] = None,
    new_run: Annotated[
        list[str] | None,
        typer.Option("--new-run", metavar="FILE", help="A further run of NEW's program; may be repeated."),
    ] = None,
    base_pid: Annotated[
        int | None, typer.Option("--base-pid", metavar="PID", help="Of BASE, a recording, only this process.")
    ] = None,
    new_pid: Annotated[
        int | None, typer.Option("--new-pid", metavar="PID", help="Of NEW, a recording, only this process.")
    ] = None,
    markdown: Annotated[
        str | None, typer.Option("--markdown", metavar="FILE", help="Write a report for a pull request.")
    ] = None,
    junit: Annotated[
        str | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report for CI.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write a differential flame graph (.html, .svg)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    interactive: Annotated[
        bool, typer.Option("-i", "--interactive", help="Open the viewer: changes, call tree, flame graph.")
    ] = False,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="Functions in the table.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int | None:
    """Show what grew and what shrank between two profiles or two live processes, and gate on it."""
    from razorprof.analysis.compare import compare
    from razorprof.cli import diff_document, diff_recordings
    from razorprof.cli.diff_sides import only_thread, read_sides

    if interactive:
        _check_interactive(as_json=as_json)
    options = _options(of, fail_above, min_share)
    reports = _reports(markdown, junit, out, force)
    sides = read_sides(
        [base, *(base_run or [])],
        [new, *(new_run or [])],
        duration=duration,
        rate=rate,
        as_json=as_json,
        pids=(base_pid, new_pid),
    )
    before, after = sides.base, sides.new
    if thread is not None:
        before, after = ([only_thread(p, thread) for p in side] for side in (before, after))
    comparison = compare(before, after, options)
    _write(comparison, before, after, reports)
    if as_json:
        from razorprof.cli import output

        output.print_json(
            diff_document.document(comparison) | diff_recordings.document(sides.figures, sides.no_figures)
        )
    elif interactive:
        from razorprof.cli.show_viewer import view_difference

        left = view_difference(comparison, before, after, f"{base} → {new}")
        if left:
            return left
    else:
        _print(comparison, top)
        if sides.figures is not None:
            diff_recordings.print_figures(sides.figures)
    return int(sides.code) if sides.code is not None else exit_code(comparison)


def exit_code(comparison: Comparison) -> int:
    """The exit code of a gate: also that of a comparison in which nothing could be seen at all."""
    from razorprof.analysis.compare_values import Verdict
    from razorprof.errors import ExitCode

    codes = {
        Verdict.PASS: ExitCode.DONE,
        Verdict.FAIL: ExitCode.FINDING,
        Verdict.INCONCLUSIVE: ExitCode.TOOL_FAILED,
    }
    return int(codes[comparison.verdict])


def _options(of: str | None, fail_above: str | None, min_share: str) -> CompareOptions:
    from razorprof.analysis.compare_values import Basis, CompareOptions
    from razorprof.analysis.gate import parse_share, parse_threshold
    from razorprof.errors import UsageError

    if of is not None and of not in list(Basis):
        raise UsageError("not something to compare", value=of, hint="--of seconds or --of share")
    return CompareOptions(
        basis=None if of is None else Basis(of),
        fail_above=None if fail_above is None else parse_threshold(fail_above),
        min_share=parse_share(min_share),
    )


def _check_interactive(*, as_json: bool) -> None:
    from razorprof.cli.show_viewer import is_interactive
    from razorprof.errors import UsageError

    if as_json:
        raise UsageError("--interactive and --json exclude each other")
    if not is_interactive():
        raise UsageError("--interactive needs a terminal", hint="without it the changes are printed")


def _reports(markdown: str | None, junit: str | None, out: str | None, force: bool) -> Reports:
    """Everything that can be wrong about the outputs."""
    from pathlib import Path

    from razorprof.errors import UsageError
    from razorprof.recording.output_files import check_output
    from razorprof.recording.profile_files import plan_output

    named = [name for name in (markdown, junit, out) if name is not None]
    if len({str(Path(name).absolute()) for name in named}) < len(named):
        raise UsageError("two reports would be written into one file", value=", ".join(named))
    for name in (markdown, junit):
        if name is not None:
            check_output(Path(name), force=force)
    plan = None if out is None else plan_output(out, force=force)
    if plan is not None and not hasattr(plan.format, "write_diff"):
        raise UsageError(
            f"the format {plan.format.name} cannot show a difference",
            value=out,
            hint="a differential flame graph ends in .html or .svg; the figures are in --json",
        )
    return Reports(
        None if markdown is None else Path(markdown), None if junit is None else Path(junit), plan, force
    )


def _write(comparison: Comparison, base: Sequence[Profile], new: Sequence[Profile], reports: Reports) -> None:
    from razorprof.recording.output_files import write_whole

    if reports.markdown is not None:
        from razorprof.render.markdown import markdown_diff

        write_whole(reports.markdown, markdown_diff(comparison).encode(), force=reports.force)
    if reports.junit is not None:
        from razorprof.analysis.gate_checks import checks_of
        from razorprof.render.junit import junit_report

        report = junit_report("razorprof diff", checks_of(comparison))
        write_whole(reports.junit, report.encode(), force=reports.force)
    if reports.graph is not None:
        from razorprof.cli.diff_sides import write_graph

        write_graph(reports.graph, comparison, base, new)


def _print(comparison: Comparison, top: int) -> None:
    from razorprof.cli import output
    from razorprof.cli.output import Cell, Column, Style
    from razorprof.render.diff import diff_rows, diff_titles, headline

    output.print_text(headline(comparison))
    titles = diff_titles(comparison)
    last = len(titles) - 1
    columns = [Column(t, right=0 < i < last, flexible=i == 0) for i, t in enumerate(titles)]
    rows = diff_rows(comparison, top)
    styled: list[list[Cell | str]] = []
    for row in rows:
        style = Style.ACT if row[last].isupper() else Style.LOOK
        styled.append([*row[:last], Cell(row[last], style)])
    output.print_table(columns, styled)
    listed = [f for f in comparison.functions if f.judged] or comparison.functions
    left = len(listed) - len(rows)
    if left > 0:
        output.say(f"{left} more function{' is' if left == 1 else 's are'} not shown (--top)")
    for note in comparison.notes:
        output.say(f"note: {note}")
    if comparison.options.fail_above is not None or comparison.reasons:
        output.print_text(f"{comparison.verdict.value}: {'; '.join(comparison.reasons)}")
