"""What is wrong with a file of rules, captures or tests, each with its line. Made by whoever reads such a file.

Readers collect problems instead of stopping at the first one; `rules check` prints them all, everybody else makes
one error of them (`refuse`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from razorprof.errors import NotSupported, UsageError


class ProblemKind(StrEnum):
    """How bad it is: the file's own program refuses it; it is fine there but not supported here; it is taken, but
    hardly meant."""

    ERROR = "error"
    UNSUPPORTED = "unsupported"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """line: where it stands, from 1, or 0 where it concerns the whole file; message may hold untrusted text."""

    line: int
    message: str
    hint: str = ""
    kind: ProblemKind = ProblemKind.ERROR

    def at(self, path: object) -> str:
        """FILE:LINE: MESSAGE, without a line where there is none."""
        place = f"{path}:{self.line}" if self.line else str(path)
        return f"{place}: {self.message}"


def refuse(problems: Sequence[Problem], path: object, what: str) -> None:
    """Raise the first of the problems that are no warnings, and say how many more there are: UsageError, or
    NotSupported where razorprof is all that refuses. what: "rule file"."""
    errors = [problem for problem in problems if problem.kind is ProblemKind.ERROR]
    unsupported = [problem for problem in problems if problem.kind is ProblemKind.UNSUPPORTED]
    serious = errors + unsupported
    if not serious:
        return
    first = serious[0]
    more = f"and {len(serious) - 1} more" if len(serious) > 1 else ""
    hint = "; ".join(part for part in (first.hint, more) if part)
    if errors:
        raise UsageError(f"bad {what}", value=first.at(path), hint=hint)
    raise NotSupported(f"{what} with what razorprof does not support", value=first.at(path), hint=hint)
