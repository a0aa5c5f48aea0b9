"""The GC screen. Its histories are read here, when it is on the screen: nothing of them costs while it is not."""

from __future__ import annotations

from rich.text import Text

from razorprof.model.target import Identity
from razorprof.render.garbage import gc_lines
from razorprof.render.garbage_history import GarbageHistory
from razorprof.render.trace import EMPTY, Trace, level_trace, rate_trace
from razorprof.session.gc_series import GC_QUALITIES
from razorprof.session.view import View
from razorprof.tui.pages import PagePane
from razorprof.tui.scene import Scene

_GENERATIONS = range(3)
_FRAME = 4  # lines of the screen that are not the pane's: title, verdict, tabs, footer
_MOST_INTERPRETERS = 8


class GcPane(PagePane):
    """Generations, collections over time, memory around full ones, pauses, and who holds the GIL."""

    def __init__(self) -> None:
        super().__init__()
        self._bounds: dict[Identity, frozenset[str]] = {}  # of the pauses: a gone target no longer lists them

    def lines_of(self, scene: Scene) -> list[Text]:
        identity = scene.snapshot.target.identity
        bounds = pause_bounds(scene.collector.view, identity) or self._bounds.get(identity, frozenset())
        self._bounds[identity] = bounds
        past = garbage_history(scene, bounds)
        height = scene.height - _FRAME
        return gc_lines(scene.snapshot, past, scene.width, height, scene.palette, scene.mark)


def pause_bounds(view: View, target: Identity) -> frozenset[str]:
    """The upper bounds of the histogram of pauses; none where the target's Python keeps no lengths."""
    name = "python_gc_pause_seconds_bucket"
    return frozenset(labels["le"] for found, labels, _ in view.series_of(target) if found == name)


def garbage_history(scene: Scene, bounds: frozenset[str]) -> GarbageHistory:
    """The collector's series over the snapshot's window; of a target that is gone, over the end of its life."""
    snapshot = scene.snapshot
    view, identity = scene.collector.view, snapshot.target.identity
    seconds = snapshot.window + max(0.0, scene.state.time - snapshot.end)

    def read(name: str, **labels: str) -> Trace:
        return level_trace(view.history(identity, name, seconds=seconds, **labels))

    def of_generations(name: str) -> dict[int, Trace]:
        read_ones = {number: read(name, generation=str(number)) for number in _GENERATIONS}
        return {number: trace for number, trace in read_ones.items() if len(trace.values)}

    interpreters = snapshot.gc.interpreters[:_MOST_INTERPRETERS] if snapshot.gc is not None else ()
    rates = {
        (one.id, number): rate_trace(
            view.history(
                identity,
                "python_interpreter_gc_collections_total",
                seconds=seconds,
                interpreter=str(one.id),
                generation=str(number),
            )
        )
        for one in interpreters
        for number in _GENERATIONS
        if len(interpreters) > 1
    }
    spent = (read("python_gc_seconds_total", quality=quality) for quality in GC_QUALITIES)
    return GarbageHistory(
        collections=of_generations("python_gc_collections_total"),
        collected=of_generations("python_gc_objects_collected_total"),
        rates=rates,
        seconds=next((trace for trace in spent if len(trace.values)), EMPTY),
        resident=read("process_resident_memory_bytes"),
        arenas=read("python_arena_bytes"),
        pauses={float(bound): read("python_gc_pause_seconds_bucket", le=bound) for bound in bounds},
    )
