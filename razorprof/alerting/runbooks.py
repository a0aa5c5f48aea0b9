"""The text that says what to do about an alert: a file beside its rule file, named by an annotation.

An annotation is text that targets can have a hand in (labels are expanded into it). So it names a file only below
the folder of the rule file, links included, only a plain text file, and only its first part is read. For the
dashboard's runbook screen and for `check`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LARGEST = 128 << 10  # bytes that are read
ANNOTATIONS = ("runbook", "runbook_url")
FOLDER = "runbooks"  # where copies of what addresses lead to are looked for
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_ENDINGS = (".md", ".txt", ".rst")
_LONGEST_NAME = 300


@dataclass(frozen=True, slots=True)
class Runbook:
    """text: what to read, or empty with a reason; source: the file, the address or the annotation that it came
    from. All of it untrusted text."""

    source: str = ""
    text: str = ""
    reason: str = ""


def find_runbook(annotations: Mapping[str, str], rule_file: str) -> Runbook:
    """The runbook of an alert whose rule stands in `rule_file`: the file that an annotation names, a local copy of
    what it names by an address or another path, or the annotation's own text. Never asks the network, never
    raises: what hinders it is the reason."""
    found = [annotations[name].strip() for name in ANNOTATIONS if annotations.get(name, "").strip()]
    if not found:
        return Runbook(reason=f"the alert has no annotation {' or '.join(ANNOTATIONS)}")
    folder = Path(rule_file).parent
    tried = [_read_any(_candidates(reference), folder) for reference in found]
    read = next((one for one in tried if one is not None and one.text), None)
    if read is not None:
        return read
    first = tried[0]
    if first is not None and not _ADDRESS.match(found[0]):
        return Runbook(found[0], reason=first.reason)
    if _ADDRESS.match(found[0]):
        where = f"no copy of it lies in {FOLDER}/ beside the rule file"
        return Runbook(found[0], reason=f"it is an address, which is not fetched here, and {where}")
    return Runbook("annotation", found[0])


def _candidates(reference: str) -> list[str]:
    """Where its file may lie, from the folder of the rules: as it is written, then by its last part."""
    path = re.split("[?#]", reference, maxsplit=1)[0] if _ADDRESS.match(reference) else reference
    if not _is_file_name(path):
        return []
    last = path.rpartition("/")[2]
    written = [] if _ADDRESS.match(path) else [path]
    return list(dict.fromkeys([*written, f"{FOLDER}/{last}", last]))


def _read_any(names: Sequence[str], folder: Path) -> Runbook | None:
    """The first that can be read, else the first with its reason; None of none."""
    tried = [_read(name, folder) for name in names]
    return next((one for one in tried if one.text), tried[0] if tried else None)


def _is_file_name(reference: str) -> bool:
    return (
        len(reference) <= _LONGEST_NAME
        and reference.isprintable()
        and reference.lower().endswith(_ENDINGS)
        and len(reference.split()) == 1
    )


def _read(name: str, folder: Path) -> Runbook:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\0" in name:
        return Runbook(name, reason="only files below the folder of the rule file are shown")
    try:
        root = folder.resolve(strict=True)
        path = (root / name).resolve(strict=True)
        if not path.is_relative_to(root) or path.suffix.lower() not in _ENDINGS:
            return Runbook(name, reason="it leads out of the folder of the rule file")
        # without waiting: a FIFO in its place would never answer
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return Runbook(name, reason="it is no file")
            content = file.read(LARGEST + 1)
    except (OSError, ValueError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "its name leads nowhere"
        return Runbook(name, reason=f"it cannot be read: {why} (looked for beside the rule file)")
    text = content[:LARGEST].decode("utf-8", "replace")
    return Runbook(name, text + ("\n(the rest is left out: it is longer than 128 KiB)" * (len(content) > LARGEST)))
