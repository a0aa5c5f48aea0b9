"""``razorprof doctor [TARGET]``: why it cannot attach, and the exact command or setting that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.complete import complete_target

if TYPE_CHECKING:
    from razorprof.cli.checks import Check
    from razorprof.targets.table import ProcessEntry

EPILOG = """\
\b
Examples:
  razorprof doctor
  razorprof doctor 1234
  razorprof doctor name:gunicorn --json

Ends with 0 when it works (also when limited), 4 when a permission is missing, 3 when there is no such target.
"""

_BEFORE_DETAIL = 27  # cells of the columns left of it


def doctor(
    target: Annotated[
        str,
        typer.Argument(
            metavar="[TARGET]",
            help="Also look at this process.",
            show_default=False,
            autocompletion=complete_target,
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """Say why it cannot attach, and the exact command that mends it."""
    from razorprof.cli import output
    from razorprof.cli.checks import judge
    from razorprof.cli.host_checks import check_host

    entry = _find(target, as_json) if target else None  # a bad target is told at once
    checks = check_host()
    if entry is not None:
        from razorprof.cli.target_checks import check_target

        checks += check_target(entry)
    verdict, code = judge(checks)
    if as_json:
        output.print_json({"checks": [check.as_json() for check in checks], "verdict": verdict})
    else:
        _print(checks, verdict)
    return code


def _find(text: str, as_json: bool) -> ProcessEntry:
    """The process, also one that `resolve` refuses: a zombie or a kernel thread is a finding here."""
    from razorprof.cli.select import Choice, select_targets
    from razorprof.errors import TargetGone
    from razorprof.targets.selector import SelectorKind, parse_selector
    from razorprof.targets.table import read_table

    selector = parse_selector(text)
    if selector.kind is SelectorKind.PID:
        known = read_table().get(selector.number)
        if known is not None and not known.is_candidate:
            return known
    chosen = select_targets([text], Choice(one=True, as_json=as_json))[0]
    entry = read_table().get(chosen.pid)
    if entry is None or entry.identity != chosen.identity:
        raise TargetGone("the process ended while it was looked at", value=text)
    return entry


def _print(checks: Sequence[Check], verdict: str) -> None:
    import sys

    from razorprof.cli import output
    from razorprof.cli.output import Cell, Column, Style
    from razorprof.render.text import printable

    marks = {True: Cell("ok"), False: Cell("FAIL", Style.ACT), None: Cell("-", Style.QUIET)}
    room = output.terminal_width() - _BEFORE_DETAIL if output.is_tty(sys.stdout) else None
    rows: list[tuple[Cell | str, ...]] = []
    for check in checks:
        first, *rest = _wrapped(printable(check.detail), room)
        rows.append((marks[check.ok], check.name, first))
        rows += [("", "", line) for line in rest]
    output.print_table((Column(""), Column("CHECK"), Column("FOUND")), rows)
    for title, ok in (("What mends it:", False), ("If you need it:", None)):
        fixes = [check for check in checks if check.fix and check.ok is ok]
        if fixes:
            output.print_text(f"\n{title}")
        for check in fixes:
            output.print_text(f"  {printable(check.name)}: {printable(check.fix)}")
    output.print_text(f"\nverdict: {verdict}")


def _wrapped(text: str, room: int | None) -> list[str]:
    """The text in lines: nothing of it may be cut, it is what is asked for."""
    if room is None or len(text) <= room:
        return [text]
    import textwrap

    return textwrap.wrap(text, max(20, room), break_on_hyphens=False) or [""]
