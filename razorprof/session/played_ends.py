"""What targets that ended were like at their end, out of a recording: played up to there by themselves.

A jump looks back half a minute only. Who ended before has no figures then, though live they stay on the screen.
They are made when they are asked for, and kept. For session.player.
"""

from __future__ import annotations

from collections import OrderedDict

from razorprof.model.scrape import Ended, Scrape, Tick
from razorprof.recording.rzp_merged import Recording
from razorprof.recording.rzp_values import Added, Context, Declared, Item
from razorprof.session.board import TargetBoard
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore

_MOST_KEPT = 64  # each holds half a minute of its series
_LATE = 60.0  # seconds after an end in which it was noticed


class PlayedEnds:
    """One thread, the player's."""

    def __init__(self, recording: Recording, warm_up: float) -> None:
        """warm_up: seconds before an end that are played."""
        self._recording, self._warm_up = recording, warm_up
        self._found: OrderedDict[Ended, TargetBoard] = OrderedDict()

    def of(self, ended: Ended) -> TargetBoard | None:
        """The target as it was told when it had ended; None where nothing of it can be read."""
        found = self._found.get(ended)
        if found is None:
            found = self._play(ended)
            if found is None:
                return None
            self._found[ended] = found
            while len(self._found) > _MOST_KEPT:
                self._found.popitem(last=False)
        self._found.move_to_end(ended)
        return found

    def _play(self, ended: Ended) -> TargetBoard | None:
        recording, identity = self._recording, ended.target.identity
        store = MemoryStore(seconds=2 * self._warm_up)
        pipeline = Pipeline(store, host=recording.header.host, overhead=lambda time: Overhead())
        start = ended.time - self._warm_up
        first = recording.ticks(start, ended.time)
        for known in recording.context(float(first[0])) if len(first) else ():
            _hear(pipeline, known, ended)
        pipeline.is_passing = True
        before: list[Item] | None = None  # of the tick that waits until it is known whether it is the last
        for recorded in recording.recorded(start, ended.time + _LATE):
            pipeline.is_passing = not any(item == ended for item in recorded.items)
            for item in before or ():
                _hear(pipeline, item, ended)
            if not pipeline.is_passing:
                for item in recorded.items:
                    _hear(pipeline, item, ended)
                    if item == ended:
                        break
                break
            before = list(recorded.items)
        board = pipeline.boards.get(identity)
        return board if board is not None and board.ended is not None else None


def _hear(pipeline: Pipeline, item: Item | Context, ended: Ended) -> None:
    """What matters of one target."""
    match item:
        case Declared():
            pipeline.declare(item.source, item.metrics, open_ended=item.open_ended)
        case Added() if item.target.identity == ended.target.identity:
            pipeline.add(item.target, item.command)
        case Scrape() | Ended() if item.target.identity == ended.target.identity:
            pipeline.feed(item)
        case Tick():
            pipeline.feed(item)
