"""What is to be known of several recordings before they are read as one: which ticks belong together, and which
series would be taken for one another. Pure. For recording.rzp_merged.

A recording of another host, or of another process, never shares an `instance` with others (HOST/PID), unless two
machines have the same name. Where two recordings tell of the same instance at the same time, it becomes
HOST@RECORDING/PID in both; one after the other they are one series, as it would have been live.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from razorprof.model.labels import Labels
from razorprof.model.series import Floats

INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class Told:
    """What one recording tells of. id: the same in copies of one ring; name: what it is called beside others;
    pids: of its targets; start, end: of its ticks, infinite where there is none."""

    id: bytes
    name: str
    host: str
    pids: frozenset[int]
    start: float
    end: float

    def overlaps(self, other: Told) -> bool:
        """Whether both tell of one time, and are no copies of one another."""
        return self.id != other.id and self.start <= other.end and other.start <= self.end


def names_of(paths: Sequence[Path]) -> list[str]:
    """What recordings are called beside one another: as their files, without the ending; numbered if need be."""
    found: list[str] = []
    for path in paths:
        stem, number = path.name.removesuffix(".ring").removesuffix(".rzp") or "recording", 1
        name = stem
        while name in found:
            number += 1
            name = f"{stem}-{number}"
        found.append(name)
    return found


class Apart:
    """Keeps apart what recordings tell of the same instance at the same time."""

    def __init__(self, all_told: Sequence[Told]) -> None:
        self._told = all_told
        self._pids = [
            frozenset(pid for other in _beside(one, all_told) for pid in one.pids & other.pids) for one in all_told
        ]
        self.is_of_several_hosts = len({one.host for one in all_told}) > 1 or any(self._pids)
        self._own = [bool(_beside(one, all_told)) for one in all_told]

    def host(self, place: int, pid: int | None) -> str:
        """What the host of a process is called (None: of razorprof itself) in the recording at `place`."""
        told = self._told[place]
        is_shared = self._own[place] if pid is None else pid in self._pids[place]
        return f"{told.host}@{told.name}" if is_shared else told.host

    def labels(self, place: int, labels: Labels, shared: frozenset[Labels] = frozenset()) -> Labels:
        """A series' or an alert's labels as they are beside other recordings. shared: see `shared`."""
        told, instance = self._told[place], labels.get(INSTANCE)
        if instance is None:
            return labels.with_(instance=self.host(place, None)) if labels in shared else labels
        if instance == told.host:
            return labels.with_(instance=self.host(place, None)) if self._own[place] else labels
        host, _, pid = instance.rpartition("/")
        if host != told.host or not pid.isdecimal() or int(pid) not in self._pids[place]:
            return labels
        return labels.with_(instance=f"{self.host(place, int(pid))}/{pid}")

    def shared(self, found: Sequence[Iterable[Labels]]) -> frozenset[Labels]:
        """Of labels without an instance (rules make them), those that several recordings have at the same time.
        found: of each recording."""
        bare = [frozenset(one for one in labels if INSTANCE not in one) for labels in found]
        return frozenset(
            labels
            for place, told in enumerate(self._told)
            for other, beside in enumerate(self._told)
            if other > place and told.overlaps(beside)
            for labels in bare[place] & bare[other]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Ticks:
    """times: of the ticks of all recordings together, ascending; of: for each recording, with which of these each
    of its ticks comes (its number); fresh: whether it tells of that tick, or an earlier copy does."""

    times: Floats
    of: tuple[NDArray[np.intp], ...]
    fresh: tuple[NDArray[np.bool_], ...]


def together(ids: Sequence[bytes], times: Sequence[Floats], interval: float) -> Ticks:
    """One tick for those of several recordings that are less than an interval apart, at the time of the last of
    them; no two of one recording. ids: the same for copies of one recording, whose common ticks count once."""
    fresh = []
    for place, (identity, own) in enumerate(zip(ids, times, strict=True)):
        copies = [times[other] for other in range(place) if ids[other] == identity]
        fresh.append(~np.isin(own, np.concatenate(copies)) if copies else np.ones(len(own), dtype=np.bool_))
    whose = np.concatenate(
        [np.full(int(f.sum()), ids.index(i), dtype=np.intp) for i, f in zip(ids, fresh, strict=True)]
    )
    moments = np.concatenate([own[is_fresh] for own, is_fresh in zip(times, fresh, strict=True)])
    order = np.lexsort((whose, moments))
    found: list[float] = []
    seen: set[int] = set()
    first = -np.inf
    for moment, who in zip(moments[order].tolist(), whose[order].tolist(), strict=True):
        if not found or who in seen or moment - first >= interval:
            found.append(moment)
            seen, first = set(), moment
        found[-1] = moment
        seen.add(who)
    groups = np.array(found, dtype=np.float64)
    # equal times at a border belong to the earlier one: both are there when it is told
    return Ticks(groups, tuple(np.searchsorted(groups, own, "left") for own in times), tuple(fresh))


def _beside(one: Told, all_told: Sequence[Told]) -> list[Told]:
    return [other for other in all_told if other.host == one.host and one.overlaps(other)]
