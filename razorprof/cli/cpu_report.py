"""What ``razorprof cpu`` says of profiles that were taken: the table, the JSON and the words on stderr.

For cli.cpu only. Everything that the target says is escaped here.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from razorprof.cli import output
from razorprof.errors import ExitCode, RazorprofError
from razorprof.model.profile import Profile, top
from razorprof.model.target import Target
from razorprof.plugin.captures import CpuRequest
from razorprof.render.figures import duration, percent, percent_bare
from razorprof.render.text import cut_end, printable

_LONGEST_NAME = 40
_COLUMNS = (
    output.Column("SELF %", right=True),
    output.Column("TOTAL %", right=True),
    output.Column("SELF", right=True),
    output.Column("TOTAL", right=True),
    output.Column("FUNCTION"),
    output.Column("WHERE", flexible=True),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one target: a profile and where it was written, or an error."""

    target: Target
    profile: Profile | None
    path: Path | None = None
    format: str | None = None
    error: RazorprofError | None = None


class Cost:
    """CPU seconds of razorprof and of the tools that it started, from now on."""

    def __init__(self) -> None:
        self._before = self._used()
        self._began = time.monotonic()

    def seconds(self) -> tuple[float, float]:
        """(CPU seconds, seconds that passed)."""
        return self._used() - self._before, max(0.001, time.monotonic() - self._began)

    def _used(self) -> float:
        # the supervisor waits for its tools, and we for the supervisor: both are among our children then
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in both)


def label(target: Target) -> str:
    """A target as words name it."""
    return f"{target.pid} {cut_end(printable(target.name), _LONGEST_NAME)}"


def report(
    taken: Sequence[Taken],
    request: CpuRequest,
    cost: tuple[float, float],
    *,
    top: int,
    as_json: bool,
    table: bool,
    code: ExitCode | None,
) -> None:
    """All that is to be said. table: the functions go to stdout."""
    if as_json:
        documents = [document(one, request, cost, top, code) for one in taken]
        output.print_json(documents[0] if len(documents) == 1 else documents)
    for place, one in enumerate(taken):
        if one.profile is not None and table and not as_json:
            if len(taken) > 1:
                output.print_text(("\n" if place else "") + label(one.target))
            _print_table(one.profile, top)
    for one in taken:
        if one.profile is not None:
            _say(one, one.profile, request)
        if one.error is not None and not as_json:
            output.print_error(one.error)
    output.say(
        f"own cost: {duration(cost[0])} of CPU time in {duration(cost[1])} ({percent(cost[0] / cost[1])} of a CPU)"
    )


def document(
    one: Taken, request: CpuRequest, cost: tuple[float, float], count: int, code: ExitCode | None
) -> dict[str, Any]:
    """The entry of ``--json`` for one target."""
    identity: dict[str, Any] = {"pid": one.target.pid, "name": one.target.name, "start_time": one.target.started}
    profile = one.profile
    if profile is None:
        return {"target": identity, "error": one.error.as_json() if one.error is not None else None}
    if profile.origin is not None:
        identity |= {"runtime": profile.origin.runtime, "version": profile.origin.version}
    told: dict[str, Any] = {
        "target": identity,
        "file": None if one.path is None else str(one.path),
        "format": one.format,
        "duration_seconds": profile.seconds,
        "covered_ratio": covered(profile),
        "samples": profile.samples,
        "errors": profile.errors,
        "rounds": profile.rounds,
        "rate_hz": request.rate_hz,
        "achieved_hz": achieved_hz(profile),
        "mode": profile.mode,
        "value": profile.value,
        "target_stopped_ratio": stopped_ratio(profile),
        "target_stopped_quality": "estimated" if profile.stopped_seconds else "exact",
        "own_cpu_ratio": cost[0] / cost[1],
        "interrupted": code is not None,
        "unit": profile.unit,
        "total": profile.total,
        "functions": [
            {
                "function": found.function,
                "file": found.file,
                "line": found.line,
                "self": found.self_weight,
                "total": found.total_weight,
                "self_ratio": found.self_ratio,
                "total_ratio": found.total_ratio,
            }
            for found in top(profile)[:count]
        ],
        "notes": list(profile.notes),
    }
    if one.error is not None:
        told["error"] = one.error.as_json()
    return told


def achieved_hz(profile: Profile) -> float | None:
    """Looks per second of covered time; None where the runtime does not count them."""
    return profile.rounds / profile.seconds if profile.rounds is not None and profile.seconds > 0 else None


def stopped_ratio(profile: Profile) -> float | None:
    """The share of the time for which the target stood still because of us."""
    return profile.stopped_seconds / profile.seconds if profile.seconds > 0 else None


def covered(profile: Profile) -> float | None:
    """The share of the time from the first look to the last in which looks were taken; None without blocks."""
    if not profile.blocks:
        return None
    first, last = profile.blocks[0], profile.blocks[-1]
    whole = last.start + last.seconds - first.start
    return min(1.0, sum(block.seconds for block in profile.blocks) / whole) if whole > 0 else None


def _print_table(profile: Profile, count: int) -> None:
    rows = [
        (
            percent_bare(found.self_ratio),
            percent_bare(found.total_ratio),
            duration(found.self_weight),
            duration(found.total_weight),
            cut_end(printable(found.function), _LONGEST_NAME * 2),
            f"{found.file}:{found.line}" if found.line else found.file,
        )
        for found in top(profile)[:count]
    ]
    if rows:
        output.print_table(_COLUMNS, rows)


def _say(one: Taken, profile: Profile, request: CpuRequest) -> None:
    who = label(one.target)
    if not profile.rounds and not profile.samples:
        output.say(f"{who}: nothing was sampled" + ("" if one.path else ", and nothing is written"))
    else:
        output.say(f"{who}: {summary(profile, request)}")
    for note in profile.notes:
        output.say(f"note: {printable(note)}")
    if profile.rounds and not profile.samples:
        words = "no thread ran while it was looked at"
        output.say(
            f"note: {words}" + ("" if request.wall else "; of a Python program, --wall shows where they wait")
        )
    if one.path is not None:
        output.say(f"wrote {printable(str(one.path))} ({one.format})")


def summary(profile: Profile, request: CpuRequest) -> str:
    """The line of figures that tells how far the profile can be trusted."""
    rate = achieved_hz(profile)
    pace = "" if rate is None else f", {profile.rounds} rounds ({rate:.0f} of {request.rate_hz:.0f} a second)"
    stood = stopped_ratio(profile)
    still = "never stopped" if not stood else f"stopped for {percent(stood)} of the time (estimated)"
    share = covered(profile)
    gap = "" if share is None else f", {percent(share, 0)} of the time covered"
    return (
        f"{profile.samples} samples, {profile.errors} errors in {duration(profile.seconds)}{pace}, "
        f"{profile.mode or 'mode unknown'}, {still}{gap}"
    )
