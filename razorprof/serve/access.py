"""Who may ask: the bearer token, the Host header against DNS rebinding, and no requests of other sites' pages.

Called for each request before anything else is looked at; and by the command for the files named to it.
"""

from __future__ import annotations

import hmac
import os
import re
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import ToolFailed, UsageError
from razorprof.serve.address import Address
from razorprof.serve.answers import Answer, words

LEAST_TOKEN = 16
_TOKEN = re.compile(rb"[\x21-\x7e]+")
_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_MAKE_ONE = "make one with: (umask 077; openssl rand -hex 32 > FILE)"


@dataclass(frozen=True, slots=True)
class Access:
    """token: asked for where it is not None; hosts: names under which we are asked, None where any will do."""

    token: bytes | None = None
    hosts: frozenset[str] | None = _OWN_NAMES

    def refusal(self, hosts: list[str], headers: Mapping[str, str]) -> Answer | None:
        """Why a request is not for us at all, whatever it asks. hosts: its Host headers."""
        if self.hosts is not None and (
            len(hosts) > 1 or any(_host_name(host) not in self.hosts for host in hosts)
        ):
            return words(421, "this Host is not served here: use localhost, 127.0.0.1 or [::1]")
        # a page of another site, open in a browser on this machine, may ask but not read: it must not cost either
        if headers.get("Sec-Fetch-Site", "none").strip().lower() not in ("none", "same-origin"):
            return words(403, "requests of other sites' pages are not answered")
        return None

    def is_granted(self, headers: Mapping[str, str]) -> bool:
        """Whether the request brings the token, if there is one."""
        if self.token is None:
            return True
        scheme, _, given = headers.get("Authorization", "").partition(" ")
        brought = given.strip().encode("utf-8", "surrogateescape")
        return hmac.compare_digest(brought, self.token) and scheme.lower() == "bearer"


def access_for(address: Address, token: bytes | None) -> Access:
    """The rules for an address. Raises UsageError where others could reach it and nothing would stop them."""
    if not address.is_loopback and token is None:
        raise UsageError(
            "an address that others can reach needs a token",
            value=address.host,
            hint=f"add --token-file FILE ({_MAKE_ONE}), or listen on 127.0.0.1",
        )
    return Access(token, _OWN_NAMES | {address.host} if address.is_loopback else None)


def read_token(path: Path) -> bytes:
    """The token in a file that nobody else may read. Raises UsageError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UsageError("the token file is no regular file", value=path)
            if stat.S_IMODE(status.st_mode) & 0o077:
                raise UsageError("others may read the token file", value=path, hint=f"chmod 600 {path}")
            if status.st_uid not in (os.geteuid(), 0):
                raise UsageError("the token file is somebody else's", value=path, hint=_MAKE_ONE)
            content = file.read(4097)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError("the token file cannot be read", value=f"{path}: {why}", hint=_MAKE_ONE) from error
    token = content.strip()
    if len(content) > 4096 or len(token) < LEAST_TOKEN or not _TOKEN.fullmatch(token):
        raise UsageError(
            f"no token in the file: one line of {LEAST_TOKEN} or more characters, without blanks",
            value=path,
            hint=_MAKE_ONE,
        )
    return token


def tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """The server's side of TLS; None where no certificate is given. Raises UsageError, ToolFailed."""
    if certificate is None:
        if key is not None:
            raise UsageError("--tls-key needs --tls-cert", value=key)
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key, password="")  # never a prompt in a service
    except (OSError, ValueError) as error:  # SSLError is an OSError
        hint = "PEM files: the certificate with its chain, and the key without a pass phrase"
        raise ToolFailed("the certificate cannot be used", value=f"{certificate}: {error}", hint=hint) from error
    return context


def _host_name(header: str) -> str:
    """The host of a Host header, without its port."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
