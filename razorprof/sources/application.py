"""The source "application": an application's own metrics, from the /metrics or expvar page that it serves.

Reached through its entry point. Read where the user named the target by ``url:`` or ``port:``, or asked for a
look at its loopback ports (--probe); never otherwise. The page must come from the target itself, or from a
process below it where the address was named: the socket that has accepted the connection is looked up before
anything is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from razorprof.clock import Clock
from razorprof.errors import NotSupported, RazorprofError, TargetGone, TimedOut, ToolFailed
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample, counter
from razorprof.model.target import Identity, Target
from razorprof.plugin.protocols import Reader, SourceOptions
from razorprof.remote.http_address import METRICS_PATH, PageAddress
from razorprof.remote.http_owner import fetch_own_page
from razorprof.remote.http_page import Page
from razorprof.remote.loopback import loopback_listeners, page_at
from razorprof.remote.process import ProcessView
from razorprof.remote.tcp_sockets import socket_inodes
from razorprof.sources.application_expvar import CONTENT_TYPE, VARS_PATH, VarsParser
from razorprof.sources.application_parse import PageParser
from razorprof.sources.application_places import Probe, given_place, pages_of_port
from razorprof.targets.selector import Selector
from razorprof.targets.table import read_table

SKIPPED = counter(
    "razorprof_application_samples_skipped_total",
    "",
    "Samples of the application's own page that were not taken.",
    "reason",
)
# One that negotiates: prometheus-client's server gives OpenMetrics to whoever names it at all, which is dearer.
ACCEPT = "text/plain;version=0.0.4,*/*;q=0.1"
LONGEST_READ = 3.0  # seconds, all pages of a read together; below the scheduler's time-out
LONGEST_ASK = 2.0  # for a port that may not speak HTTP
SHORTEST_REST, LONGEST_REST = 2.0, 20.0  # the store holds values for 30 s
SHARE = 0.02  # of the time: a page that takes the application 100 ms is asked for every 5 s
LOOK_EVERY = 5.0  # for new sockets, while no page is found
_MOST_PROBES = 1024


class ApplicationSource:
    """The plugin. Keeps what was found out about ports, so that a reader that is opened anew need not ask."""

    name: ClassVar[str] = "application"
    metrics: ClassVar[tuple[Metric, ...]] = (SKIPPED,)
    open_ended: ClassVar[bool] = True
    waits_for_target: ClassVar[bool] = True

    def __init__(self) -> None:
        self._probes: dict[Identity, Probe] = {}

    def applies(self, target: Target, options: SourceOptions) -> bool:
        """Whether the user wants the target to be asked."""
        return options.probe or given_place(target) is not None

    def open(self, target: Target, options: SourceOptions) -> Reader:
        place = given_place(target)
        if place is not None:
            return ApplicationReader(target, options, GivenPages(target, place, options.clock))
        if len(self._probes) >= _MOST_PROBES:
            self._probes.clear()
        probe = self._probes.setdefault(target.identity, Probe())
        return ApplicationReader(target, options, ProbedPages(target, probe, options.clock))


class ApplicationReader:
    """Reads one target's page. rest: seconds until it is worth while to read again. reasons: why there is no page,
    while none is found."""

    def __init__(self, target: Target, options: SourceOptions, pages: GivenPages | ProbedPages) -> None:
        self._identity = target.identity
        self._view = ProcessView(target.pid)
        self._pages = pages
        self._parser = PageParser(options.taken)
        self._vars = VarsParser(options.taken)
        self.rest = LOOK_EVERY
        self.reasons: dict[str, str] = {}

    def read(self) -> list[Sample]:
        if not self._view.is_same(self._identity):
            raise TargetGone(
                "no such process", value=self._identity.pid, hint="list what is there with: razorprof ps"
            )
        began = time.thread_time()
        self.reasons, self.rest = {}, LOOK_EVERY
        answer = self._pages.read(self._parse)
        if answer is None:
            self.reasons = {self._pages.what: self._pages.reason()}
            return []
        page, samples = answer
        cost = page.seconds + time.thread_time() - began
        self.rest = min(LONGEST_REST, max(SHORTEST_REST, cost / SHARE))
        samples += [Sample(SKIPPED, float(n), Labels(reason=why)) for why, n in self._parser.skipped.items()]
        return samples

    def close(self) -> None:
        """Nothing is held between reads."""

    def _parse(self, page: Page) -> list[Sample]:
        is_vars = page.content_type.partition(";")[0].strip() == CONTENT_TYPE
        return self._vars.parse(page) if is_vars else self._parser.parse(page)


Parse = Callable[[Page], list[Sample]]
Answer = tuple[Page, list[Sample]]


class GivenPages:
    """The page at the URL or port that the user named; the target or a process under it may answer."""

    what = "application"

    def __init__(self, target: Target, place: Selector, clock: Clock) -> None:
        self._view = ProcessView(target.pid)
        self._place = place
        self._found: PageAddress | None = None
        self._clock = clock

    def read(self, parse: Parse) -> Answer | None:
        """The page and its samples. Raises RazorprofError."""
        deadline = self._clock.monotonic() + LONGEST_READ
        url = self._place.page
        addresses = _pages_of(url) if url is not None else pages_of_port(self._view, self._place.number)
        failure: RazorprofError | None = None
        if self._found in addresses:
            addresses = [self._found]
        for address in addresses:
            left = deadline - self._clock.monotonic()
            if left <= 0:
                break
            try:
                page = fetch_own_page(address, self._is_ours, accept=ACCEPT, timeout=left, clock=self._clock)
                samples = parse(page)
            except RazorprofError as error:
                failure = (
                    failure if failure is not None and url is not None else error
                )  # of the page that was named
                if isinstance(error, TimedOut):
                    break
            else:
                self._found = address
                return page, samples
        raise failure or NotSupported("no address to ask")

    def reason(self) -> str:
        return ""

    def _is_ours(self, inode: int) -> bool:
        if inode in socket_inodes(self._view):
            return True
        table = read_table()
        below = (table.entries[pid].view for pid in table.descendants(self._view.pid))
        return any(inode in _visible_inodes(view) for view in below)


class ProbedPages:
    """The page that one of the target's own loopback ports gives, if any does; the target itself must answer."""

    what = "application"

    def __init__(self, target: Target, probe: Probe, clock: Clock) -> None:
        self._view = ProcessView(target.pid)
        self._probe = probe
        self._clock = clock

    def read(self, parse: Parse) -> Answer | None:
        """The page and its samples; None while no port gives one. Raises RazorprofError where the page that was
        there before cannot be read."""
        deadline = self._clock.monotonic() + LONGEST_READ
        present = loopback_listeners(self._view)
        if self._probe.found is not None:
            if self._probe.found in [page_at(listener) for listener in present]:
                page = self._ask(self._probe.found, deadline)
                return page, parse(page)
            self._probe.found = None
        for listener in self._probe.due(present, self._clock.monotonic()):
            if self._clock.monotonic() >= deadline:
                break
            address = page_at(listener)
            try:
                page = self._ask(address, min(deadline, self._clock.monotonic() + LONGEST_ASK))
                samples = parse(page)
                if not page.content_type or not samples:
                    raise ToolFailed("not a page of metrics")
            except RazorprofError as error:
                self._probe.gave_none(listener, self._clock.monotonic(), str(error))
                continue
            self._probe.found = address
            return page, samples
        return None

    def reason(self) -> str:
        """Why no port gives a page."""
        return self._probe.reason()

    def _ask(self, address: PageAddress, deadline: float) -> Page:
        left = max(0.01, deadline - self._clock.monotonic())
        return fetch_own_page(
            address,
            lambda inode: inode in socket_inodes(self._view),
            accept=ACCEPT,
            timeout=left,
            clock=self._clock,
        )


def _pages_of(url: PageAddress) -> list[PageAddress]:
    """The page that was named; where that is /metrics, or none was, expvar's after it."""
    return [url, replace(url, path=VARS_PATH)] if url.path == METRICS_PATH else [url]


def _visible_inodes(view: ProcessView) -> Sequence[int] | set[int]:
    try:
        return socket_inodes(view)
    except RazorprofError:
        return ()
