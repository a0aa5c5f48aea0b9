"""Threads grouped by equal stacks: two hundred idle workers are one thing to read.

Pure; called by the runtimes' thread dumps. Not for profiles, which merge stacks by weight (model.profile).
"""

from __future__ import annotations

from collections.abc import Iterable

from razorprof.model.frame import Frame
from razorprof.model.threads import ThreadGroup, ThreadInfo, ThreadState


def group_threads(threads: Iterable[ThreadInfo]) -> tuple[ThreadGroup, ...]:
    """One group for each state and stack, the largest first; threads of a group in ascending order."""
    found: dict[tuple[ThreadState, tuple[Frame, ...]], list[int]] = {}
    for thread in threads:
        found.setdefault((thread.state, thread.frames), []).append(thread.native_id)
    groups = [ThreadGroup(state, frames, tuple(sorted(ids))) for (state, frames), ids in found.items()]
    return tuple(sorted(groups, key=lambda group: (-len(group.threads), group.threads)))
