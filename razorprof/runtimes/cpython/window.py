"""Tallies of looks, summed over a window long enough to be a figure: a GilState and the time in GC.

Called by the gc reader, once an interval. Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from razorprof.model.gil import Gil, GilState, HolderShare
from razorprof.runtimes.cpython.anatomy import Interpreter
from razorprof.runtimes.cpython.gil import GilFigures
from razorprof.runtimes.cpython.looks import Tally

WINDOW_SECONDS = 2.0
ENOUGH_LOOKS = 80  # a share of so many looks is good to some 5 points; where looks are few, the window is longer
LONGEST_WINDOW = 15.0
_MOST_HOLDERS = 64


class LooksWindow:
    """The newest tallies. Time in GC is a total since the first; shares are of the last two seconds, or
    of as many as hold enough looks, fifteen at most."""

    def __init__(self, seconds: float = WINDOW_SECONDS) -> None:
        self._seconds = seconds
        self._tallies: deque[Tally] = deque()
        self._gc_seconds: dict[int, float] = {}

    def add(self, tally: Tally) -> None:
        """Take in what was seen since the tally before."""
        for interpreter, seconds in tally.gc_seconds.items():
            self._gc_seconds[interpreter] = self._gc_seconds.get(interpreter, 0.0) + seconds
        if tally.looks:
            self._tallies.append(tally)
        covered = sum(t.seconds for t in self._tallies)
        looks = sum(t.looks for t in self._tallies)
        while len(self._tallies) > 1:
            oldest = self._tallies[0]
            enough = covered - oldest.seconds >= self._seconds and looks - oldest.looks >= ENOUGH_LOOKS
            if not enough and covered <= LONGEST_WINDOW:
                break
            covered, looks = covered - oldest.seconds, looks - oldest.looks
            self._tallies.popleft()

    def gc_seconds(self, interpreter: int) -> float | None:
        """Estimated seconds in GC since the first look; None before any."""
        return self._gc_seconds.get(interpreter)

    def forget(self, interpreters: Iterable[int]) -> None:
        """Drop interpreters that are no more."""
        for interpreter in interpreters:
            self._gc_seconds.pop(interpreter, None)

    def holders(self) -> set[int]:
        """Thread states that held a lock in the window."""
        return {holder for tally in self._tallies for gil in tally.gils.values() for holder in gil.holders}

    def gil_state(
        self,
        time: float,
        interpreters: Iterable[Interpreter],
        figures: Mapping[int, GilFigures],
        native_id: Callable[[int], int | None],
        reason: str,
    ) -> GilState:
        """The locks' state. figures: each lock as of now; native_id: of a thread state's address."""
        sharing: dict[int, list[int]] = {}
        for interpreter in interpreters:
            if interpreter.gil in figures:
                sharing.setdefault(interpreter.gil or 0, []).append(interpreter.id)
        looks = sum(tally.looks for tally in self._tallies)
        gils = tuple(
            self._gil(address, tuple(ids), figures[address], native_id) for address, ids in sharing.items()
        )
        return GilState(
            time,
            gils,
            sum(tally.seconds for tally in self._tallies),
            looks,
            reason,
            sum(tally.late_looks for tally in self._tallies),
            sum(tally.late_seconds for tally in self._tallies),
        )

    def _gil(
        self, address: int, ids: tuple[int, ...], now: GilFigures, native_id: Callable[[int], int | None]
    ) -> Gil:
        tallies = [(tally.seconds, tally.gils[address]) for tally in self._tallies if address in tally.gils]
        seconds = sum(covered for covered, _ in tallies)
        holder = native_id(now.holder) if now.locked else None
        if not seconds:
            return Gil(ids, holder=holder, switches=now.switches)
        by_thread: dict[int | None, float] = {}
        for _, gil in tallies:
            for state, held in gil.holders.items():
                native = native_id(state)
                by_thread[native] = by_thread.get(native, 0.0) + held
        heaviest = sorted(by_thread.items(), key=lambda item: -item[1])[:_MOST_HOLDERS]
        waiter_looks = sum(gil.waiter_looks for _, gil in tallies)
        return Gil(
            interpreters=ids,
            held_ratio=sum(gil.held for _, gil in tallies) / seconds,
            holder=holder,
            holders=tuple(HolderShare(native, held / seconds) for native, held in heaviest),
            waiters=tallies[-1][1].waiters,
            mean_waiters=sum(gil.waiting for _, gil in tallies) / waiter_looks if waiter_looks else None,
            switches=now.switches,
        )
