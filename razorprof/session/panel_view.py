"""What a panel sees of a target: a session's view, narrowed to one. For the dashboard and the conformance kit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from razorprof.model.profile import Profile
from razorprof.model.series import Series
from razorprof.model.target import Target
from razorprof.session.view import TargetStatus, View

T = TypeVar("T")
_HISTORY = 120.0


@dataclass(frozen=True, slots=True)
class TargetView:
    """Implements plugin.panels.PanelView over a session's view."""

    view: View
    status: TargetStatus
    time: float

    @property
    def target(self) -> Target:
        return self.status.target

    @property
    def runtime(self) -> str:
        return self.status.runtime

    @property
    def version(self) -> str | None:
        return self.status.version

    def series(self) -> Sequence[tuple[str, Mapping[str, str], float]]:
        return self.view.series_of(self.target.identity)

    def history(self, name: str, *, seconds: float = _HISTORY, **labels: str) -> Series | None:
        return self.view.history(self.target.identity, name, seconds=seconds, **labels)

    def structure(self, kind: type[T]) -> T | None:
        return self.view.structure(self.target.identity, kind)

    def profile(self) -> Profile:
        return self.view.profile(self.target.identity)
