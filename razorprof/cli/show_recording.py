"""``razorprof show`` of a recording: a summary, a window's stacks as a profile, its series for other programs.

For cli.show, which knows the options. The summary is cli.recording_summary's, drawing of profiles
cli.show_profile's, text for other programs cli.recording_export's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from razorprof.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from razorprof.model.profile import Profile
    from razorprof.model.target import Target
    from razorprof.recording.rzp_merged import Recording


@dataclass(frozen=True, slots=True)
class Part:
    """What of a recording is wanted. start, end: as they were given; pid: of several targets, this one; shifts: of
    several recordings' clocks."""

    start: str | None = None
    end: str | None = None
    pid: int | None = None
    shifts: Sequence[float] = ()

    @property
    def named(self) -> str | None:
        """The option that says so, where one does."""
        given = {"--from": self.start, "--to": self.end, "--pid": self.pid}
        return next((name for name, value in given.items() if value is not None), None)


def show_summary(files: Sequence[Path], part: Part, *, rows: int | None, as_json: bool) -> int | None:
    """Print what is in the window of each. The exit code: 6 where some of it cannot be read."""
    from razorprof.cli import recording_summary
    from razorprof.errors import ExitCode, UsageError
    from razorprof.recording.rzp_reader import RecordingReader

    if any(part.shifts):
        raise UsageError("recordings are summarised one by one", value="--shift", hint="convert them with -o FILE")
    documents, is_damaged = [], False
    for file in files:
        with RecordingReader(file) as recording:
            targets = targets_of(recording, part.pid)
            start, end = window(recording, part)
            found = recording_summary.look(recording, start, end, [target.identity for target in targets])
            if as_json:
                documents.append(recording_summary.document(recording, found))
            else:
                if file is not files[0]:
                    output.print_text("")
                recording_summary.print_summary(recording, found, rows)
            is_damaged = is_damaged or bool(recording.damage)
    if as_json:
        output.print_json(documents[0] if len(documents) == 1 else {"recordings": documents})
    return ExitCode.TOOL_FAILED if is_damaged else None


def profile_of(files: Sequence[Path], part: Part) -> Profile:
    """The stacks of the window: of the target that was named, or of all. Raises ToolFailed, UsageError."""
    from razorprof.recording.rzp_merged import open_recordings

    with open_recordings(files, part.shifts) as recording:
        profile = window_profile(recording, part)
        say_damage(recording)
    return profile


def window_profile(recording: Recording, part: Part) -> Profile:
    """The stacks of the window: of the target that was named, or of all. Raises UsageError."""
    from razorprof.model.profile import merge

    targets = targets_of(recording, part.pid)
    start, end = window(recording, part)
    if len(targets) != 1 and part.pid is None:
        return recording.profile(start, end)
    return merge(recording.profile(start, end, target=target.identity) for target in targets)


def convert_series(files: Sequence[Path], part: Part, template: str, *, force: bool, as_json: bool) -> None:
    """Write the window's series (.om, .csv): those of the target that was named, or all."""
    from razorprof.cli.recording_export import write_series
    from razorprof.recording.output_files import check_output, fill_name
    from razorprof.recording.rzp_merged import open_recordings
    from razorprof.render.text import printable
    from razorprof.store.view import equal

    with open_recordings(files, part.shifts) as recording:
        targets_of(recording, part.pid)
        start, end = window(recording, part)
        path = fill_name(template, pid=part.pid, time=recording.header.created if math.isinf(start) else start)
        check_output(path, force=force)
        matchers = () if part.pid is None else (equal("pid", str(part.pid)),)
        written = write_series(recording.series(start, end).view, path, matchers, force=force)
        if as_json:
            output.print_json({"file": str(path), "samples": written})
        else:
            output.say(f"wrote {printable(str(path))} ({written} samples)")
        say_damage(recording)


def window(recording: Recording, part: Part) -> tuple[float, float]:
    """The times that were asked for, Unix seconds. Raises UsageError."""
    from razorprof.cli.recording_time import parse_window

    created = recording.header.created
    start, end = parse_window(part.start, part.end, recording.span or (created, created))
    # what was read for the first tick is a little older, and what came after the last a little newer
    return (start if part.start else -math.inf), (end if part.end else math.inf)


def say_damage(recording: Recording) -> None:
    """Where it could not be read, on stderr."""
    from razorprof.render.text import printable

    for damage in recording.damage:
        output.say(f"damaged: {printable(str(damage))}")


def targets_of(recording: Recording, pid: int | None) -> Sequence[Target]:
    """All, or those with this pid. Raises UsageError where there is none."""
    from razorprof.errors import UsageError

    targets = recording.targets()
    found = [target for target in targets if pid in (None, target.pid)]
    if pid is not None and not found:
        there = ", ".join(str(target.pid) for target in targets[:20])
        raise UsageError("no such process in the recording", value=pid, hint=f"there are: {there or 'none'}")
    return found
