"""The panel "pauses": the newest pauses of a collector, a bar each. A whole plug-in for razorprof."""

from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text

from razorprof.model.gc import GcState
from razorprof.plugin.panels import PanelSize, PanelView
from razorprof.render.figures import duration

_LABEL = 24  # cells before a bar


class Pauses:
    name: ClassVar[str] = "pauses"
    title: ClassVar[str] = "newest pauses of the collector"
    needs: ClassVar[tuple[str, ...]] = ()

    def render(self, view: PanelView, size: PanelSize) -> RenderableType:
        state = view.structure(GcState)
        pauses = [pause for one in state.collectors for pause in one.pauses] if state is not None else []
        if not pauses:
            return "this runtime tells of no single pauses"
        newest = sorted(pauses, key=lambda pause: -pause.end)[: size.height]
        longest = max(pause.seconds for pause in newest) or 1.0
        room = max(1, size.width - _LABEL)
        lines = [
            f"{duration(view.time - pause.end):>9} ago {duration(pause.seconds):>9} "
            + "█" * max(1, round(room * pause.seconds / longest))
            for pause in newest
        ]
        return Text("\n".join(lines), no_wrap=True)
