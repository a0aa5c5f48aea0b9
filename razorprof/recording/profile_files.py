"""Profiles as files: which format, under which name, written safely and read with bounds.

For the commands that take, show, compare and bundle profiles. The formats themselves are plug-ins
(razorprof.formats) and are reached through plugin.loading; what one of them does wrong becomes a ToolFailed here.

    plan = plan_output("cpu-{pid}.pb.gz", targets, force=force)    # before the work: raises UsageError
    write_profile(plan, profile)                                   # or plan.outputs[i] of several targets
    profile = read_profile(Path("cpu-1234.pb.gz"))
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from razorprof.clock import Clock, SystemClock
from razorprof.errors import NotSupported, ToolFailed, UsageError
from razorprof.model.profile import Profile
from razorprof.plugin.loading import Failure, formats, guard
from razorprof.plugin.protocols import Format
from razorprof.recording.output_files import check_output, fill_name, write_whole

STANDARD_OUTPUT = "-"
LARGEST_FILE = 1 << 28
_WRITE_AGAIN = "it may have been cut off while it was written or copied; take the profile again"
_START = 4096  # what a format sees to recognise its own


class Subject(Protocol):
    """Whose profile it is: a Target fits."""

    @property
    def pid(self) -> int: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Output:
    """Where one profile goes. path None: standard output."""

    path: Path | None
    format: Format
    force: bool = False


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """outputs: one for each target, in their order; a single one where there is no target (yet)."""

    outputs: tuple[Output, ...]

    @property
    def format(self) -> Format:
        return self.outputs[0].format


def plan_output(
    template: str,
    targets: Sequence[Subject] = (),
    *,
    force: bool = False,
    format_name: str | None = None,
    clock: Clock | None = None,
) -> OutputPlan:
    """Everything about the output that can be wrong, found out before the work. `template` is the user's ``-o``:
    {pid}, {name} and {time} are filled in, ``-`` is standard output (then the format must be named).

    Raises UsageError: unknown format or ending (the hint lists them), names of several targets that are equal, and
    all that check_output finds."""
    if template == STANDARD_OUTPUT:
        return OutputPlan((_to_standard_output(targets, format_name),))
    time = (clock or SystemClock()).time()
    paths = [fill_name(template, pid=t.pid, name=t.name, time=time) for t in targets]
    paths = paths or [fill_name(template, time=time)]
    if len(set(paths)) < len(paths):
        raise UsageError(
            "several targets would be written into one file",
            value=paths[0],
            hint="let -o tell them apart: cpu-{pid}.pb.gz",
        )
    found = find_format(format_name) if format_name is not None else format_of(paths[0])
    for path in paths:
        check_output(path, force=force)
    return OutputPlan(tuple(Output(path, found, force) for path in paths))


def write_profile(plan: OutputPlan | Output, profile: Profile) -> Path | None:
    """Write a profile where it was planned (of several outputs, the first: hand in the others one by one). The
    path, None for standard output. Raises ToolFailed, or UsageError where a file has appeared meanwhile."""
    output = plan.outputs[0] if isinstance(plan, OutputPlan) else plan
    content = encode_profile(output.format, profile)
    if output.path is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_whole(output.path, content, force=output.force)
    return output.path


def encode_profile(format: Format, profile: Profile) -> bytes:
    """The content of a file. Raises ToolFailed where the format fails."""
    written = guard(format.name, partial(format.write, profile))
    if isinstance(written, Failure):
        raise ToolFailed(f"the format {written.plugin} could not write the profile", value=written.error)
    return written


def read_profile(path: Path, *, format_name: str | None = None) -> Profile:
    """The profile in a file, its format told by the content, else by the ending. Raises ToolFailed (not there,
    unreadable, damaged, too large), UsageError (no such format), NotSupported (a format that is only written)."""
    return decode_profile(read_bounded(path), path.name, format_name=format_name)


def decode_profile(content: bytes, name: str, *, format_name: str | None = None) -> Profile:
    """The same for content that is already there, such as a bundle's member. name: the file's, for its ending."""
    found = find_format(format_name) if format_name is not None else _format_for(content, name)
    if not content:
        raise ToolFailed("the file is empty", value=name, hint=_WRITE_AGAIN)
    if not found.can_read:
        raise NotSupported(f"{found.name} is only written, it cannot be read back", value=name, hint=_readable())
    try:
        profile = guard(found.name, partial(found.read, content))
    except ToolFailed as error:  # a format knows what is wrong, but not in which file
        told = name if error.value is None else f"{name}: {error.value}"
        raise ToolFailed(error.message, value=told, hint=error.hint or _WRITE_AGAIN) from error
    if isinstance(profile, Failure):
        told = str(profile.cause) or "it is damaged"
        raise ToolFailed(
            f"the file cannot be read as {profile.plugin}", value=f"{name}: {told}", hint=_WRITE_AGAIN
        )
    return profile


def read_bounded(path: Path, largest: int = LARGEST_FILE) -> bytes:
    """A regular file's content. Never waits for a pipe or a device. Raises ToolFailed where there is none, or
    it is not readable or larger than `largest`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ToolFailed("this is no regular file", value=path)
            content = file.read(largest + 1)
    except FileNotFoundError as error:
        raise ToolFailed("there is no such file", value=path) from error
    except (OSError, ValueError) as error:
        raise ToolFailed("the file cannot be read", value=f"{path}: {error}") from error
    if len(content) > largest:
        raise ToolFailed("the file is too large", value=f"{path}: more than {largest >> 20} MiB")
    return content


def find_format(name: str) -> Format:
    """The format called `name`. Raises UsageError with the list of names."""
    known = {format.name: format for format in formats()}
    if name not in known:
        raise UsageError("no such format", value=name, hint=f"there are: {', '.join(sorted(known))}")
    return known[name]


def format_of(path: Path) -> Format:
    """The format that a file's ending names; the longest ending counts. Raises UsageError with the list."""
    found = _by_ending(path.name)
    if found is None:
        endings = ", ".join(sorted(ending for format in formats() for ending in format.endings))
        raise UsageError("no format has this ending", value=path.name, hint=f"use one of {endings}, or --format")
    return found


def _to_standard_output(targets: Sequence[Subject], format_name: str | None) -> Output:
    if format_name is None:
        names = ", ".join(sorted(format.name for format in formats()))
        raise UsageError("standard output has no ending", hint=f"name the format: --format with one of {names}")
    if len(targets) > 1:
        raise UsageError("several targets need files of their own", hint="let -o tell them apart: cpu-{pid}.pb.gz")
    return Output(None, find_format(format_name))


def _by_ending(name: str) -> Format | None:
    fitting = [
        (len(ending), format.name, format)
        for format in formats()
        for ending in format.endings
        if name.lower().endswith(ending) and len(name) > len(ending)
    ]
    return max(fitting, key=lambda entry: entry[:2])[2] if fitting else None


def _format_for(content: bytes, name: str) -> Format:
    start = content[:_START]
    for format in formats():
        recognises = getattr(format, "recognises", None)
        if recognises is not None and guard(format.name, partial(recognises, start)) is True:
            return format
    return format_of(Path(name))


def _readable() -> str:
    return f"readable are: {', '.join(sorted(format.name for format in formats() if format.can_read))}"
