"""A dashboard over scripted data, in a fixed time zone and with a clock that only tests move."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from razorprof.render.glyphs import UNICODE, Glyphs
from razorprof.testing.fake_alerts import FakeAlerts
from razorprof.testing.fake_view import FakeTarget
from tests.tui.dashboards import LARGE, Show, Shown, make_dashboard


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plots and file names tell the time of day: the same everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def show(tmp_path: Path) -> Show:
    """``async with show([target], size=SMALL) as shown``."""

    @asynccontextmanager
    async def open_dashboard(
        targets: Sequence[FakeTarget],
        *,
        size: tuple[int, int] = LARGE,
        keys: dict[str, str] | None = None,
        glyphs: Glyphs = UNICODE,
        ticks: int = 180,
        alerting: FakeAlerts | None = None,
        bell: bool = False,
    ) -> AsyncIterator[Shown]:
        app, view, controls, clock = make_dashboard(
            targets, folder=tmp_path, keys=keys, glyphs=glyphs, ticks=ticks, alerting=alerting, bell=bell
        )
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield Shown(app, pilot, view, controls, clock)

    return open_dashboard
