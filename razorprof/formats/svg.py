"""SVG flame graphs: a picture for whatever shows SVG, interactive in a browser. Only written.

The document is made by render.flame_svg. `write_diff` draws a comparison: the command `diff` asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from razorprof.analysis.compare_tree import DiffNode
from razorprof.errors import NotSupported
from razorprof.model.profile import Profile
from razorprof.render.flame_graph import flame_graph, flame_graph_of_difference
from razorprof.render.flame_svg import flame_svg


class Svg:
    """The format plug-in."""

    name: ClassVar[str] = "svg"
    endings: ClassVar[tuple[str, ...]] = (".svg",)
    can_read: ClassVar[bool] = False

    def recognises(self, start: bytes) -> bool:
        return b"<svg" in start[:512].lower()

    def write(self, profile: Profile) -> bytes:
        """The document."""
        return flame_svg(flame_graph(profile)).encode()

    def write_diff(self, root: DiffNode, title: str, *, unit: str = "share", notes: Sequence[str] = ()) -> bytes:
        """The document of a comparison. unit: that of the tree's weights, or "share"."""
        return flame_svg(flame_graph_of_difference(root, title, unit=unit, notes=notes)).encode()

    def read(self, content: bytes) -> Profile:
        raise NotSupported(
            "an SVG flame graph is only written",
            hint="open it in a browser; show and diff want the profile itself",
        )
