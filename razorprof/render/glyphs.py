"""Which characters the terminal can show: all of Unicode, or ASCII only. Chosen once, at start.

Everything is drawn with the full set. Where the locale or the terminal cannot show it, `Glyphs.apply` replaces
each character by one of equal width at the very edge (the dashboard's last filter, the batch printer), so that
no layout depends on it. Not for hostile text: that is render.text.printable, before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len

SPARKS = "▁▂▃▄▅▆▇█"
BAR = "█"
BAR_PARTS = "▏▎▍▌▋▊▉"
TRACK = "░"  # the empty part of a bar
PLAIN_TERMINALS = ("linux", "vt100", "vt102", "vt220", "ansi", "dumb")

_PLAIN = str.maketrans(
    {
        **dict(zip(SPARKS, ".:-=+*%#", strict=True)),
        **dict(zip(BAR_PARTS, "  --###", strict=True)),
        **dict.fromkeys("─━═╌╴╶▔", "-"),
        **dict.fromkeys("│┃║▕", "|"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╞╡╪", "+"),
        TRACK: ".",
        "…": "~",
        "–": "-",
        "—": "-",
        "µ": "u",
        "Δ": "d",
        "▲": "^",
        "▼": "v",
        "▸": ">",
        "▾": "v",
        "→": ">",
        "←": "<",
        "↑": "^",
        "↓": "v",
        "·": ".",
        "×": "x",
        "●": "*",
        "○": "o",
        "≥": ">",
        "≤": "<",
        "✓": "+",
    }
)


@dataclass(frozen=True, slots=True)
class Glyphs:
    """`plain`: ASCII only."""

    plain: bool

    def apply(self, text: str) -> str:
        """The text as this terminal can show it, of the same width in cells."""
        if not self.plain or text.isascii():
            return text
        text = text.translate(_PLAIN)
        return text if text.isascii() else "".join(map(_ascii, text))


UNICODE = Glyphs(plain=False)
ASCII = Glyphs(plain=True)


def choose(environment: Mapping[str, str]) -> Glyphs:
    """ASCII where the locale is not UTF-8, or TERM is a console whose font has no block characters.

    The first non-empty of LC_ALL, LC_CTYPE and LANG decides (locale(7)). Python itself writes UTF-8 under
    LC_ALL=C (PEP 540), so the encoding of stdout would not tell.
    """
    if environment.get("TERM", "") in PLAIN_TERMINALS:
        return ASCII
    locale = next((environment[n] for n in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(n)), "")
    return UNICODE if "utf-8" in locale.lower() or "utf8" in locale.lower() else ASCII


def _ascii(character: str) -> str:
    return character if character.isascii() else "?" * cell_len(character)
