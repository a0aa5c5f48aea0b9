"""One profile of a whole run out of the profiles of its processes, in CPU seconds of the kernel's count.

For session.launch_run. Says what was missed: nobody looks before an interpreter is up, and short processes may be
over before anybody could.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from razorprof.analysis.compare_scale import in_cpu_seconds
from razorprof.model.frame import ThreadId
from razorprof.model.profile import Block, Profile, StackKey, merge
from razorprof.session.launch_tree import Part, Tree

_MISSED = 0.05  # of the wall time: less is not worth a note
_LONGEST_NAME = 48


def run_profile(tree: Tree, *, began: float, wall: float, cpu: float) -> Profile:
    """began: Unix seconds of the start; wall, cpu: what the run took, of the kernel's count. `complete`, as it
    covers the whole run; empty where nothing was sampled."""
    parts = [part for part in tree.parts if part.profile.rounds]
    if not parts:
        return Profile(unit="seconds", value="cpu", seconds=wall, start=began, complete=True, notes=_notes(tree))
    several = len({part.process.identity for part in parts}) > 1
    joined = merge(_named(part) if several else part.profile for part in parts)
    values = {part.profile.value for part in parts}
    first = min(block.start for part in parts for block in part.profile.blocks)
    # the root's profile says who it is: processes are in the order in which they were seen
    root = min(parts, key=lambda part: part.profile.start or 0.0).profile
    others = sum(seen.cpu_seconds for seen in tree.processes if not seen.is_python)
    profile = in_cpu_seconds(joined, max(0.0, cpu - others))
    return replace(
        profile,
        seconds=wall,
        start=began,
        value="cpu" if len(values) > 1 else values.pop(),
        blocks=_in_time(profile.blocks),
        complete=True,
        origin=root.origin,
        rate_hz=root.rate_hz,
        mode=root.mode,
        notes=(*_without_endings(joined.notes), *_notes(tree), *_missed(first - began, wall)),
    )


def _named(part: Part) -> Profile:
    """Threads named after their process, as other profiles of several do."""
    name = f"{part.process.name[:_LONGEST_NAME]}[{part.process.identity.pid}]"
    return part.profile.with_stacks(
        lambda key: StackKey(ThreadId(key.thread.native, f"{name} {key.thread.name}".rstrip()), key.stack)
    )


def _in_time(blocks: Sequence[Block]) -> tuple[Block, ...]:
    return tuple(sorted(blocks, key=lambda block: block.start))


def _without_endings(notes: Sequence[str]) -> list[str]:
    """Every process of a run ends, or was still there at its end: that says nothing about the whole."""
    endings = ("the process ended after", "interrupted after", "the process became another program", "ended after")
    return [note for note in notes if not note.startswith(endings)]


def _missed(late: float, wall: float) -> list[str]:
    if late <= max(0.02, _MISSED * wall):
        return []
    return [f"the first {late:.2f} s of {wall:.2f} s were not seen: the interpreter was starting"]


def _notes(tree: Tree) -> tuple[str, ...]:
    notes = []
    if not any(seen.is_python for seen in tree.processes):
        notes.append("nothing to sample: no Python was seen to run")
    elif tree.unsampled:
        cpu = sum(seen.cpu_seconds for seen in tree.unsampled)
        notes.append(
            f"{len(tree.unsampled)} Python processes, with {cpu:.2f} s of CPU time, were not sampled: too short, "
            "or they could not be"
        )
    return (*notes, *(str(error) for error in tree.errors))
