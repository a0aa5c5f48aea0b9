"""HTML flame graphs: a page for a browser, self-contained, searchable and zoomable. Only written.

The page is made by render.flame_html. `write_diff` draws a comparison: the command `diff` asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from razorprof.analysis.compare_tree import DiffNode
from razorprof.errors import NotSupported
from razorprof.model.profile import Profile
from razorprof.render.flame_graph import flame_graph, flame_graph_of_difference
from razorprof.render.flame_html import flame_page


class Html:
    """The format plug-in."""

    name: ClassVar[str] = "html"
    endings: ClassVar[tuple[str, ...]] = (".html", ".htm")
    can_read: ClassVar[bool] = False

    def recognises(self, start: bytes) -> bool:
        return start.lstrip()[:15].lower() == b"<!doctype html>"

    def write(self, profile: Profile) -> bytes:
        """The page."""
        return flame_page(flame_graph(profile)).encode()

    def write_diff(self, root: DiffNode, title: str, *, unit: str = "share", notes: Sequence[str] = ()) -> bytes:
        """The page of a comparison. unit: that of the tree's weights, or "share"."""
        return flame_page(flame_graph_of_difference(root, title, unit=unit, notes=notes)).encode()

    def read(self, content: bytes) -> Profile:
        raise NotSupported(
            "an HTML flame graph is only written",
            hint="open it in a browser; show and diff want the profile itself",
        )
