"""A bundle: everything that was seen of one process at one time, as flat files beside a manifest.

Values and the manifest's text only: recording.bundle_write puts bundles on the disk, recording.bundle_read takes
them in again, session.bundle collects what stands in them. A manifest that is read is hostile: it is bounded and
checked.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from razorprof.errors import NotSupported, ToolFailed

VERSION = 1
MANIFEST = "manifest.json"
REPORT = "report.html"
MOST_FILES = 256
LARGEST_MANIFEST = 1 << 20
LARGEST_FILE = 64 << 20
LARGEST_BUNDLE = 256 << 20
REDACTION_WORDS = (
    "best effort: secrets in command lines are replaced as far as their names or shapes tell them; "
    "of the environment there are names only; no variables of the program are in here"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@=-]{0,99}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONGEST_TEXT = 16_384


@dataclass(frozen=True, slots=True)
class Piece:
    """A file that is to be written. kind: what it tells (process, metrics, cpu, threads ...)."""

    path: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file as the manifest lists it. bytes: its size."""

    path: str
    kind: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A part that is not there, and why. The reason may hold the target's text: untrusted."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """created: Unix seconds; target: pid, name, start_time, command, runtime, version (untrusted text); ended: how
    the target ended meanwhile, empty where it did not; interrupted: the user ended the collecting early."""

    created: float
    host: str
    target: Mapping[str, str | int | float | None]
    files: tuple[BundleFile, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    interrupted: bool = False
    ended: str = ""
    redacted: bool = True
    program: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """CONTRACT's manifest.json."""
        return {
            "version": VERSION,
            "created": self.created,
            "host": self.host,
            "target": dict(self.target),
            "files": [
                {"path": one.path, "kind": one.kind, "sha256": one.sha256, "bytes": one.bytes}
                for one in self.files
            ],
            "skipped": [{"kind": one.kind, "reason": one.reason} for one in self.skipped],
            "interrupted": self.interrupted,
            "ended": self.ended or None,
            "redaction": {"on": self.redacted, "words": REDACTION_WORDS if self.redacted else "switched off"},
            "duration_seconds": self.seconds,
            "program": self.program,
            "notes": list(self.notes),
        }

    def encode(self) -> bytes:
        """The content of manifest.json."""
        return json.dumps(self.as_json(), indent=2, allow_nan=False).encode() + b"\n"


def is_member_name(name: object) -> bool:
    """Whether a bundle's file may be called so: one plain name, no folder, not hidden."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def parse_manifest(content: bytes) -> Manifest:
    """The manifest in a file's content. Raises ToolFailed where it is damaged, NotSupported where a newer
    razorprof wrote it."""
    if len(content) > LARGEST_MANIFEST:
        raise ToolFailed("the bundle's manifest is too large", value=f"{len(content)} bytes")
    try:
        document = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ToolFailed("the bundle's manifest cannot be read", value=error) from error
    if not isinstance(document, dict):
        raise _damaged("it is no object")
    version = document.get("version")
    if isinstance(version, int) and version > VERSION:
        raise NotSupported(
            "the bundle was written by a newer razorprof", value=f"version {version}", hint="update razorprof"
        )
    if version != VERSION or isinstance(version, bool):
        raise _damaged("it names no version that is known")
    redaction = document.get("redaction")
    files, skipped, notes = (_list(document, key) for key in ("files", "skipped", "notes"))
    found = tuple(_file(entry) for entry in files)
    if len({one.path for one in found}) < len(found) or any(one.path == MANIFEST for one in found):
        raise _damaged("a file is listed twice")
    return Manifest(
        created=_number(document, "created"),
        host=_text(document.get("host")),
        target=_target(document.get("target")),
        files=found,
        skipped=tuple(
            Skipped(_text(one.get("kind")), _text(one.get("reason"))) for one in skipped if isinstance(one, dict)
        ),
        interrupted=document.get("interrupted") is True,
        ended=_text(document.get("ended")),
        redacted=isinstance(redaction, dict) and redaction.get("on") is True,
        program=_text(document.get("program")),
        seconds=_number(document, "duration_seconds", 0.0),
        notes=tuple(_text(note) for note in notes),
    )


def _file(entry: Any) -> BundleFile:
    if not isinstance(entry, dict):
        raise _damaged("an entry of its files is no object")
    path, digest, size = entry.get("path"), entry.get("sha256"), entry.get("bytes")
    if not is_member_name(path):
        raise _damaged("it lists a name that no bundle's file has")
    if not (isinstance(digest, str) and _HASH.fullmatch(digest)):
        raise _damaged(f"no hash for {path}")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= LARGEST_FILE:
        raise _damaged(f"no size that can be for {path}")
    return BundleFile(str(path), _text(entry.get("kind"))[:100], digest, size)


def _target(entry: Any) -> dict[str, str | int | float | None]:
    if not isinstance(entry, dict):
        raise _damaged("it names no target")
    found: dict[str, str | int | float | None] = {}
    for key in ("pid", "name", "start_time", "command", "runtime", "version"):
        value = entry.get(key)
        if value is None or isinstance(value, str):
            found[key] = None if value is None else value[:_LONGEST_TEXT]
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
            found[key] = value
    return found


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    value = document.get(key, [])
    if not isinstance(value, list) or len(value) > MOST_FILES:
        raise _damaged(f"its {key} are no list, or more than {MOST_FILES}")
    return value


def _number(document: Mapping[str, Any], key: str, default: float | None = None) -> float:
    value = document.get(key, default)
    # the bound: beyond it no calendar has a date
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise _damaged(f"its {key} is no number that can be")
    number = float(value)
    if not math.isfinite(number):
        raise _damaged(f"its {key} is no number that can be")
    return number


def _text(value: Any) -> str:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _damaged(why: str) -> ToolFailed:
    return ToolFailed("the bundle's manifest is damaged", value=why)
