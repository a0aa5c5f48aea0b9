"""Tells a command of the user's of alerts, one at a time: what there is to know is in its environment, and as JSON
on its stdin. Never through a shell.

It told them if its exit code is 0; otherwise it is tried again later.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from typing import ClassVar

from razorprof.clock import Clock
from razorprof.errors import RazorprofError, TimedOut, ToolFailed, UsageError
from razorprof.model.notice import Notice
from razorprof.notifiers.payload import clean, fingerprint, timestamp, webhook_payload
from razorprof.plugin.notifiers import PartlyTold
from razorprof.profilers.user_command import command_environment, run_command
from razorprof.render.text import printable

logger = logging.getLogger(__name__)

_MOST_OUTPUT = 4096
_MOST_ANNOTATIONS = 64


class CommandNotifier:
    """The notifier."""

    name: ClassVar[str] = "command"
    options: ClassVar[Mapping[str, str]] = {
        "argv": "the command with its arguments: words, or a JSON list of texts; never run by a shell",
    }
    wants_repeats: ClassVar[bool] = False
    most: ClassVar[int] = 1

    def open(self, options: Mapping[str, str], clock: Clock) -> CommandSender:
        """Raises UsageError."""
        words = _words(options.get("argv", ""))
        return CommandSender((_program(words[0]), *words[1:]), clock)


class CommandSender:
    """Runs one command for each notice."""

    def __init__(self, argv: tuple[str, ...], clock: Clock) -> None:
        self._argv = argv
        self._clock = clock

    def send(self, notices: Sequence[Notice], timeout: float) -> None:
        """As Sender says."""
        deadline = self._clock.monotonic() + timeout
        for place, notice in enumerate(notices):
            try:
                self._run(notice, deadline - self._clock.monotonic())
            except RazorprofError as error:
                raise (PartlyTold(notices[:place], error) if place else error) from error

    def close(self) -> None:
        """Nothing is held between two commands."""

    def _run(self, notice: Notice, timeout: float) -> None:
        name = notice.labels.get("alertname", "")
        payload = webhook_payload([notice], {"alertname": name} if name else {}, "command", "")
        given = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        environment = command_environment(variables(notice), clean(notice.labels))
        end = run_command(self._argv, environment, timeout, most_output=_MOST_OUTPUT, given=given)
        said = " ".join(end.output.decode("utf-8", "replace").split())
        if end.words:
            error = TimedOut if end.reason else ToolFailed
            raise error(
                "the command failed", value=f"{self._argv[0]}: {end.words}{': ' if said else ''}{said[:400]}"
            )
        if said:
            logger.info("%s: %s", printable(self._argv[0]), printable(said))


def variables(notice: Notice) -> dict[str, str]:
    """What a command finds in its environment besides the labels, each name after RAZORPROF_: as for the commands
    of captures, where both know of it."""
    annotations = list(clean(notice.annotations).items())[:_MOST_ANNOTATIONS]
    return {
        "ALERT": notice.labels.get("alertname", ""),
        "STATE": "resolved" if notice.is_resolved else "firing",
        "VALUE": str(notice.value),
        "STARTS_AT": timestamp(notice.starts_at),
        "ENDS_AT": timestamp(notice.ends_at) if notice.is_resolved else "",
        "FINGERPRINT": fingerprint(clean(notice.labels)),
        **{f"ANNOTATION_{name}": value for name, value in annotations},
    }


def _program(name: str) -> str:
    """The path of a program: an absolute one, or a name that is looked up in PATH now."""
    if "/" in name and not os.path.isabs(name):
        raise UsageError("argv: a program by a relative path", value=name, hint="give its absolute path")
    found = shutil.which(name)
    if found is None or not os.path.isabs(found):
        raise UsageError("argv: no such program", value=name, hint="give the absolute path of one that may be run")
    return found


def _words(text: str) -> tuple[str, ...]:
    hint = "write PROGRAM ARGUMENT ..., or a JSON list of texts"
    try:
        words = json.loads(text) if text.lstrip().startswith("[") else shlex.split(text)
    except (ValueError, RecursionError) as error:
        raise UsageError("argv: not a command", value=text[:80], hint=hint) from error
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise UsageError("argv: not a command", value=text[:80] or "nothing", hint=hint)
    if not words[0] or any("\0" in word for word in words):
        raise UsageError("argv: not a command", value=text[:80], hint=hint)
    return tuple(words)
