"""The line that a time of the recording is typed into. Says what was entered by a message. Opened by
tui.replay_app."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.message import Message

from razorprof.render.palette import Palette
from razorprof.tui.entry_box import EntryBox

MomentParser = Callable[[str], float]  # Unix seconds; raises UsageError


class MomentBox(EntryBox):
    """parse: reads what is typed."""

    USAGE: ClassVar[str] = "a time: 03:12, +90s after the start, -5m before the end; enter goes there, esc leaves"

    class Entered(Message):
        """A moment, Unix seconds."""

        def __init__(self, time: float) -> None:
            super().__init__()
            self.time = time

    def __init__(self, palette: Palette, parse: MomentParser) -> None:
        super().__init__(palette, "03:12")
        self._parse = parse

    def entered(self, text: str) -> Message | None:
        return self.Entered(self._parse(text)) if text.strip() else None
