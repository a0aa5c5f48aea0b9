"""Go's time.Time, time.Duration, time.Month and time.Weekday, as far as templates see them. Always UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAYOUT = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|002|0[1-6]|15|PM|pm|__2|_2(?!006)|[1-5]"
    r"|[Z-]07(?::00:00|0000|:00|00)?|[.,](?:0+|9+)(?!\d)"
)
_LARGEST = (1 << 63) - 1
_SMALLEST = -(1 << 63)


class Month(int):
    """1 is January."""

    def __str__(self) -> str:
        return _MONTHS[self - 1]


class Weekday(int):
    """0 is Sunday."""

    def __str__(self) -> str:
        return _WEEKDAYS[self]


@dataclass(frozen=True, slots=True)
class Duration:
    """Nanoseconds, within 64 bits."""

    nanos: int

    def __str__(self) -> str:
        if self.nanos == 0:
            return "0s"
        sign, left = ("-", -self.nanos) if self.nanos < 0 else ("", self.nanos)
        for unit, size in (("ns", 1), ("µs", 1000), ("ms", 1_000_000)):
            if left < size * 1000:
                return f"{sign}{_decimal(left, size)}{unit}"
        minutes, rest = divmod(left, 60_000_000_000)
        text = f"{_decimal(rest, 1_000_000_000)}s"
        if minutes:
            hours, minutes = divmod(minutes, 60)
            text = f"{minutes}m{text}"
            text = f"{hours}h{text}" if hours else text
        return sign + text

    def seconds(self) -> float:
        whole, rest = _split(self.nanos, 1_000_000_000)
        return whole + rest / 1e9

    def minutes(self) -> float:
        whole, rest = _split(self.nanos, 60_000_000_000)
        return whole + rest / 60e9

    def hours(self) -> float:
        whole, rest = _split(self.nanos, 3_600_000_000_000)
        return whole + rest / 3600e9


@dataclass(frozen=True, slots=True)
class Time:
    """Nanoseconds since 1970, within 64 bits: the years 1677 to 2262."""

    nanos: int

    def __str__(self) -> str:
        return self.format("2006-01-02 15:04:05.999999999 -0700 MST")

    def moment(self) -> datetime:
        """To the microsecond."""
        return _EPOCH + timedelta(microseconds=self.nanos // 1000)

    def unix(self) -> int:
        return self.nanos // 1_000_000_000

    def unix_millis(self) -> int:
        return self.nanos // 1_000_000

    def add(self, duration: Duration) -> Time:
        return Time(max(_SMALLEST, min(_LARGEST, self.nanos + duration.nanos)))

    def since(self, other: Time) -> Duration:
        return Duration(max(_SMALLEST, min(_LARGEST, self.nanos - other.nanos)))

    def format(self, layout: str) -> str:
        """As the layout writes Mon Jan 2 15:04:05 MST 2006."""
        moment, fraction = self.moment(), self.nanos % 1_000_000_000
        return _LAYOUT.sub(lambda found: _written(found[0], moment, fraction), layout)


def _written(part: str, moment: datetime, fraction: int) -> str:
    hour = moment.hour % 12 or 12
    month, weekday = str(Month(moment.month)), str(Weekday(moment.isoweekday() % 7))
    match part:
        case "January":
            return month
        case "Jan":
            return month[:3]
        case "Monday":
            return weekday
        case "Mon":
            return weekday[:3]
        case "MST":
            return "UTC"
        case "2006":
            return f"{moment.year:04d}"
        case "06":
            return f"{moment.year % 100:02d}"
        case "01":
            return f"{moment.month:02d}"
        case "1":
            return str(moment.month)
        case "02":
            return f"{moment.day:02d}"
        case "_2":
            return f"{moment.day:2d}"
        case "2":
            return str(moment.day)
        case "002":
            return f"{moment.timetuple().tm_yday:03d}"
        case "__2":
            return f"{moment.timetuple().tm_yday:3d}"
        case "15":
            return f"{moment.hour:02d}"
        case "03":
            return f"{hour:02d}"
        case "3":
            return str(hour)
        case "04":
            return f"{moment.minute:02d}"
        case "4":
            return str(moment.minute)
        case "05":
            return f"{moment.second:02d}"
        case "5":
            return str(moment.second)
        case "PM" | "pm":
            return ("PM" if moment.hour >= 12 else "AM") if part == "PM" else ("pm" if moment.hour >= 12 else "am")
    if part[0] == "Z":
        return "Z"
    if part[0] == "-":
        return "+00" + re.sub(r"\d", "0", part[3:])
    return _fraction(part, fraction)


def _fraction(part: str, nanos: int) -> str:
    """.000 keeps its digits, .999 drops zeros at the end."""
    digits = f"{nanos:09d}"[: len(part) - 1].ljust(len(part) - 1, "0")
    if part[1] == "9":
        digits = digits.rstrip("0")
    return part[0] + digits if digits else ""


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    digits = f"{rest:0{len(str(size)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


def _split(value: int, size: int) -> tuple[int, int]:
    """Quotient and rest, both towards zero."""
    whole, rest = divmod(abs(value), size)
    return (-whole, -rest) if value < 0 else (whole, rest)
