"""``razorprof show``: a profile file in the terminal, or converted into another format.

What kind of file it is, is decided in `_open` alone. Drawing is cli.show_profile's.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from razorprof.model.profile import Profile

EPILOG = """\
\b
Examples:
  razorprof show cpu.pb.gz
  razorprof show cpu.pb.gz --tree --focus render
  razorprof show cpu.speedscope.json --ignore 'threading.py:*' --by file
  razorprof show cpu.pb.gz -o cpu.speedscope.json       convert
  razorprof show cpu.json --json

A PATTERN is a word (part of a function or file), a glob over function, file or FILE:FUNCTION, or /REGEX/.
"""

MOST_SHOWN = 30


class By(StrEnum):
    """What a row stands for."""

    FUNCTION = "function"
    FILE = "file"
    PACKAGE = "package"


def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A profile.", show_default=False)],
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            metavar="N",
            min=0,
            help="How many rows (default 30, with --json all; 0: all).",
            show_default=False,
        ),
    ] = None,
    tree: Annotated[bool, typer.Option("--tree", help="The call tree instead of a table.")] = False,
    thread: Annotated[
        str | None,
        typer.Option("--thread", metavar="THREAD", help="Only threads of this native id or name (a glob)."),
    ] = None,
    focus: Annotated[
        list[str] | None,
        typer.Option(
            "--focus", metavar="PATTERN", help="Only stacks in which a frame fits. Several: all of them."
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="PATTERN", help="Only stacks in which no frame fits."),
    ] = None,
    by: Annotated[By, typer.Option("--by", help="What a row stands for.")] = By.FUNCTION,
    output_file: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Convert into this file; its ending tells the format."
        ),
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="The format of -o, whatever its ending.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file of -o.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Show a profile: its hottest functions, its call tree, or convert it into another format."""
    from razorprof.cli import show_profile

    _check_together(tree=tree, as_json=as_json, output_file=output_file, format_name=format_name, by=by)
    if output_file is not None:
        _convert(file, output_file, _Wanted(thread, focus, ignore), format_name, force=force, as_json=as_json)
        return
    whole = _open(file)
    profile = _Wanted(thread, focus, ignore).of(whole)
    if as_json:
        show_profile.print_document(profile, by.value, top or None)
        return
    rows = MOST_SHOWN if top is None else top or None
    show_profile.print_head(file.name, whole, profile)
    if tree:
        show_profile.print_tree(profile, rows)
    else:
        show_profile.print_functions(profile, by.value, rows)


class _Wanted:
    """The part of the profile that was asked for."""

    def __init__(self, thread: str | None, focus: list[str] | None, ignore: list[str] | None) -> None:
        self._thread, self._focus, self._ignore = thread, focus or [], ignore or []

    def of(self, profile: Profile) -> Profile:
        from razorprof.analysis import profile_filter

        if self._thread is not None:
            profile = profile_filter.of_thread(profile, self._thread)
        for pattern in self._focus:
            profile = profile_filter.focus(profile, pattern)
        for pattern in self._ignore:
            profile = profile_filter.ignore(profile, pattern)
        return profile


def _open(file: Path) -> Profile:
    """What is in the file. The one place that tells kinds of files apart."""
    from razorprof.recording.profile_files import read_profile

    return read_profile(file)


def _convert(
    file: Path, template: str, wanted: _Wanted, format_name: str | None, *, force: bool, as_json: bool
) -> None:
    from razorprof.cli import output
    from razorprof.recording.profile_files import plan_output, write_profile
    from razorprof.render.text import printable

    plan = plan_output(template, force=force, format_name=format_name)
    if as_json and plan.outputs[0].path is None:
        from razorprof.errors import UsageError

        raise UsageError("--json and -o - would both write to standard output")
    written = write_profile(plan, wanted.of(_open(file)))
    if as_json:
        output.print_json({"file": str(written), "format": plan.format.name})
    elif written is not None:
        output.say(f"wrote {printable(str(written))} ({plan.format.name})")


def _check_together(
    *, tree: bool, as_json: bool, output_file: str | None, format_name: str | None, by: By
) -> None:
    from razorprof.errors import UsageError

    if tree and as_json:
        raise UsageError("--tree and --json exclude each other", hint="convert with -o FILE.json for all stacks")
    if tree and by is not By.FUNCTION:
        raise UsageError("--tree shows functions", value=f"--by {by.value}")
    if format_name is not None and output_file is None:
        raise UsageError("--format is that of -o", value=format_name, hint="name a file with -o")
