"""Times that come again: weekdays, hours, days, months and years, as Alertmanager's time_intervals mean them.

Parsed by alerting.silences from the texts of a file. What is not given is no condition; ranges hold both of their
ends, except times of day, which hold their beginning only. Without a location, times are UTC.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from razorprof.errors import UsageError

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
LOCAL = "Local"
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_MONTH_OF_GO = 30  # what Alertmanager takes for the length of a month where it compares a beginning with an end


class Range(NamedTuple):
    first: int
    last: int

    def holds(self, value: int) -> bool:
        return self.first <= value <= self.last


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """times: minutes of the day, the last one not included; weekdays: 0 is Sunday; days: of the month, negative
    ones from its end; location: None for UTC, or the machine's own where is_local."""

    times: tuple[Range, ...] = ()
    weekdays: tuple[Range, ...] = ()
    days: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()
    location: ZoneInfo | None = None
    is_local: bool = False

    def contains(self, time: float) -> bool:
        """Whether a moment, Unix seconds, is in it."""
        zone: tzinfo = self.location or UTC
        moment = datetime.fromtimestamp(time).astimezone() if self.is_local else datetime.fromtimestamp(time, zone)
        minute = moment.hour * 60 + moment.minute
        return (
            (not self.times or any(begin <= minute < end for begin, end in self.times))
            and (not self.weekdays or any(days.holds(moment.isoweekday() % 7) for days in self.weekdays))
            and (not self.days or any(_holds_day(days, moment) for days in self.days))
            and (not self.months or any(months.holds(moment.month) for months in self.months))
            and (not self.years or any(years.holds(moment.year) for years in self.years))
        )


def parse_times(start: str, end: str) -> Range:
    """Minutes of the day from HH:MM and HH:MM, up to 24:00. Raises UsageError."""
    begin, finish = _minute(start), _minute(end)
    if begin >= finish:
        hint = "over midnight it takes two: up to 24:00 and from 00:00"
        raise UsageError("the start is not before the end", value=f"{start} to {end}", hint=hint)
    return Range(begin, finish)


def parse_weekdays(text: str) -> Range:
    """`monday` or `monday:friday`; a week begins with sunday. Raises UsageError."""

    def number(name: str) -> int:
        if name not in WEEKDAYS:
            raise UsageError("not a weekday", value=name, hint=", ".join(WEEKDAYS))
        return WEEKDAYS.index(name)

    return _range(text.lower(), number, "a week begins with sunday: it may take two ranges")


def parse_days(text: str) -> Range:
    """`1`, `1:5` or `-3:-1`: days of the month. Raises UsageError."""

    def number(day: str) -> int:
        found = _whole(day)
        if found == 0 or not -31 <= found <= 31:
            raise UsageError("not a day of a month", value=day, hint="1 to 31, or -1 (the last) to -31")
        return found

    first, last = (number(part.strip()) for part in _parts(text))
    if first < 0 < last:
        raise UsageError("the end is counted from another side than the start", value=text, hint="write -3:-1")
    if (first if first > 0 else _MONTH_OF_GO + first) > (last if last > 0 else _MONTH_OF_GO + last):
        raise UsageError("the end is before the start", value=text)
    return Range(first, last)


def parse_months(text: str) -> Range:
    """`may`, `5`, `january:march`. Raises UsageError."""

    def number(name: str) -> int:
        if name in MONTHS:
            return MONTHS.index(name) + 1
        if not _NUMBER.fullmatch(name) or not 1 <= int(name) <= 12:
            raise UsageError("not a month", value=name, hint=f"1 to 12, or: {', '.join(MONTHS)}")
        return int(name)

    return _range(text.lower(), number, "over the end of the year it takes two ranges")


def parse_years(text: str) -> Range:
    """`2026` or `2026:2028`. Raises UsageError."""
    return _range(text, _whole, "write 2026:2028")


def parse_location(name: str) -> ZoneInfo | None:
    """A place of the IANA's time zone database, None for UTC. Raises UsageError."""
    if name in ("UTC", ""):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        hint = "write UTC, Local, or a name such as Europe/Berlin; is the package tzdata there?"
        raise UsageError("not a place with a time zone", value=name, hint=hint) from error


def _holds_day(days: Range, moment: datetime) -> bool:
    length = monthrange(moment.year, moment.month)[1]
    first, last = (day if day > 0 else length + day + 1 for day in days)
    return first <= moment.day <= min(last, length)


def _minute(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise UsageError("not a time of day", value=text, hint="write HH:MM, from 00:00 to 24:00, in quotes")
    return int(found[1]) * 60 + int(found[2]) if found[1] else 24 * 60


def _range(text: str, number: Callable[[str], int], hint: str) -> Range:
    first, last = (number(part.strip()) for part in _parts(text))
    if first > last:
        raise UsageError("the end is before the start", value=text, hint=hint)
    return Range(first, last)


def _parts(text: str) -> tuple[str, str]:
    first, colon, last = text.partition(":")
    return first, last if colon else first


def _whole(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise UsageError("not a whole number", value=text)
    return int(text)
