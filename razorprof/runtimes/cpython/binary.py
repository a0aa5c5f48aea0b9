"""What a binary file says about being CPython: which version, and where its `_PyRuntime` lies.

Called by detect (is it Python?) and by attach (where is the state?). It reads the file only, no memory of the
process. What was found is kept per file (device, inode, mtime, size), so that a machine with a hundred
workers of one binary parses it once.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass

from razorprof.errors import NotSupported
from razorprof.remote.elf import Elf

_RUNTIME, _VERSION = "_PyRuntime", "Py_Version"
# Any CPython exports these; the first two are enough for the ones that can be read (3.7 on, 3.11 on).
_MARKS = ("Py_GetVersion", "Py_BytesMain", "PyEval_EvalCode")
_MOST_KEPT = 256
_LONGEST_SCAN = 48 << 20
_PF_X, _PF_W = 1, 2
_NUMBER_BEFORE = tuple(bytes([byte]) for byte in b"0123456789.")

# libpython3.11.so.1.0, libpython3.13t.so, python3.8, python3.13d; 3.7 and older may end in m or u
_NAMED = re.compile(rb"(?:lib)?python([23])(?:\.(\d{1,2}))?([a-z]{0,3})(?:-dbg)?(?:\.so(?:\.[\d.]+)?)?")


@dataclass(frozen=True, slots=True)
class PythonBinary:
    """version: as exact as could be told ("3.11.7", "3.8", None); hexversion: PY_VERSION_HEX where the binary
    holds it; runtime: address of `_PyRuntime` before the load bias, None where no symbol tells it."""

    version: str | None
    hexversion: int | None
    runtime: int | None
    runtime_size: int
    build_id: str | None
    free_threaded: bool

    @property
    def minor(self) -> tuple[int, int] | None:
        """(3, 11), or None where not even that is known."""
        parts = (self.version or "").split(".")
        return (int(parts[0]), int(parts[1])) if len(parts) >= 2 else None


_Key = tuple[int, int, int, int]
_kept: OrderedDict[_Key, PythonBinary | None] = OrderedDict()
_lock = threading.Lock()


def inspect_file(descriptor: int, raw_path: bytes) -> PythonBinary | None:
    """What an open file is, None if it is no CPython. A few ms the first time, then some us."""
    facts = os.fstat(descriptor)
    key = (facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    try:
        elf = Elf(lambda offset, size: _pread(descriptor, offset, size))
        found = inspect_elf(elf, raw_path)
    except NotSupported:
        found = None
    with _lock:
        _kept[key] = found
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return found


def inspect_elf(elf: Elf, raw_path: bytes) -> PythonBinary | None:
    """What an ELF image is, None if it is no CPython. Raises NotSupported where it is damaged."""
    symbols = elf.symbols((_RUNTIME, _VERSION, *_MARKS))
    runtime_section = elf.section(".PyRuntime") if _RUNTIME not in symbols else None
    if not symbols and runtime_section is None:
        return None
    named = name_version(raw_path)
    hexversion = None
    if _VERSION in symbols:
        hexversion = int.from_bytes(elf.read(symbols[_VERSION].address, 8), "little")
    elif runtime_section is not None:
        # 3.13+: the section begins with _Py_DebugOffsets: cookie, then PY_VERSION_HEX
        head = elf.read(runtime_section.address, 16)
        hexversion = int.from_bytes(head[8:], "little") if head[:8] == b"xdebugpy" else None
    version = version_of_hex(hexversion) if hexversion is not None else None
    if version is None:
        hexversion = None
        version = _spelled_version(elf, named.version) or named.version
    symbol = symbols.get(_RUNTIME)
    if symbol is not None:
        runtime, size = symbol.address, symbol.size
    elif runtime_section is not None:
        runtime, size = runtime_section.address, runtime_section.size
    else:
        runtime, size = None, 0
    return PythonBinary(version, hexversion, runtime, size, elf.build_id(), named.free_threaded)


@dataclass(frozen=True, slots=True)
class NamedVersion:
    """What a file's name claims."""

    is_python: bool
    version: str | None
    free_threaded: bool


def name_version(raw_path: bytes) -> NamedVersion:
    """What the name of an executable or library claims: "3", "3.8", None."""
    name = raw_path.removesuffix(b" (deleted)").rpartition(b"/")[2]
    if name in (b"python", b"python-dbg"):
        return NamedVersion(True, None, False)
    found = _NAMED.fullmatch(name)
    if found is None:
        return NamedVersion(False, None, False)
    version = f"{found[1].decode()}.{found[2].decode()}" if found[2] else None
    return NamedVersion(True, version, b"t" in found[3])


def version_of_hex(hexversion: int) -> str | None:
    """ "3.11.7", "3.15.0b2"; None where it is no plausible PY_VERSION_HEX."""
    major, minor, micro = hexversion >> 24, hexversion >> 16 & 0xFF, hexversion >> 8 & 0xFF
    level, serial = hexversion >> 4 & 0xF, hexversion & 0xF
    if major != 3 or not 0 < minor < 100 or level not in (0xA, 0xB, 0xC, 0xF):
        return None
    suffix = {0xA: f"a{serial}", 0xB: f"b{serial}", 0xC: f"rc{serial}", 0xF: ""}[level]
    return f"{major}.{minor}.{micro}{suffix}"


def _spelled_version(elf: Elf, named: str | None) -> str | None:
    """PY_VERSION as the binary spells it in its constants, below 3.11 the only place of the patch level.

    Other software linked in has versions too (SQLite's begin with 3.): only the file name's minor counts, or
    where it has none, a version that all spellings agree on.
    """
    prefix = re.escape(named.encode()) if named is not None and "." in named else rb"3\.\d{1,2}"
    # A literal beginning makes this a fast scan. Linkers merge equal tails: the version may also stand at the end
    # of a longer string (".../versions/3.10.13").
    pattern = re.compile(prefix + rb"\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?(?=\+?\x00)")
    # Most linkers keep constants apart from code, which is two thirds of the file: it is searched last.
    for executable in (False, True):
        spelled: set[str] = set()
        for segment in elf.segments:
            if segment.flags & _PF_W or segment.file_size > _LONGEST_SCAN:
                continue
            if bool(segment.flags & _PF_X) is executable:
                spelled |= _spellings(pattern, elf.read(segment.address, segment.file_size))
        fitting = [version for version in spelled if int(version.split(".")[1]) <= 10]
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
    return None


def _spellings(pattern: re.Pattern[bytes], text: bytes) -> set[str]:
    return {
        found[0].decode()
        for found in pattern.finditer(text)
        if text[found.start() - 1 : found.start()] not in _NUMBER_BEFORE
    }


def _pread(descriptor: int, offset: int, size: int) -> bytes:
    pieces = []
    while size > 0 and 0 <= offset < 1 << 62:
        piece = os.pread(descriptor, size, offset)
        if not piece:
            break
        pieces.append(piece)
        offset, size = offset + len(piece), size - len(piece)
    return b"".join(pieces)
