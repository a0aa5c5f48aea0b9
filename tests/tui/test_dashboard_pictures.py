"""How the main screens look, to the cell and the colour. `pytest --snapshot-update` after a wanted change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from razorprof.clock import ManualClock
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.render.glyphs import UNICODE
from razorprof.session.comparing import Comparing
from razorprof.session.player import Player
from razorprof.session.transport import Transport
from razorprof.testing import fake_alert_scenes as scenes
from razorprof.testing import fake_targets as play
from razorprof.testing.fake_view import FakeTarget
from razorprof.tui import expressions
from razorprof.tui.app import Dashboard
from razorprof.tui.options import DashboardOptions
from razorprof.tui.replay_app import ReplayDashboard
from tests.tui.dashboards import LARGE, SMALL, make_dashboard
from tests.unit.session.recorded_house import START, live


class Compare(Protocol):
    def __call__(
        self, app: Dashboard, *, press: tuple[str, ...] = (), terminal_size: tuple[int, int] = SMALL
    ) -> bool: ...


EXPRESSION = ("e", *"process_threads", "enter", "e", "asterisk", "2", "greater_than_sign", "1", "2", "enter")


@pytest.mark.parametrize(
    ("targets", "keys", "size"),
    [
        pytest.param(lambda: [play.worker()], (), LARGE, id="overview-120x40"),
        pytest.param(lambda: [play.worker()], (), SMALL, id="overview-80x24"),
        pytest.param(lambda: [play.gone()], (), SMALL, id="gone-80x24"),
        pytest.param(lambda: [play.worker()], ("enter", "down"), LARGE, id="function-120x40"),
        pytest.param(lambda: [play.worker()], ("3",), SMALL, id="threads-80x24"),
        pytest.param(lambda: [play.worker()], ("4",), SMALL, id="gc-80x24"),
        pytest.param(lambda: [play.modern()], ("4",), LARGE, id="gc-120x40"),
        pytest.param(lambda: [play.worker()], ("5",), SMALL, id="memory-80x24"),
        pytest.param(lambda: [play.worker()], ("7",), LARGE, id="time-120x40"),
        pytest.param(lambda: play.family(5), EXPRESSION, LARGE, id="expression-120x40"),
        pytest.param(lambda: play.family(12), ("0",), SMALL, id="all-80x24"),
        pytest.param(lambda: [play.hostile()], (), SMALL, id="hostile-80x24"),
    ],
)
def test_a_screen_looks_as_it_did(
    snap_compare: Compare,
    monkeypatch: pytest.MonkeyPatch,
    targets: Callable[[], list[FakeTarget]],
    keys: tuple[str, ...],
    size: tuple[int, int],
) -> None:
    monkeypatch.setattr(expressions, "_QUICK", 30.0)  # seconds: a picture does not wait for a thread
    app, *_ = make_dashboard(targets())
    assert snap_compare(app, press=keys, terminal_size=size)


@pytest.mark.parametrize(
    ("targets", "keys", "size"),
    [
        pytest.param(lambda: [play.worker()], ("6",), LARGE, id="alerts-120x40"),
        pytest.param(lambda: [play.worker()], ("6",), SMALL, id="alerts-80x24"),
        pytest.param(lambda: [play.worker()], ("1",), SMALL, id="alert-on-overview-80x24"),
        pytest.param(lambda: [play.worker()], ("r",), LARGE, id="runbook-120x40"),
        pytest.param(lambda: play.family(8), ("6", "down"), LARGE, id="alerts-of-a-family-120x40"),
    ],
)
def test_alerts_look_as_they_did(
    snap_compare: Compare,
    monkeypatch: pytest.MonkeyPatch,
    targets: Callable[[], list[FakeTarget]],
    keys: tuple[str, ...],
    size: tuple[int, int],
) -> None:
    monkeypatch.chdir(Path(__file__).parent)  # where the rules' runbooks lie
    made = targets()
    alerting = scenes.worker_alerts(made[0], file="worker.yml") if len(made) == 1 else scenes.family_alerts(made)
    app, *_ = make_dashboard(made, alerting=alerting)
    assert snap_compare(app, press=keys, terminal_size=size)


def test_a_difference_looks_as_it_did(snap_compare: Compare, tmp_path: Path) -> None:
    house = live(tmp_path / "a.rzp", 70, tell=True)
    with RecordingReader(house.recording) as recording:
        player = Player(recording)
        player.seek(START + 56)
        comparing = Comparing(player, base=START + 18, new=START + 56)
        transport = Transport(player, ManualClock().monotonic)
        transport.pause(True)
        options = DashboardOptions(glyphs=UNICODE, first_screen="difference")
        app = ReplayDashboard(transport, options, float, comparing)
        assert snap_compare(app, terminal_size=LARGE)
