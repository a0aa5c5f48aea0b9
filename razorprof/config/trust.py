"""Files that steer what razorprof does with the rights of its user: refused where others may write them.

For settings, rule files, action files and silences. Not for data.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from razorprof.errors import UsageError


def refuse_untrusted(path: Path, what: str) -> None:
    """Raise UsageError where the file cannot be looked at, or others than its owner, who is us or root, may write
    it. what: as in "the rule file"."""
    try:
        status = path.stat()
    except OSError as error:
        raise UsageError(f"{what} cannot be read", value=path, hint=str(error.strerror)) from error
    refuse_if_others_may_write(status, path, what)


def refuse_if_others_may_write(status: os.stat_result, path: Path, what: str) -> None:
    """The same for a file that is open. Raises UsageError."""
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            f"{what} may be written by others",
            value=path,
            hint=f"chown it to yourself and: chmod go-w {path}",
        )
