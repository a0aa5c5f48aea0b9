"""``razorprof rules check FILE...``: what is wrong with rule files, each problem with its line.

Reads options and prints; what a rule file may say is alerting.rule_file's business, an action file's
alerting.actions'.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from razorprof.cli.rules_verdicts import Judged

EPILOG = """\
\b
Examples:
  razorprof rules check rules/*.yml
  razorprof rules check rules.yml --target-version 2.45
  razorprof rules check rules.yml --actions captures.yml
  razorprof rules check - --json < rules.yml

Each problem is told as FILE:LINE: MESSAGE, with what to do about it. The verdict on a rule file is promtool's:
an error is what Prometheus refuses, a warning (rules that stand twice, say) what it takes and nobody means.

Ends with 0 when all files are good, 1 when Prometheus would refuse one, 5 when Prometheus takes them all and
razorprof does not support something in them, 6 when one could not be read.

With --json: {"verdict", "target_version", "files": [{"file", "kind", "verdict", "groups", "rules", "alerts",
"problems": [{"line", "kind", "message", "hint"}]}]}. A verdict is good, bad, unsupported or unreadable; the kind
of a file rules or actions, that of a problem error, unsupported or warning; line 0 is the whole file.
"""


def check(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Rule files; - is standard input.", show_default=False),
    ],
    target_version: Annotated[
        str | None,
        typer.Option(
            "--target-version",
            metavar="VERSION",
            help="The Prometheus that is to read the files, such as 2.45 (default: the newest 3.x).",
            show_default=False,
        ),
    ] = None,
    actions: Annotated[
        Path | None,
        typer.Option(
            "--actions", metavar="FILE", help="Check this file of captures on alerts, too.", show_default=False
        ),
    ] = None,
    lint_fatal: Annotated[
        bool, typer.Option("--lint-fatal", help="A warning is a finding, too: end with 1.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int:
    """Say what is wrong with rule files, and where."""
    from razorprof.alerting.versions import NEWEST, parse_version
    from razorprof.cli import output
    from razorprof.cli.rules_verdicts import as_document, exit_code, judge_actions, judge_rules

    version = NEWEST if target_version is None else parse_version(target_version)
    judged = [judge_rules(file, version) for file in files]
    if actions is not None:
        judged.append(judge_actions(str(actions)))
    if as_json:
        output.print_json(as_document(judged, None if target_version is None else version))
    else:
        for one in judged:
            _print(one)
    return exit_code(judged, lint_fatal=lint_fatal)


def _print(judged: Judged) -> None:
    import sys

    from razorprof.alerting.problem import ProblemKind
    from razorprof.cli import output
    from razorprof.cli.output import Style
    from razorprof.cli.rules_verdicts import verdict_words
    from razorprof.errors import ToolFailed
    from razorprof.render.text import printable

    if judged.unreadable:
        output.print_error(ToolFailed("cannot read the file", value=judged.unreadable))
        return
    color = output.color_wanted(sys.stdout)
    for problem in judged.problems:
        mark = "warning: " if problem.kind is ProblemKind.WARNING else ""
        place = f"{judged.file}:{problem.line}" if problem.line else judged.file
        style = Style.LOOK if mark else Style.ACT
        shown = printable(f"{mark}{problem.message}")
        output.print_text(f"{printable(place)}: " + (f"\x1b[{style.value}m{shown}\x1b[0m" if color else shown))
        if problem.hint:
            output.print_text(f"  hint: {printable(problem.hint)}")
    output.print_text(f"{printable(judged.file)}: {verdict_words(judged)}")
