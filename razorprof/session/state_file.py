"""One JSON file that has to survive restarts: never half written, and set aside where it was damaged all the same.

For session.state_folder (alerts) and session.capture_ledger. What stands in it is checked by whoever reads it.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path
from typing import Any

from razorprof.errors import RazorprofError, UsageError
from razorprof.recording.output_files import write_whole

logger = logging.getLogger(__name__)

LARGEST = 32 << 20


def state_home() -> Path:
    """$XDG_STATE_HOME, or ~/.local/state. Raises UsageError where nobody has a home."""
    given = os.environ.get("XDG_STATE_HOME", "")
    try:  # the specification: a relative path is to be ignored
        return Path(given) if os.path.isabs(given) else Path.home() / ".local" / "state"
    except RuntimeError as error:
        raise UsageError(
            "no folder to keep the state in: there is no home", hint="choose a folder of your own with --state"
        ) from error


class StateFile:
    """A file in a folder that nobody else may write into."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Any | None:
        """What was written last; None where there is nothing. What is damaged is set aside, with a warning."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise ValueError("no regular file")
                content = file.read(LARGEST + 1)
            if len(content) > LARGEST:
                raise ValueError("too large")
            return json.loads(content)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            self.set_aside(str(error))
            return None

    def set_aside(self, why: str) -> None:
        """Keep what cannot be used under another name, for whoever wants to look at it."""
        logger.warning("the state in %s is damaged (%s): beginning anew", self.path, why)
        try:
            os.replace(self.path, self.path.with_name(self.path.name + ".damaged"))
        except OSError as error:
            logger.warning("the damaged state could not be set aside: %s", error.strerror)

    def write(self, document: Any) -> str:
        """Write it as one piece. Why it could not be, empty where it worked."""
        try:
            content = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
            write_whole(self.path, content, force=True)
        except RazorprofError as error:
            return str(error)
        return ""
