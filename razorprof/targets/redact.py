"""Secrets taken out of command lines, as well as can be. Called by ps, captures, bundles and the dashboard.

Best effort, and said so where it matters: what follows or is assigned to a word like password, token or key, the
user part of URLs, and a few well-known shapes of tokens. It hides too much rather than too little. Linear in the
length of the text; the result is still untrusted text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

REDACTED = "[redacted]"
_LONGEST = 16_384

_WORDS = (
    "password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "credential", "apikey", "api_key",
    "accesskey", "access_key", "privatekey", "private_key", "secretkey", "authorization", "bearer", "cookie",
)  # fmt: skip
_EXACT_PARTS = frozenset({"key", "keys", "pass", "auth", "creds", "cred", "pw", "dsn"})
_PLAIN_WORDS = frozenset(
    {"password", "passwd", "passphrase", "secret", "token", "key", "credential", "credentials", "apikey"}
)
_PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+", re.ASCII)
_ASSIGNS = re.compile(r"(?P<name>[\w.-]{1,80})[\"']?\s{0,3}[=:]\s{0,3}")
_ANNOUNCES = re.compile(r"(?<!\S)(?P<name>--?[\w.-]{1,80})\s+(?!-)")
_VALUE = re.compile(r"\"[^\"]*\"?|'[^']*'?|[^\s\"']+")
_HEADER = re.compile(
    r"(?i)\b(authorization|proxy-authorization|cookie|set-cookie|x-[\w-]{0,40}(?:key|token))\s{0,3}:.*"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_URL_USER = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}://)[^\s/?#@\"']*(?:@[^\s/?#@\"']*)*@")
_SHAPES = re.compile(
    r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|sk-[\w-]{16,}"
    r"|AKIA[0-9A-Z]{12,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)",
    re.ASCII,
)


def redact_command(arguments: Sequence[str]) -> str:
    """A command line as one text, its secrets replaced by ``[redacted]``; at most 16 KiB are looked at."""
    words: list[str] = []
    left = _LONGEST
    hide_next = False
    for index, argument in enumerate(arguments):
        if left <= 0:
            words.append("...")
            break
        argument, cut = argument[:left], len(argument) > left
        left -= len(argument) + 1
        if hide_next and argument and not argument.startswith("-"):
            words.append(REDACTED)
            hide_next = False
            continue
        hide_next = index > 0 and _announces_secret(argument)
        words.append(_redact_argument(argument) + ("..." if cut else ""))
    return " ".join(words)


def redact_text(text: str) -> str:
    """Any text (one argument, a title, a log line) with its secrets replaced. At most 16 KiB are kept."""
    text = _URL_USER.sub(rf"\g<scheme>{REDACTED}@", text[:_LONGEST])
    text = _HEADER.sub(rf"\1: {REDACTED}", text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    text = _hide_values(text, _ASSIGNS)
    text = _hide_values(text, _ANNOUNCES)
    return _SHAPES.sub(REDACTED, text)


def names_secret(name: str) -> bool:
    """Whether an option, variable or key of this name holds a secret: --api-key, DB_PASSWORD, accessToken."""
    lowered = name.lower().replace("-", "_")
    if any(word in lowered for word in _WORDS):
        return True
    return not _EXACT_PARTS.isdisjoint(part.lower() for part in _PARTS.findall(name))


def _redact_argument(argument: str) -> str:
    """As redact_text, but what is assigned in one argument may hold spaces: it is hidden to its end."""
    name, equals, value = argument.partition("=")
    if equals and value and not any(c.isspace() for c in name) and "://" not in name and names_secret(name[-100:]):
        return f"{name}={REDACTED}"
    return redact_text(argument)


def _announces_secret(argument: str) -> bool:
    """Whether the argument after this one is a secret."""
    if argument.startswith("-"):
        return "=" not in argument and not any(c.isspace() for c in argument) and names_secret(argument[:100])
    return argument.lower() in _PLAIN_WORDS


def _hide_values(text: str, before: re.Pattern[str]) -> str:
    """The text with the value after each match of `before` hidden whose name is that of a secret. Other values
    are looked into: one may hold the next name, as in an address's query."""
    pieces: list[str] = []
    position = 0
    for found in before.finditer(text):
        if found.start() < position or not names_secret(found["name"]):
            continue
        value = _VALUE.match(text, found.end())
        if value is not None:
            pieces += [text[position : found.end()], REDACTED]
            position = value.end()
    return "".join(pieces) + text[position:]
