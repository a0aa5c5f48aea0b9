"""What the dashboard's tests share: sizes, a running dashboard, and how one is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from razorprof.clock import ManualClock
from razorprof.render.glyphs import UNICODE, Glyphs
from razorprof.testing.fake_alerts import FakeAlerts
from razorprof.testing.fake_view import FakeControls, FakeTarget, FakeView
from razorprof.tui.app import Dashboard
from razorprof.tui.options import DashboardOptions

LARGE, SMALL = (120, 40), (80, 24)


@dataclass(slots=True)
class Shown:
    """A running dashboard and what is behind it."""

    app: Dashboard
    pilot: Pilot[None]
    view: FakeView
    controls: FakeControls
    clock: ManualClock

    async def press(self, *keys: str) -> str:
        """Press keys; the screen afterwards."""
        await self.pilot.press(*keys)
        await self.pilot.pause()
        return self.screen

    async def tick(self, ticks: int = 1) -> str:
        """Let time pass and the session tick; the screen afterwards."""
        self.view.advance(ticks)
        self.clock.advance(ticks * self.view.interval)
        self.app.tick()
        await self.pilot.pause()
        return self.screen

    @property
    def screen(self) -> str:
        return self.app.screen_text()

    def line(self, part: str) -> str:
        """The first line of the screen that contains `part`."""
        found = [line for line in self.screen.splitlines() if part in line]
        assert found, f"{part!r} is not on the screen:\n{self.screen}"
        return found[0]


Show = Callable[..., AbstractAsyncContextManager[Shown]]


def make_dashboard(
    targets: Sequence[FakeTarget],
    *,
    folder: Path | None = None,
    keys: dict[str, str] | None = None,
    glyphs: Glyphs = UNICODE,
    ticks: int = 180,
    alerting: FakeAlerts | None = None,
    bell: bool = False,
) -> tuple[Dashboard, FakeView, FakeControls, ManualClock]:
    """A dashboard that is not running yet."""
    view, controls = FakeView(targets, ticks=ticks, alerting=alerting), FakeControls()
    clock = ManualClock(time=view.time + 0.4)
    options = DashboardOptions(
        keys=keys or {}, glyphs=glyphs, clock=clock, save_folder=folder or Path("does-not-exist"), bell=bell
    )
    return Dashboard(view, controls, options=options), view, controls, clock
