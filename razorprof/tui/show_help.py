"""The viewer's keys, and its page of help: the keys, what is known of the profile, how to read the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult

from razorprof.render.palette import Palette
from razorprof.render.profile_facts import Fact
from razorprof.render.table import rule_line
from razorprof.tui.canvas import Pager
from razorprof.tui.show_scope import Scope, ShowPage


@dataclass(frozen=True, slots=True)
class Key:
    """keys: as Textual names them; shown: as on a keyboard; over_all: before Textual's own meaning of the key."""

    name: str
    keys: str
    shown: str
    action: str
    what: str
    over_all: bool = False


KEYS = (
    Key("quit", "q", "q", "leave", "quit (Ctrl-C too, with exit code 130)"),
    *(
        Key(f"page {place + 1}", str(place + 1), str(place + 1), f"page({place})", f"page {place + 1} of the tabs")
        for place in range(3)
    ),
    Key("next page", "tab", "tab", "next_page(1)", "the next page; shift+tab the one before", over_all=True),
    Key("previous page", "shift+tab", "S-tab", "next_page(-1)", "the page before", over_all=True),
    Key("search", "slash", "/", "filter", "search functions and files as you type; escape clears it"),
    Key("thread", "t", "t", "thread(1)", "one thread after the other, then all again"),
    Key("previous thread", "T", "T", "thread(-1)", "the thread before"),
    Key("group", "g", "g", "group", "the table by function, file, package, thread"),
    Key("sort", "s", "s", "sort", "sort the table by the next column"),
    Key("reverse", "S", "S", "reverse", "turn the order round"),
    Key("open", "enter,space", "enter", "detail", "look into a function, open a branch, zoom into a box"),
    Key("back", "escape", "esc", "back", "back: out of the zoom, the function, the search"),
    Key("help", "question_mark,f1", "?", "help", "this help"),
)
_READING = (
    ("own", "what the function itself was on top of the stack for"),
    ("total", "the same with all that it called; recursion counts once"),
    ("Δ", "of a comparison: growth of NEW over BASE; change: what is no chance, and what broke the gate"),
    ("flame graph", "as wide as the share; what a function did itself is left blank below it at the right"),
    ("search", "narrows the table; tree and flame graph show the stacks that contain it, and their share"),
)


class HelpPage(ShowPage):
    """Keys, facts, notes, and how to read."""

    TITLE: ClassVar[str] = "help"
    WORDS: ClassVar[str] = "up down scroll"

    def __init__(self, facts: Sequence[Fact], notes: Sequence[str]) -> None:
        super().__init__()
        self._facts, self._notes = facts, notes

    def compose(self) -> ComposeResult:
        yield Pager(id="help")

    def arrive(self) -> None:
        self.query_one(Pager).focus()

    def draw(self, scope: Scope) -> None:
        width, palette = scope.width, scope.palette
        lines = [rule_line("keys", width - 1, palette)]
        for key in KEYS:
            lines += _pair(key.shown, key.what, width, palette)
        lines += _pair("arrows", "move; j k h l too, page up and down, home and end", width, palette)
        lines += [Text(), rule_line("about", width - 1, palette)]
        for label, value in self._facts:
            lines += _pair(label, value, width, palette)
        for note in self._notes:
            lines += _pair("note", note, width, palette)
        lines += [Text(), rule_line("reading the figures", width - 1, palette)]
        for word, meaning in _READING:
            lines += _pair(word, meaning, width, palette)
        self.query_one(Pager).show(lines)


def _pair(word: str, meaning: str, width: int, palette: Palette) -> list[Text]:
    lines = []
    for part in wrap(meaning, max(8, width - 16)) or [""]:
        line = Text(f" {word:<12} ", palette.accent, no_wrap=True)
        line.append(part, palette.value)
        lines.append(line)
        word = ""
    return lines
