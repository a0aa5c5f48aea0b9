"""Play, pause, speed, step and jump of a recording: a clock of its own that a Player follows.

Asked some times a second by whoever shows the recording (tui.replay_app); knows no screen. One thread.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from razorprof.model.target import Identity
from razorprof.session.played_spikes import RecordedSpike
from razorprof.session.player import Player
from razorprof.session.view import SessionState

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0)
_LONGEST_TURN = 0.05  # seconds that playing may take of whoever asks
_GAP = 5.0  # seconds without a tick that are passed over


class Transport:
    """Plays from the start on, until paused or at the end."""

    def __init__(self, player: Player, monotonic: Callable[[], float]) -> None:
        self.player = player
        self.playing = True
        self.speed = 1.0
        self._monotonic = monotonic
        self._asked = monotonic()
        self._moment = player.time  # Unix seconds, of what is played

    @property
    def time(self) -> float:
        """Of the tick that is shown."""
        return self.player.time

    def advance(self) -> bool:
        """Play what is due; whether something new is shown. What cannot be played in time is played late."""
        now = self._monotonic()
        passed, self._asked = now - self._asked, now
        if not self.playing or self.player.is_at_end:
            return False
        self._moment += passed * self.speed
        shown = False
        while not self.player.is_at_end:
            following = self.player.ticks[self.player.place + 1]
            if following - self.player.time > _GAP * max(1.0, self.player.recording.header.interval):
                self._moment = max(self._moment, following)
            if following > self._moment:
                break
            if self.player.step() is None:
                break
            shown = True
            if self._monotonic() - now > _LONGEST_TURN:
                self._moment = min(self._moment, self.player.time)
                break
        return shown

    def pause(self, paused: bool) -> None:
        self.playing = not paused
        self._asked = self._monotonic()

    def change_speed(self, faster: bool) -> float:
        """The next of SPEEDS; the speed from now on."""
        place = SPEEDS.index(self.speed) + (1 if faster else -1)
        self.speed = SPEEDS[min(max(place, 0), len(SPEEDS) - 1)]
        return self.speed

    def step(self, ticks: int) -> SessionState:
        """So many ticks on, or back."""
        return self._stand(self.player.seek_place(self.player.place + ticks))

    def jump(self, time: float) -> SessionState:
        """To the last tick up to a time."""
        return self._stand(self.player.seek(time))

    def jump_note(self, *, forward: bool) -> bool:
        """To the change of an alert or the mark that comes next, or came before; whether there is one."""
        player = self.player
        found = player.note_after(player.time) if forward else player.note_before(player.time)
        if found is None:
            return False
        if forward:  # else it would be found again and again
            self.jump_tick(found)
        else:
            self.jump(found)
        return True

    def jump_tick(self, time: float) -> SessionState:
        """To the first tick at a time or after it: it shows what happened then."""
        player = self.player
        return self._stand(player.seek_place(bisect_left(player.ticks, time)))

    def jump_spike(self, target: Identity, *, forward: bool) -> tuple[RecordedSpike, ...]:
        """To the moment at which figures of a target peak next, or peaked before; the spikes there, the highest
        first, none where there is no such moment. Raises ToolFailed as Player.spikes."""
        found = self.player.spike_moment(target, forward=forward)
        if found:
            self.jump(found[0].tick)
        return found

    def _stand(self, state: SessionState) -> SessionState:
        self._moment, self._asked = self.player.time, self._monotonic()
        return state
