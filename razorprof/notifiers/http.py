"""One POST of JSON to one endpoint, with everything bounded: who we are, how long it may take, what is told of a
failure.

For the notifiers that speak HTTP. No redirect is followed, no proxy or .netrc of the environment is used, no
answer is read beyond its first words; credentials stand in no URL and in no message.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Mapping

import httpcore
import httpx

from razorprof import __version__
from razorprof.clock import Clock
from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TimedOut, ToolFailed, UsageError
from razorprof.notifiers.http_options import GRAMMAR, shown
from razorprof.notifiers.secrets import find_secret, warn_if_shared
from razorprof.notifiers.transport import DeadlineTransport

_MOST_BYTES = 4096  # of an answer: its first words say what is wrong
_LONGEST_WORDS = 200
_AGAIN = frozenset({408, 425, 429})
_CERTIFICATES = frozenset({"ca_file", "cert_file", "key_file"})
_LET_IN = "see token_file, token_env, or username with password_file or password_env"


class Endpoint:
    """Where to post to. url: checked; options: those of HTTP_OPTIONS are read here. Raises UsageError."""

    def __init__(self, url: str, options: Mapping[str, str], clock: Clock) -> None:
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise UsageError("not a URL", value=shown(url), hint=GRAMMAR) from error
        self._clock = clock
        self._token = find_secret(options, "token")
        self._user = options.get("username", "")
        self._password = find_secret(options, "password")
        if bool(self._user) is not (self._password is not None):
            raise UsageError(
                "a user without a password, or the other way round",
                value="username",
                hint="give username and password_file or password_env",
            )
        if self._token is not None and self._password is not None:
            raise UsageError("a token and a password", value="token", hint="give one of them")
        if ":" in self._user or not self._user.isascii() or not self._user.isprintable():
            raise UsageError("not the name of a user", value="username", hint="printable ASCII without a colon")
        self._context = _tls(options) if self._url.scheme == "https" else None
        if self._context is None and options.keys() & _CERTIFICATES:
            raise UsageError(
                "certificates without https", value=shown(url), hint="write https://, or leave them out"
            )

    def post(self, document: object, timeout: float) -> None:
        """Post it as JSON, within `timeout` seconds. Raises TimedOut or ToolFailed where it may work another time
        (nobody there, no HTTP, status 408, 425, 429 and 5xx), PermissionDenied or NotSupported where not."""
        body = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        deadline = self._clock.monotonic() + timeout
        transport = DeadlineTransport(self._context, lambda: deadline - self._clock.monotonic())
        try:
            with (
                httpx.Client(transport=transport, trust_env=False, follow_redirects=False) as client,
                client.stream("POST", self._url, content=body, headers=self._headers()) as response,
            ):
                error = None if response.is_success else self._explain(response)
        except httpcore.TimeoutException as raised:
            raise TimedOut(f"no answer within {timeout:.3g} s", value=self) from raised
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, OSError, ValueError) as raised:
            raise self._failed(raised) from raised
        if error is not None:
            raise error

    def __str__(self) -> str:
        return shown(str(self._url))

    def _headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"razorprof/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.read()}"
        elif self._password is not None:
            pair = f"{self._user}:{self._password.read()}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    def _explain(self, response: httpx.Response) -> RazorprofError:
        status = response.status_code
        if 300 <= status < 400:
            where = response.headers.get("Location", "")
            return NotSupported(
                "redirected: that is not followed",
                value=f"{self}: status {status}, to {shown(where) or 'nowhere'}",
                hint="give the address where it ends",
            )
        value = f"{self}: status {status}{_words(response)}"
        if status in (401, 403, 407):
            return PermissionDenied("the endpoint does not let us in", value=value, hint=_LET_IN)
        if status in _AGAIN or status >= 500:
            return ToolFailed("the endpoint cannot take it now", value=value)
        return NotSupported("the endpoint refused it", value=value, hint="see its log")

    def _failed(self, error: Exception) -> ToolFailed:
        words = str(error)[:_LONGEST_WORDS] or type(error).__name__
        if "certificate" in words.lower():
            hint = "give the certificate of who signed its own as ca_file"
            return ToolFailed("the endpoint is not who it should be", value=f"{self}: {words}", hint=hint)
        if isinstance(error, httpcore.ConnectError):
            return ToolFailed("no connection to the endpoint", value=f"{self}: {words}")
        return ToolFailed("no HTTP answer", value=f"{self}: {words}")


def _tls(options: Mapping[str, str]) -> ssl.SSLContext:
    """What the endpoint's certificate is checked with: the system's authorities, or those of ca_file alone."""
    authorities, certificate, key = (options.get(name) for name in ("ca_file", "cert_file", "key_file"))
    if key is not None and certificate is None:
        raise UsageError("a key without a certificate", value=key, hint="give cert_file, too")
    option = "ca_file"
    try:
        context = ssl.create_default_context(cafile=authorities)
        if certificate is not None:
            option = "cert_file"
            context.load_cert_chain(certificate, key, password="")  # never a prompt in a service
            warn_if_shared("key_file" if key else "cert_file", key or certificate)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        place = authorities if option == "ca_file" else certificate
        hint = "PEM files; a key without a pass phrase"
        raise UsageError(
            f"{option}: the certificate cannot be used", value=f"{place}: {error}", hint=hint
        ) from error
    return context


def _words(response: httpx.Response) -> str:
    """The first words of an answer, after a colon; empty where it has none."""
    content = b""
    try:
        for piece in response.iter_raw():
            content += piece
            if len(content) >= _MOST_BYTES:
                break
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpx.HTTPError):
        pass  # what was read until then will do
    words = " ".join(content[:_MOST_BYTES].decode("utf-8", "replace").split())
    return f": {words[:_LONGEST_WORDS]}" if words else ""
