"""The dashboard's two own themes, and the palette that render/ gets out of whatever theme is chosen."""

from __future__ import annotations

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from razorprof.render.palette import Palette

DARK = Theme(
    name="razorprof-dark",
    primary="#6cb6ff",
    secondary="#8fa3bf",
    accent="#7ddcc9",
    warning="#f0c052",
    error="#ff7b72",
    success="#7ee787",
    foreground="#dbe2ec",
    background="#0f141b",
    surface="#151b24",
    panel="#1c2430",
    dark=True,
)
LIGHT = Theme(
    name="razorprof-light",
    primary="#0b5cad",
    secondary="#4a5a70",
    accent="#0f7b6c",
    warning="#8f5a00",
    error="#b42318",
    success="#1a7f37",
    foreground="#1b2430",
    background="#fbfcfe",
    surface="#f1f4f8",
    panel="#e6ebf2",
    dark=False,
)
_FLAME = ("#d08770", "#8fbc8f", "#7aa2d6", "#c9a26b", "#b48ead", "#6bb5b0", "#c7836b", "#9aa86f")


def palette_of(theme: Theme, variables: dict[str, str]) -> Palette:
    """The palette of a theme; a theme of the terminal's own colours gets their names, others their shades."""
    if theme.ansi:
        return _ANSI
    foreground = Color.parse(variables["foreground"])
    background = Color.parse(variables["background"])

    def tint(name: str) -> str:
        return Color.parse(variables[name]).hex6

    def grey(share: float) -> str:
        return background.blend(foreground, share).hex6

    ink = background.hex6 if theme.dark else "#101418"
    return Palette(
        value=Style(color=foreground.hex6),
        label=Style(color=grey(0.64)),
        dim=Style(color=grey(0.48)),
        title=Style(color=foreground.hex6, bold=True),
        head=Style(color=grey(0.70), bold=True),
        spark=Style(color=background.blend(Color.parse(variables["primary"]), 0.62).hex6),
        rule=Style(color=grey(0.26)),
        accent=Style(color=tint("accent"), bold=True),
        select=Style(bgcolor=grey(0.16), bold=True),
        look=Style(color=tint("warning"), bold=True),
        act=Style(color=tint("error"), bold=True),
        gone=Style(color=grey(0.48)),
        flame=tuple(Style(color=ink, bgcolor=shade) for shade in _FLAME),
    )


_ANSI = Palette(
    label=Style(),
    dim=Style(dim=True),
    title=Style(bold=True),
    head=Style(bold=True),
    spark=Style(color="cyan"),
    rule=Style(dim=True),
    accent=Style(color="cyan", bold=True),
    select=Style(reverse=True),
    look=Style(color="yellow", bold=True),
    act=Style(color="red", bold=True),
    gone=Style(dim=True),
    flame=tuple(Style(color="black", bgcolor=c) for c in ("yellow", "green", "cyan", "magenta", "white", "blue")),
)
