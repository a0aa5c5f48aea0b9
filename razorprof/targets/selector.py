"""The TARGET grammar: what a user writes, as a value. Finding the processes is targets.resolve.

Called by cli.select and cli.ps; settings that name targets use it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from razorprof.errors import UsageError
from razorprof.remote.http_address import PageAddress, parse_page_address

_GRAMMAR = (
    "write a pid, name:GLOB, cmd:SUBSTRING, port:NUMBER, url:http://127.0.0.1:PORT or container:ID-PREFIX;"
    " a bare word is name:"
)
_HIGHEST_PORT = 65535
_HEX = frozenset("0123456789abcdef-")


class SelectorKind(StrEnum):
    PID = "pid"
    NAME = "name"
    CMD = "cmd"
    PORT = "port"
    CONTAINER = "container"
    URL = "url"


_KINDS = {kind.value: kind for kind in SelectorKind}


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed TARGET. `text` is what the user wrote, `value` what follows the kind (untrusted)."""

    kind: SelectorKind
    value: str
    text: str

    @property
    def number(self) -> int:
        """The pid or port. Only for those kinds."""
        return int(self.value)

    @property
    def page(self) -> PageAddress | None:
        """Where the target shows its metrics, for a URL."""
        return parse_page_address(self.value) if self.kind is SelectorKind.URL else None

    @property
    def job(self) -> str:
        """The default of the label `job`: the name given by the user; empty for pids and addresses."""
        return "" if self.kind in (SelectorKind.PID, SelectorKind.URL) else self.value


def parse_selector(text: str) -> Selector:
    """The value of a TARGET. Raises UsageError when it cannot be meant, NotSupported for a URL whose host is a
    name."""
    stripped = text.strip()
    head, colon, rest = stripped.partition(":")
    if colon and head in _KINDS:
        kind, value = _KINDS[head], _unquoted(rest)
    else:
        kind, value = SelectorKind.PID if _is_number(stripped) else SelectorKind.NAME, stripped
    if not value or "\0" in value:
        raise UsageError("an empty target", value=text, hint=_GRAMMAR)
    match kind:
        case SelectorKind.PID:
            value = _parse_number(value, "pid", None, text)  # one that is too high is just not there
        case SelectorKind.PORT:
            value = _parse_number(value, "port", _HIGHEST_PORT, text)
        case SelectorKind.URL:
            parse_page_address(value)
        case SelectorKind.CONTAINER:
            value = value.lower()
            if not _HEX.issuperset(value):
                raise UsageError(
                    "not a container id",
                    value=text,
                    hint="give the beginning of its hexadecimal id, as docker ps shows",
                )
        case _:
            pass
    return Selector(kind, value, text)


def _parse_number(value: str, what: str, highest: int | None, text: str) -> str:
    if not _is_number(value) or int(value) < 1 or (highest is not None and int(value) > highest):
        bounds = "from 1 up" if highest is None else f"from 1 to {highest}"
        raise UsageError(f"not a {what}", value=text, hint=f"a {what} is a number {bounds}")
    return str(int(value))


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 20


def _unquoted(value: str) -> str:
    """Quotes that no shell took off, as in a settings file: cmd:"celery worker"."""
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
