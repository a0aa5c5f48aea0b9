"""What a pane is given to draw at one tick, and the base of all panes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.containers import Vertical

from razorprof.render.alerts import AlertRow
from razorprof.render.palette import Palette
from razorprof.render.snapshot import Mark, Snapshot
from razorprof.session.view import SessionState
from razorprof.tui.collect import Collector


@dataclass(frozen=True, slots=True)
class Scene:
    """height: of the screen, less what stands below the panes besides the footer; mark: the baseline, None while
    differences are off; compact: below 100 columns or 30 rows; alerts: of all targets, without their histories."""

    state: SessionState
    snapshot: Snapshot
    collector: Collector
    palette: Palette
    width: int
    height: int
    compact: bool
    mark: Mark | None = None
    alerts: Sequence[AlertRow] = ()


class Pane(Vertical):
    """One screen of the dashboard. Only the pane on the screen is drawn. What a pane cannot do, it says False
    to."""

    DEFAULT_CSS = "Pane { height: 1fr; }"

    def draw(self, scene: Scene) -> None:
        """Show this. Called at every tick, resize and key that changes something."""
        raise NotImplementedError

    def arrive(self) -> None:
        """The pane came on the screen: take the focus."""

    def filter(self, text: str) -> bool:
        """Show only rows that contain `text`."""
        return False

    def filtered(self) -> str:
        """The filter in force."""
        return ""

    def sort(self) -> bool:
        """Sort by the next column."""
        return False

    def reverse(self) -> bool:
        """Turn the order round."""
        return False

    def group(self) -> bool:
        """Group rows the next way."""
        return False

    def flame(self) -> bool:
        """Show the flame graph of everything."""
        return False

    def runbook(self) -> bool:
        """Show what is to be done about what is under the cursor, or leave that."""
        return False

    def detail(self) -> bool:
        """Look into what is under the cursor."""
        return False

    def back(self) -> bool:
        """Leave what `detail` opened."""
        return False
