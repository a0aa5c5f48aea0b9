"""Marks that a person sets in a recording afterwards: named moments, kept beside it and never in it.

They lie in FILE.marks.json in the recording's folder, so that they go with it to whoever looks next; where that
folder cannot be written, under $XDG_STATE_HOME or ~/.local/state. The file names the recording that it belongs to:
those of another one, which had the same name before, are not shown, and set aside when a mark is set. What stands
in it is hostile text, and bounded. Shown and set by session.player and its dashboard, listed by `show`.
"""

from __future__ import annotations

import json
import math
import os
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from razorprof.errors import RazorprofError, ToolFailed, UsageError
from razorprof.recording.output_files import write_whole
from razorprof.recording.rzp_values import Mark
from razorprof.session.state_file import state_home

SUFFIX = ".marks.json"
MOST_MARKS = 1000
LONGEST_NAME = 120
_LARGEST = 1 << 20
_VERSION = 1


class UserMarks:
    """trouble: why marks that are there are not shown, empty where nothing is wrong."""

    def __init__(self, recording: Path, identity: bytes, *, now: Callable[[], float] = time.time) -> None:
        """recording: its file or folder; identity: of its header; now: Unix seconds."""
        whole = Path(os.path.realpath(recording))
        self._beside = whole.with_name(whole.name + SUFFIX)
        self._identity, self._now = identity.hex(), now
        self.trouble = ""
        self.marks: tuple[Mark, ...] = ()
        self.place: Path | None = None  # where they lie, None before the first is kept
        self._load()

    def add(self, moment: float, name: str) -> Mark:
        """Set a mark and keep it. One of the same time and name is one. Raises UsageError for a name that is none,
        or too many marks, and ToolFailed where it cannot be kept: then it is not set."""
        name = name.strip()
        if not name or len(name) > LONGEST_NAME:
            raise UsageError("no name for a mark", value=name[:20], hint=f"1 to {LONGEST_NAME} characters")
        mark = Mark(moment, name)
        self._load()
        if mark not in self.marks:
            if len(self.marks) >= MOST_MARKS:
                raise UsageError("there are too many marks", value=len(self.marks), hint="remove some")
            self._keep((*self.marks, mark))
        return mark

    def remove(self, marks: Sequence[Mark]) -> None:
        """Take marks away, also where they are kept. Raises ToolFailed where that cannot be."""
        self._load()
        self._keep([one for one in self.marks if one not in marks])

    def _load(self) -> None:
        """Others may have set some meanwhile."""
        self.trouble, self.marks, self.place = "", (), None
        newest = -math.inf
        for path in (self._beside, self._elsewhere()):
            if path is None:
                continue
            try:
                saved, marks = _parse(_read(path), self._identity)
            except FileNotFoundError:
                continue
            except (OSError, ValueError, RecursionError) as error:
                words = error.strerror if isinstance(error, OSError) else str(error)
                self.trouble = f"{path.name}: {words}"
                continue
            if saved > newest:
                newest, self.marks, self.place = saved, marks, path

    def _keep(self, marks: Sequence[Mark]) -> None:
        ordered = tuple(sorted(marks, key=lambda one: (one.time, one.text)))
        document = {
            "razorprof_marks": _VERSION,
            "recording": self._identity,
            "saved": self._now(),
            "marks": [{"time": one.time, "name": one.text} for one in ordered],
        }
        content = json.dumps(document, indent=1).encode() + b"\n"
        try:
            self._set_aside_of_others()
            write_whole(self._beside, content, force=True)
            self.place = self._beside
        except (RazorprofError, OSError) as refused:
            elsewhere = self._elsewhere()
            if elsewhere is None:
                raise ToolFailed("the mark cannot be kept", value=str(refused)) from refused
            try:
                elsewhere.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_whole(elsewhere, content, force=True)
            except (RazorprofError, OSError) as error:
                raise ToolFailed("the mark cannot be kept", value=f"{refused}; {error}") from error
            self.place = elsewhere
        self.marks = ordered

    def _elsewhere(self) -> Path | None:
        try:
            return state_home() / "razorprof" / "marks" / f"{self._identity}.json"
        except UsageError:
            return None

    def _set_aside_of_others(self) -> None:
        """What lies in our place and is not ours is kept under another name, whatever it is."""
        try:
            _parse(_read(self._beside), self._identity)
        except FileNotFoundError:
            return
        except (ValueError, RecursionError):
            os.replace(self._beside, self._beside.with_name(self._beside.name + ".aside"))


def marks_document(marks: Sequence[Mark], own: UserMarks | None) -> list[dict[str, Any]]:
    """Marks for programs. recorded: it stands in the recording, and was not set afterwards."""
    later = own.marks if own is not None else ()
    return [
        {"time": mark.time, "kind": mark.kind, "text": mark.text, "recorded": mark not in later} for mark in marks
    ]


def _read(path: Path) -> bytes:
    """Raises OSError, and ValueError for what cannot be such a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("no regular file")
    with open(descriptor, "rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError("too large")
    return content


def _parse(content: bytes, identity: str) -> tuple[float, tuple[Mark, ...]]:
    """When it was saved, and the marks. Raises ValueError for what nobody of us wrote."""
    document = json.loads(content)
    if not isinstance(document, dict) or document.get("razorprof_marks") != _VERSION:
        raise ValueError("no marks of razorprof")
    if document.get("recording") != identity:
        raise ValueError("marks of another recording")
    listed = document.get("marks")
    if not isinstance(listed, list) or len(listed) > MOST_MARKS:
        raise ValueError("too many marks")
    saved = document.get("saved")
    return _number(saved), tuple(sorted(map(_mark, listed), key=lambda one: (one.time, one.text)))


def _mark(document: Any) -> Mark:
    name = document.get("name") if isinstance(document, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
        raise ValueError("a mark without a name")
    return Mark(_number(document.get("time")), name)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a time that is no number")
    with suppress(OverflowError):
        if math.isfinite(value) and abs(value) < 1e11:
            return float(value)
    raise ValueError("a time that cannot be")
