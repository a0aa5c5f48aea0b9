"""What can go wrong for a user, each with its exit code and its remedy.

Raise one of these for anything that a user can cause or mend; let bugs be bugs. The CLI's edge is the only
place that prints them: one line ``razorprof: WHAT (VALUE)``, one line ``hint: WHAT TO DO``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, ClassVar


class ExitCode(IntEnum):
    """The exit codes that users' scripts depend on."""

    DONE = 0
    FINDING = 1
    USAGE = 2
    NO_TARGET = 3
    NO_PERMISSION = 4
    NOT_SUPPORTED = 5
    TOOL_FAILED = 6
    INTERRUPTED = 130
    TERMINATED = 143


class RazorprofError(Exception):
    """The base of all errors with a remedy.

    `message` says what went wrong, `value` is the offending value (untrusted text: escaped where it is
    printed), `hint` says what to do about it.
    """

    code: ClassVar[ExitCode] = ExitCode.TOOL_FAILED
    name: ClassVar[str] = "error"

    def __init__(self, message: str, *, value: object = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.value = None if value is None else str(value)
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.value is None else f"{self.message} ({self.value})"

    def as_json(self) -> dict[str, Any]:
        """The `error` object of CONTRACT's JSON errors."""
        return {"code": int(self.code), "name": self.name, "message": str(self), "hint": self.hint}


class UsageError(RazorprofError):
    """An argument, expression, interval or settings file that cannot be meant."""

    code = ExitCode.USAGE
    name = "usage"


class TargetNotFound(RazorprofError):
    """No process matches the selector."""

    code = ExitCode.NO_TARGET
    name = "target_not_found"


class TargetGone(RazorprofError):
    """The process ended, or its pid now belongs to another one."""

    code = ExitCode.NO_TARGET
    name = "target_gone"


class AmbiguousTarget(RazorprofError):
    """Several processes match where one is wanted. `candidates` are their descriptions, one each."""

    code = ExitCode.NO_TARGET
    name = "ambiguous_target"

    def __init__(
        self, message: str, *, candidates: Sequence[dict[str, Any]], value: object = None, hint: str = ""
    ) -> None:
        super().__init__(message, value=value, hint=hint)
        self.candidates = tuple(candidates)

    def as_json(self) -> dict[str, Any]:
        return {**super().as_json(), "candidates": list(self.candidates)}


class PermissionDenied(RazorprofError):
    """The kernel does not let us look into the process."""

    code = ExitCode.NO_PERMISSION
    name = "permission_denied"


class NotSupported(RazorprofError):
    """The runtime, version, platform or feature is not one that we can serve."""

    code = ExitCode.NOT_SUPPORTED
    name = "not_supported"


class ToolFailed(RazorprofError):
    """A tool, file or peer failed or could not be read."""

    code = ExitCode.TOOL_FAILED
    name = "tool_failed"


class TimedOut(ToolFailed):
    """A tool, read or peer did not answer in time."""

    name = "timed_out"


class Unsafe(ToolFailed):
    """Going on could harm the target or its neighbours, and `--force` was not given."""

    name = "unsafe"
