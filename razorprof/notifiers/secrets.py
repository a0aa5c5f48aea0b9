"""Secrets of notifiers: out of a file or an environment variable, never out of an argument or a URL.

Read anew for each use, so that a token that is renewed in its file needs no restart.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from razorprof.errors import ToolFailed, UsageError
from razorprof.render.text import printable

logger = logging.getLogger(__name__)

_LONGEST = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Secret:
    """option: the one that names the place; is_file: whether the place is a path, or a variable's name."""

    option: str
    place: str
    is_file: bool

    def read(self) -> str:
        """One line of printable ASCII. Raises ToolFailed: it may be there another time."""
        content = (
            _content(self.option, self.place)
            if self.is_file
            else os.environ.get(self.place, "").encode("utf-8", "replace")
        )
        secret = content.strip()
        if not secret or not all(0x20 <= byte < 0x7F for byte in secret):
            what = "the file holds no secret" if self.is_file else "the environment variable holds no secret"
            raise ToolFailed(f"{self.option}: {what}", value=self.place, hint="one line of printable ASCII")
        return secret.decode("ascii")


def find_secret(options: Mapping[str, str], name: str) -> Secret | None:
    """The secret that NAME_file or NAME_env names, None where neither is given. Raises UsageError where both are,
    or where there is nothing to read; a file that others may read is warned of."""
    given = [option for option in (f"{name}_file", f"{name}_env") if option in options]
    if len(given) > 1:
        raise UsageError("two places for one secret", value=" and ".join(given), hint="give one of them")
    if not given:
        return None
    secret = Secret(given[0], options[given[0]], given[0].endswith("_file"))
    try:
        secret.read()
    except ToolFailed as error:
        raise UsageError(error.message, value=error.value, hint=error.hint) from error
    if secret.is_file:
        warn_if_shared(secret.option, secret.place)
    return secret


def warn_if_shared(option: str, path: str) -> None:
    """Warn where others may read a file that holds a secret."""
    with contextlib.suppress(OSError):
        if os.stat(path).st_mode & _OTHERS:
            logger.warning("%s: others may read %s; chmod 600 makes it yours alone", option, printable(path))


def _content(option: str, path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ToolFailed(f"{option}: no regular file", value=path)
            content = file.read(_LONGEST + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ToolFailed(f"{option}: the secret cannot be read", value=f"{path}: {why}") from error
    if len(content) > _LONGEST:
        raise ToolFailed(f"{option}: too large for a secret", value=path, hint=f"at most {_LONGEST} bytes")
    return content
