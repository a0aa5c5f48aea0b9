"""Untrusted text made safe for a terminal, and cut to a width in cells.

Everything that a target says (names, command lines, functions, files) passes through `printable` before it
is printed. Control characters become visible escapes; so do characters that reorder or hide text.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len, set_cell_size

ELLIPSIS = "…"
_LONGEST = 4096  # cut before any per-character work: a hostile name may have megabytes


def printable(text: str) -> str:
    r"""The text with control, format, surrogate, private and unassigned characters as \xNN, \uNNNN or
    \UNNNNNNNN.

    Newlines and tabs too: one value never makes two lines. At most 4,096 characters are kept.
    """
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + ELLIPSIS
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def cut_end(text: str, width: int) -> str:
    """At most `width` cells, the end replaced by an ellipsis where it does not fit."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def cut_middle(text: str, width: int) -> str:
    """At most `width` cells, the middle replaced by an ellipsis: names are told apart by both ends."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    head = (width - 1 + 1) // 2
    tail = width - 1 - head
    start = set_cell_size(text, head).rstrip()
    end = text[len(text) - tail :] if tail else ""
    while cell_len(end) > tail:
        end = end[1:]
    return start + ELLIPSIS + end


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Exactly `width` cells: cut in the middle or padded."""
    cut = cut_middle(text, width)
    padding = " " * (width - cell_len(cut))
    return padding + cut if right else cut + padding


def _visible(character: str) -> str:
    if character == " " or (character.isprintable() and unicodedata.category(character)[0] not in "CZ"):
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
