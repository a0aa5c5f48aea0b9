"""Targets that somebody expects and that have never been there: told as not up, under the labels that are known.

Once there, a target that ends goes on to be told by its own board. Called by the pipeline's thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from razorprof.model.labels import Labels
from razorprof.model.metric import Sample
from razorprof.model.target import Identity
from razorprof.session.collector import Collector


class Places:
    """make: a collector for series with these labels."""

    def __init__(self, host: str, make: Callable[[Labels], Collector]) -> None:
        self._host = host
        self._make = make
        self._empty: dict[str, Collector] = {}  # by selector
        self._found: dict[str, frozenset[Identity]] = {}

    def expect(self, selector: str, job: str) -> None:
        """What this selector names has not come yet."""
        self._empty[selector] = self._make(Labels(job=job, instance=self._host, target=selector))

    def arrive(self, selector: str, found: Iterable[Identity]) -> None:
        """These are there now. The place is given up once one of them is told under labels of its own."""
        if selector in self._empty:
            self._found[selector] = frozenset(found)

    def tell(self, time: float, sample: Sample, named: Collection[Identity]) -> None:
        """At a tick: the sample for each empty place. named: targets that have labels of their own."""
        for selector, place in list(self._empty.items()):
            if self._found.get(selector, frozenset()).isdisjoint(named):
                place.append(time, [sample])
            else:
                place.group.mark_stale(time)
                del self._empty[selector], self._found[selector]
