"""The dashboard: draws what a session's View says, after each tick, and passes keys on to its Controls.

Knows no target, no source and no file of theirs. The session runs in threads of its own and calls `tick` after
each tick; a burst of ticks is drawn once, in its newest state. What stands where is decided in render/.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.filter import LineFilter
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen

from razorprof.model.target import Identity, Life
from razorprof.render.palette import Palette
from razorprof.render.thresholds import Level
from razorprof.session.view import Controls, SessionState, TargetStatus, View
from razorprof.tui.actions import ACTIONS, bound_keys, shown_keys
from razorprof.tui.alarms import Alarming
from razorprof.tui.alert_rows import alert_rows
from razorprof.tui.ascii_filter import AsciiFilter
from razorprof.tui.canvas import Lines
from razorprof.tui.chrome import Chrome, too_small_line
from razorprof.tui.collect import Collector
from razorprof.tui.colourless import COLOURLESS, NoColour
from razorprof.tui.follow import Follower
from razorprof.tui.functions import FunctionsPane, FunctionTable
from razorprof.tui.marks import Marks
from razorprof.tui.options import DashboardOptions
from razorprof.tui.panes import make_pane
from razorprof.tui.processes import ProcessesPane, default_order
from razorprof.tui.scene import Pane, Scene
from razorprof.tui.table import Table
from razorprof.tui.themes import DARK, LIGHT, palette_of

SMALLEST = (60, 15)
COMPACT = (100, 30)  # below either, the compact layout
INTERVALS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_SAID = 4.0  # seconds that a message stays


class Due(Message):
    """There is something new to draw."""


class Dashboard(Alarming):
    """`tick` may be called from any thread; all else belongs to the app's own."""

    TITLE = "razorprof"
    CSS = """
    Screen { background: $background; color: $foreground; overflow: hidden; }
    #body { height: 1fr; }
    #filter { dock: bottom; height: 1; border: none; padding: 0 1; margin-bottom: 1; background: $panel; }
    """
    ENABLE_COMMAND_PALETTE = True
    extra_lines: ClassVar[int] = 0  # of a subclass, between body and footer
    more_screens: ClassVar[tuple[tuple[str, str], ...]] = ()  # of a subclass: keys and names
    # with priority, or Textual's own binding of the screen (copy the selection) swallows it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "leave(130)", "interrupt", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "suspend", show=False, priority=True),
    ]

    def __init__(self, view: View, controls: Controls, *, options: DashboardOptions | None = None) -> None:
        self.options = options or DashboardOptions()
        super().__init__(controls, rings=self.options.bell)
        self.view = view
        self._keys = bound_keys(self.options.keys)
        opening = f"{self._keys['filter']},{self._keys['expression']}"
        self.filter_keys = frozenset(key.strip() for key in opening.split(","))
        self._ascii = AsciiFilter(self.options.glyphs)
        self._collector = Collector(view, history=self.options.history)
        self._lock = threading.Lock()
        self._due = True  # until the first frame is drawn, a tick needs no message
        self._follower = Follower()
        self._pane_name = ""
        self._came_from = "overview"
        self._panes: dict[str, Pane] = {}
        self._marks = Marks()
        self._paused = False
        self._said: tuple[str, Level] | None = None
        self._chrome: Chrome | None = None
        self._palette: Palette | None = None
        self._room: Size | None = None
        self.draws = 0
        for action in ACTIONS:
            self.bind(self._keys[action.name], action.call, description=action.what, show=False)

    def tick(self) -> None:
        """Something is new. Thread-safe, returns at once; calls before the draw count once."""
        with self._lock:
            if self._due:
                return
            self._due = True
        try:
            if not self.post_message(Due()):
                self._due = False
        except RuntimeError:  # the loop is closed: the app has ended
            self._due = False

    # -- what Textual asks

    def compose(self) -> ComposeResult:
        yield Lines(id="head")
        yield Container(id="body")
        yield Lines(id="foot")

    def get_line_filters(self) -> list[LineFilter]:
        filters: list[LineFilter] = [NoColour()] if self.no_color else list(super().get_line_filters())
        return [*filters, self._ascii] if self._ascii.enabled else filters

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for action in ACTIONS:
            keys = shown_keys(self._keys[action.name])
            call = action.call
            yield SystemCommand(action.name, f"{action.what} ({keys})", lambda call=call: self.run_action(call))
        yield SystemCommand("theme", "choose the colours", self.action_change_theme)

    async def on_mount(self) -> None:
        self.animation_level = "none"
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = self.options.theme if self.options.theme in self.available_themes else DARK.name
        self.theme_changed_signal.subscribe(self, lambda theme: self._new_palette())
        self._due = False
        several = self.options.first_screen == "overview" and len(self.view.state().targets) > 1
        await self._go("processes" if several else self.options.first_screen)
        self.set_interval(1.0, self._watch_age)

    def on_due(self) -> None:
        self.draw()

    def on_resize(self, event: events.Resize) -> None:
        self._room = event.size  # the app's own size follows only after this handler
        self.draw()

    # -- drawing

    def draw(self) -> None:
        """Draw the newest state, on the screen that is shown."""
        with self._lock:
            self._due = False
        if not self._pane_name:
            return
        self.draws += 1
        state = self.view.state()
        status = self._status(state)
        size = self._room or self.size
        head, foot = self.query_one("#head", Lines), self.query_one("#foot", Lines)
        if status is None:
            head.show([Text(" no target", self.palette.dim)])
            return
        if (successor := self._follower.successor(state, status)) is not None:
            self._show_target(successor.target.identity)
            self.say(f"restarted as pid {successor.target.pid}")
            return
        snapshot = self._collector.snapshot(state, status)
        small = size.width < SMALLEST[0] or size.height < SMALLEST[1]
        self.query_one("#body").display = not small
        foot.display = not small
        if small:
            head.show([too_small_line(snapshot, size, SMALLEST, self.palette)])
            return
        rows = alert_rows(state)
        self.attend(rows, state.alerts)
        self._chrome = chrome = Chrome(
            state, snapshot, size.width, self.palette, self._keys, self._pane_name, self._said, self._paused, rows,
            self.more_screens,
        )  # fmt: skip
        head.show(chrome.head())
        compact = size.width < COMPACT[0] or size.height < COMPACT[1]
        palette = self.palette.faded() if snapshot.life is Life.GONE else self.palette
        marked = self._marks.of(snapshot.target.identity)
        room = size.height - (chrome.alert is not None) - self.extra_lines
        self._pane.draw(Scene(state, snapshot, self._collector, palette, size.width, room, compact, marked, rows))
        foot.show(chrome.foot(self.options.clock.time()))

    @property
    def palette(self) -> Palette:
        """The colours of the theme."""
        if self._palette is None and self.no_color:
            self._palette = COLOURLESS
        if self._palette is None:
            self._palette = palette_of(self.current_theme, self.theme_variables or self.get_css_variables())
        return self._palette

    def _watch_age(self) -> None:
        """When no tick comes, the footer's age must still grow."""
        state = self.view.state()
        status = self._status(state)
        if status is None or not self._pane_name or self.options.clock.time() - state.time < 2 * state.interval:
            return
        if self._chrome is not None:
            self.query_one("#foot", Lines).show(self._chrome.foot(self.options.clock.time()))

    def _new_palette(self) -> None:
        self._palette = None
        self.draw()

    # -- who is shown

    def _status(self, state: SessionState) -> TargetStatus | None:
        for status in state.targets:
            if status.target.identity == self.current:
                return status
        if not state.targets:
            return None
        self.current = state.targets[0].target.identity
        return state.targets[0]

    def _choose_target(self, identity: Identity) -> None:
        """A person wants this one."""
        self._follower.choose(next(s for s in self.view.state().targets if s.target.identity == identity))
        self._show_target(identity)

    def _show_target(self, identity: Identity) -> None:
        self.current = identity
        self.controls.focus(identity)
        for table in self.query(Table):
            if not isinstance(table.parent, ProcessesPane):
                table.rewind()
        self.draw()

    @property
    def pane(self) -> Pane | None:
        return self._panes.get(self._pane_name)

    @property
    def _pane(self) -> Pane:
        return self._panes[self._pane_name]

    def make_pane(self, name: str) -> Pane:
        """The screen of that name, for the first time."""
        return make_pane(name, self._keys, self.options.glyphs, colour=not self.no_color)

    async def _go(self, name: str) -> None:
        """Show a screen; it is made when it is first asked for."""
        self.close_filter()
        body = self.query_one("#body", Container)
        if name not in self._panes:
            self._panes[name] = self.make_pane(name)
            await body.mount(self._panes[name])
        for other, pane in self._panes.items():
            pane.display = other == name
        self._pane_name = name
        self._pane.arrive()
        self.draw()

    # -- actions

    def action_leave(self, code: int = 0) -> None:
        self.exit(return_code=code)

    def action_pause(self) -> None:
        self._paused = not self._paused
        self.controls.pause(self._paused)
        self.draw()

    def action_interval(self, step: int) -> None:
        now = self.view.state().interval
        longer = [each for each in INTERVALS if (each > now * 1.001 if step > 0 else each < now * 0.999)]
        if not longer:
            self.say(f"the interval stays at {now:g} s", Level.LOOK)
            return
        wanted = longer[0] if step > 0 else longer[-1]
        self.controls.set_interval(wanted)
        self.say(f"one look every {wanted:g} s")

    async def action_screen(self, name: str) -> None:
        if name == "help" and self._pane_name == "help":
            name = self._came_from
        elif name == "help":
            self._came_from = self._pane_name
        await self._go(name)

    def action_target(self, step: int) -> None:
        state = self.view.state()
        rows = [self._collector.row(state, status) for status in state.targets]
        processes = self._panes.get("processes")
        ranked = processes.ranked(rows) if isinstance(processes, ProcessesPane) else default_order(rows)
        known = [row.target.identity for row in ranked]
        if len(rows) < 2 or not known:
            self.say("there is one target only")
            return
        place = known.index(self.current) if self.current in known else -1 if step > 0 else 0
        self._choose_target(known[(place + step) % len(known)])

    def action_sort(self) -> None:
        self._done(self._pane.sort())

    def action_reverse(self) -> None:
        self._done(self._pane.reverse())

    def action_group(self) -> None:
        self._done(self._pane.group())

    async def action_flame(self) -> None:
        if self._pane_name != "functions":
            await self._go("functions")
        self._done(self._pane.flame())

    async def action_detail(self) -> None:
        if self._pane_name == "overview":
            row = self._pane.query_one(FunctionTable).chosen
            if row is None:
                return
            await self._go("functions")
            pane = self._pane
            if isinstance(pane, FunctionsPane):
                pane.open(row)
            self.draw()
            return
        self._done(self._pane.detail())

    async def action_back(self) -> None:
        if self.close_filter():
            self._pane.filter("")
            self._pane.arrive()
        elif self._pane.back():
            pass
        elif self._pane.filtered():
            self._pane.filter("")
        elif self._pane_name == "help":
            await self._go(self._came_from)
        elif self._pane_name != "overview":
            await self._go("overview")
        self.draw()

    async def action_mark(self) -> None:
        status = self._status(self.view.state())
        if status is not None:
            self._marks.set(self._collector.snapshot(self.view.state(), status))
            self.say("marked: Δ is the change from now on, D hides it")

    def action_difference(self) -> None:
        shown = self._marks.turn(self.current)
        if shown is None:
            self.say("no mark yet: m sets one", Level.LOOK)
        else:
            self.say("differences are shown" if shown else "differences are hidden")

    def action_save(self) -> None:
        from razorprof.tui.save import save_words

        pid = self.current.pid if self.current is not None else 0
        picture, now = self.export_screenshot(title=f"razorprof {pid}"), self.options.clock.time()
        words, saved = save_words(self.options.save_folder, pid, now, self.screen_text(), picture, self.size.width)
        self.say(words, Level.FINE if saved else Level.ACT)

    async def on_table_opened(self) -> None:
        await self.action_detail()

    async def on_processes_pane_chosen(self, event: ProcessesPane.Chosen) -> None:
        self._choose_target(event.identity)
        await self._go("overview")

    async def on_click(self, event: events.Click) -> None:
        if event.widget is self.query_one("#head") and self._chrome is not None:
            name = self._chrome.tab_at(event.x, event.y)
            if name:
                await self._go(name)
        elif event.widget is self.query_one("#foot") and event.y == 0 and self._chrome and self._chrome.alert:
            await self._go("alerts")

    def say(self, words: str, found: Level = Level.FINE) -> None:
        """Tell something for a few seconds, in place of the tabs."""
        self._said = (words, found)
        said = self._said
        self.set_timer(_SAID, lambda: self._unsay(said))
        self.draw()

    def screen_text(self) -> str:
        """The screen as text, without colours."""
        # The compositor is the only place that knows it; export_screenshot goes the same way.
        strips = self.screen._compositor.render_strips(self.size)
        apply = self.options.glyphs.apply
        return "".join(f"{apply(strip.text).rstrip()}\n" for strip in strips)

    def _unsay(self, said: tuple[str, Level]) -> None:
        if self._said is said:
            self._said = None
            self.draw()

    def _done(self, done: bool) -> None:
        if done:
            self.draw()
        else:
            self.say("not on this screen")
