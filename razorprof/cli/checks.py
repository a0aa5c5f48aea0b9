"""One thing that doctor looked at, and what all of them come to. The looking is host_checks and target_checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from razorprof.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Check:
    """ok: True is fine, False is a failure, None is neither (cannot be told, or matters to few).

    detail: what was found (may hold untrusted text). fix: the exact command or setting that mends it.
    blocks: the exit code that this failure means for the whole, None where the rest still works.
    """

    name: str
    ok: bool | None
    detail: str
    fix: str = ""
    blocks: ExitCode | None = None

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "ok": self.ok, "detail": self.detail, "fix": self.fix or None}


def judge(checks: Iterable[Check]) -> tuple[str, ExitCode]:
    """(verdict, exit code): blocked by the first failure that blocks, else limited by any, else ok."""
    failed = [check for check in checks if check.ok is False]
    for check in failed:
        if check.blocks is not None:
            return "blocked", check.blocks
    return ("limited" if failed else "ok"), ExitCode.DONE
