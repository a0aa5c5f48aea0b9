"""Advice: what an expert would say from the figures in front of him, as values.

Made by analysis.advice, printed by the command line. The words are our own: no text of the target stands in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from razorprof.model.metric import Quality


class Confidence(StrEnum):
    """How sure a piece of advice is of its cause. high: the figures admit no other reading that we know of;
    medium: the likeliest of a few; low: worth a look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Better(StrEnum):
    """Which way a figure goes when the advice was right."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class AdviceFigure:
    """A figure that advice rests on. unit: seconds, bytes, ratio, per_second, or empty for a count."""

    name: str
    value: float
    unit: str
    quality: Quality


@dataclass(frozen=True, slots=True)
class Check:
    """How to see that it worked: look at `figure` with `command` again; it should be `better`, from `now`."""

    figure: AdviceFigure
    better: Better
    command: str


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice.

    name: stable, for scripts; title: what is the matter, one line; figures: what was seen; reasoning: why that
    matters; change: what to do; doubt: what else it could be, empty where nothing is known.
    """

    name: str
    title: str
    figures: tuple[AdviceFigure, ...]
    reasoning: str
    change: str
    check: Check
    confidence: Confidence
    doubt: str = ""

    @property
    def quality(self) -> Quality:
        """Of the weakest figure it rests on."""
        order = (Quality.EXACT, Quality.SAMPLED, Quality.ESTIMATED)
        return max((figure.quality for figure in self.figures), key=order.index, default=Quality.EXACT)
