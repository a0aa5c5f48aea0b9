"""The two sides of ``razorprof diff``: profiles read from files, or taken of live processes at the same time.

Called by cli.diff only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from razorprof.cli.diff_recordings import figure_changes, see, window_of
from razorprof.errors import ExitCode, ToolFailed, UsageError
from razorprof.model.profile import Profile

if TYPE_CHECKING:
    from razorprof.analysis.compare_values import Comparison
    from razorprof.model.target import Target
    from razorprof.recording.profile_files import OutputPlan
    from razorprof.recording.rzp_changes import FigureChange

SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 3600.0
_TARGET_KINDS = ("pid:", "name:", "cmd:", "port:", "url:", "container:")


@dataclass(frozen=True, slots=True)
class Sides:
    """code: how the command ends where sampling was interrupted; what was seen until then is in the profiles."""

    base: Sequence[Profile]
    new: Sequence[Profile]
    code: ExitCode | None = None
    figures: Sequence[FigureChange] | None = None
    no_figures: str = ""  # why


def read_sides(
    base: Sequence[str],
    new: Sequence[str],
    *,
    duration: str,
    rate: int,
    as_json: bool,
    pids: tuple[int | None, int | None] = (None, None),
) -> Sides:
    """The profiles of both sides, of files and of windows of recordings; the first of each may be a TARGET. pids:
    which of a recording's processes is meant.

    Files are read first: a bad one is found out before the sampling."""
    from razorprof.recording.profile_files import read_profile

    texts = [*base, *new]
    chosen = {0: pids[0], len(base): pids[1]}
    windows = {place: window_of(text, chosen.get(place)) for place, text in enumerate(texts)}
    live = [place for place in chosen if windows[place] is None and not is_file(texts[place])]
    seconds = _seconds(duration) if live else 0.0
    targets = _targets([texts[place] for place in live], as_json)
    seen = {place: see(window) for place, window in windows.items() if window is not None}
    profiles = {place: one.profile for place, one in seen.items()}
    for place, text in enumerate(texts):
        if place not in live and place not in seen:
            profiles[place] = read_profile(Path(text))
    code = None
    if targets:
        taken, code = _record(targets, seconds, rate)
        profiles.update(zip(live, taken, strict=True))
    found = [profiles[place] for place in range(len(texts))]
    figures, why = figure_changes(seen.get(0), seen.get(len(base)))
    before, after = (
        [run for profile in side for run in profile.all_runs] for side in (found[: len(base)], found[len(base) :])
    )
    return Sides(before, after, code, figures, why)


def is_file(text: str) -> bool:
    """Whether a side is a file: it is there, or it is written like one and like no target."""
    if os.path.lexists(text):
        return True
    if text.startswith(_TARGET_KINDS) or text.isdecimal():
        return False
    return "/" in text or "." in text


def only_thread(profile: Profile, thread: str) -> Profile:
    """The part of the threads of that name, or of the thread with that native id. Raises UsageError with those
    that there are."""
    native = int(thread) if thread.isascii() and thread.isdecimal() and len(thread) < 12 else None
    kept = [t for t in profile.threads() if t.name == thread or (native is not None and t.native == native)]
    if not kept:
        names = ", ".join(f"{t.name or 'unnamed'} ({t.native})"[:60] for t in profile.threads()[:8])
        raise UsageError("no such thread in the profile", value=thread, hint=f"there are: {names or 'none'}")
    wanted = frozenset(kept)
    whole = profile.total
    part = profile.with_stacks(lambda key: key if key.thread in wanted else None)
    share = part.total / whole if whole > 0 else 0.0
    return replace(part, samples=round(profile.samples * share))


def write_graph(plan: OutputPlan, comparison: Comparison, base: Sequence[Profile], new: Sequence[Profile]) -> None:
    """The differential flame graph, drawn by the planned format. Raises ToolFailed where it fails."""
    from razorprof.analysis.compare_tree import diff_tree
    from razorprof.analysis.compare_values import Basis
    from razorprof.plugin.loading import Failure, guard
    from razorprof.recording.output_files import write_whole

    output = plan.outputs[0]
    title = f"differential flame graph: {_who(base[0], 'BASE')} and {_who(new[0], 'NEW')}"
    shares = comparison.basis is Basis.SHARE
    tree = diff_tree(base, new, shares=shares)
    unit = "share" if shares else comparison.unit
    draw = getattr(output.format, "write_diff", None)
    if output.path is None or draw is None:
        raise UsageError("a differential flame graph is written into a file", hint="-o diff.html")
    content = guard(output.format.name, partial(draw, tree, title, unit=unit, notes=comparison.notes))
    if isinstance(content, Failure) or not isinstance(content, bytes):
        words = content.error if isinstance(content, Failure) else "it gave no bytes"
        raise ToolFailed(f"the format {output.format.name} failed", value=words)
    write_whole(output.path, content, force=output.force)


def _who(profile: Profile, side: str) -> str:
    """A side by its name, or by the process that it is of."""
    if profile.origin is None or not (profile.origin.name or profile.origin.pid):
        return side
    return f"{side}, {profile.origin.name or 'pid'} {profile.origin.pid or ''}".rstrip()


def _seconds(duration: str) -> float:
    from razorprof.units import parse_duration

    seconds = parse_duration(duration)
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise UsageError(
            "the duration is out of range", value=duration, hint=f"between {SHORTEST_SECONDS:g} s and an hour"
        )
    return seconds


def _targets(texts: Sequence[str], as_json: bool) -> list[Target]:
    from razorprof.cli.select import Choice, select_targets

    found = [select_targets([text], Choice(one=True, as_json=as_json))[0] for text in texts]
    if len(found) == 2 and found[0].identity == found[1].identity:
        raise UsageError("BASE and NEW are the same process", value=found[0].pid)
    return found


def _record(targets: Sequence[Target], seconds: float, rate: int) -> tuple[list[Profile], ExitCode | None]:
    """Their profiles, taken at the same time."""
    from razorprof.cli.progress import Progress
    from razorprof.plugin.captures import CpuRequest
    from razorprof.render.text import printable
    from razorprof.session import protect
    from razorprof.session.captures import record_cpu

    protect.step_back()
    request = CpuRequest(seconds, rate_hz=float(rate), block_seconds=max(0.5, min(1.0, seconds / 10)))
    with Progress("diff") as progress:
        outcomes = progress.take(
            [
                (f"{target.pid} {printable(target.name)}", partial(record_cpu, target, request))
                for target in targets
            ]
        )
    profiles = []
    for target, outcome in zip(targets, outcomes, strict=True):
        if outcome.error is not None:
            raise outcome.error
        if outcome.value is None:
            raise ToolFailed("nothing was sampled", value=target.pid)
        profiles.append(outcome.value)
    return profiles, progress.code
