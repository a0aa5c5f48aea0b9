"""What a segment must say first so that it can be read alone: which targets there are, what they run, what of them
cannot be read, what sources give. Kept by the writer while it records, and by the reader up to a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from razorprof.model.metric import Metric
from razorprof.model.scrape import Detected, Ended, Scrape
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_values import Added, Context, Declared


class Carried:
    """The state as of the last event."""

    def __init__(self) -> None:
        self._declared: dict[str, tuple[dict[str, Metric], bool]] = {}
        self._added: dict[Identity, tuple[Target, str]] = {}
        self._detected: dict[Identity, Scrape] = {}
        self._final: dict[tuple[Identity, str], Scrape] = {}
        self._ended: dict[Identity, Ended] = {}

    def knows(self, identity: Identity) -> bool:
        """Whether the target was added."""
        return identity in self._added

    def declare(self, source: str, metrics: Sequence[Metric], *, open_ended: bool) -> None:
        before, was_open = self._declared.get(source, ({}, False))
        self._declared[source] = ({**before, **{m.name: m for m in metrics}}, was_open or open_ended)

    def add(self, target: Target, command: str) -> None:
        self._added.setdefault(target.identity, (target, command))

    def forget(self, identity: Identity) -> None:
        for held in (self._added, self._detected, self._ended):
            held.pop(identity, None)
        for key in [key for key in self._final if key[0] == identity]:
            del self._final[key]

    def scrape(self, scrape: Scrape) -> None:
        identity = scrape.target.identity
        detected = tuple(structure for structure in scrape.structures if isinstance(structure, Detected))
        if detected:
            self._detected[identity] = replace(scrape, samples=(), stacks=(), structures=detected)
        key = (identity, scrape.source)
        if scrape.error is not None and scrape.error.final:
            self._final[key] = replace(scrape, samples=(), stacks=(), structures=())
        elif self._final:
            self._final.pop(key, None)

    def ended(self, ended: Ended) -> None:
        self._ended[ended.target.identity] = ended

    def items(self) -> list[Context]:
        """All of it, in the order in which it must be taken."""
        declared = (
            Declared(source, tuple(metrics.values()), open_ended)
            for source, (metrics, open_ended) in self._declared.items()
        )
        added = (Added(target, command) for target, command in self._added.values())
        return [*declared, *added, *self._detected.values(), *self._final.values(), *self._ended.values()]
