"""Which two windows of a recording are compared: A and B, set while it is replayed, or named beforehand.

A moment is the last ten seconds up to it, or as many as are chosen. A may lie in another recording, where it is as
far after its start as the moment that is shown is here. What was found is kept until a window changes. For
cli.replay and the dashboard over a recording; one thread, the player's.
"""

from __future__ import annotations

from razorprof.errors import RazorprofError, UsageError
from razorprof.recording.rzp_merged import Recording
from razorprof.session.difference import Difference, difference
from razorprof.session.player import Player
from razorprof.session.sight import MOMENT, Sight, Window, look, moment

LENGTHS = (MOMENT, 30.0, 60.0, 300.0, 900.0)
Side = float | Window | None  # a moment, Unix seconds, or a window


class Comparing:
    """base: A, new: B; other: the recording of A, None where it is the player's own."""

    def __init__(
        self, player: Player, other: Recording | None = None, base: Side = None, new: Side = None
    ) -> None:
        self.player, self.other = player, other
        self.base, self.new = base, new
        self.length = LENGTHS[0]  # seconds of a moment
        self._found: tuple[tuple[Side, Side, float], Difference | str] | None = None
        self._sights: dict[tuple[bool, Window], Sight] = {}

    def set_base(self) -> float:
        """Let A be the moment that is shown, or the one as far after the other recording's start; its time."""
        time = self.player.time
        if self.other is not None:
            begin = (self.other.span or (time, time))[0]
            time = begin + time - self.player.ticks[0]
        self.base = time
        return time

    def set_new(self) -> float:
        """Let B be the moment that is shown; its time."""
        self.new = self.player.time
        return self.new

    def lengthen(self) -> float:
        """Let moments be longer, and from the longest on as short as at first; their seconds."""
        self.length = LENGTHS[(LENGTHS.index(self.length) + 1) % len(LENGTHS)]
        return self.length

    def find(self) -> Difference:
        """The difference. Raises UsageError where a window is not chosen or nothing was recorded in it, ToolFailed
        where it cannot be read."""
        if self.base is None or self.new is None:
            raise UsageError("two moments are to be chosen: A sets the first where you stand, B the second")
        base, new = self._window(self.base, self.other or self.player.recording), self._window(self.new)
        if self.player.backtest is not None:
            self.player.backtest.advance(new.end if self.other is not None else max(base.end, new.end))
        return difference(self._sight(base, is_other=self.other is not None), self._sight(new, is_other=False))

    def found(self) -> Difference | str:
        """The same, kept until a window changes; or why there is none, in words."""
        wanted = self.base, self.new, self.length
        if self._found is None or self._found[0] != wanted:
            try:
                self._found = wanted, self.find()
            except RazorprofError as error:
                self._found = wanted, str(error)
        return self._found[1]

    def _window(self, side: float | Window, recording: Recording | None = None) -> Window:
        """No longer than the recording."""
        if isinstance(side, Window):
            return side
        recording = recording or self.player.recording
        begin = (recording.span or (side, side))[0] - recording.header.interval
        window = moment(side, self.length)
        return Window(min(max(window.start, begin), window.end), window.end)

    def _sight(self, window: Window, *, is_other: bool) -> Sight:
        """The last few are kept: mostly one of two windows changes."""
        key = is_other, window
        if key not in self._sights:
            if len(self._sights) > 4:
                self._sights.clear()
            other = self.other if is_other else None
            if other is not None:
                self._sights[key] = look(other, window)
            else:
                self._sights[key] = look(self.player.recording, window, self.player.courses)
        return self._sights[key]
