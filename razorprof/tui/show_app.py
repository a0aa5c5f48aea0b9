"""The interactive viewer of profile files: pages, search, threads, help. For `show` and `diff` on a terminal.

Knows no file and no format: it is given a profile, or a comparison's pages, and words for the head. What stands on
a page is show_profile's and show_difference's; how it is started and ended is show_run's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.geometry import Size
from textual.screen import Screen

from razorprof.model.profile import Profile
from razorprof.render.glyphs import Glyphs, choose
from razorprof.render.headline import tabs_line
from razorprof.render.palette import Palette
from razorprof.render.profile_facts import Fact
from razorprof.render.text import cut_end, cut_middle, printable
from razorprof.tui.ascii_filter import AsciiFilter
from razorprof.tui.canvas import Lines
from razorprof.tui.colourless import COLOURLESS, NoColour
from razorprof.tui.filtering import Filtering
from razorprof.tui.scene import Pane
from razorprof.tui.show_help import KEYS, HelpPage
from razorprof.tui.show_scope import Scope, ShowPage
from razorprof.tui.themes import DARK, LIGHT, palette_of

SMALLEST = (50, 10)
_SAID = 3.0  # seconds that a message stays


@dataclass(frozen=True, slots=True)
class Shown:
    """What the viewer shows. title: the file, untrusted; facts, notes: printable words about it; profile: what
    threads are chosen from, empty for a comparison."""

    title: str
    facts: Sequence[Fact]
    notes: Sequence[str]
    profile: Profile
    theme: str = DARK.name
    glyphs: Glyphs = field(default_factory=lambda: choose(os.environ))


class Body(Pane):
    """Where the pages stand. What is searched, on all of them alike, is kept here: Filtering asks a pane."""

    text = ""

    def filter(self, text: str) -> bool:
        self.text = text
        return not isinstance(self._page, HelpPage)

    def filtered(self) -> str:
        return self.text

    def arrive(self) -> None:
        self._page.arrive()

    @property
    def _page(self) -> ShowPage:
        return next(page for page in self.query_children(ShowPage) if page.display)


class Viewer(Filtering):
    """Draws when a key or the terminal's size asks for it; nothing moves by itself."""

    TITLE = "razorprof show"
    CSS = """
    Screen { background: $background; color: $foreground; overflow: hidden; }
    #filter { dock: bottom; height: 1; border: none; padding: 0 1; margin-bottom: 1; background: $panel; }
    """
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "leave(130)", "interrupt", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "suspend", show=False, priority=True),
        *(Binding(k.keys, k.action, k.what, show=False, priority=k.over_all) for k in KEYS),
    ]

    def __init__(self, shown: Shown, pages: Sequence[ShowPage], *, first: str = "") -> None:
        super().__init__()
        self.filter_keys = frozenset(["slash"])
        self._shown = shown
        self._pages = [*pages, HelpPage(shown.facts, shown.notes)]
        self._place = next((place for place, page in enumerate(pages) if first == page.TITLE), 0)
        self._before_help = 0
        self._threads = shown.profile.threads()
        self._thread = -1  # all
        self._part = shown.profile
        self._body = Body()
        self._said = ""
        self._ascii = AsciiFilter(shown.glyphs)
        self._palette: Palette | None = None
        self._room: Size | None = None
        self._tabs: list[range] = []

    # -- what Textual asks

    def compose(self) -> ComposeResult:
        yield Lines(id="head")
        with self._body:
            yield from self._pages
        yield Lines(id="foot")

    def get_line_filters(self) -> list[LineFilter]:
        filters: list[LineFilter] = [NoColour()] if self.no_color else list(super().get_line_filters())
        return [*filters, self._ascii] if self._ascii.enabled else filters

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for key in KEYS:
            action = key.action
            yield SystemCommand(
                key.name, f"{key.what} ({key.shown})", lambda action=action: self.run_action(action)
            )
        yield SystemCommand("theme", "choose the colours", self.action_change_theme)

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = self._shown.theme if self._shown.theme in self.available_themes else DARK.name
        self.theme_changed_signal.subscribe(self, lambda theme: self._new_palette())
        self._go(self._place)

    def on_resize(self, event: events.Resize) -> None:
        self._room = event.size  # the app's own size follows only after this handler
        self.draw()

    # -- drawing

    def draw(self) -> None:
        """Draw the page that is shown, in what was chosen."""
        size = self._room or self.size
        small = size.width < SMALLEST[0] or size.height < SMALLEST[1]
        head, foot = self.query_one("#head", Lines), self.query_one("#foot", Lines)
        self._body.display = foot.display = not small
        if small:
            words = f"{size.width}x{size.height}: needs {SMALLEST[0]}x{SMALLEST[1]}"
            head.show([Text(cut_end(words, size.width), self.palette.look, no_wrap=True)])
            return
        head.show(self._head(size.width))
        foot.show([self._foot(size.width)])
        self._page.draw(Scope(self._part, self._body.text, self.palette, size.width, size.height))

    @property
    def palette(self) -> Palette:
        """The colours of the theme."""
        if self._palette is None:
            self._palette = (
                COLOURLESS
                if self.no_color
                else palette_of(self.current_theme, self.theme_variables or self.get_css_variables())
            )
        return self._palette

    def _head(self, width: int) -> list[Text]:
        title = Text(" ", no_wrap=True)
        title.append(cut_middle(printable(self._shown.title), max(12, width // 3)), self.palette.title)
        for label, value in self._shown.facts:
            words = f"{label} {value}" if label == "samples" else value
            if label not in ("process", "host", "command", "taken"):  # the help has all
                room = width - title.cell_len - 4
                if room < 8:
                    break
                title.append("  ")
                title.append(cut_end(words, room), self.palette.value)
        lines = [title]
        if self._shown.notes:
            more = f"  (+{len(self._shown.notes) - 1}: ?)" if len(self._shown.notes) > 1 else ""
            note = cut_end(f"note: {self._shown.notes[0]}", width - 2 - len(more)) + more
            lines.append(Text(f" {note}", self.palette.look, no_wrap=True))
        tabs = [(str(place + 1), page.TITLE) for place, page in enumerate(self._pages[:-1])]
        line, self._tabs = tabs_line([*tabs, ("?", "help")], self._page.TITLE, width, self.palette)
        if self._thread >= 0:
            line.append(f"   thread {self._thread_name()}", self.palette.accent)
        line.truncate(width - 1)
        return [*lines, line]

    def _foot(self, width: int) -> Text:
        words = self._said or "  ".join(filter(None, (self._page.WORDS, "/ search", self._thread_words)))
        keys = "? help  q quit"
        line = Text(" ", no_wrap=True)
        line.append(cut_end(words, width - len(keys) - 4), self.palette.look if self._said else self.palette.label)
        line.append(" " * max(1, width - line.cell_len - len(keys) - 1))
        line.append(keys, self.palette.label)
        return line

    @property
    def _thread_words(self) -> str:
        return "t thread" if len(self._threads) > 1 else ""

    def _thread_name(self) -> str:
        thread = self._threads[self._thread]
        name = cut_middle(printable(thread.name), 24)
        return f"{name} ({thread.native})".strip() if thread.native else name or "of unknown id"

    def _new_palette(self) -> None:
        self._palette = None
        self.draw()

    # -- what is shown

    @property
    def _page(self) -> ShowPage:
        return self._pages[self._place]

    def _go(self, place: int) -> None:
        self._place = place
        for other, page in enumerate(self._pages):
            page.display = other == place
        self.draw()
        self._page.arrive()

    @property
    def pane(self) -> Pane:
        return self._body

    # -- actions

    def action_leave(self, code: int = 0) -> None:
        self.exit(return_code=code)

    def action_page(self, place: int) -> None:
        if place < len(self._pages) - 1:
            self._go(place)
        else:
            self.say("there is no such page")

    def action_next_page(self, step: int) -> None:
        self.close_filter()
        self._go((self._place + step) % len(self._pages))

    def action_help(self) -> None:
        if self._place == len(self._pages) - 1:
            self._go(self._before_help)
        else:
            self._before_help = self._place
            self._go(len(self._pages) - 1)

    def action_thread(self, step: int) -> None:
        if len(self._threads) < 2:
            self.say("there is one thread only" if self._threads else "no threads to choose from")
            return
        count = len(self._threads) + 1  # all, then each
        self._thread = (self._thread + 1 + step) % count - 1
        profile = self._shown.profile
        chosen = self._threads[self._thread] if self._thread >= 0 else None
        self._part = (
            profile if chosen is None else profile.with_stacks(lambda key: key if key.thread == chosen else None)
        )
        self.draw()

    def action_group(self) -> None:
        self._done(self._page.group())

    def action_sort(self) -> None:
        self._done(self._page.sort())

    def action_reverse(self) -> None:
        self._done(self._page.reverse())

    def action_detail(self) -> None:
        self._done(self._page.detail(), "nothing to open here")

    async def action_back(self) -> None:
        if self.close_filter():
            self._body.text = ""
            self._page.arrive()
        elif isinstance(self._page, HelpPage):
            self.action_help()
        elif self._page.back():
            pass
        else:
            self._body.text = ""
        self.draw()

    def on_click(self, event: events.Click) -> None:
        head = self.query_one("#head", Lines)
        if event.widget is head and event.y == len(head.lines) - 1:
            place = next((place for place, cells in enumerate(self._tabs) if event.x in cells), None)
            if place is not None:
                self._go(place)

    def say(self, words: str) -> None:
        """Tell something for a few seconds, in the foot."""
        self._said = words
        self.set_timer(_SAID, lambda: self._unsay(words))
        self.draw()

    def screen_text(self) -> str:
        """The screen as text, without colours."""
        # The compositor is the only place that knows it; export_screenshot goes the same way.
        strips = self.screen._compositor.render_strips(self.size)
        apply = self._shown.glyphs.apply
        return "".join(f"{apply(strip.text).rstrip()}\n" for strip in strips)

    def _unsay(self, words: str) -> None:
        if self._said == words:
            self._said = ""
            self.draw()

    def _done(self, done: bool, otherwise: str = "not on this page") -> None:
        if done:
            self.draw()
        else:
            self.say(otherwise)
