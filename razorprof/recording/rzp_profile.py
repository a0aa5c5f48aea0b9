"""Stacks of a recording as a profile: of one target or of all, of any window. For rzp_reader and rzp_summary.

Every batch of the stack feed is a window of a second or two, weighed by its own report; together they are blocks,
as the command cpu makes them, so that a difference of two windows can be told from chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from razorprof.model.frame import SamplingReport
from razorprof.model.profile import Block, Origin, Profile, StackKey
from razorprof.model.scrape import Scrape

_MOST_BLOCKS = 600
_LOW_COVERAGE = 0.9


class StackCollector:
    """Takes scrapes in their order. start, end: Unix seconds; a batch counts when its middle lies within."""

    def __init__(self, start: float, end: float) -> None:
        self._start, self._end = start, end
        self._blocks: list[Block] = []
        self._reports: list[SamplingReport] = []

    def take(self, scrape: Scrape) -> None:
        """The stacks of a scrape, where it has some."""
        report = next((one for one in scrape.structures if isinstance(one, SamplingReport)), None)
        if report is None or not self._start <= report.start + report.seconds / 2 <= self._end:
            return
        weights: dict[StackKey, float] = defaultdict(float)
        for sample in scrape.stacks:
            weights[StackKey(sample.thread, sample.stack)] += sample.weight
        self._reports.append(report)
        self._blocks.append(Block(report.start, report.seconds, dict(weights), report.samples))
        if len(self._blocks) >= 2 * _MOST_BLOCKS:  # hours: seconds become minutes
            self._blocks = [_join(self._blocks[at : at + 2]) for at in range(0, len(self._blocks), 2)]

    def profile(self, origin: Origin | None = None) -> Profile:
        """What was taken so far."""
        reports = self._reports
        if not reports:
            return Profile(value="cpu", origin=origin)
        weights: dict[StackKey, float] = defaultdict(float)
        for block in self._blocks:
            for key, weight in block.weights.items():
                weights[key] += weight
        newest = reports[-1]
        return Profile(
            dict(weights),
            seconds=sum(report.seconds for report in reports),
            samples=sum(report.samples for report in reports),
            errors=sum(report.errors for report in reports),
            rate_hz=newest.rate_hz,
            mode=newest.mode,
            value="gil" if newest.mode.endswith("gil") else "cpu",
            start=reports[0].start,
            blocks=tuple(self._blocks),
            rounds=sum(report.rounds for report in reports),
            stopped_seconds=sum(report.stopped_seconds for report in reports),
            origin=origin,
            notes=tuple(self._notes()),
        )

    def _notes(self) -> list[str]:
        first, last = self._reports[0], self._reports[-1]
        whole = last.start + last.seconds - first.start
        covered = sum(report.seconds for report in self._reports)
        notes = ["out of a recording: stacks were sampled all the time, a few may be torn"]
        if covered < _LOW_COVERAGE * whole:
            notes.append(f"{covered:.2f} s of {whole:.2f} s were covered; nobody looked in the rest")
        if len({report.mode for report in self._reports}) > 1:
            alone = sum(report.seconds for report in self._reports if report.mode.endswith("gil"))
            notes.append(f"in {alone:.1f} s of it only the thread that holds the GIL was looked at")
        rates = {report.rate_hz for report in self._reports}
        if len(rates) > 1:
            notes.append(f"the rate changed between {min(rates):g} and {max(rates):g} Hz")
        return notes


def _join(blocks: Sequence[Block]) -> Block:
    weights: dict[StackKey, float] = defaultdict(float)
    for block in blocks:
        for key, weight in block.weights.items():
            weights[key] += weight
    return Block(
        blocks[0].start,
        sum(block.seconds for block in blocks),
        dict(weights),
        sum(block.samples for block in blocks),
    )
