"""Targets, events and alerts of a recording as they are called beside those of others. For rzp_merged."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from razorprof.model.alert import AlertChange
from razorprof.model.labels import Labels
from razorprof.model.scrape import Detected, Ended, Scrape
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_together import Apart
from razorprof.recording.rzp_values import Added, Context, Forgotten, Item

_ANOTHER = 1 << 40  # clock ticks, which no machine has been up for
T = TypeVar("T", bound=Item | Context)


class Renaming:
    """place: of the recording, in the order in which they were named."""

    def __init__(self, apart: Apart) -> None:
        self._apart = apart
        self._hosts: dict[str, int] = {}
        self._known: dict[tuple[int, Target], Target] = {}

    def target(self, place: int, target: Target) -> Target:
        """With its host, also in its name, and an identity that no other host's process has."""
        found = self._known.get((place, target))
        if found is None:
            host = self._apart.host(place, target.pid)
            found = replace(
                target,
                identity=self._identity(place, target.identity),
                name=self._name(target.name, host),
                job=target.job or target.name,
                host=host,
            )
            self._known[place, target] = found
        return found

    def item(self, place: int, item: T) -> T:
        """The same of the target as it is called here."""
        match item:
            case Scrape():
                structures = item.structures
                if any(isinstance(one, Detected) for one in structures):
                    structures = tuple(
                        self._detected(place, one) if isinstance(one, Detected) else one for one in structures
                    )
                return replace(item, target=self.target(place, item.target), structures=structures)
            case Added() | Ended():
                return replace(item, target=self.target(place, item.target))
            case Forgotten():
                return replace(item, identity=self._identity(place, item.identity))
            case _:
                return item

    def change(self, place: int, change: AlertChange, shared: frozenset[Labels]) -> AlertChange:
        """shared: see Apart.shared."""
        labels = self._apart.labels(place, change.alert.labels, shared)
        return replace(change, alert=replace(change.alert, labels=labels))

    def _detected(self, place: int, found: Detected) -> Detected:
        target = self.target(place, found.target)
        return replace(found, target=target, name=self._name(found.name, target.host))

    def _name(self, name: str, host: str) -> str:
        """People see whose process it is."""
        return f"{name}@{host}" if name and self._apart.is_of_several_hosts else name

    def _identity(self, place: int, identity: Identity) -> Identity:
        """Two hosts may have started the same pid at the same moment after boot."""
        number = self._hosts.setdefault(self._apart.host(place, identity.pid), len(self._hosts))
        return Identity(identity.pid, identity.start_ticks + number * _ANOTHER)
