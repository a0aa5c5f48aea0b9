"""Checks of a panel: it draws every size and every target, in time, and does nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from razorprof.plugin.border import misfit
from razorprof.plugin.loading import Failure
from razorprof.plugin.panels import Panel, PanelSize, PanelView
from razorprof.render.panel import panel_lines
from razorprof.session.panel_view import TargetView
from razorprof.testing import fake_targets
from razorprof.testing.conformance.audit import watched_call
from razorprof.testing.conformance.findings import Finding, Notes, called
from razorprof.testing.fake_view import FakeTarget, FakeView

SIZES = tuple(PanelSize(*size) for size in ((1, 1), (2, 1), (7, 3), (20, 5), (80, 24), (240, 80)))
LONGEST_DRAW = 1.0  # seconds, the quickest of a few; the dashboard leaves out what takes 0.2 s again and again
_LIMIT = 10.0


def check_panel(panel: Panel, *, views: Sequence[PanelView] = ()) -> list[Finding]:
    """What a panel does not keep to. views: more targets to draw, besides scripted ones: a busy Python, an idle
    one, one that nobody knows, one that has ended, one with hostile names and one that was not seen yet."""
    notes = Notes(panel)
    notes.name(panel)
    wrong = misfit(getattr(panel, "title", None), str, "title")
    wrong = wrong or misfit(getattr(panel, "needs", None), tuple[str, ...], "needs")
    if wrong or not callable(getattr(panel, "render", None)):
        notes.add("shape", wrong or "it has no render")
        return notes.found
    if not panel.title.strip():
        notes.add("shape", "its title is empty")
    plays = (fake_targets.worker, fake_targets.idle, fake_targets.unsupported, fake_targets.gone)
    scripted = [_view(play()) for play in (*plays, fake_targets.hostile)]
    for view in (*scripted, _view(fake_targets.worker(), ticks=0), *views):
        for size in SIZES:
            if not _draws(panel, view, size, notes):
                return notes.found
    return notes.found


def _view(target: FakeTarget, ticks: int = 180) -> PanelView:
    view = FakeView([target], ticks=ticks)
    state = view.state()
    return TargetView(view, state.targets[0], state.time)


def _draws(panel: Panel, view: PanelView, size: PanelSize, notes: Notes) -> bool:
    """Whether to go on: what hangs once would hang again."""
    at = f"{size.width}x{size.height} of {view.target.name!r:.40}"
    done = called(lambda: watched_call(lambda: panel_lines(panel, view, size)), _LIMIT)
    if done.wrong or done.value is None:
        notes.add("hang", f"render at {at} {done.wrong}")
        return False
    lines, deeds = done.value
    if isinstance(lines, Failure):
        notes.add("render", f"render at {at}: {lines.error}")
        return True
    if deeds:
        notes.add("deeds", f"a panel only draws: it {deeds[0]}")
    if done.seconds > LONGEST_DRAW:
        again = [called(lambda: panel_lines(panel, view, size), _LIMIT).seconds for _ in range(3)]
        if min(again) > LONGEST_DRAW:
            notes.add("slow", f"render at {at} takes {min(again):.1f} s: the screen waits for it")
            return False
    return True
