"""One route's deliveries: its queue, its retries, its breaker, its limits. One thread works, any may offer.

A round takes the oldest notices and tries to tell them a few times, with growing pauses. Where the endpoint stays
silent they go back to the end of the queue; after a number of failures in a row it is left alone for a while.
Tests run rounds by hand (`step`); session.dispatch runs them in a thread (`run`).
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from functools import partial

import stamina
from stamina.instrumentation import set_on_retry_hooks

from razorprof.clock import Clock
from razorprof.errors import RazorprofError, ToolFailed
from razorprof.model.metric import Sample
from razorprof.model.notice import Notice
from razorprof.plugin.loading import Failure, guard
from razorprof.plugin.notifiers import PartlyTold
from razorprof.render.text import printable
from razorprof.session.breaker import Breaker
from razorprof.session.delivery_metrics import DeliveryFigures
from razorprof.session.notice_queue import NoticeQueue
from razorprof.session.route import Route, RouteStatus
from razorprof.session.token_bucket import TokenBucket

logger = logging.getLogger(__name__)

_LEAST_TIMEOUT = 0.05
_IDLE = 60.0


class Delivery:
    """Owns what a route has yet to tell. chance: gives numbers from 0 to 1, for the pauses."""

    def __init__(self, route: Route, clock: Clock, chance: Callable[[], float] = random.random) -> None:
        set_on_retry_hooks(())  # what fails is logged and counted here, in our words and names
        limits = route.limits
        self.route = route
        self._limits = limits
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._deadline = 0.0
        self._queue = NoticeQueue(limits.queue, wants_repeats=route.notifier.wants_repeats)
        self._breaker = Breaker(limits.failures, limits.open_seconds)
        self._bucket = TokenBucket(limits.burst, limits.per_second)
        self._figures = DeliveryFigures(route.name)
        self._error: RazorprofError | None = None
        self._told: float | None = None
        self._failed: list[Notice] = []
        self._rest_until = 0.0
        self._is_closed = False

    def offer(self, notices: Sequence[Notice]) -> None:
        """Take notices to be told, in order. Never blocks."""
        with self._lock:
            self._queue.offer(notices)
        self._wake.set()

    def run(self) -> None:
        """Deliver until `stop`, then what can still be told in time, and let the sender go."""
        while not self._stopping.is_set():
            self._wake.clear()
            wait = self.step()
            if wait is None or wait > 0:
                self._clock.wait(self._wake, _IDLE if wait is None else wait)
        self.finish()

    def step(self) -> float | None:
        """One round. Seconds until there may be another one, 0 for at once; None: not before something is
        offered."""
        now = self._clock.monotonic()
        with self._lock:
            if not len(self._queue):
                return None
            wait = max(self._breaker.wait(now), self._bucket.wait(now), self._rest_until - now)
            if wait > 0 or (wait := self._queue.wait(now)) > 0:
                return wait
            self._bucket.take(now)
            attempts = 1 if self._breaker.is_open else self._limits.attempts
        self._round(attempts)
        return 0.0

    def stop(self, deadline: float) -> None:
        """Ask `run` to end. deadline: monotonic seconds."""
        self._deadline = deadline
        self._stopping.set()
        self._wake.set()

    def finish(self) -> None:
        """Tell what waits, without regard to limits, until the deadline of `stop` or the first failure; then let
        the sender go."""
        while (left := self._deadline - self._clock.monotonic()) > 0:
            with self._lock:
                if not len(self._queue):
                    break
            try:
                self._attempt(min(left, self._limits.timeout), hurry=True)
            except ToolFailed:
                break
            except RazorprofError:
                continue
        if not self._is_closed:
            self._is_closed = True
            guard(self.route.name, self.route.sender.close)

    def status(self) -> RouteStatus:
        """How it fares."""
        with self._lock:
            error = "" if self._error is None else str(self._error)
            return RouteStatus(self.route.name, len(self._queue), self._breaker.is_open, error, self._told)

    def samples(self) -> list[Sample]:
        """The figures of delivery_metrics.METRICS."""
        with self._lock:
            return list(
                self._figures.samples(
                    full=self._queue.dropped,
                    coalesced=self._queue.coalesced,
                    waiting=len(self._queue),
                    capacity=self._limits.queue.capacity,
                    is_open=self._breaker.is_open,
                )
            )

    def remembered(self) -> dict[str, object]:
        """What a state file keeps over a restart, in values that JSON knows."""
        with self._lock:
            return self._queue.remembered()

    def recall(self, document: object) -> None:
        """Take up what `remembered` gave."""
        with self._lock:
            self._queue.recall(document)
        self._wake.set()

    def _round(self, attempts: int) -> None:
        """Some attempts; what is told is chosen anew for each. What then could not be told waits behind everything
        else. stamina counts and knows the pauses; the waiting is
        ours, because its own cannot be ended by `stop` and would not pass on a manual clock."""
        current: stamina.Attempt | None = None

        def may_go_on(error: Exception) -> bool | float:
            if current is None or current.num >= attempts or not isinstance(error, ToolFailed):
                return False
            with self._lock:
                if self._breaker.is_open:
                    return False
            pause = current.next_wait * (1 - self._chance() / 2)
            return False if self._clock.wait(self._stopping, pause) else 0.0

        tries = stamina.retry_context(
            on=may_go_on,
            attempts=attempts,
            timeout=None,
            wait_initial=self._limits.first_pause,
            wait_max=self._limits.longest_pause,
            wait_jitter=0.0,
        )
        try:
            for current in tries:
                with current:
                    self._attempt(self._limits.timeout)
        except ToolFailed:
            with self._lock:
                self._queue.postpone(self._failed)
            self._rest_until = self._clock.monotonic() + self._limits.longest_pause
        except RazorprofError:
            pass  # noted by the attempt; what waits behind may be told at once

    def _attempt(self, timeout: float, *, hurry: bool = False) -> None:
        """Tell the next notices. Raises what the sender raised: ToolFailed where that may work another time, and
        then `_failed` is what could not be told."""
        began = self._clock.monotonic()
        with self._lock:
            batch = self._queue.next(self.route.notifier.most, began, hurry=hurry)
            self._queue.begin(batch)
        if not batch:
            return
        error: RazorprofError | None = None
        told = batch
        try:
            broken = guard(self.route.name, partial(self.route.sender.send, batch, max(_LEAST_TIMEOUT, timeout)))
        except PartlyTold as partly:
            error, told = partly.cause, partly.told
        except RazorprofError as raised:
            error, told = raised, ()
        else:
            if isinstance(broken, Failure):
                error, told = _Broken("the notifier is broken", value=broken.error), ()
        self._note(batch, told, error, began)
        if error is not None:
            raise error

    def _note(
        self, batch: tuple[Notice, ...], told: tuple[Notice, ...], error: RazorprofError | None, began: float
    ) -> None:
        now = self._clock.monotonic()
        rest = [notice for notice in batch if notice not in told]
        with self._lock:
            self._queue.told(told, now)
            self._figures.note(now - began, told=len(told), failed=error is not None)
            if told:
                self._told = self._clock.time()
            if isinstance(error, ToolFailed):
                self._failed = rest
                self._breaker.failed(now)
            else:
                self._queue.refuse(rest)
                self._figures.refused += len(rest)
                self._breaker.succeeded()
            before, self._error = self._error, error
        self._log(before, error, len(rest))

    def _log(self, before: RazorprofError | None, error: RazorprofError | None, number: int) -> None:
        """Say what changed, not each attempt."""
        name = printable(self.route.name)
        if error is None:
            if before is not None:
                logger.info("%s: alerts are told again", name)
        elif before is None or (before.message, before.name) != (error.message, error.name):
            what = "not told yet" if isinstance(error, ToolFailed) else "refused"
            hint = f"; {printable(error.hint)}" if error.hint else ""
            logger.warning("%s: %d notices %s: %s%s", name, number, what, printable(str(error)), hint)


class _Broken(RazorprofError):
    """A notifier's own bug: what it was to tell is not tried again, lest it hold up all that follows."""
