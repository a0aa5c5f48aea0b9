"""The stack window: the last seconds of sampled stacks of one target, and profiles out of them.

Fed by the pipeline with each scrape that carries stacks; asked by the view. It knows no clock: time comes
with what is added. One writer; `profile` may be called from other threads (it works on an immutable tuple).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from razorprof.model.frame import SamplingReport, StackSample
from razorprof.model.profile import Profile, from_stacks, merge


@dataclass(frozen=True, slots=True)
class _Batch:
    end: float
    profile: Profile


class StackWindow:
    """Keeps batches for `keep` seconds; a profile covers the last `width` seconds unless told otherwise."""

    def __init__(self, *, width: float = 10.0, keep: float = 60.0) -> None:
        self.width = width
        self._keep = keep
        self._batches: tuple[_Batch, ...] = ()
        self._merged: dict[tuple[float, float], Profile] = {}

    def add(self, stacks: Sequence[StackSample], report: SamplingReport) -> None:
        """One window of the feed as a batch; it ended at report.start + report.seconds."""
        profile = replace(
            from_stacks(stacks, report.seconds),
            samples=report.samples,
            errors=report.errors,
            rate_hz=report.rate_hz,
            mode=report.mode,
        )
        end = report.start + report.seconds
        kept = tuple(b for b in self._batches if b.end > end - self._keep)
        self._batches = (*kept, _Batch(end, profile))
        self._merged = {}

    @property
    def end(self) -> float | None:
        """When the newest batch ended, Unix seconds."""
        return self._batches[-1].end if self._batches else None

    def profile(self, seconds: float | None = None) -> Profile:
        """The batches that ended within the last `seconds` (default: the width) before the newest one's end."""
        batches, merged = self._batches, self._merged
        if not batches:
            return Profile()
        width, newest = seconds or self.width, batches[-1].end
        found = merged.get((width, newest))
        if found is None:
            # A batch counts when at least half of it lies inside: batches are short against the window.
            found = merge(b.profile for b in batches if b.end - b.profile.seconds / 2 > newest - width)
            merged[width, newest] = found
        return found
