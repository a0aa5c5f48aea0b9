"""A spike in words: which figure, how high, and how many times its median that is."""

from __future__ import annotations

from razorprof.analysis.spikes import Spike
from razorprof.render import figures
from razorprof.render.catalog import Figure

_MOST = 100.0  # times the median; more says no more than "from nothing"


def spike_words(figure: Figure, spike: Spike) -> str:
    """``CPU 97 %, 4.1 x its median`` or, where that is next to nothing, ``time in GC 40 %, from 0.1 %``."""
    head = f"{figure.label} {figure.show(spike.value)}"
    ratio = spike.ratio
    if ratio is None or ratio > _MOST:
        return f"{head}, from {figure.show(spike.usual)}"
    return f"{head}, {figures.times(ratio)} its median"
