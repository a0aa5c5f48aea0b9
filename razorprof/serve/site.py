"""Which path answers what. Questions in, answers out, no sockets. Called by serve.server for each request."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from razorprof.model.target import Life
from razorprof.render.text import printable
from razorprof.serve.access import Access
from razorprof.serve.alerts_api import AlertsApi
from razorprof.serve.answers import Answer, Question, words
from razorprof.serve.debug_pprof import DebugPprof
from razorprof.serve.pages import Pages, preferred_format, takes_gzip
from razorprof.serve.pulse import Pulse
from razorprof.session.session import PRESENCE, RUNTIME, SEARCH
from razorprof.session.view import TargetStatus, View

_HTML = "text/html; charset=utf-8"
_POLICY = ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
_MOST_NAMED = 20
_OF_THE_SESSION = frozenset({PRESENCE, RUNTIME, SEARCH})  # they tell that a target is there, not how it fares


class Site:
    """The pages of one session. Any thread. pprof, alerts: None where they are not served."""

    def __init__(
        self,
        view: View,
        pulse: Pulse,
        access: Access,
        *,
        pprof: DebugPprof | None = None,
        alerts: AlertsApi | None = None,
    ) -> None:
        self._view = view
        self._pulse = pulse
        self._access = access
        self._pprof = pprof
        self._alerts = alerts
        self._pages = Pages(view)
        self._was_ready = False

    def answer(self, question: Question, hosts: list[str]) -> Answer:
        """The answer to a question. hosts: the Host headers it came with."""
        refused = self._access.refusal(hosts, question.headers)
        if refused is not None:
            return refused
        granted = self._access.is_granted(question.headers)
        if question.path == "/-/healthy":
            return self._healthy()
        if question.path == "/-/ready":
            return self._ready(granted)
        if not granted:
            return words(401, "this needs the token: Authorization: Bearer ...", ("WWW-Authenticate", "Bearer"))
        if question.path == "/metrics":
            return self._metrics(question.headers)
        if question.path == "/":
            return self._index()
        found = self._part(question)
        return words(404, "there is no such page: / lists them") if found is None else found

    def _part(self, question: Question) -> Answer | None:
        """What only some sites have."""
        if question.path.startswith("/debug/pprof/") and self._pprof is not None:
            return self._pprof.answer(question)
        if question.path.startswith("/api/v1/") and self._alerts is not None:
            return words(503, self._stopped()) if self._pulse.has_stopped() else self._alerts.answer(question)
        return None

    def _metrics(self, headers: Mapping[str, str]) -> Answer:
        if self._pulse.has_stopped():  # old figures without a time would pass for new ones
            return words(503, self._stopped())
        if not self._view.state().tick:
            return words(503, "not ready: nothing was looked at yet")
        form = preferred_format(headers.get("Accept", ""))
        compressed = takes_gzip(headers.get("Accept-Encoding", ""))
        more = (("Vary", "Accept, Accept-Encoding"), *([("Content-Encoding", "gzip")] if compressed else []))
        return Answer(200, self._pages.page(form, compressed=compressed), form.value, more)

    def _healthy(self) -> Answer:
        return words(503, self._stopped()) if self._pulse.has_stopped() else words(200, "razorprof is healthy")

    def _stopped(self) -> str:
        return f"sampling has stopped: no tick for {self._pulse.age():.0f} s"

    def _ready(self, granted: bool) -> Answer:
        """Ready once each target has been read once; targets that come later do not take it back."""
        state = self._view.state()
        waiting = [status for status in state.targets if not _was_read(status)]
        if not self._was_ready and (not state.tick or waiting):
            names = ", ".join(_name(status) for status in waiting[:_MOST_NAMED]) or "the first tick"
            return words(503, f"waiting for the first look at {names}" if granted else "not ready")
        self._was_ready = True
        if self._pulse.has_stopped():
            return words(503, self._stopped())
        lines = [f"{_name(status)}: {_fares(status)}" for status in state.targets]
        return words(200, "\n".join(["ready", *lines]) if granted else "ready")

    def _index(self) -> Answer:
        rows = []
        for status in self._view.state().targets:
            name, pid = escape(_name(status)), status.target.pid
            links = ""
            if status.life is not Life.GONE and self._pprof is not None:
                links = (
                    f' <a href="/debug/pprof/goroutine?pid={pid}">threads</a>'
                    f' <a href="/debug/pprof/profile?pid={pid}&amp;seconds=10">CPU profile, 10 s</a>'
                )
            rows.append(f"<li>{name}: {escape(_fares(status))}{links}</li>")
        api = ""
        if self._alerts is not None:
            pages = ("/api/v1/alerts", "/api/v1/rules")
            api = "".join(f'<li><a href="{page}">{page}</a></li>' for page in pages)
        body = (
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>razorprof</title><h1>razorprof</h1><ul>'
            '<li><a href="/metrics">/metrics</a>: scrape it with honor_labels: true</li>'
            '<li><a href="/-/healthy">/-/healthy</a></li><li><a href="/-/ready">/-/ready</a></li>'
            f"{api}</ul>"
            f"<h2>Targets</h2><ul>{''.join(rows) or '<li>none</li>'}</ul></html>\n"
        )
        return Answer(200, body.encode("utf-8", "backslashreplace"), _HTML, (_POLICY,))


def answer_before(question: Question) -> Answer:
    """The answer while the targets are still looked for: alive, but with nothing to tell."""
    if question.path == "/-/healthy":
        return words(200, "razorprof is healthy")
    return words(503, "not ready: waiting for a target to appear")


def _was_read(status: TargetStatus) -> bool:
    figures = (source for source in status.sources if source.name not in _OF_THE_SESSION)
    return status.life is Life.GONE or any(source.up is not None for source in figures)


def _name(status: TargetStatus) -> str:
    return f"{status.target.pid} {printable(status.target.name)}"


def _fares(status: TargetStatus) -> str:
    """In a few words, what runs there and what cannot be read."""
    if status.life is Life.GONE:
        return f"ended: {printable(status.how)}" if status.how else "ended"
    runs = " ".join(part for part in (status.runtime, status.version or "") if part) or "no known runtime"
    failing = [f"{s.name}: {s.error.message}" for s in status.sources if s.error is not None]
    return printable("; ".join([runs, *failing]))
