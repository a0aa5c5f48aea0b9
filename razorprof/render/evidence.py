"""On what the shares of functions rest, in a few words: for the rule above every table of functions."""

from __future__ import annotations

from razorprof.render import figures
from razorprof.render.snapshot import Mark, Snapshot


def window_note(snapshot: Snapshot, mark: Mark | None) -> str:
    """On what the shares of functions rest: how long a window, how many looks, how old, since which mark."""
    if snapshot.stack_reason and not snapshot.profile.weights:
        return ""
    parts = [f"{figures.span(round(snapshot.profile.seconds, 1))} window"] if snapshot.profile.seconds else []
    if snapshot.profile.samples:
        parts.append(f"{figures.count(snapshot.profile.samples)} samples")
    if snapshot.sampling is not None:
        age = max(0.0, snapshot.end - snapshot.sampling.start - snapshot.sampling.seconds)
        parts.append(f"{age:.1f} s old")
    if mark is not None:
        parts.append(f"Δ since {figures.duration(max(1.0, snapshot.end - mark.time))} ago")
    return ", ".join(parts)
