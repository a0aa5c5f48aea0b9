"""Which captures were taken, and whether one more may be: counts, pauses and bytes, per capture and target.

Pure: time, free space and what lives are given; session.alert_captures keeps it on the disk over restarts. A
target is known by its seat: the job with a number, taken by a process for its life and inherited by the next one
of that job once it has ended. So two workers have limits of their own, and one that crashes and restarts does not
get new ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import Any, NamedTuple, NoReturn

from razorprof.alerting.capture_rules import CaptureLimits
from razorprof.model.target import Identity

VERSION = 1
MOST_KEPT = 1000  # captures of one name and seat, however small they are
MOST_ENTRIES = 20_000
MOST_SEATS = 5_000
LONGEST_WINDOW = 31 * 86400.0  # that an action file may name
_LONGEST_NAME = 200
_LONGEST_PATH = 4096


class Reason(StrEnum):
    """Why a capture is not taken. The value is that of the metric's label."""

    COUNT = "count"
    COOLDOWN = "cooldown"
    DISK = "min_free_bytes"


class Refusal(NamedTuple):
    reason: Reason
    words: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A capture that was begun. folder: its absolute path, empty once it was removed; ended: None while it runs,
    or where razorprof was ended meanwhile; bytes: what it takes. Times are Unix seconds."""

    capture: str
    seat: str
    started: float
    folder: str = ""
    ended: float | None = None
    bytes: int = 0


class Ledger:
    """Not for several threads at once."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []  # in the order of their beginning
        self._seats: dict[str, dict[int, Identity]] = {}

    def seat(self, job: str, identity: Identity, is_alive: Callable[[Identity], bool]) -> str:
        """The seat of a process: the one that it has, else the first whose holder has ended, else a new one."""
        job = job[:_LONGEST_NAME]
        if job not in self._seats and sum(map(len, self._seats.values())) >= MOST_SEATS:
            del self._seats[next(iter(self._seats))]
        seats = self._seats.setdefault(job, {})
        for number, holder in seats.items():
            if holder == identity:
                return f"{job}#{number}"
        for number in count():
            if number not in seats or not is_alive(seats[number]):
                seats[number] = identity
                return f"{job}#{number}"
        raise AssertionError("numbers do not end")

    def refusal(
        self, capture: str, seat: str, limits: CaptureLimits, time: float, free_bytes: int | None
    ) -> Refusal | None:
        """Why a capture may not be taken at `time`, None where it may. free_bytes: on its disk, None where that is
        not known."""
        mine = [entry for entry in self._entries if (entry.capture, entry.seat) == (capture, seat)]
        # what lies further ahead than the window was written by a clock that was wrong
        begun = [entry.started for entry in mine if abs(time - entry.started) < limits.window]
        if len(begun) >= limits.count:
            again = sorted(begun)[-limits.count] + limits.window - time if limits.count else limits.window
            words = f"{len(begun)} of {limits.count} within {limits.window:g} s; again in {again:.0f} s"
            return Refusal(Reason.COUNT, words)
        over = [entry.started if entry.ended is None else entry.ended for entry in mine]
        waited = min((time - end for end in over if time - end > -limits.cooldown), default=math.inf)
        if waited < limits.cooldown:
            ago = max(0.0, waited)
            return Refusal(Reason.COOLDOWN, f"the last one ended {ago:.0f} s ago, less than {limits.cooldown:g} s")
        if free_bytes is not None and free_bytes < limits.min_free_bytes:
            return Refusal(
                Reason.DISK, f"{free_bytes} bytes are free on the disk, less than {limits.min_free_bytes}"
            )
        return None

    def begin(self, capture: str, seat: str, folder: str, time: float) -> Entry:
        """Note that a capture begins: from now on it counts, whatever becomes of it."""
        entry = Entry(capture, seat, time, folder)
        self._entries.append(entry)
        self._forget(time)
        return entry

    def end(self, folder: str, time: float, size: int) -> None:
        """Note that a capture is over, and what it takes."""
        self._change(folder, lambda entry: replace(entry, ended=time, bytes=size))

    def remove(self, folder: str) -> None:
        """Note that a capture's folder is no more. It still counts within its window."""
        self._change(folder, lambda entry: replace(entry, folder="", bytes=0))

    def surplus(self, capture: str, seat: str, limits: CaptureLimits, more: int = 0) -> list[Entry]:
        """Captures that have to go, oldest first, so that `more` bytes find room within the budget. Those that
        still run are never among them: their bytes are part of `more`."""
        kept = [one for one in self._entries if one.folder and (one.capture, one.seat) == (capture, seat)]
        size, number = sum(one.bytes for one in kept) + more, len(kept)
        gone: list[Entry] = []
        for entry in kept:
            if size <= limits.max_bytes and number <= MOST_KEPT:
                break
            if entry.ended is not None:
                gone.append(entry)
                size, number = size - entry.bytes, number - 1
        return gone

    def kept(self) -> list[Entry]:
        """The captures whose folders are there, oldest first."""
        return [entry for entry in self._entries if entry.folder]

    def close_open(self, measure: Callable[[str], int | None]) -> None:
        """After a restart: captures that were not ended are over. measure: what a folder takes, None where it is
        no more."""
        for entry in [one for one in self._entries if one.folder]:
            size = measure(entry.folder)
            if size is None:
                self.remove(entry.folder)
            elif entry.ended is None:
                self.end(entry.folder, entry.started, size)

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a state file."""
        return {
            "version": VERSION,
            "captures": [
                {
                    "capture": one.capture,
                    "seat": one.seat,
                    "started": one.started,
                    "folder": one.folder,
                    "ended": one.ended,
                    "bytes": one.bytes,
                }
                for one in self._entries
            ],
            "seats": [
                {"job": job, "number": number, "pid": holder.pid, "start_ticks": holder.start_ticks}
                for job, seats in self._seats.items()
                for number, holder in seats.items()
            ],
        }

    def _change(self, folder: str, change: Callable[[Entry], Entry]) -> None:
        for place, entry in enumerate(self._entries):
            if entry.folder == folder:
                self._entries[place] = change(entry)

    def _forget(self, time: float) -> None:
        """Drop what was removed and no window can reach any more."""
        self._entries = [one for one in self._entries if one.folder or abs(time - one.started) < LONGEST_WINDOW][
            -MOST_ENTRIES:
        ]


def parse_ledger(document: Any) -> Ledger:
    """What `as_json` gave. Raises ValueError where that cannot be."""
    if not isinstance(document, Mapping) or document.get("version") != VERSION:
        _refuse("no version that is known")
    ledger = Ledger()
    ledger._entries = sorted(
        map(_entry, _records(document, "captures", MOST_ENTRIES)), key=lambda one: one.started
    )
    for record in _records(document, "seats", MOST_SEATS):
        seats = ledger._seats.setdefault(_text(record, "job", _LONGEST_NAME), {})
        seats[_whole(record, "number")] = Identity(_whole(record, "pid"), _whole(record, "start_ticks"))
    return ledger


def _records(document: Mapping[str, Any], name: str, most: int) -> Iterator[Mapping[str, Any]]:
    found = document.get(name)
    if not isinstance(found, list) or len(found) > most or not all(isinstance(one, Mapping) for one in found):
        _refuse(f"{name} is no list of objects")
    yield from found


def _entry(record: Mapping[str, Any]) -> Entry:
    ended = record.get("ended")
    return Entry(
        _text(record, "capture", _LONGEST_NAME),
        _text(record, "seat", 2 * _LONGEST_NAME),
        _time(record.get("started")),
        _text(record, "folder", _LONGEST_PATH),
        None if ended is None else _time(ended),
        _whole(record, "bytes"),
    )


def _text(record: Mapping[str, Any], name: str, longest: int) -> str:
    found = record.get(name)
    return found if isinstance(found, str) and len(found) <= longest else _refuse(f"a bad {name}")


def _whole(record: Mapping[str, Any], name: str) -> int:
    found = record.get(name)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 1 << 63:
        _refuse(f"a bad {name}")
    return found


def _time(found: object) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e11:
        _refuse("a bad time")
    return float(found)


def _refuse(why: str) -> NoReturn:
    raise ValueError(why)
