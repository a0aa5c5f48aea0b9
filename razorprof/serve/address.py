"""Where to listen: the value of --listen, resolved and judged. Called by the command and the server."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass

from razorprof.errors import UsageError

_HINT = "write ADDRESS:PORT, as in 127.0.0.1:9105, [::1]:9105 or :9105 (every address of this machine)"
_FORM = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%\w]+)\]|(?P<host>[^\[\]:/\s]*)):(?P<port>\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """host: numeric; port 0: any free one; is_loopback: only this machine reaches it."""

    host: str
    port: int
    family: socket.AddressFamily
    is_loopback: bool

    def url(self, port: int, *, secure: bool) -> str:
        """The address as a client writes it; of all addresses, the loopback's."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if secure else 'http'}://{shown}:{port}"


def parse_address(text: str) -> Address:
    """An address out of ``HOST:PORT``, ``[IPV6]:PORT``, ``:PORT``. Raises UsageError."""
    found = _FORM.fullmatch(text.strip())
    if found is None or int(found["port"]) > 65535:
        raise UsageError("not an address to listen on", value=text, hint=_HINT)
    host = found["six"] or found["host"] or "0.0.0.0"  # refused without a token
    try:
        resolved = socket.getaddrinfo(host, int(found["port"]), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"the address cannot be resolved: {why}", value=text, hint=_HINT) from error
    family, _, _, _, (numeric, port, *_) = resolved[0]
    return Address(str(numeric), int(port), family, is_loopback(str(numeric)))


def is_loopback(host: str) -> bool:
    """Whether a numeric address can be reached from this machine only."""
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
