"""``razorprof show``: a profile file, a bundle or a recording in the terminal, or converted into another format.

What kind of file it is, is decided in `show`, `_open` and `_bundle` alone. Drawing is cli.show_profile's,
cli.show_bundle's and cli.show_recording's.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from razorprof.cli.several_recordings import Shift, parse_shifts

if TYPE_CHECKING:
    from razorprof.cli.show_recording import Part
    from razorprof.model.profile import Profile
    from razorprof.recording.bundle_read import Bundle

    # a file, a file of a bundle, stacks of recordings
    Source = Path | tuple[str, Bundle] | tuple[list[Path], Part]

EPILOG = """\
\b
Examples:
  razorprof show cpu.pb.gz
  razorprof show cpu.pb.gz --tree --focus render
  razorprof show cpu.speedscope.json --ignore 'threading.py:*' --by file
  razorprof show cpu.pb.gz -o cpu.speedscope.json       convert
  razorprof show cpu.pb.gz -o cpu.html                  a flame graph for a browser
  razorprof show cpu.json --json
  razorprof show dump.tar.gz                            a bundle: findings and files
  razorprof show dump.tar.gz --file threads.txt
  razorprof show dump.tar.gz --file cpu.json --tree     a profile of a bundle
  razorprof show incident.rzp                           a recording: targets, peaks, alerts
  razorprof show incident.rzp --from 03:12 --to 03:13 -o slow.html
  razorprof show incident.rzp --from +5m --to +6m --tree --pid 1234
  razorprof show incident.rzp -o series.om              for promtool, or .csv
  razorprof show web1.rzp web2.rzp -o both.om           of several hosts, as one; -o both.html their stacks

On a terminal it opens a viewer with a table, the call tree and a flame graph (--tree,
--flame: which of them first); ? tells its keys, q leaves it. In a pipe, and with
--plain or --top, it prints.

--json of a recording: {"host", "created", "interval", "start", "end", "ticks", "samples", "bytes", "complete",
"live", "targets": [{"pid", "name", "runtime", "version", "command", "first", "last", "ended", "how", "functions",
"peaks": [{"name", "labels", "value", "time", "mean", "per_second"}]}], "gaps", "marks", "alerts", "damage":
[{"file", "offset", "bytes", "what"}]}; of several, {"recordings": [...]}. Where there is damage, the exit status
is 6.

Several recordings are summarised one by one, and converted as one: see razorprof-recording(5).

Times of a recording are Unix seconds, RFC 3339, a time of the day, +90s after its start
or -5m before its end. promtool tsdb create-blocks-from openmetrics series.om imports into Prometheus.

A PATTERN is a word (part of a function or file), a glob over function, file or FILE:FUNCTION, or /REGEX/.
"""

MOST_SHOWN = 30
CPU_PROFILE = "cpu.json"  # what a bundle's profile is called
_PROFILE_KINDS = ("cpu", "heap")


class By(StrEnum):
    """What a row stands for."""

    FUNCTION = "function"
    FILE = "file"
    PACKAGE = "package"


def show(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="A profile, a bundle (folder or .tar.gz), or a recording; several recordings are read as one.",
            show_default=False,
        ),
    ],
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
    flame: Annotated[bool, typer.Option("--flame", help="Open the viewer on the flame graph.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Print, on a terminal too.")] = False,
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
    member: Annotated[
        str | None,
        typer.Option("--file", metavar="NAME", help="Of a bundle, this file.", show_default=False),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Of a recording, what is at or after this time.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Of a recording, what is at or before this time.")
    ] = None,
    shift: Shift = None,
    pid: Annotated[
        int | None, typer.Option("--pid", metavar="PID", help="Of a recording, only this target.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> int | None:
    """Show a profile (hottest functions, call tree), a bundle or a recording, or convert it."""
    from dataclasses import replace

    from razorprof.cli import show_bundle, show_profile, show_recording
    from razorprof.cli.show_viewer import view_profile, wants_viewer
    from razorprof.errors import UsageError

    _check_together(tree=tree, as_json=as_json, output_file=output_file, format_name=format_name, by=by)
    wanted = _Wanted(thread, focus, ignore)
    part, file = _part(files, start, end, pid, member), files[0]
    if part is not None:
        part = replace(part, shifts=parse_shifts(shift, files))
    elif shift:
        raise UsageError("--shift is for recordings", value=file, hint="razorprof record makes one")
    if part is not None and output_file is None and not (tree or flame or wanted.is_part or by is not By.FUNCTION):
        return show_recording.show_summary(files, part, rows=top, as_json=as_json)
    if part is not None and output_file is not None and _holds_series(output_file, format_name):
        show_recording.convert_series(files, part, output_file, force=force, as_json=as_json)
        return None
    viewer = wants_viewer(flame=flame, printed=plain or as_json or top is not None or output_file is not None)
    bundle = None if part is not None else _bundle(file, member)
    if bundle is not None and member is None and output_file is None and not (tree or flame or wanted.is_part):
        return _summary(file, bundle, as_json=as_json)
    name = member or CPU_PROFILE
    if bundle is not None and output_file is None and not _is_profile(bundle, name):
        show_bundle.print_file(name, bundle.read(name))
        return None
    source: Source = (files, part) if part is not None else file if bundle is None else (name, bundle)
    if output_file is not None:
        _convert(source, output_file, wanted, format_name, force=force, as_json=as_json)
        return None
    whole = _open(source)
    profile = wanted.of(whole)
    if as_json:
        show_profile.print_document(profile, by.value, top or None)
        return None
    title = " + ".join(one.name for one in files) if bundle is None else f"{file.name}: {name}"
    if viewer:
        return view_profile(profile, title, by=by.value, tree=tree, flame=flame)
    rows = MOST_SHOWN if top is None else top or None
    show_profile.print_head(title, whole, profile)
    if tree:
        show_profile.print_tree(profile, rows)
    else:
        show_profile.print_functions(profile, by.value, rows)
    return None


class _Wanted:
    """The part of the profile that was asked for."""

    def __init__(self, thread: str | None, focus: list[str] | None, ignore: list[str] | None) -> None:
        self._thread, self._focus, self._ignore = thread, focus or [], ignore or []

    @property
    def is_part(self) -> bool:
        """Whether anything but the whole was asked for."""
        return bool(self._thread is not None or self._focus or self._ignore)

    def of(self, profile: Profile) -> Profile:
        from razorprof.analysis import profile_filter

        if self._thread is not None:
            profile = profile_filter.of_thread(profile, self._thread)
        for pattern in self._focus:
            profile = profile_filter.focus(profile, pattern)
        for pattern in self._ignore:
            profile = profile_filter.ignore(profile, pattern)
        return profile


def _open(source: Source) -> Profile:
    """The profile in a file, in a file of a bundle, or of a window of a recording."""
    from razorprof.cli.show_recording import profile_of
    from razorprof.recording.profile_files import decode_profile, read_profile

    match source:
        case Path():
            return read_profile(source)
        case str() as name, bundle:
            return decode_profile(bundle.read(name), name)
        case recordings, part:
            return profile_of(recordings, part)


def _part(
    files: list[Path], start: str | None, end: str | None, pid: int | None, member: str | None
) -> Part | None:
    """What is wanted of recordings; None where the file is none. Raises UsageError where options do not fit."""
    from razorprof.cli.show_recording import Part
    from razorprof.errors import ToolFailed, UsageError
    from razorprof.recording.rzp_format import ENDING
    from razorprof.recording.rzp_open import looks_like_recording

    part = Part(start, end, pid)
    other = next((file for file in files if not looks_like_recording(file)), None)
    if other is not None and other.name.lower().endswith(ENDING) and other.is_file():
        hint = "its beginning is damaged, or nothing had been written of it yet"
        raise ToolFailed("not a recording that can be read", value=other, hint=hint)
    if other is not None:
        if len(files) > 1:
            hint = "name profiles and bundles one by one; razorprof diff compares two"
            raise UsageError("only recordings are shown together", value=other, hint=hint)
        if part.named is not None:
            raise UsageError(f"{part.named} is for recordings", value=other, hint="razorprof record makes one")
        return None
    if member is not None:
        hint = "of a recording, name times: --from and --to"
        raise UsageError("--file is for bundles", value=files[0], hint=hint)
    return part


def _holds_series(output_file: str, format_name: str | None) -> bool:
    from razorprof.cli.recording_export import is_series_name

    return format_name is None and is_series_name(output_file)


def _bundle(file: Path, member: str | None) -> Bundle | None:
    """The bundle, where the file is one."""
    from razorprof.recording.bundle_read import is_bundle, open_bundle

    if is_bundle(file):
        return open_bundle(file)
    if member is not None:
        from razorprof.errors import UsageError

        raise UsageError("--file is for bundles", value=file, hint="a bundle is what razorprof dump writes")
    return None


def _summary(file: Path, bundle: Bundle, *, as_json: bool) -> int | None:
    from razorprof.cli import output, show_bundle
    from razorprof.errors import ExitCode

    if as_json:
        output.print_json(show_bundle.document(bundle))
    else:
        show_bundle.print_summary(file.name, bundle)
    return ExitCode.TOOL_FAILED if bundle.problems or bundle.damage else None


def _is_profile(bundle: Bundle, name: str) -> bool:
    """Whether a file of a bundle is to be read as a profile; others are shown as they are."""
    return name.endswith((".json", ".collapsed")) and any(
        one.path == name and one.kind in _PROFILE_KINDS for one in bundle.manifest.files
    )


def _convert(
    source: Source, template: str, wanted: _Wanted, format_name: str | None, *, force: bool, as_json: bool
) -> None:
    from razorprof.cli import output
    from razorprof.recording.profile_files import plan_output, write_profile
    from razorprof.render.text import printable

    plan = plan_output(template, force=force, format_name=format_name)
    if as_json and plan.outputs[0].path is None:
        from razorprof.errors import UsageError

        raise UsageError("--json and -o - would both write to standard output")
    written = write_profile(plan, wanted.of(_open(source)))
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
