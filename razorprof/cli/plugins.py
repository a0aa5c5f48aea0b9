"""``razorprof plugins``: which plugins of every group there are, and which cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from razorprof.plugin.loading import PluginReport

EPILOG = """\
\b
Examples:
  razorprof plugins
  razorprof plugins webhook
  razorprof plugins --json | python -m json.tool
"""


def plugins(
    name: Annotated[
        str | None, typer.Argument(help="Only the plugins of this name, with the options that they take.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List the installed plugins: runtimes, sources, formats, notifiers and panels, with version and error."""
    from razorprof.cli import output
    from razorprof.cli.output import Cell, Column, Style
    from razorprof.errors import UsageError
    from razorprof.plugin.loading import check_plugins

    reports = [report for report in check_plugins() if name in (None, report.name)]
    if not reports:
        raise UsageError("no such plugin", value=name, hint="see all of them with: razorprof plugins")
    if as_json:
        output.print_json(
            [
                {
                    "group": report.group,
                    "name": report.name,
                    "distribution": report.distribution,
                    "version": report.version,
                    "error": report.error or None,
                    "options": _options(report),
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
    if name is not None:
        for report in reports:
            options = _options(report)
            if options:
                output.print_table((Column("OPTION"), Column("MEANING", flexible=True)), list(options.items()))


def _options(report: PluginReport) -> Mapping[str, str] | None:
    """What a notifier may be given, by name; None where a plugin takes no options from users."""
    from razorprof.plugin.loading import NOTIFIERS, Failure, find_notifier, guard
    from razorprof.session.route import route_options

    if report.group != NOTIFIERS or report.error:
        return None
    notifier = find_notifier(report.name)
    found = guard(report.name, lambda: {str(name): str(text) for name, text in route_options(notifier).items()})
    return None if isinstance(found, Failure) else found
