"""The screen of panels: what plugins draw, and what they cost when they fail."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from rich.console import Group, RenderableType
from rich.text import Text

from razorprof.plugin.loading import PANELS, Loaded, PluginReport
from razorprof.plugin.panels import Panel, PanelSize, PanelView
from razorprof.testing import fake_targets as play
from razorprof.testing.fake_view import FakeTarget, Wave, series_key
from razorprof.tui import panels as screen_of_panels
from tests.tui.dashboards import SMALL, Show


class Drawing:
    """Draws what it was made with."""

    name: ClassVar[str] = "drawing"
    title: ClassVar[str] = "a drawing"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, made: Any) -> None:
        self._made = made

    def render(self, view: PanelView, size: PanelSize) -> RenderableType:
        made: RenderableType = self._made(view, size) if callable(self._made) else self._made
        return made


class Needy(Drawing):
    title: ClassVar[str] = "a needy one"
    needs: ClassVar[tuple[str, ...]] = ("never_given_total",)


class Endless:
    def __rich_console__(self, console: object, options: object) -> Iterator[RenderableType]:
        return (Text(f"line {n}") for n in itertools.count())


def shop() -> FakeTarget:
    target = play.worker()
    figures = {
        series_key("shop_orders_total", kind="book"): Wave(12.0, counter=True),
        series_key("shop_queue_bytes"): Wave(3.0 * 2**20),
        series_key("uploads"): Wave(5.0),
    }
    return replace(target, series={**target.series, **figures})


def have(monkeypatch: pytest.MonkeyPatch, *panels: Panel | str) -> None:
    """Install these panels and no others; a text is one that could not be loaded, for that reason."""
    loaded: list[Loaded[Panel]] = []
    for panel in panels:
        why = panel if isinstance(panel, str) else ""
        report = PluginReport(PANELS, why.partition(" ")[0] or "drawing", "some-package", "1.0", why)
        loaded.append(Loaded(report, None if isinstance(panel, str) else panel))
    monkeypatch.setattr(screen_of_panels, "panels", lambda: tuple(loaded))


async def test_the_application_s_own_figures_stand_there_with_rates_and_units(show: Show) -> None:
    async with show([shop()]) as shown:
        screen = await shown.press("8")
        assert "the application's own figures" in screen
        assert "12.0/s" in shown.line("shop_orders_total{kind=book}") or "12/s" in shown.line("shop_orders")
        assert "3.00 MiB" in shown.line("shop_queue_bytes")
        assert "uploads" in screen
        assert "python_gc" not in screen
        assert "8 panels" in screen


async def test_a_target_without_figures_of_its_own_says_how_they_would_come(show: Show) -> None:
    async with show([play.idle()], size=SMALL) as shown:
        assert "none: name the target by url: or port:" in await shown.press("8")


async def test_panels_that_fail_cost_their_own_lines(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(view: PanelView, size: PanelSize) -> RenderableType:
        raise ZeroDivisionError("in render")

    have(
        monkeypatch,
        Drawing("[bold]good[/] \x1b[2Jone"),
        Drawing(fail),
        Drawing(42),
        Drawing(lambda view, size: (yield)),
        "broken ModuleNotFoundError: no module",
        Needy("never seen"),
        Drawing(Endless()),
        Drawing(lambda view, size: f"{size.width}x{size.height} {view.runtime} {view.target.pid}"),
    )
    async with show([shop()]) as shown:
        await shown.press("8")
        screen = shown.screen + await shown.press("end")
        assert "[bold]good[/]" in screen
        assert "\x1b[2J" not in screen
        assert "left out: ZeroDivisionError: in render" in screen
        assert "left out: TypeError: it gave int, which is no renderable" in screen
        assert "left out: broken ModuleNotFoundError: no module" in screen
        assert "this target gives none of never_given_total" in screen
        assert "never seen" not in screen
        assert "line 2" in screen
        assert "line 3" not in screen
        assert "118x3 cpython 1234" in screen
        assert "some-package" in screen


async def test_a_panel_that_is_slow_again_and_again_is_left_out(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen_of_panels, "LONGEST_DRAW", -1.0)  # whatever it takes is too long
    have(monkeypatch, Drawing(Group("slow", "one")))
    async with show([shop()]) as shown:
        assert "slow" in await shown.press("8")
        for _ in range(screen_of_panels.MOST_SLOW):
            await shown.tick()
        assert "left out: it took longer than -1 s to draw, 3 times" in shown.screen


@pytest.mark.parametrize("size", [(60, 15), (99, 60)])
@pytest.mark.parametrize("scene", ["worker", "unsupported", "gone", "hostile"])
async def test_the_screen_fits_every_terminal(show: Show, size: tuple[int, int], scene: str) -> None:
    async with show([getattr(play, scene)()], size=size) as shown:
        assert "the application's own figures" in await shown.press("8")
