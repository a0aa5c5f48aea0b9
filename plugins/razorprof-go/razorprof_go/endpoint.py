"""The debug endpoints of a Go program (net/http/pprof, expvar): found with the user's consent, proven to be the
program's own, and asked for single pages.

Called by the source "endpoint" and by the captures. Consent is a URL that the user named, or --probe for the
target's own loopback ports; what answers must be a socket of the very process, and pprof must say its arguments.
Nothing is followed, everything is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from razorprof.clock import Clock
from razorprof.errors import NotSupported, RazorprofError, ToolFailed
from razorprof.remote.http_address import PageAddress, parse_page_address
from razorprof.remote.http_owner import fetch_own_page
from razorprof.remote.loopback import check_network, loopback_listeners, page_at
from razorprof.remote.process import ProcessView
from razorprof.remote.tcp_sockets import socket_inodes

PPROF = "/debug/pprof/"
CMDLINE = "/debug/pprof/cmdline"
VARS = "/debug/vars"
LONGEST_ASK = 1.0  # seconds, for a port that may not speak HTTP
LONGEST_PAGE = 5.0
LARGEST_PAGE = 64 << 20
_LARGEST_CMDLINE = 128 << 10
_ACCEPT = "application/octet-stream,text/plain;q=0.9,*/*;q=0.1"
CONSENT = (
    "name the endpoint (url:http://127.0.0.1:PORT) or allow a look at the program's own loopback ports (--probe)"
)
_MISSING = "status 404"
_BUSY = "status 500"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a program answers. base: any page of it; the path is replaced."""

    view: ProcessView
    base: PageAddress
    clock: Clock

    def get(self, path: str, *, timeout: float = LONGEST_PAGE, most_bytes: int = LARGEST_PAGE) -> bytes:
        """A page's body. path: with its query. Raises NotSupported (it has no such page, another process answers,
        redirected), ToolFailed (busy, too large, no HTTP) or TimedOut."""
        try:
            page = fetch_own_page(
                replace(self.base, path=path),
                lambda inode: inode in socket_inodes(self.view),
                accept=_ACCEPT,
                timeout=timeout,
                most_bytes=most_bytes,
                clock=self.clock,
            )
        except ToolFailed as error:
            raise _explained(error, path) from error
        return page.body

    def __str__(self) -> str:
        return str(replace(self.base, path="/"))


def find_endpoint(view: ProcessView, url: str, *, probe: bool, page: str, clock: Clock) -> Endpoint:
    """The endpoint that has `page` (a path). Raises NotSupported without consent, and where none has it, with what
    each port said; or as Endpoint.get for a URL that was named."""
    if url:
        check_network(view)
        endpoint = Endpoint(view, parse_page_address(url), clock)
        _ask(endpoint, page)
        return endpoint
    if not probe:
        raise NotSupported("the program may not be asked over HTTP", value=view.pid, hint=CONSENT)
    said = []
    for listener in loopback_listeners(view):
        endpoint = Endpoint(view, page_at(listener), clock)
        try:
            _ask(endpoint, page)
        except RazorprofError as error:
            said.append(f"port {listener.at.port}: {error}")
            continue
        return endpoint
    why = "; ".join(said) or "it listens on no loopback port"
    raise NotSupported("the program has no such endpoint", value=why, hint="import net/http/pprof or expvar in it")


def is_own_command_line(body: bytes, view: ProcessView) -> bool:
    """Whether /debug/pprof/cmdline says the process's own arguments."""
    own = view.read("cmdline", _LARGEST_CMDLINE).rstrip(b"\0")
    return body.rstrip(b"\0") == own


def _ask(endpoint: Endpoint, page: str) -> None:
    """One cheap page that shows whether the wanted ones are there."""
    if page.startswith(PPROF):
        body = endpoint.get(CMDLINE, timeout=LONGEST_ASK, most_bytes=_LARGEST_CMDLINE)
        if not is_own_command_line(body, endpoint.view):
            raise NotSupported("what answers is no pprof endpoint of this program", value=endpoint)
    else:
        endpoint.get(page, timeout=LONGEST_ASK, most_bytes=LARGEST_PAGE)


def _explained(error: ToolFailed, path: str) -> RazorprofError:
    what = path.partition("?")[0]
    if error.value == _MISSING:
        return NotSupported(
            "the program has no such page", value=what, hint="import net/http/pprof or expvar in it"
        )
    if error.value == _BUSY and what == "/debug/pprof/profile":
        return ToolFailed(
            "the program refuses a CPU profile: another one is running, or profiling failed",
            value=what,
            hint="wait until it has ended, or leave url: and --probe out to sample from outside",
        )
    return error
