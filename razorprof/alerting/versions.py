"""Versions of Prometheus that a rule file may have to please, and since when servers know what files may say."""

from __future__ import annotations

import re
from typing import NamedTuple

from razorprof.errors import UsageError

_ANY = 9999  # the newest minor version
_VERSION = re.compile(r"v?(\d{1,4})(?:\.(\d{1,4}))?(?:\.\d{1,4})?", re.ASCII)


class Version(NamedTuple):
    """A release of Prometheus; patch releases add nothing to its files."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}" if self.minor < _ANY else f"{self.major}.x"


NEWEST = Version(3, _ANY)
KEEP_FIRING_FOR = Version(2, 42)
QUERY_OFFSET = Version(2, 53)
NUMBERS_AS_DURATIONS = Version(2, 54)
ELSE_WITH = Version(3, 0)  # of templates: the first release that was built with Go 1.23
GROUP_LABELS = Version(3, 0)
UTF8_NAMES = Version(3, 0)


def parse_version(text: str) -> Version:
    """``2.40``, ``v2.40.1`` or ``3`` (its newest). Raises UsageError."""
    found = _VERSION.fullmatch(text.strip())
    if found is None or not 2 <= int(found[1]) <= 3:
        raise UsageError("not a version of Prometheus", value=text, hint="write 2.40, 2.53 or 3.1")
    major = int(found[1])
    return Version(major, int(found[2]) if found[2] else _ANY)
