"""The endpoint that the user named a target by, which may hence be asked over HTTP without more consent.

For whoever opens sources and asks for captures. Which process answers there was found out by targets.resolve;
that it still is the one, whoever asks has to look up for each connection.
"""

from __future__ import annotations

from razorprof.model.target import Target
from razorprof.targets.selector import SelectorKind, parse_selector


def endpoint_of(target: Target) -> str:
    """The URL of ``url:``, as it was written; empty where the target was named otherwise, or is a child of it."""
    if target.parent is not None or not target.selector:
        return ""
    selector = parse_selector(target.selector)
    return selector.value if selector.kind is SelectorKind.URL else ""
