"""Where an application may show its metrics: on the sockets that it listens on itself.

Called by sources.application. Looks at files only; what is asked over HTTP, and how often, Probe decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from razorprof.errors import NotSupported
from razorprof.model.target import Target
from razorprof.remote.http_address import PageAddress
from razorprof.remote.loopback import check_network, page_at
from razorprof.remote.process import ProcessView
from razorprof.remote.tcp_sockets import Listener, listeners
from razorprof.targets.selector import Selector, SelectorKind, parse_selector

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0


def given_place(target: Target) -> Selector | None:
    """The URL or port that the user named the target by; None where it was named otherwise, or is a child."""
    if target.parent is not None or not target.selector:
        return None
    selector = parse_selector(target.selector)
    return selector if selector.kind in (SelectorKind.URL, SelectorKind.PORT) else None


def pages_of_port(view: ProcessView, port: int) -> list[PageAddress]:
    """/metrics on `port`, however it is reached from here. Raises NotSupported where it cannot be."""
    check_network(view)
    found = dict.fromkeys(page_at(listener) for listener in listeners(view) if listener.at.port == port)
    if not found:
        raise NotSupported("nobody listens there any more", value=f"port {port}")
    return list(found)


@dataclass(slots=True)
class _Asked:
    due: float
    pause: float
    why: str


class Probe:
    """Which sockets of a target are asked for a page, and when: a new one at once, one that gave none ever more
    seldom. found: the page, once there is one."""

    def __init__(self) -> None:
        self.found: PageAddress | None = None
        self._asked: dict[Listener, _Asked] = {}

    def due(self, present: Sequence[Listener], now: float) -> list[Listener]:
        """Those to ask now (monotonic seconds); forgets those that are gone."""
        self._asked = {one: asked for one, asked in self._asked.items() if one in present}
        return [one for one in present if one not in self._asked or now >= self._asked[one].due]

    def gave_none(self, listener: Listener, now: float, why: str) -> None:
        """It was asked, in vain."""
        before = self._asked.get(listener)
        pause = FIRST_PAUSE if before is None else min(LONGEST_PAUSE, 2 * before.pause)
        self._asked[listener] = _Asked(now + pause, pause, why)

    def reason(self) -> str:
        """Why there is no page."""
        if not self._asked:
            return "it listens on no loopback port"
        return "; ".join(_words(self._asked.items()))


def _words(asked: Iterable[tuple[Listener, _Asked]]) -> list[str]:
    return [f"port {listener.at.port}: {one.why}" for listener, one in asked]
