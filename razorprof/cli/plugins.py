"""``razorprof plugins``: which runtimes, sources and formats are installed, and which of them cannot be used."""

from __future__ import annotations

from typing import Annotated

import typer

EPILOG = """\
\b
Examples:
  razorprof plugins
  razorprof plugins --json | python -m json.tool
"""


def plugins(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List the installed plugins: runtimes, sources and formats, with version and error."""
    from razorprof.cli import output
    from razorprof.cli.output import Cell, Column, Style
    from razorprof.plugin.loading import check_plugins

    reports = check_plugins()
    if as_json:
        output.print_json(
            [
                {
                    "group": report.group,
                    "name": report.name,
                    "distribution": report.distribution,
                    "version": report.version,
                    "error": report.error or None,
                }
                for report in reports
            ]
        )
        return
    columns = (
        Column("GROUP"),
        Column("NAME"),
        Column("DISTRIBUTION"),
        Column("VERSION"),
        Column("STATE", flexible=True),
    )
    rows = [
        (
            report.group.removeprefix("razorprof."),
            report.name,
            report.distribution,
            report.version,
            Cell(report.error, Style.ACT) if report.error else Cell("ok"),
        )
        for report in reports
    ]
    output.print_table(columns, rows)
