"""The dashboard over a recording: the same screens, with keys to play it and a line that says where it stands.

Everything happens in the app's own thread: a jump takes less than a person notices. Run by tui.replay_run; what is
played when is session.transport's, what is compared session.comparing's, the keys are tui.replay_keys'.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from razorprof.errors import RazorprofError, ToolFailed
from razorprof.model.target import Identity
from razorprof.recording.rzp_values import USER_MARK
from razorprof.render.figures import span
from razorprof.render.replay_line import Standing, clock_text, replay_line
from razorprof.render.spikes import spike_words
from razorprof.render.text import printable
from razorprof.render.thresholds import Level
from razorprof.session.comparing import Comparing
from razorprof.session.sight import Window
from razorprof.session.transport import Transport
from razorprof.tui.app import Dashboard
from razorprof.tui.canvas import Lines
from razorprof.tui.collect import Collector
from razorprof.tui.difference import DifferencePane
from razorprof.tui.entry_box import EntryBox
from razorprof.tui.mark_box import MarkBox
from razorprof.tui.moment_box import MomentBox, MomentParser
from razorprof.tui.moments import MomentsPane
from razorprof.tui.options import DashboardOptions
from razorprof.tui.pages import HelpPane
from razorprof.tui.replay_keys import REPLAY_BINDINGS, SCREENS, replay_help
from razorprof.tui.scene import Pane

_TURN = 0.05  # seconds between two looks at what is due


class _PlayedClock:
    """Ages are those of the recording's own time: what is shown is always new."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def time(self) -> float:
        return self._transport.time

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, event: object, timeout: float) -> bool:
        raise NotImplementedError  # nobody waits on it


class _ReplayControls:
    """Implements session.view.Controls: what was recorded cannot be asked anything any more."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def set_interval(self, seconds: float) -> None:
        pass

    def focus(self, target: Identity) -> None:
        pass

    def pause(self, paused: bool) -> None:
        self._transport.pause(paused)

    def capture(self, target: Identity) -> str:
        return "this is a recording"

    def stop(self) -> None:
        self._transport.pause(True)


class ReplayDashboard(Dashboard):
    """A dashboard that plays a recording by itself."""

    BINDINGS: ClassVar[list[BindingType]] = REPLAY_BINDINGS
    extra_lines = 1
    more_screens = SCREENS

    def __init__(
        self,
        transport: Transport,
        options: DashboardOptions,
        parse: MomentParser,
        comparing: Comparing | None = None,
    ) -> None:
        """parse: reads a time that is typed in; comparing: what is compared from the start."""
        options = replace(options, clock=_PlayedClock(transport))
        super().__init__(transport.player.view, _ReplayControls(transport), options=options)
        self.filter_keys |= {"at", *(key.strip() for key in self._keys["mark"].split(","))}
        self._collector = Collector(self.view, history=self.options.history, remembers=False)
        self.transport = transport
        self._parse = parse
        self.comparing = comparing or Comparing(transport.player)
        self._paused = not transport.playing

    def compose(self) -> ComposeResult:
        yield Lines(id="head")
        yield Container(id="body")
        yield Lines(id="replay")
        yield Lines(id="foot")

    def make_pane(self, name: str) -> Pane:
        if name == "help":
            return HelpPane(replay_help(self._keys))
        if name == "moments":
            return MomentsPane(self.transport.player)
        if name == "difference":
            return DifferencePane(self.comparing)
        return super().make_pane(name)

    def on_ready(self) -> None:
        self.set_interval(_TURN, self._advance)

    def draw(self) -> None:
        if (shown := self._status(self.view.state())) is not None:
            self.transport.player.recall(shown.target.identity)
        super().draw()
        for line in self.query("#replay").results(Lines):
            line.display = self.query_one("#body").display
            line.show([self._line()])

    def _line(self) -> Text:
        player = self.transport.player
        end = player.ticks[-1] if player.backtest is None else player.backtest.end or player.ticks[-1]
        standing = Standing(
            player.ticks[0],
            player.ticks[-1],
            player.time,
            self.transport.speed,
            self.transport.playing and not player.is_at_end,
            tuple(span for course in player.courses for span in course.states(end)),
            tuple(mark.time for mark in player.marks),
            tuple(one.tick for one in player.spikes if one.target == self.current) if player.has_spikes else (),
            tuple(self._sides()),
        )
        return replay_line(standing, self.size.width, self.palette)

    def _sides(self) -> Iterator[tuple[str, float]]:
        """What is compared, as far as it is in this recording."""
        sides = [("B", self.comparing.new)]
        if self.comparing.other is None:
            sides.insert(0, ("A", self.comparing.base))
        for name, side in sides:
            if side is not None:
                yield name, side.end if isinstance(side, Window) else side

    def _advance(self) -> None:
        if self.transport.advance():
            self.tick()

    def action_pause(self) -> None:
        if self.transport.player.is_at_end and not self._paused:
            self.say("this is the end of the recording: [ goes back, @ goes to a time")
            return
        super().action_pause()

    def action_interval(self, step: int) -> None:
        speed = self.transport.change_speed(faster=step < 0)
        self.say(f"played {speed:g} times as fast as it was")

    def action_step(self, ticks: int) -> None:
        if not self._paused:
            super().action_pause()
        self.transport.step(ticks)
        self.draw()

    def action_note(self, forward: bool) -> None:
        if not self._paused:
            super().action_pause()
        if not self.transport.jump_note(forward=forward):
            where = "after" if forward else "before"
            self.say(f"no alert changes and no mark is {where} this moment", Level.LOOK)
            return
        here = [f"{mark.kind}: {mark.text}" for mark in self.transport.player.marks_here()]
        if here:
            self.say(printable("; ".join(here)))
        else:
            self.draw()

    def action_spike(self, forward: bool) -> None:
        if not self._paused:
            super().action_pause()
        if self.current is None:
            return
        try:
            found = self.transport.jump_spike(self.current, forward=forward)
        except ToolFailed as error:
            self.say(f"no spikes can be looked for: {error}", Level.ACT)
            return
        if found:
            self.say("; ".join(spike_words(one.figure.figure, one.spike) for one in found))
        else:
            self.say(f"no spike of this target is {'after' if forward else 'before'} this moment", Level.LOOK)

    async def action_side(self, first: bool) -> None:
        if not self._paused:
            super().action_pause()
        comparing = self.comparing
        moment = comparing.set_base() if first else comparing.set_new()
        where = printable(comparing.other.path.name) if first and comparing.other is not None else "here"
        chosen = comparing.base is not None and comparing.new is not None
        if chosen and self._pane_name != "difference" and not first:
            await self._go("difference")
        more = "" if chosen else f"; now {'B' if first else 'A'} at the other moment"
        self.say(f"{'A' if first else 'B'} is {clock_text(moment)} {where}{more}")

    def action_length(self) -> None:
        seconds = self.comparing.lengthen()
        self.say(f"what is compared are the {span(seconds)} up to A and to B")

    def on_moments_pane_chosen(self, event: MomentsPane.Chosen) -> None:
        self.transport.jump_tick(event.time)
        if not self._paused:
            super().action_pause()
        self.draw()

    def action_edge(self, last: bool) -> None:
        self.transport.jump(self.transport.player.ticks[-1 if last else 0])
        self.draw()

    async def action_moment(self) -> None:
        await self._ask(MomentBox(self.palette, self._parse))

    async def action_mark(self) -> None:
        if not self._paused:
            super().action_pause()
        number = len([mark for mark in self.transport.player.marks if mark.kind == USER_MARK]) + 1
        await self._ask(MarkBox(self.palette, f"mark {number}"))

    def action_unmark(self) -> None:
        try:
            found = self.transport.player.remove_marks()
        except ToolFailed as error:
            self.say(printable(str(error)), Level.ACT)
            return
        names = printable(", ".join(mark.text for mark in found))
        self.say(f"no longer marked: {names}" if found else "no mark of yours is at this moment: { } go to marks")

    def on_moment_box_entered(self, event: MomentBox.Entered) -> None:
        self._close_box()
        self.transport.jump(event.time)
        self.draw()

    def on_mark_box_entered(self, event: MarkBox.Entered) -> None:
        self._close_box()
        player = self.transport.player
        try:
            mark = player.set_mark(event.name)
        except RazorprofError as error:
            self.say(printable(f"{error}: {error.hint}" if error.hint else str(error)), Level.ACT)
            return
        status = self._status(self.view.state())
        if status is not None:
            self._marks.set(self._collector.snapshot(self.view.state(), status))
        place = player.own_marks.place if player.own_marks is not None else None
        self.say(printable(f"marked: {mark.text} (in {place}); Δ is the change from now on, D hides it"))

    def on_entry_box_left(self) -> None:
        self._close_box()
        self.draw()

    def close_filter(self) -> bool:
        for box in self.query(EntryBox):
            box.remove()
        return super().close_filter()

    async def _ask(self, box: EntryBox) -> None:
        """Open a line at the bottom."""
        if self.query(EntryBox):
            return
        self._is_opening = True
        self.close_filter()
        await self.mount(box)
        box.focus_field()
        await self._release()

    async def _escape(self) -> None:
        if self.query(EntryBox):
            self._close_box()
        else:
            await super()._escape()

    def _close_box(self) -> None:
        self.close_filter()
        if self.pane is not None:
            self.pane.arrive()
