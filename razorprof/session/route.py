"""Ways to tell of alerts, opened by name from what the command line gives. Delivered to by session.dispatch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlsplit

from razorprof.clock import Clock
from razorprof.errors import RazorprofError, ToolFailed, UsageError
from razorprof.plugin.loading import Failure, find_notifier, guard
from razorprof.plugin.notifiers import Notifier, Sender
from razorprof.session.notice_queue import QueueLimits
from razorprof.units import parse_duration

# What every route of a notifier that does not want all repeats may be given, besides the notifier's own options.
ROUTE_OPTIONS: Mapping[str, str] = {
    "repeat": "how long until what still fires is told again, 4h or so (default: never)",
}
_SHORTEST_REPEAT = 60.0  # alerts are told each minute or less often


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """timeout: seconds of one attempt; attempts: in a round; first_pause, longest_pause: seconds between them, of
    which a random part of up to half is taken off; failures: in a row that open the breaker for `open_seconds`;
    burst, per_second: rounds at once, and in the long run."""

    timeout: float = 10.0
    attempts: int = 3
    first_pause: float = 1.0
    longest_pause: float = 15.0
    failures: int = 5
    open_seconds: float = 30.0
    burst: int = 10
    per_second: float = 1.0
    queue: QueueLimits = field(default_factory=QueueLimits)


@dataclass(frozen=True, slots=True)
class Route:
    """name: shown, unique, without secrets; what is kept over a restart is found by it."""

    name: str
    notifier: Notifier
    sender: Sender
    limits: RouteLimits = field(default_factory=RouteLimits)


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """How a route fares. waiting: notices; is_open: whether it is left alone for a while, because it failed again
    and again; error: of the last attempt, empty where it worked or there was none; told: when something was told
    last, Unix seconds."""

    name: str
    waiting: int = 0
    is_open: bool = False
    error: str = ""
    told: float | None = None


def open_routes(
    wanted: Sequence[tuple[str, Mapping[str, str]]], clock: Clock, limits: RouteLimits | None = None
) -> tuple[Route, ...]:
    """A route for each notifier's name with its options. Raises NotSupported for a notifier that is not there,
    UsageError for options that cannot be meant, and then none is left open."""
    routes: list[Route] = []
    try:
        for name, options in wanted:
            notifier = find_notifier(name)
            route_limits = _limits(notifier, options, limits or RouteLimits())
            own = {key: value for key, value in options.items() if key in notifier.options}
            sender = _open(notifier, own, clock)
            shown = _unique(_shown(name, options), [route.name for route in routes])
            routes.append(Route(shown, notifier, sender, route_limits))
    except RazorprofError:
        for route in routes:
            guard(route.name, route.sender.close)
        raise
    return tuple(routes)


def route_options(notifier: Notifier) -> Mapping[str, str]:
    """All options of a route that leads to it, by name, each with its help."""
    return notifier.options if notifier.wants_repeats else {**notifier.options, **ROUTE_OPTIONS}


def _limits(notifier: Notifier, options: Mapping[str, str], limits: RouteLimits) -> RouteLimits:
    known = route_options(notifier)
    unknown = sorted(options.keys() - known.keys())
    if unknown:
        there_are = ", ".join(known) or "none"
        raise UsageError(
            f"the notifier {notifier.name} has no such option", value=unknown[0], hint=f"there are: {there_are}"
        )
    if "repeat" not in options or "repeat" in notifier.options:
        return limits
    repeat = parse_duration(options["repeat"])
    if repeat < _SHORTEST_REPEAT:
        raise UsageError("repeat: too short", value=options["repeat"], hint=f"{_SHORTEST_REPEAT:g}s or more")
    return replace(limits, queue=replace(limits.queue, repeat=repeat))


def _open(notifier: Notifier, options: Mapping[str, str], clock: Clock) -> Sender:
    sender = guard(notifier.name, partial(notifier.open, options, clock))
    if isinstance(sender, Failure):
        raise ToolFailed(f"the notifier {notifier.name} cannot be opened", value=sender.error)
    return sender


def _shown(name: str, options: Mapping[str, str]) -> str:
    """With the host, where there is one; never the path, which may be a secret."""
    try:
        host = urlsplit(options.get("url", "")).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f"{name} {host}" if host else name


def _unique(name: str, taken: Sequence[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} #{number}"
    return found
