"""Text as Go has it: bytes that are mostly UTF-8. Quoted, unquoted, escaped. For templates.

A Go string is a Python str here, bytes that are no UTF-8 being lone surrogates (surrogateescape).
"""

from __future__ import annotations

import re
from urllib.parse import quote as url_quote

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_NAMES = {value: name for name, value in _ESCAPES.items()}
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))", re.ASCII
)
_HTML = {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SCRIPT = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


def to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def from_bytes(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def valid(text: str) -> str:
    """The text with bytes that are no UTF-8 replaced."""
    return text if text.isascii() else to_bytes(text).decode("utf-8", "replace")


def unquote(literal: str) -> str:
    """What a quoted Go literal means: "...", `...`. Raises ValueError."""
    mark, inside = literal[0], literal[1:-1]
    if len(literal) < 2 or literal[-1] != mark:
        raise ValueError("invalid syntax")
    if mark == "`":
        return inside.replace("\r", "")
    return _unescaped(inside, mark)


def unquote_character(literal: str) -> int:
    """The code point of '...'. Raises ValueError."""
    text = _unescaped(literal[1:-1], "'")
    if len(text) != 1:
        raise ValueError(f"malformed character constant: {literal}")
    return text.encode("utf-8", "surrogateescape")[0] if "\ud800" <= text <= "\udfff" else ord(text)


def quote(text: str, mark: str = '"', *, ascii_only: bool = False) -> str:
    """The text as a Go literal (strconv.Quote)."""
    parts = []
    for character in text:
        code = ord(character)
        if character in (mark, "\\"):
            parts.append("\\" + character)
        elif 0xDC80 <= code <= 0xDCFF:
            parts.append(f"\\x{code - 0xDC00:02x}")
        elif is_printable(character) and (code < 0x80 or not ascii_only):
            parts.append(character)
        elif character in _NAMES:
            parts.append("\\" + _NAMES[character])
        elif code < 0x20 or code == 0x7F:
            parts.append(f"\\x{code:02x}")
        else:
            parts.append(f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")
    return mark + "".join(parts) + mark


def can_backquote(text: str) -> bool:
    """Whether `...` says the text."""
    return all(c not in "`\x7f\ufeff" and (c >= " " or c == "\t") and not "\ud800" <= c <= "\udfff" for c in text)


def is_printable(character: str) -> bool:
    return character.isprintable()


def escape_html(text: str) -> str:
    """As text/template's html."""
    return "".join(_HTML.get(character, character) for character in text)


def escape_script(text: str) -> str:
    """As text/template's js."""
    parts = []
    for character in text:
        code = ord(character)
        if character in _SCRIPT:
            parts.append(_SCRIPT[character])
        elif code < 0x20:
            parts.append(f"\\u00{code:02X}")
        elif code < 0x80 or is_printable(character):
            parts.append(character)
        else:
            parts.append("\\uFFFD" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04X}")
    return "".join(parts)


def escape_query(text: str) -> str:
    """As url.QueryEscape: for a value in a URL's query."""
    return url_quote(to_bytes(text), safe=" ~").replace(" ", "+")


def _unescaped(inside: str, mark: str) -> str:
    parts: list[bytes] = []
    place = 0
    while place < len(inside):
        if inside[place] != "\\":
            if inside[place] in (mark, "\n"):
                raise ValueError("invalid syntax")
            end = place + 1
            while end < len(inside) and inside[end] not in ("\\", mark, "\n"):
                end += 1
            parts.append(to_bytes(inside[place:end]))
            place = end
            continue
        found = _ESCAPE.match(inside, place)
        if found is None:
            raise ValueError("invalid syntax")
        parts.append(_meant(found, mark))
        place = found.end()
    return from_bytes(b"".join(parts))


def _meant(found: re.Match[str], mark: str) -> bytes:
    letter, two, octal, four, eight = found.groups()
    if letter is not None:
        if letter in "'\"" and letter != mark:
            raise ValueError("invalid syntax")
        return _ESCAPES.get(letter, letter).encode()
    if two is not None or octal is not None:
        code = int(two, 16) if two is not None else int(octal, 8)
        if code > 255:
            raise ValueError("invalid syntax")
        return bytes((code,))
    code = int(four or eight, 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise ValueError("invalid syntax")
    return chr(code).encode()
