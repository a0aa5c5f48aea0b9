"""``razorprof ps``: what can be looked into, and if not, why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from razorprof.cli.complete import complete_target

if TYPE_CHECKING:
    from razorprof.cli.listing import Candidate
    from razorprof.targets.attach import AttachVerdict
    from razorprof.targets.table import ProcessEntry

EPILOG = """\
\b
Examples:
  razorprof ps
  razorprof ps gunicorn
  razorprof ps --all --json

FILTER is a part of the name or command line, or a TARGET such as port:8000.
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list. runtime, version: None where no runtime recognised it or none was allowed to look."""

    candidate: Candidate
    runtime: str | None
    version: str | None
    verdict: AttachVerdict

    def as_json(self) -> dict[str, Any]:
        return {
            "pid": self.candidate.entry.pid,
            "runtime": self.runtime,
            "version": self.version,
            **self.candidate.as_json(),
            "attach": self.verdict.attach.value,
            "reason": self.verdict.reason or None,
        }


def ps(
    filter_text: Annotated[
        str,
        typer.Argument(
            metavar="[FILTER]", help="Show only these.", show_default=False, autocompletion=complete_target
        ),
    ] = "",
    take_all: Annotated[bool, typer.Option("--all", help="Every process, not only recognised runtimes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List the processes that can be looked into: runtime, CPU, memory, and whether we may attach."""
    from razorprof.cli import output
    from razorprof.cli.listing import describe_candidates
    from razorprof.clock import SystemClock

    found = [(entry, recognised) for entry in _entries(filter_text) if (recognised := _recognise(entry, take_all))]
    by_identity = {entry.identity: recognised for entry, recognised in found}
    candidates = describe_candidates([entry for entry, _ in found], SystemClock())
    listed = [Listed(c, *by_identity[c.entry.identity]) for c in candidates]
    if as_json:
        output.print_json([line.as_json() for line in listed])
        return
    _print_table(listed)
    if not listed and not take_all:
        output.say("nothing here that can be looked into; --all lists every process")


def _entries(filter_text: str) -> list[ProcessEntry]:
    from razorprof.errors import TargetNotFound
    from razorprof.targets.resolve import check_proc, resolve
    from razorprof.targets.selector import SelectorKind, parse_selector
    from razorprof.targets.table import read_table

    check_proc()
    table = read_table()
    own = table.own_family()
    everything = [entry for entry in table if entry.is_candidate and entry.pid not in own]
    if not filter_text:
        return everything
    selector = parse_selector(filter_text)
    if selector.kind is SelectorKind.NAME and not filter_text.startswith("name:"):
        part = selector.value.casefold()
        return [e for e in everything if part in " ".join((e.name, e.stat.comm, *e.arguments)).casefold()]
    try:
        return resolve(selector, table=table)
    except TargetNotFound:
        return []


def _recognise(entry: ProcessEntry, take_all: bool) -> tuple[str | None, str | None, AttachVerdict] | None:
    """Runtime, version and verdict; None for what is not to be listed."""
    from razorprof.errors import PermissionDenied, RazorprofError
    from razorprof.plugin.loading import detect_runtime
    from razorprof.targets.attach import attach_verdict
    from razorprof.targets.naming import is_python_command

    try:
        try:
            found = detect_runtime(entry.view)
            guessed = False
        except PermissionDenied:  # it cannot be told what it is; its name may still say it
            found, guessed = None, is_python_command(entry.arguments, entry.stat.comm)
        if found is None and not guessed and not take_all:
            return None
        verdict = attach_verdict(entry.view, recognised=found is not None)
    except RazorprofError:
        return None  # gone meanwhile
    return (found[1].runtime, found[1].version, verdict) if found else (None, None, verdict)


def _print_table(listed: Sequence[Listed]) -> None:
    from razorprof.cli import output
    from razorprof.cli.output import Cell, Column, Style
    from razorprof.render.figures import NOTHING, percent_bare, size
    from razorprof.targets.attach import Attach

    fixes: dict[str, str] = {}
    for line in listed:
        if line.verdict.reason:
            fixes.setdefault(line.verdict.reason, line.verdict.fix)
    notes = {reason: number for number, reason in enumerate(fixes, start=1)}
    styles = {Attach.OK: Style.PLAIN, Attach.DENIED: Style.ACT, Attach.UNSUPPORTED: Style.QUIET}
    columns = (
        Column("PID", right=True),
        Column("RUNTIME"),
        Column("CPU %", right=True),
        Column("RSS", right=True),
        Column("ATTACH"),
        Column("COMMAND", flexible=True),
    )
    rows = []
    for line in listed:
        verdict = line.verdict
        mark = f" ({notes[verdict.reason]})" if verdict.reason else ""
        rows.append(
            (
                str(line.candidate.entry.pid),
                " ".join(part for part in (line.runtime, line.version) if part) or NOTHING,
                percent_bare(line.candidate.cpu_ratio),
                size(line.candidate.rss_bytes),
                Cell(verdict.attach.value + mark, styles[verdict.attach]),
                line.candidate.short_command,
            )
        )
    output.print_table(columns, rows)
    for reason, number in notes.items():
        output.say(f"({number}) {reason}" + (f"; {fixes[reason]}" if fixes[reason] else ""))
