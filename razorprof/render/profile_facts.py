"""What a profile says of itself, as labelled words: of whom, when, how it was taken, how far to trust it.

For the head of flame graphs, reports and the viewer. Everything that came from a target is made printable here;
who writes HTML escapes it all the same.
"""

from __future__ import annotations

from datetime import UTC, datetime

from razorprof.model.profile import Origin, Profile
from razorprof.render import figures
from razorprof.render.text import cut_middle, printable

Fact = tuple[str, str]  # label, value
_MOST_NOTES = 20
_LONGEST = 240
_LAST_TIME = 253_402_300_799.0  # the end of the year 9999: datetime knows no later one


def profile_facts(profile: Profile) -> list[Fact]:
    """In the order a reader asks: whose, when, how much, how. What is not known is left out."""
    facts = [] if profile.origin is None else _origin(profile.origin)
    if profile.start is not None and 0 < profile.start < _LAST_TIME:
        facts.append(("taken", f"{datetime.fromtimestamp(profile.start, UTC):%Y-%m-%d %H:%M:%S} UTC"))
    what = f" of {_short(profile.value)}" if profile.value else ""
    window = f" in {figures.duration(profile.seconds)}" if profile.seconds else ""
    whole = ", a complete run" if profile.complete else ""
    facts.append(("total", f"{amount(profile.total, profile.unit)}{what}{window}{whole}"))
    looks = f" in {profile.rounds} looks" if profile.rounds is not None else ""
    facts.append(("samples", f"{profile.samples}{looks}, {_plural(profile.errors, 'error')}"))
    how = [_short(profile.mode)] if profile.mode else []
    if profile.rate_hz:
        how.append(f"{profile.rate_hz:g} Hz")
    if profile.mode or profile.stopped_seconds:
        share = profile.stopped_seconds / profile.seconds if profile.seconds > 0 else None
        how.append(f"target stopped {figures.percent(share, 2)} of the time")
    if how:
        facts.append(("how", ", ".join(how)))
    return facts


def profile_notes(profile: Profile) -> list[str]:
    """What a reader must know to trust the figures."""
    notes = [_short(note) for note in profile.notes[:_MOST_NOTES]]
    left = len(profile.notes) - len(notes)
    return [*notes, f"and {left} more notes"] if left > 0 else notes


def amount(weight: float, unit: str) -> str:
    """A weight as people read it. unit: a profile's, or "share" of 0..1."""
    if unit == "seconds":
        return figures.duration(weight)
    if unit == "share":
        return figures.percent(weight, 2)
    return figures.size(weight) if unit == "bytes" else figures.count(weight)


def _origin(origin: Origin) -> list[Fact]:
    name = _short(origin.name) or "unnamed"
    runtime = " ".join(filter(None, (_short(origin.runtime), _short(origin.version))))
    who = f"{name} (pid {origin.pid})" if origin.pid else name
    facts = [("process", ", ".join(filter(None, (who, runtime))))]
    if origin.host:
        facts.append(("host", _short(origin.host)))
    if origin.command:
        facts.append(("command", _short(origin.command)))
    return facts


def _short(text: str) -> str:
    return cut_middle(printable(text), _LONGEST)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
