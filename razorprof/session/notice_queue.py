"""What one endpoint has still to be told, and what it knows: bounded, the newest of each alert, in order.

Within one firing of an alert the newer notice takes the place of the older one, and the resolution waits behind
the firing until that was told. What the endpoint was told decides what is news to it: a repeat of what never
arrived is told as new, and a repeat of what it knows only to those who want repeats. Owned by session.delivery;
not for two threads at once.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from razorprof.alerting.notice_documents import as_document, entries, from_document, number, texts
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.session.token_bucket import TokenBucket

_Key = tuple[Labels, float, bool]  # of which alert, since when it fires, whether it is resolved


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """capacity: notices; shortest: seconds of a firing below which it is not told if it was over before that;
    flaps: notices of one alert at once, and `flap_seconds` how long it takes to get one more of them; repeat:
    seconds after which who does not want all repeats hears again of what fires on, None for never."""

    capacity: int = 10_000
    repeat: float | None = None
    shortest: float = 60.0
    flaps: int = 4
    flap_seconds: float = 30.0


class NoticeQueue:
    """wants_repeats: of the notifier. One that wants them counts for itself how often people are told: how often
    one alert changes is limited for the others only."""

    def __init__(self, limits: QueueLimits, *, wants_repeats: bool) -> None:
        self._limits = limits
        self._wants_repeats = wants_repeats
        self._waiting: dict[_Key, Notice] = {}
        self._tried: set[_Key] = set()  # may have arrived although that failed
        self._believed: dict[Labels, Notice] = {}  # what the endpoint takes for firing, as it was told last
        self._flaps: dict[Labels, TokenBucket] = {}
        self.coalesced = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, notices: Iterable[Notice]) -> None:
        """Take what is to be told, in order. Where that is too much, repeats go first, then the oldest firings
        that were not told, with their resolutions, and last the resolutions of what was told."""
        for notice in notices:
            if notice.is_resolved:
                self._resolved(notice)
            else:
                self._firing(notice)
        if len(self._waiting) > self._limits.capacity:
            self._shed()

    def next(self, most: int, now: float, *, hurry: bool = False) -> tuple[Notice, ...]:
        """What to tell now, oldest first, at most one notice of an alert; it stays in the queue. now: monotonic
        seconds; hurry: even of alerts that changed too often."""
        batch: list[Notice] = []
        seen: set[Labels] = set()
        for (labels, _, _), notice in self._waiting.items():
            if labels in seen:
                continue
            seen.add(labels)
            if hurry or self._flap_wait(labels, now) <= 0:
                batch.append(notice)
                if len(batch) >= most:
                    break
        return tuple(batch)

    def wait(self, now: float) -> float:
        """Seconds until one of those that wait may be told, 0 where one may now. Not for an empty queue."""
        least = math.inf
        for labels, _, _ in self._waiting:
            least = min(least, self._flap_wait(labels, now))
            if least <= 0:
                break
        return least

    def begin(self, batch: Sequence[Notice]) -> None:
        """An attempt to tell these begins."""
        self._tried.update(map(_key, batch))

    def told(self, batch: Iterable[Notice], now: float) -> None:
        """The endpoint took these."""
        for notice in batch:
            self._remove(_key(notice))
            if not notice.is_resolved:
                self._believed[notice.labels] = notice
            elif self._believes(notice):
                del self._believed[notice.labels]
            if not self._wants_repeats:
                self._note_flap(notice.labels, now)

    def refuse(self, batch: Iterable[Notice]) -> None:
        """The endpoint will never take these."""
        for notice in batch:
            self._remove(_key(notice))
            self.dropped += 1

    def postpone(self, batch: Iterable[Notice]) -> None:
        """Telling these failed: whatever else waits goes first."""
        later = {notice.labels for notice in batch}
        for key in [key for key in self._waiting if key[0] in later]:
            self._waiting[key] = self._waiting.pop(key)

    def remembered(self) -> dict[str, object]:
        """What is kept over a restart, in values that JSON knows."""
        return {
            "waiting": [as_document(notice) for notice in self._waiting.values()],
            "believed": [
                {"labels": dict(labels), "since": told.starts_at, "until": told.ends_at}
                for labels, told in self._believed.items()
            ],
        }

    def recall(self, document: object) -> None:
        """Take up what `remembered` gave; what it did not give is left."""
        for entry in entries(document, "believed")[-self._limits.capacity :]:
            with contextlib.suppress(ValueError):
                labels = Labels(texts(entry, "labels"))
                self._believed[labels] = Notice(labels, {}, number(entry, "since"), number(entry, "until"))
        for entry in entries(document, "waiting")[-self._limits.capacity :]:
            with contextlib.suppress(ValueError):
                notice = from_document(entry)
                self._waiting[_key(notice)] = notice
                self._tried.add(_key(notice))

    def _firing(self, notice: Notice) -> None:
        key = _key(notice)
        before = self._waiting.get(key)
        if before is not None:
            self._waiting[key] = _as(notice, is_repeat=before.is_repeat)
            self.coalesced += 1
        elif not self._believes(notice):
            self._waiting[key] = _as(notice, is_repeat=False)
        elif self._wants_repeats or self._is_time_to_repeat(notice):
            self._waiting[key] = _as(notice, is_repeat=True)

    def _resolved(self, notice: Notice) -> None:
        key = _key(notice)
        firing_key = (notice.labels, notice.starts_at, False)
        firing, before = self._waiting.get(firing_key), self._waiting.get(key)
        believes = self._believes(notice)
        if before is not None:
            self._waiting[key] = _as(notice, is_repeat=before.is_repeat)
            self.coalesced += 1
        elif firing is not None and not believes:
            if firing_key not in self._tried and notice.ends_at - notice.starts_at < self._limits.shortest:
                self._remove(firing_key)
                self.coalesced += 2
            else:
                self._waiting[key] = _as(notice, is_repeat=False)
        elif believes:
            if firing is not None:  # a repeat that is no longer true
                self._remove(firing_key)
                self.coalesced += 1
            self._waiting[key] = _as(notice, is_repeat=False)
        elif self._wants_repeats or not notice.is_repeat:
            self._waiting[key] = notice

    def _believes(self, notice: Notice) -> bool:
        """Whether the endpoint takes the alert for firing since then."""
        told = self._believed.get(notice.labels)
        return told is not None and told.starts_at == notice.starts_at

    def _is_time_to_repeat(self, notice: Notice) -> bool:
        """Until when an alert counts as firing moves on with the time at which that is told."""
        repeat = self._limits.repeat
        return repeat is not None and notice.ends_at - self._believed[notice.labels].ends_at >= repeat

    def _shed(self) -> None:
        excess = len(self._waiting) - self._limits.capacity
        for victim in self._victims():
            if excess <= 0:
                return
            if victim in self._waiting:
                self._remove(victim)
                self.dropped += 1
                excess -= 1

    def _victims(self) -> Iterator[_Key]:
        keys = list(self._waiting)
        yield from (key for key in keys if self._waiting[key].is_repeat)
        for labels, since, is_resolved in keys:
            if not is_resolved and (labels, since, False) in self._waiting:
                yield (labels, since, False)
                yield (labels, since, True)
        yield from keys

    def _remove(self, key: _Key) -> None:
        self._waiting.pop(key, None)
        self._tried.discard(key)

    def _flap_wait(self, labels: Labels, now: float) -> float:
        bucket = self._flaps.get(labels)
        return 0.0 if bucket is None else bucket.wait(now)

    def _note_flap(self, labels: Labels, now: float) -> None:
        if labels not in self._flaps and len(self._flaps) >= self._limits.capacity:
            self._flaps = {key: bucket for key, bucket in self._flaps.items() if not bucket.is_full(now)}
        bucket = self._flaps.setdefault(labels, TokenBucket(self._limits.flaps, 1 / self._limits.flap_seconds))
        bucket.take(now)


def _as(notice: Notice, *, is_repeat: bool) -> Notice:
    return notice if notice.is_repeat is is_repeat else replace(notice, is_repeat=is_repeat)


def _key(notice: Notice) -> _Key:
    return notice.labels, notice.starts_at, notice.is_resolved
