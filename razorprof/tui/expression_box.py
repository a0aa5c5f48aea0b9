"""The line that an expression is typed into, and the one under it: completions, or what is wrong with it.

Says what was entered by a message; keeps nothing. Opened by tui.asking.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from razorprof.render.palette import Palette
from razorprof.render.text import cut_end, printable
from razorprof.tui.canvas import Lines
from razorprof.tui.expressions import check_expression

_LONGEST = 4096  # characters; a person types less
_MOST_SHOWN = 40
_WORD = re.compile(r"[A-Za-z_:][\w:]*\Z", re.ASCII)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
_USAGE = "tab completes a name, enter plots, esc leaves"
_USAGE_EDIT = "enter changes it (an empty line takes it away), esc leaves"


class ExpressionBox(Vertical):
    """names: what tab completes; text: what to begin with, the expression that is changed, or nothing."""

    DEFAULT_CSS = """
    ExpressionBox { dock: bottom; height: 2; background: $panel; }
    ExpressionBox Input { height: 1; border: none; padding: 0 1; background: $panel; }
    ExpressionBox Lines { height: 1; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("tab", "complete", show=False),
    ]

    class Entered(Message):
        """A good expression, or empty text; instead: the one that it replaces."""

        def __init__(self, text: str, instead: str) -> None:
            super().__init__()
            self.text, self.instead = text, instead

    class Left(Message):
        """Nothing was entered."""

    def __init__(self, names: Sequence[str], palette: Palette, text: str = "") -> None:
        super().__init__(id="expression")
        self._names, self._palette, self._begun = sorted(set(names)), palette, text
        self._words: tuple[str, bool] = ("", False)

    def compose(self) -> ComposeResult:
        yield Input(
            self._begun,
            placeholder="PromQL: rate(process_cpu_seconds_total[1m])",
            classes="typed",
            compact=True,
            max_length=_LONGEST,
            select_on_focus=False,
        )
        yield Lines()

    def on_mount(self) -> None:
        self._say(_USAGE_EDIT if self._begun else _USAGE)

    def on_resize(self, event: events.Resize) -> None:
        self._say(*self._words)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        word, found = self._candidates()
        if word and found and found != [word]:
            self._say("  ".join(found[:_MOST_SHOWN]))
        else:
            text = event.value.strip()
            self._say((check_expression(text) if text else "") or (_USAGE_EDIT if self._begun else _USAGE))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        wrong = check_expression(text) if text else ""
        if wrong:
            self._say(wrong, bad=True)
        elif text or self._begun:
            self.post_message(self.Entered(text, self._begun))
        else:
            self.post_message(self.Left())

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def action_complete(self) -> None:
        """Type what all candidates go on with."""
        word, found = self._candidates()
        if word and found:
            common = os.path.commonprefix(found)  # noqa: RUF071 (names, not paths)
            self.query_one(Input).insert_text_at_cursor(common[len(word) :])

    def _candidates(self) -> tuple[str, list[str]]:
        """The word before the cursor, and the names that begin so; none inside quotes and braces."""
        field = self.query_one(Input)
        before = _QUOTED.sub('""', field.value[: field.cursor_position])
        found = _WORD.search(before)
        outside = not before.count('"') % 2 and before.count("{") <= before.count("}")
        if found is None or not outside:
            return "", []
        return found[0], [name for name in self._names if name.startswith(found[0])]

    def _say(self, words: str, bad: bool = False) -> None:
        self._words = (words, bad)
        style = self._palette.act if bad else self._palette.dim
        width = max(1, self.size.width - 2)
        self.query_one(Lines).show([Text(" " + cut_end(printable(words), width), style, no_wrap=True)])
