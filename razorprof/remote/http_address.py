"""Where a page of metrics is: an address on this machine, parsed from what a user wrote.

Called by targets.selector (``url:``) and by sources that ask a target over HTTP. Nothing is resolved by name: an
address that needs a name server cannot be told to be this machine's.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from razorprof.errors import NotSupported, UsageError

METRICS_PATH = "/metrics"
_LONGEST = 2048
_GRAMMAR = "write url:http://127.0.0.1:PORT or url:http://127.0.0.1:PORT/PATH"
_LOOPBACK = {"localhost": "127.0.0.1", "ip6-localhost": "::1"}
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class PageAddress:
    """host: an IP address; name: the host as it was written (for the header and the certificate); path: with its
    query, printable ASCII."""

    host: str
    port: int
    path: str = METRICS_PATH
    tls: bool = False
    name: str = ""

    @property
    def ip(self) -> IpAddress:
        return ipaddress.ip_address(self.host)

    @property
    def authority(self) -> str:
        """Host and port as the header Host has them."""
        host = self.name or self.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Without the query: it may hold a secret."""
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.path.partition('?')[0]}"


def parse_page_address(url: str) -> PageAddress:
    """The address in a URL; a path that is missing or "/" is /metrics.

    Raises UsageError for what is no such URL or holds credentials, NotSupported for a host that is given by name.
    The errors never repeat credentials.
    """
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError("not a URL", value=url[:100], hint=_GRAMMAR)
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise UsageError("not a URL", value=error, hint=_GRAMMAR) from error
    if "@" in parts.netloc:
        raise UsageError(
            "credentials in a URL are not taken", hint="leave USER:PASSWORD@ out; razorprof sends no credentials"
        )
    if parts.scheme not in ("http", "https"):
        raise UsageError("not an http or https URL", value=parts.scheme or "no scheme", hint=_GRAMMAR)
    if not host or port == 0 or parts.fragment:
        raise UsageError("not the URL of a page", value=_shown(url), hint=_GRAMMAR)
    tls = parts.scheme == "https"
    path = parts.path if parts.path not in ("", "/") else METRICS_PATH
    query = f"?{parts.query}" if parts.query else ""
    known = _LOOPBACK.get(host, host)
    try:
        ipaddress.ip_address(known)
    except ValueError:
        raise NotSupported(
            "a host given by name",
            value=host,
            hint="give its address: only processes of this machine are looked into",
        ) from None
    return PageAddress(known, port or (443 if tls else 80), path + query, tls, host)


def _shown(url: str) -> str:
    return url.partition("?")[0][:100]
