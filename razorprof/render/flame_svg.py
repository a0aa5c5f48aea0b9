"""Flame graphs as SVG: a still picture for whatever shows SVG, and the interactive one where scripts run.

The still boxes are ordinary elements with tooltips. In a browser the script hides them and shows the same graph as
the HTML page does, in a foreignObject; pictures in a page (img) and converters keep the still one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from razorprof.render.flame_colours import REST, TONES, colour_of
from razorprof.render.flame_graph import FlameGraph, FlameTree, signed
from razorprof.render.flame_html import flame_body, flame_script, flame_style, tree_tones
from razorprof.render.profile_facts import amount

_WIDTH = 1200.0
_MARGIN = 10.0
_ROW = 17.0
_CHARACTER = 6.7  # px of one at 11 px, monospace
_LEAST = 0.7  # px
_MOST_STILL = 12_000
_DEEPEST = 400
_LINE = 170  # characters of the head
_MOST_LISTED = 12

_STYLE = """\
.rp-ground { fill: #fbfcfe; }
.rp-head { font: 12px system-ui, sans-serif; fill: #1b2430; }
.rp-title { font: bold 16px system-ui, sans-serif; fill: #1b2430; }
.rp-label { font: 11px ui-monospace, monospace; fill: #14181f; }
@media (prefers-color-scheme: dark) {
  .rp-ground { fill: #0f141b; }
  .rp-head, .rp-title { fill: #dbe2ec; }
}
foreignObject > .rp-flame { height: 100%; overflow: auto; padding: 12px 16px; }
"""


def flame_svg(graph: FlameGraph) -> str:
    """A whole SVG document. The picture is of the first tree: all threads."""
    still = _still(graph)
    script = flame_script()
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH:g}" height="{still.height:g}" '
        f'viewBox="0 0 {_WIDTH:g} {still.height:g}">\n'
        f"<title>{escape(graph.title)}</title>\n<style><![CDATA[{_STYLE}{flame_style()}]]></style>\n"
        f'<g class="rp-still">\n<rect class="rp-ground" width="100%" height="100%"/>\n{still.text}</g>\n'
        '<foreignObject width="100%" height="100%" style="display:none">\n'
        f"{_as_xhtml(flame_body(graph, is_page=True))}\n</foreignObject>\n"
        f"<script><![CDATA[{script}]]></script>\n</svg>\n"
    )


@dataclass(frozen=True, slots=True)
class _Still:
    text: str
    height: float


def _still(graph: FlameGraph) -> _Still:
    lines: list[str] = []
    y = 24.0
    lines.append(_words(graph.title, y, "rp-title"))
    facts = "  ·  ".join(f"{label}: {value}" for label, value in graph.facts)
    head = wrap(facts, _LINE)
    for note in graph.notes:
        head += wrap(f"note: {note}", _LINE)
    if graph.compared:
        head.append("width: NEW; colour: blue shrank, grey is as before, red grew")
    for line in head:
        y += 16
        lines.append(_words(line, y))
    y += 12
    deepest = 0
    if graph.trees:
        for box, depth in _boxes(graph, graph.trees[0], y):
            lines.append(box)
            deepest = max(deepest, depth)
    y += (deepest + 1) * _ROW + 8
    for line in _vanished(graph):
        y += 16
        lines.append(_words(line, y))
    return _Still("".join(lines), y + 12)


def _boxes(graph: FlameGraph, tree: FlameTree, y: float) -> Iterator[tuple[str, int]]:
    """Each box that is wide enough, root on top, with its depth."""
    if tree.total <= 0:
        return
    shades = tree_tones(tree) if graph.compared else []
    scale = (_WIDTH - 2 * _MARGIN) / tree.total
    filled = [0.0] * (max(tree.depths) + 2)
    drawn = 0
    for place, (frame, depth, weight) in enumerate(zip(tree.frames, tree.depths, tree.weights, strict=True)):
        start = filled[depth]
        filled[depth] = start + weight
        filled[depth + 1] = start
        width = weight * scale
        if width < _LEAST or depth >= _DEEPEST or drawn >= _MOST_STILL:
            continue
        drawn += 1
        name = graph.frames[frame].function if frame >= 0 else f"({-frame} smaller)"
        if graph.compared:
            fill = TONES[shades[place] + len(TONES) // 2]
        else:
            fill = colour_of(graph.frames[frame]) if frame >= 0 else REST
        x, top = _MARGIN + start * scale, y + depth * _ROW
        label = ""
        fits = int((width - 5) / _CHARACTER)
        if fits >= 2:
            shown = name if len(name) <= fits else f"{name[: fits - 1]}…"
            label = f'<text class="rp-label" x="{x + 3:.1f}" y="{top + 12:g}">{escape(shown)}</text>'
        yield (
            (
                f"<g><title>{escape(_tooltip(graph, tree, place))}</title>"
                f'<rect x="{x:.2f}" y="{top:g}" width="{max(_LEAST, width - 0.5):.2f}" height="{_ROW - 1:g}" '
                f'rx="1" fill="{fill}"/>{label}</g>\n'
            ),
            depth,
        )


def _tooltip(graph: FlameGraph, tree: FlameTree, place: int) -> str:
    frame, unit = tree.frames[place], graph.unit
    lines = []
    if frame >= 0:
        shown = graph.frames[frame]
        lines.append(shown.function)
        if shown.file:
            lines.append(f"{shown.file}:{shown.line}" if shown.line else shown.file)
    else:
        lines.append(f"({-frame} smaller)")
    for word, now, before in (("total", tree.weights, tree.base), ("self", tree.own, tree.base_own)):
        shares = "" if unit == "share" else f"  {now[place] / tree.total * 100:.2f} %"
        line = f"{word} {amount(now[place], unit)}{shares}"
        if graph.compared:
            line = (
                f"{word} {amount(before[place], unit)} → {amount(now[place], unit)}  "
                f"({signed(now[place] - before[place], unit)})"
            )
        lines.append(line)
    return "\n".join(lines)


def _vanished(graph: FlameGraph) -> list[str]:
    if not graph.vanished:
        return []
    lines = ["vanished, with their own weight in BASE:"]
    for frame, base in graph.vanished[:_MOST_LISTED]:
        place = f" ({frame.file})" if frame.file else ""
        lines.append(f"  {amount(base, graph.unit)}  {frame.function}{place}"[:_LINE])
    left = len(graph.vanished) - _MOST_LISTED
    return [*lines, f"  and {left} more"] if left > 0 else lines


def _words(text: str, y: float, name: str = "rp-head") -> str:
    cut = text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"
    return f'<text class="{name}" x="{_MARGIN:g}" y="{y:g}">{escape(cut)}</text>\n'


def _as_xhtml(body: str) -> str:
    return body.replace('<div class="rp-flame"', '<div xmlns="http://www.w3.org/1999/xhtml" class="rp-flame"', 1)
