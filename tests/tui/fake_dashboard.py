"""A dashboard over scripted data, to be run in a real terminal: ``python tests/tui/fake_dashboard.py SCENE``.

Not a test: the tmux tests start it, and people who want to see a screen do.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from razorprof.clock import ManualClock
from razorprof.testing import fake_alert_scenes as scenes
from razorprof.testing import fake_targets as play
from razorprof.testing.fake_alerts import FakeAlerts
from razorprof.testing.fake_view import FakeControls, FakeTarget, FakeView
from razorprof.tui.app import Dashboard
from razorprof.tui.options import DashboardOptions

ROOT = Path(__file__).resolve().parents[2]
SCENES: dict[str, Callable[[], list[FakeTarget]]] = {
    "worker": lambda: [play.worker()],
    "alerts": lambda: [play.worker()],
    "modern": lambda: [play.modern()],
    "idle": lambda: [play.idle()],
    "unsupported": lambda: [play.unsupported()],
    "gone": lambda: [play.gone()],
    "stopped": lambda: [play.stopped()],
    "hostile": lambda: [play.hostile()],
    "family": play.family,
    "huge": lambda: [play.huge()],
    "many": lambda: play.family(200),
}
ALERTS: dict[str, Callable[[list[FakeTarget]], FakeAlerts]] = {
    "alerts": lambda targets: scenes.worker_alerts(targets[0], file=str(ROOT / "tests/tui/worker.yml")),
    "family": scenes.family_alerts,
    "hostile": lambda targets: scenes.hostile_alerts(targets[0]),
}


def targets_of(scene: str) -> list[FakeTarget]:
    """The targets of a scene by its name."""
    return SCENES[scene]()


def main(scene: str, seconds: float) -> None:
    """Run until q, with a tick each second."""
    targets = targets_of(scene)
    view = FakeView(targets, alerting=ALERTS[scene](targets) if scene in ALERTS else None)
    clock = ManualClock(time=view.time)
    app = Dashboard(view, FakeControls(), options=DashboardOptions(clock=clock))
    over = threading.Event()

    def pulse() -> None:
        left = seconds
        while left > 0 and not over.wait(1.0):
            view.advance()
            clock.advance(1.0)
            app.tick()
            left -= 1.0

    threading.Thread(target=pulse, daemon=True).start()
    app.run()
    over.set()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "worker", 3600.0)
