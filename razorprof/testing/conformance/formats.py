"""Checks of a profile format: what is written is read again with the same totals, and hostile bytes do no harm."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

from razorprof.errors import NotSupported, RazorprofError
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey
from razorprof.plugin.border import misfit
from razorprof.plugin.protocols import Format
from razorprof.testing.conformance.findings import Finding, Notes, called

LONGEST_CALL = 10.0  # seconds
_TOLERANCE = 1e-6
_MAIN = Frame("main", "/srv/shop/app.py", 12)
_EVIL = Frame("\x1b[2J<script>&\"';\n\u202e", "\0/../x;y z", 2**31 - 1)


def check_format(format: Format, *, limit: float = LONGEST_CALL, seed: int = 1) -> list[Finding]:
    """What a format (or an exporter: one that cannot be read) does not keep to. limit: seconds for each call;
    seed: of the bytes that are turned."""
    notes = Notes(format)
    notes.name(format)
    wrong = misfit(getattr(format, "endings", None), tuple[str, ...], "endings")
    wrong = wrong or misfit(getattr(format, "can_read", None), bool, "can_read")
    if wrong:
        notes.add("shape", wrong)
        return notes.found
    for ending in format.endings:
        if not ending.startswith(".") or ending != ending.lower():
            notes.add("endings", f"the ending {ending!r}: with the dot, in lower case")
    content = b""
    for name, profile in _profiles():
        written = _write(format, name, profile, limit, notes)
        if written is not None:
            content = max(content, written, key=len)
            _round_trip(format, name, profile, written, limit, notes)
        if _hangs(notes):
            return notes.found
    for name, damaged in _hostile(content, random.Random(seed)):
        _survives(format, name, damaged, limit, notes)
        if _hangs(notes):
            break
    return notes.found


def _hangs(notes: Notes) -> bool:
    """What hung once would hang again and again, each time in a thread that is left behind."""
    return any("did not return" in finding.what for finding in notes.found)


def _profiles() -> Iterator[tuple[str, Profile]]:
    stacks = {
        StackKey(ThreadId(7, "main"), (_MAIN, Frame("render", "page.py", 3))): 1.25,
        StackKey(ThreadId(7, "main"), (_MAIN,)): 0.5,
        StackKey(ThreadId(8, "worker-1"), (_MAIN, Frame("für", "/ü/é.py", 0))): 0.125,
    }
    yield "an empty profile", Profile(seconds=1.0)
    yield "a profile of seconds", Profile(stacks, seconds=2.0, samples=15, rate_hz=8.0, value="cpu")
    deep = (_MAIN, *(Frame(f"f{n}", "deep.py", n) for n in range(300)))
    yield "a deep stack", Profile({StackKey(ThreadId(1), deep): 3.0}, seconds=3.0, samples=3)
    held = {StackKey(ThreadId(0), (_MAIN,)): 5e9, StackKey(ThreadId(0), (_MAIN, _MAIN)): 17.0}
    yield "a profile of bytes", Profile(held, unit="bytes", value="in_use")
    evil = {StackKey(ThreadId(9, "\x1b]0;x\x07"), (_MAIN, _EVIL)): 1.0, StackKey(ThreadId(9), ()): 0.5}
    yield "a profile of hostile names", Profile(evil, seconds=2.0, samples=2, notes=("\x1b[31mnote",))


def _write(format: Format, name: str, profile: Profile, limit: float, notes: Notes) -> bytes | None:
    before = dict(profile.weights)
    first, second = (called(lambda: format.write(profile), limit) for _ in range(2))
    for done in (first, second):
        if done.wrong or done.refused:
            notes.add("write", f"write of {name} {done.wrong or f'refused: {done.refused}'}")
            return None
    if not isinstance(first.value, bytes):
        notes.add("write", f"write of {name} gave {type(first.value).__name__}, not bytes")
        return None
    if first.value != second.value:
        notes.add("write", f"{name} is written differently each time")
    if profile.weights != before:
        notes.add("write", f"write changed {name}")
    return first.value


def _round_trip(format: Format, name: str, profile: Profile, content: bytes, limit: float, notes: Notes) -> None:
    done = called(lambda: format.read(content), limit)
    if not format.can_read:
        if not isinstance(done.refused, NotSupported):
            notes.add("read", "it cannot be read, and read does not say NotSupported")
        return
    if done.wrong or done.refused:
        notes.add("round_trip", f"{name} cannot be read again: {done.wrong or done.refused}")
        return
    found: Any = done.value
    if not isinstance(found, Profile):
        notes.add("round_trip", f"read gave {type(found).__name__}, not a Profile")
    elif not math.isclose(found.total, profile.total, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
        notes.add("round_trip", f"the total of {name} was {profile.total:g} and is {found.total:g}")
    elif profile.weights and found.unit != profile.unit:
        notes.add("round_trip", f"the unit of {name} was {profile.unit} and is {found.unit}")
    elif any(weight < 0 for weight in found.weights.values()):
        notes.add("round_trip", f"{name} has negative weights")


def _hostile(content: bytes, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "zeros", bytes(4096)
    yield "noise", chance.randbytes(4096)
    yield "deep brackets", b"[" * 200_000
    yield "deep objects", b'{"a":' * 50_000
    yield "a compressed bomb's head", b"\x1f\x8b\x08\x00" + bytes(64)
    for part in (0.1, 0.5, 0.9, 0.99):
        yield f"the first {part:.0%}", content[: int(len(content) * part)]
    for number in range(40):
        if content:
            turned = bytearray(content)
            for _ in range(1 + number % 4):
                turned[chance.randrange(len(turned))] = chance.randrange(256)
            yield f"turned bytes ({number})", bytes(turned)


def _survives(format: Format, name: str, content: bytes, limit: float, notes: Notes) -> None:
    done = called(lambda: format.read(content), limit)
    if done.wrong:
        notes.add("hostile", f"read of {name} {done.wrong}")
    elif done.refused is not None and not isinstance(done.refused, RazorprofError):
        notes.add("hostile", f"read of {name} raised {type(done.refused).__name__}, which has no remedy")
    elif done.refused is None and not isinstance(done.value, Profile):
        notes.add("hostile", f"read of {name} gave {type(done.value).__name__}")
    recognises = getattr(format, "recognises", None)
    if recognises is not None:
        answer = called(lambda: recognises(content[:4096]), limit)
        if answer.wrong or answer.refused or not isinstance(answer.value, bool):
            notes.add("hostile", f"recognises of {name} {answer.wrong or answer.refused or 'is no bool'}")
