"""The moments that differences are shown against: one for each target, set and hidden by keys of the dashboard."""

from __future__ import annotations

from razorprof.model.target import Identity
from razorprof.render.snapshot import Mark, Snapshot
from razorprof.tui.collect import mark


class Marks:
    """Owned by the dashboard, in its thread."""

    def __init__(self) -> None:
        self._marks: dict[Identity, Mark] = {}
        self._are_shown = True

    def set(self, snapshot: Snapshot) -> None:
        """Mark what a target is like now; differences are shown from now on."""
        self._marks[snapshot.target.identity] = mark(snapshot)
        self._are_shown = True

    def of(self, identity: Identity) -> Mark | None:
        """What this target is compared with; None without a mark, or while differences are hidden."""
        return self._marks.get(identity) if self._are_shown else None

    def turn(self, identity: Identity | None) -> bool | None:
        """Show the differences, or hide them; which of both it is now, None where the target has no mark."""
        if identity not in self._marks:
            return None
        self._are_shown = not self._are_shown
        return self._are_shown
