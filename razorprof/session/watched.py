"""A target as a session keeps it, and who takes whose place when targets end and others come.

Called by session.session only, in its thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from razorprof.model.target import Target
from razorprof.plugin.protocols import Source


@dataclass(slots=True)
class Watched:
    """ended: Unix seconds; taken: names of series that are not the application's own; replaced: another target has
    taken its place."""

    target: Target
    detected: list[Source] = field(default_factory=list)  # filled by the detection's thread, once
    sources: list[Source] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    taken: frozenset[str] = frozenset()
    image: str = ""
    gone: bool = False
    replaced: bool = False
    ended: float = 0.0

    def is_kin(self, other: Target) -> bool:
        """Whether one could take the other's place."""
        own = self.target
        return own.selector == other.selector and (own.parent is None) is (other.parent is None)


def predecessor(newcomer: Target, watched: Iterable[Watched]) -> Watched | None:
    """Whose place a newcomer takes: of its kin that ended and have no successor yet, the first."""
    free = [one for one in watched if one.gone and not one.replaced and one.is_kin(newcomer)]
    return min(free, key=lambda one: one.ended, default=None)


def holds_place(gone: Watched, watched: Iterable[Watched]) -> bool:
    """Whether a target that ended is the last of its kin, and none has come since."""
    kin = [one for one in watched if one.is_kin(gone.target)]
    return not gone.replaced and all(one.gone for one in kin) and max(kin, key=lambda one: one.ended) is gone
