"""The /metrics page, written once a tick however often it is asked for, in the format that the client prefers.

Any thread may ask; while one writes, the others wait for its page. Called by serve.site.
"""

from __future__ import annotations

import gzip
import threading

from razorprof.serve.exposition import Exposition
from razorprof.serve.families import TextFormat
from razorprof.session.view import View

_OPEN_METRICS, _PLAIN = "application/openmetrics-text", "text/plain"
_FAST = 1  # of gzip's nine levels: a page shrinks to a tenth, the others take twice the time and more


class Pages:
    """Keeps the pages of the newest tick."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._exposition = Exposition(view)
        self._lock = threading.Lock()
        self._tick = -1
        self._kept: dict[tuple[TextFormat, bool], bytes] = {}

    def page(self, form: TextFormat, *, compressed: bool) -> bytes:
        """The page as of the last tick."""
        with self._lock:
            tick = self._view.state().tick
            if tick != self._tick:
                self._tick, self._kept = tick, {}
            page = self._kept.get((form, compressed))
            if page is None:
                page = self._kept.get((form, False)) or self._exposition.render(form)
                self._kept[form, False] = page
                if compressed:
                    page = self._kept[form, True] = gzip.compress(page, _FAST, mtime=0)
            return page


def preferred_format(accept: str) -> TextFormat:
    """The format for an Accept header: OpenMetrics where it is asked for and not liked less than plain text."""
    weights = _weights(accept)
    wanted = weights.get(_OPEN_METRICS, 0.0)
    return TextFormat.OPEN_METRICS if wanted > 0 and wanted >= weights.get(_PLAIN, 0.0) else TextFormat.PLAIN


def takes_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    weights = _weights(accept_encoding)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weights(header: str) -> dict[str, float]:
    """What the header names, with the highest weight given (RFC 9110, 12.4.2)."""
    found: dict[str, float] = {}
    for entry in header[:2048].split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        found[name] = max(found.get(name, 0.0), weight)
    return found
