"""What an endpoint that is reached over HTTP may be given: the options, and which URLs are taken.

Apart from notifiers.http so that listing a notifier does not load an HTTP client.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from razorprof.errors import UsageError

HTTP_OPTIONS: Mapping[str, str] = {
    "username": "user for basic authentication",
    "password_file": "file with that user's password",
    "password_env": "environment variable with that user's password",
    "token_file": "file with a bearer token",
    "token_env": "environment variable with a bearer token",
    "ca_file": "PEM file with the authorities that sign the endpoint's certificate (default: the system's)",
    "cert_file": "PEM file with our own certificate, where the endpoint asks for one",
    "key_file": "PEM file with its key, where that is not in cert_file",
}
GRAMMAR = "write http://HOST:PORT or https://HOST:PORT, with a path where there is one"
_LONGEST_URL = 2048


def check_url(url: str, option: str, *, takes_query: bool = False) -> None:
    """Raises UsageError for what is no http or https URL, or holds credentials. Only its host is ever repeated."""
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(f"{option}: not a URL", hint=GRAMMAR)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{option}: not a URL", hint=GRAMMAR) from error
    if "@" in parts.netloc:
        hint = "leave USER:PASSWORD@ out; give username with password_file or password_env, or token_file"
        raise UsageError(f"{option}: credentials in a URL are not taken", hint=hint)
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise UsageError(f"{option}: not an http or https URL", value=shown(url), hint=GRAMMAR)
    if parts.fragment or (parts.query and not takes_query):
        raise UsageError(f"{option}: a query or a fragment has no meaning here", value=shown(url), hint=GRAMMAR)


def shown(url: str) -> str:
    """Its scheme, host and port: a path or a query may be a secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2][:100]
    return f"{parts.scheme}://{host}" if parts.scheme and host else host
