"""A side of ``razorprof diff`` that is a window of a recording: FILE.rzp, or FILE.rzp@FROM..TO.

Its stacks become a profile, and its figures are told beside those of the other side. For cli.diff_sides and
cli.diff.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from razorprof.errors import ToolFailed, UsageError

if TYPE_CHECKING:
    from razorprof.cli.show_recording import Part
    from razorprof.model.profile import Profile
    from razorprof.recording.rzp_changes import FigureChange
    from razorprof.recording.rzp_peaks import Peak

_HINT = "write FILE.rzp@FROM..TO, such as incident.rzp@03:12..03:13, @+90s..+2m or @-5m.."


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a recording."""

    path: Path
    part: Part


@dataclass(frozen=True, slots=True)
class Seen:
    """What is in it. peaks: of the figures of its process; None where it is of several."""

    profile: Profile
    peaks: Sequence[Peak] | None


def window_of(text: str, pid: int | None) -> Window | None:
    """The window that a side names; None where it names something else. Raises UsageError for one that cannot be
    meant, and for a pid of what is no recording."""
    from razorprof.cli.show_recording import Part
    from razorprof.recording.rzp_open import looks_like_recording

    path, at, times = Path(text), "", ""
    if not os.path.lexists(text):
        name, at, times = text.rpartition("@")
        path = Path(name)
    if str(path) in ("", ".") or not looks_like_recording(path):
        if pid is not None:
            raise UsageError("a pid is told of a recording's processes", value=text, hint="name a recording")
        return None
    start, dots, end = times.partition("..")
    if at and not (dots and (start or end)):
        raise UsageError("no window of a recording", value=f"@{times}", hint=_HINT)
    return Window(path, Part(start or None, end or None, pid))


def see(window: Window) -> Seen:
    """Read it. Raises UsageError, and ToolFailed where no stacks were sampled then."""
    from razorprof.cli.show_recording import say_damage, targets_of, window_profile
    from razorprof.cli.show_recording import window as times_of
    from razorprof.recording.rzp_peaks import peaks
    from razorprof.recording.rzp_reader import RecordingReader
    from razorprof.store.view import equal

    with RecordingReader(window.path) as recording:
        profile = window_profile(recording, window.part)
        if not profile.samples:
            hint = "razorprof show tells when there are some: stacks are sampled of up to three processes"
            raise ToolFailed("no stacks were sampled in this time", value=_named(window), hint=hint)
        start, end = times_of(recording, window.part)
        found: list[Peak] | None = None
        targets = targets_of(recording, window.part.pid)
        if len({target.pid for target in targets}) == 1:
            view = recording.series(start, end).view
            found = peaks(view.select([equal("pid", str(targets[0].pid))], start, end), view.metrics())
        say_damage(recording)
    return Seen(profile, found)


def figure_changes(base: Seen | None, new: Seen | None) -> tuple[Sequence[FigureChange] | None, str]:
    """How figures changed, or None and why that is not told."""
    from razorprof.recording.rzp_changes import changes

    if base is None or new is None:
        return None, "both sides must be recordings"
    if base.peaks is None or new.peaks is None:
        return None, "a recording holds several processes: name one with --base-pid, --new-pid"
    return changes(base.peaks, new.peaks), ""


def document(figures: Sequence[FigureChange] | None, why: str) -> dict[str, Any]:
    """`figures` of the JSON, with the reason where there are none."""
    if figures is None:
        return {"figures": None, "figures_reason": why}
    return {
        "figures": [
            {
                "name": one.name,
                "labels": dict(one.labels),
                "unit": one.unit,
                "per_second": one.per_second,
                "base": None if one.base is None else {"mean": one.base.mean, "highest": one.base.value},
                "new": None if one.new is None else {"mean": one.new.mean, "highest": one.new.value},
                "difference": one.difference,
                "growth_ratio": one.growth,
            }
            for one in figures
        ]
    }


def print_figures(figures: Sequence[FigureChange]) -> None:
    """Those that people look at first: all others are in the JSON."""
    from razorprof.cli import output
    from razorprof.cli.output import Column
    from razorprof.cli.recording_summary import FIGURES, figure_text
    from razorprof.render.diff import growth_text
    from razorprof.render.figures import NOTHING

    order = {name: place for place, name in enumerate(FIGURES)}
    rows = []
    for one in sorted((one for one in figures if one.name in order), key=lambda one: order[one.name]):
        sides = [side for side in (one.base, one.new) if side is not None]
        if not any(side.mean or side.value for side in sides):
            continue
        labels = f" ({', '.join(one.labels.values())})" if len(one.labels) else ""
        means = [NOTHING if side is None else figure_text(side, side.mean) for side in (one.base, one.new)]
        highest = [NOTHING if side is None else figure_text(side, side.value) for side in (one.base, one.new)]
        growth = growth_text(one.growth, one.new.mean if one.new is not None else 0.0)
        rows.append((FIGURES[one.name] + labels, *means, growth, *highest))
    if not rows:
        return
    titles = ("FIGURE", "BASE MEAN", "NEW", "GROWTH", "BASE HIGHEST", "NEW")
    output.print_text("")
    output.print_table([Column(title, right=place > 0) for place, title in enumerate(titles)], rows)


def _named(window: Window) -> str:
    part = window.part
    times = f"@{part.start or ''}..{part.end or ''}" if part.start or part.end else ""
    return f"{window.path}{times}{f', pid {part.pid}' if part.pid is not None else ''}"
