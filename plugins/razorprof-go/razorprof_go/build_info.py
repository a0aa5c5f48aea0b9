"""What the Go linker writes into every binary: toolchain version, modules and build settings. Stripped or not.

Pure: takes an ELF image. Called by razorprof_go.binary. The image is not trusted: what is read of it is bounded.
Format: debug/buildinfo of the Go distribution.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from razorprof.errors import NotSupported
from razorprof.remote.elf import Elf

_MAGIC = b"\xff Go buildinf:"
_ALIGN = 16
_HEADER = 32
_SEARCHED = 64 << 10  # of the first writable segment, where there are no section headers
_LONGEST_VERSION = 256
_LONGEST_MODULES = 1 << 20
_MOST_MODULES = 4096
_INLINE, _BIG_ENDIAN = 2, 1
_WRITABLE = 2  # PF_W
_AROUND = 16  # bytes on both ends of the module list, by which the toolchain finds it
_VERSION = re.compile(r"\bgo(\d{1,3})\.(\d{1,4})(?:\.(\d{1,4}))?")


@dataclass(frozen=True, slots=True)
class Module:
    """A module that was built in; version is empty or "(devel)" for what was built from a working tree."""

    path: str
    version: str


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """toolchain: as Go writes it (go1.25.4); main: the main package's module; settings: GOARCH, CGO_ENABLED,
    vcs.revision and the like. All of it is what the binary says: untrusted text."""

    toolchain: str
    path: str = ""
    main: Module | None = None
    modules: tuple[Module, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def version(self) -> tuple[int, int, int] | None:
        """(1, 25, 4); None for a toolchain that names none (some development builds)."""
        found = _VERSION.search(self.toolchain)
        return None if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))


def read_build_info(elf: Elf) -> BuildInfo | None:
    """The build info of an image; None where it is no Go binary."""
    for address, size in _places(elf):
        raw = elf.read_up_to(address, size)
        at = raw.find(_MAGIC)
        while at >= 0:
            if (address + at) % _ALIGN == 0 and at + _HEADER <= len(raw):
                return _parse(elf, address + at, raw[at : at + _HEADER])
            at = raw.find(_MAGIC, at + 1)
    return None


def parse_modules(text: str) -> BuildInfo:
    """The module list as `go version -m` prints it; toolchain is left empty."""
    path = ""
    main: Module | None = None
    modules: list[Module] = []
    settings: dict[str, str] = {}
    for line in text.split("\n"):
        kind, _, rest = line.partition("\t")
        fields = rest.split("\t")
        if kind == "path":
            path = rest
        elif kind == "mod" and len(fields) >= 2:
            main = Module(fields[0], fields[1])
        elif kind == "dep" and len(fields) >= 2 and len(modules) < _MOST_MODULES:
            modules.append(Module(fields[0], fields[1]))
        elif kind == "=>" and len(fields) >= 2 and modules:
            modules[-1] = Module(fields[0], fields[1])
        elif kind == "build" and len(settings) < _MOST_MODULES:
            key, _, value = rest.partition("=")
            settings[key] = value
    return BuildInfo("", path, main, tuple(modules), settings)


def _places(elf: Elf) -> list[tuple[int, int]]:
    section = elf.section(".go.buildinfo")
    if section is not None:
        return [(section.address, min(section.size, _SEARCHED))]
    writable = next((segment for segment in elf.segments if segment.flags & _WRITABLE), None)
    return [] if writable is None else [(writable.address, _SEARCHED)]


def _parse(elf: Elf, address: int, header: bytes) -> BuildInfo:
    pointer_size, flags = header[14], header[15]
    if flags & _INLINE:
        version, next_at = _inline(elf, address + _HEADER, _LONGEST_VERSION)
        modules, _ = _inline(elf, next_at, _LONGEST_MODULES)
    elif pointer_size == 8 and not flags & _BIG_ENDIAN:  # before Go 1.18
        version = _pointed(elf, int.from_bytes(header[16:24], "little"), _LONGEST_VERSION)
        modules = _pointed(elf, int.from_bytes(header[24:32], "little"), _LONGEST_MODULES)
    else:
        return BuildInfo("")
    listed = modules[_AROUND:-_AROUND] if len(modules) > 2 * _AROUND else b""
    found = parse_modules(listed.decode(errors="replace"))
    return BuildInfo(version.decode(errors="replace"), found.path, found.main, found.modules, found.settings)


def _inline(elf: Elf, address: int, longest: int) -> tuple[bytes, int]:
    """A string with its length before it, and where the next one begins."""
    raw = elf.read_up_to(address, 10)
    used = next((place for place, byte in enumerate(raw, 1) if byte < 0x80), 0)
    length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(raw[:used]))
    if not used or length > longest:
        return b"", address
    return elf.read_up_to(address + used, length), address + used + length


def _pointed(elf: Elf, address: int, longest: int) -> bytes:
    """A Go string header somewhere else in the image: pointer and length."""
    try:
        header = elf.read(address, 16)
    except NotSupported:
        return b""
    place, length = int.from_bytes(header[:8], "little"), int.from_bytes(header[8:], "little")
    return elf.read_up_to(place, length) if 0 < length <= longest else b""
