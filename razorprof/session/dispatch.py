"""Notices to all who are to be told, each by a thread of its own: an endpoint that hangs delays nobody else.

Made by session.alert_desk of the routes that session.route opens. `offer` is called at each tick and never blocks;
who fails, waits or drops is told by `samples` and `statuses`.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence

from razorprof.clock import Clock, SystemClock
from razorprof.errors import UsageError
from razorprof.model.metric import Metric, Sample
from razorprof.model.notice import Notice
from razorprof.render.text import printable
from razorprof.session import delivery_metrics
from razorprof.session.delivery import Delivery
from razorprof.session.route import Route, RouteStatus

logger = logging.getLogger(__name__)

METRICS: tuple[Metric, ...] = delivery_metrics.METRICS
_VERSION = 1


class Dispatcher:
    """Owns the deliveries and their threads. deliveries: one for each route, for tests that go step by step."""

    def __init__(
        self, routes: Sequence[Route], clock: Clock | None = None, chance: Callable[[], float] = random.random
    ) -> None:
        """Raises UsageError where two routes have the same name. chance: gives numbers from 0 to 1, for pauses."""
        names = [route.name for route in routes]
        for name in names:
            if names.count(name) > 1:
                raise UsageError("two routes for alerts have the same name", value=name)
        self._clock = clock or SystemClock()
        self._threads: dict[str, threading.Thread] = {}
        self.deliveries = tuple(Delivery(route, self._clock, chance) for route in routes)

    def start(self) -> None:
        """Deliver from now on."""
        for delivery in self.deliveries:
            name = delivery.route.name
            thread = threading.Thread(target=delivery.run, name=f"notifier-{name}", daemon=True)
            self._threads[name] = thread
            thread.start()

    def offer(self, notices: Sequence[Notice]) -> None:
        """Have these told by every route, in order. Never blocks."""
        if notices:
            for delivery in self.deliveries:
                delivery.offer(notices)

    def stop(self, seconds: float) -> None:
        """Tell what can be told within `seconds`, once each, and let the senders go. What could not be told is
        still in `remembered`. An endpoint that hangs beyond that is left to its thread."""
        deadline = self._clock.monotonic() + seconds
        for delivery in self.deliveries:
            delivery.stop(deadline)
        for delivery in self.deliveries:
            name = delivery.route.name
            thread = self._threads.get(name)
            if thread is None:
                delivery.finish()
                continue
            thread.join(max(0.0, deadline - self._clock.monotonic()))
            if thread.is_alive():
                logger.warning("%s: did not end in time, and is left alone", printable(name))
            waiting = delivery.status().waiting
            if waiting:
                logger.warning("%s: %d notices could not be told", printable(name), waiting)

    def samples(self) -> list[Sample]:
        """The figures of METRICS, of all routes."""
        return [sample for delivery in self.deliveries for sample in delivery.samples()]

    def statuses(self) -> tuple[RouteStatus, ...]:
        """How each route fares."""
        return tuple(delivery.status() for delivery in self.deliveries)

    def remembered(self) -> dict[str, object]:
        """What a state file keeps over a restart, in values that JSON knows: what each route has yet to tell, and
        what its endpoint takes for firing."""
        routes = {delivery.route.name: delivery.remembered() for delivery in self.deliveries}
        return {"version": _VERSION, "routes": routes}

    def recall(self, document: object) -> None:
        """Take up what `remembered` gave before a restart, before the first `offer`; anything else counts as
        nothing. A route that is not in it was told nothing yet: all that fires is news to it."""
        if not isinstance(document, Mapping) or document.get("version") != _VERSION:
            return
        routes = document.get("routes")
        if isinstance(routes, Mapping):
            for delivery in self.deliveries:
                delivery.recall(routes.get(delivery.route.name))
