"""Which target takes the place of a shown one that has ended. Asked by the dashboard at each tick; finding
restarted processes is the session's part."""

from __future__ import annotations

from razorprof.model.target import Identity, Life
from razorprof.session.view import SessionState, TargetStatus


class Follower:
    """Only what appears while we look can be a restart: siblings that ran from the start are none."""

    def __init__(self) -> None:
        self._first: frozenset[Identity] | None = None
        self._kept: Identity | None = None

    def choose(self, status: TargetStatus) -> None:
        """A person chose this target: if it has ended by now, it is to stay on the screen."""
        self._kept = status.target.identity if status.life is Life.GONE else None

    def successor(self, state: SessionState, shown: TargetStatus) -> TargetStatus | None:
        """The newest living target of the same selector that started later and was not there at first."""
        if self._first is None:
            self._first = frozenset(status.target.identity for status in state.targets)
        was = shown.target
        if shown.life is not Life.GONE or was.identity == self._kept or not was.selector:
            return None
        found = [
            status
            for status in state.targets
            if status.life is not Life.GONE
            and status.target.selector == was.selector
            and status.target.parent == was.parent
            and status.target.identity not in self._first
            and status.target.identity.start_ticks > was.identity.start_ticks
        ]
        return max(found, key=lambda status: status.target.identity.start_ticks, default=None)
