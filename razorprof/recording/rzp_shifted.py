"""What a recording tells, at other times: of a host whose clock went otherwise. For recording.rzp_merged."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from razorprof.model.alert import Alert, AlertChange
from razorprof.model.frame import SamplingReport
from razorprof.model.profile import Profile
from razorprof.model.scrape import Ended, KernelState, Scrape, Structure, Tick
from razorprof.recording.rzp_values import Context, Cost, Item, Mark, StoredRow

T = TypeVar("T", bound=Item | Context)


def shifted(item: T, seconds: float) -> T:
    """The same so many seconds later."""
    if not seconds:
        return item
    match item:
        case Scrape():
            structures = tuple(_structure(one, seconds) for one in item.structures)
            return replace(item, time=item.time + seconds, structures=structures)
        case Ended() | Tick() | Mark() | Cost() | StoredRow():
            return replace(item, time=item.time + seconds)
        case AlertChange():
            return replace(item, time=item.time + seconds, alert=_alert(item.alert, seconds))
        case _:
            return item


def shifted_profile(profile: Profile, seconds: float) -> Profile:
    """The same of a profile."""
    if not seconds or profile.start is None:
        return profile
    blocks = tuple(replace(block, start=block.start + seconds) for block in profile.blocks)
    return replace(profile, start=profile.start + seconds, blocks=blocks)


def _structure(structure: Structure, seconds: float) -> Structure:
    match structure:
        case SamplingReport():
            return replace(structure, start=structure.start + seconds)
        case KernelState():
            return structure
        case _:
            return replace(structure, time=structure.time + seconds)


def _alert(alert: Alert, seconds: float) -> Alert:
    def later(time: float | None) -> float | None:
        return None if time is None else time + seconds

    return replace(
        alert,
        active_at=alert.active_at + seconds,
        fired_at=later(alert.fired_at),
        resolved_at=later(alert.resolved_at),
        keep_firing_since=later(alert.keep_firing_since),
        evaluated=alert.evaluated + seconds,
    )
