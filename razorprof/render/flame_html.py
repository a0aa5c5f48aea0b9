"""Flame graphs as HTML: a page of its own, or a piece of a page that may hold several. Nothing is loaded from
anywhere; the page's policy forbids it, and lets only our own script and style run.

    flame_page(flame_graph(profile))            a whole document
    flame_fragment(profile, "the title")        for another page; also of a FlameGraph, so of a difference
    flame_policy()                              the Content-Security-Policy of a page with such pieces

Called by the formats html and svg, and by reports. Data is embedded as JSON in which nothing can end the script
element; every name is printable (render.flame_graph) and escaped.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib import resources
from typing import Any

from razorprof.model.profile import Profile
from razorprof.render.flame_colours import TONES, colour_of, tones
from razorprof.render.flame_graph import FlameGraph, FlameTree, flame_graph
from razorprof.render.profile_facts import Fact, amount

_PAGE_STYLE = """\
html { color-scheme: light dark; background: #fbfcfe; }
@media (prefers-color-scheme: dark) { html { background: #0f141b; } }
body { margin: 0; }
body > .rp-flame { padding: 12px 16px; }
"""


def flame_page(graph: FlameGraph) -> str:
    """A document that shows one flame graph, self-contained."""
    style = _PAGE_STYLE + flame_style()
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{flame_policy([style])}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(graph.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"{flame_body(graph, is_page=True)}\n<script>{flame_script()}</script>\n</body>\n</html>\n"
    )


def flame_fragment(profile: Profile | FlameGraph, title: str = "", *, with_assets: bool = True) -> str:
    """A flame graph as a piece of HTML that works by itself; several may stand on one page.

    with_assets False: without style and script, for pages that hold flame_style() and flame_script() once, the
    script at the end. The page's policy must allow both: flame_policy()."""
    graph = profile if isinstance(profile, FlameGraph) else flame_graph(profile, title)
    body = flame_body(graph)
    if not with_assets:
        return body
    return f"<style>{flame_style()}</style>\n{body}\n<script>{flame_script()}</script>"


def flame_policy(styles: Sequence[str] = (), scripts: Sequence[str] = ()) -> str:
    """A Content-Security-Policy that forbids all but our style and script and those given (each the exact text of
    one element)."""
    allowed = [
        f"{kind} {' '.join(dict.fromkeys(map(_hash, texts)))}"
        for kind, texts in (
            ("script-src", [flame_script(), *scripts]),
            ("style-src", [flame_style(), *styles]),
        )
    ]
    return f"default-src 'none'; {'; '.join(allowed)}; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def flame_style() -> str:
    """The text of the style element."""
    return _asset("flame.css")


@cache
def flame_script() -> str:
    """The text of the script element."""
    return _asset("flame.js")


def flame_body(graph: FlameGraph, *, is_page: bool = False) -> str:
    """The graph without style and script: valid as HTML and as XHTML."""
    page = ' data-page="yes"' if is_page else ""
    return (
        f'<div class="rp-flame"{page}>\n'
        f"<h1>{escape(graph.title)}</h1>\n{_facts(graph.facts)}{_notes(graph.notes)}"
        f"{_legend() if graph.compared else ''}"
        '<div class="rp-place"></div>\n'
        '<p class="rp-without">This flame graph is drawn by a script, which is not running here; '
        "an .svg file shows it without.</p>\n"
        f"{_vanished(graph)}"
        f'<script type="application/json">{embed_json(_document(graph))}</script>\n</div>'
    )


def embed_json(document: Any) -> str:
    """JSON that may stand in a script element, in HTML and in XML: ASCII, without <, > and &."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _document(graph: FlameGraph) -> dict[str, Any]:
    document: dict[str, Any] = {
        "unit": graph.unit,
        "compared": graph.compared,
        "frames": [
            [frame.function, frame.file, frame.line, "" if graph.compared else colour_of(frame)]
            for frame in graph.frames
        ],
        "trees": [_columns(tree, compared=graph.compared) for tree in graph.trees],
    }
    if graph.compared:
        document["tones"] = TONES
    return document


def _columns(tree: FlameTree, *, compared: bool) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "name": tree.name,
        "f": tree.frames,
        "d": tree.depths,
        "w": _rounded(tree.weights),
        "o": _rounded(tree.own),
    }
    if compared:
        columns |= {"b": _rounded(tree.base), "p": _rounded(tree.base_own), "t": tree_tones(tree)}
    return columns


def tree_tones(tree: FlameTree) -> list[int]:
    """The colour of each box of a comparison."""
    changes = [now - before for now, before in zip(tree.weights, tree.base, strict=True)]
    return tones(changes, max(tree.weights[0], tree.base[0]))


def _rounded(weights: Sequence[float]) -> list[float]:
    """Seven digits are more than any screen shows, and half the bytes."""
    rounded = (float(f"{weight:.7g}") for weight in weights)
    return [int(weight) if weight.is_integer() else weight for weight in rounded]


def _facts(facts: Sequence[Fact]) -> str:
    if not facts:
        return ""
    rows = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in facts)
    return f"<dl>{rows}</dl>\n"


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    return f'<ul class="rp-notes">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>\n'


def _legend() -> str:
    steps = "".join(
        f'<rect x="{14 * place}" y="0" width="14" height="12" fill="{tone}"></rect>'
        for place, tone in enumerate(TONES)
    )
    return (
        '<div class="rp-legend"><span>width: NEW; colour: shrank</span><span class="rp-scale">'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{14 * len(TONES)}" height="12" role="img" '
        f'aria-label="from blue, shrank, over grey to red, grew">{steps}</svg></span><span>grew</span></div>\n'
    )


def _vanished(graph: FlameGraph) -> str:
    if not graph.vanished:
        return ""
    rows = "".join(
        f'<tr><td class="rp-figure">{escape(amount(base, graph.unit))}</td><td>{escape(frame.function)}</td>'
        f"<td>{escape(frame.file)}</td></tr>"
        for frame, base in graph.vanished
    )
    return (
        f'<details open="open"><summary>vanished: {len(graph.vanished)} functions of BASE that are not in NEW, '
        f"by own weight</summary><table>{rows}</table></details>\n"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _asset(name: str) -> str:
    return resources.files("razorprof.render").joinpath(name).read_text("utf-8")
