"""The figures that advice quotes, each named as its metric, with its unit and quality; and the commands to look
again. Called by the other advice modules."""

from __future__ import annotations

from razorprof.analysis.advice_observation import Collector, Observation
from razorprof.model.advice import AdviceFigure
from razorprof.model.metric import Quality


def exact(name: str, value: float, unit: str = "") -> AdviceFigure:
    """A figure that was read, not estimated."""
    return AdviceFigure(name, float(value), unit, Quality.EXACT)


def sampled(name: str, value: float, unit: str = "") -> AdviceFigure:
    """A figure that rests on some dozen looks a second."""
    return AdviceFigure(name, float(value), unit, Quality.SAMPLED)


def gc_time(collector: Collector, seconds: float) -> AdviceFigure:
    """Time in the collector as a share of wall time: estimated below Python 3.15."""
    ratio = min(1.0, (collector.seconds or 0.0) / seconds)
    return AdviceFigure("rate(python_gc_seconds_total)", ratio, "ratio", collector.quality)


def collections_rate(collector: Collector, generation: int, seconds: float) -> AdviceFigure:
    """Collections of a generation a second."""
    name = f'rate(python_gc_collections_total{{generation="{generation}"}})'
    return exact(name, collector.collections(generation) / seconds, "per_second")


def watch_gc(seen: Observation) -> str:
    """The command that shows the collector's counts and its share of time again."""
    return f"razorprof gc {seen.pid} --watch"


def advise_again(seen: Observation) -> str:
    """The command that repeats this whole look."""
    return f"razorprof gc {seen.pid} --advise -d {max(10, round(seen.seconds))}"


def watch_metrics(seen: Observation) -> str:
    """The command that prints every metric again and again."""
    return f"razorprof top {seen.pid} --json -n 30"
