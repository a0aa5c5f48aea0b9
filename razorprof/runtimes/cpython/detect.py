"""Is this process a CPython, and which one? Read-only, a few milliseconds, less once its binary is known.

The libpython that a process has mapped, or else its executable, is opened and asked for CPython's symbols: a
process only named python is not one, and one that embeds Python under another name is. `find_python` also
tells attach where the binary lies. Nothing of the process's memory is read here, except the image of a
binary that can no longer be opened.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone, ToolFailed
from razorprof.plugin.protocols import Detection
from razorprof.remote.elf import Elf
from razorprof.remote.maps import MappedRegion, read_maps, regions_of_same_file
from razorprof.remote.namespaces import open_mapped_file
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.binary import PythonBinary, inspect_elf, inspect_file, name_version

RUNTIME = "cpython"
IMPLEMENTATION = "CPython"
_MOST_CANDIDATES = 4


@dataclass(frozen=True, slots=True)
class FoundPython:
    """The binary that holds a process's CPython. regions: its mappings; bias: to be added to its addresses;
    from_library: libpython rather than the executable."""

    binary: PythonBinary
    regions: tuple[MappedRegion, ...]
    bias: int
    from_library: bool

    @property
    def runtime(self) -> int | None:
        """Where `_PyRuntime` lies in the process, None where no symbol tells."""
        return None if self.binary.runtime is None else self.binary.runtime + self.bias


def detect_python(process: ProcessView) -> Detection | None:
    """Whether the process runs CPython, and the exact version where its binary tells it (else the minor, else
    None). detail: binary, linkage (static, libpython), embedded, build_id, free_threaded, reason.

    Raises TargetGone; PermissionDenied where nothing at all can be told.
    """
    try:
        found = find_python(process)
    except PermissionDenied as denied:
        return _detect_by_name(process, denied)
    except NotSupported:
        return None
    if found is None:
        return None
    detail = {
        "binary": found.regions[0].path,
        "linkage": "libpython" if found.from_library else "static",
    }
    if not name_version(_exe(process)).is_python:
        detail["embedded"] = "yes"
    if found.binary.build_id is not None:
        detail["build_id"] = found.binary.build_id
    if found.binary.free_threaded:
        detail["free_threaded"] = "yes"
    return Detection(RUNTIME, found.binary.version, IMPLEMENTATION, detail)


def find_python(process: ProcessView) -> FoundPython | None:
    """The binary in the process that holds CPython, None if there is none.

    Raises TargetGone, PermissionDenied, and NotSupported where its binary cannot be read.
    """
    regions = read_maps(process)
    if not regions:
        return None  # a kernel thread or a zombie
    failed: RazorprofError | None = None
    libraries = _libraries(regions)
    executable = _executable(process, regions)
    for region in [*libraries, *executable]:
        mapped = tuple(regions_of_same_file(regions, region))
        try:
            binary, bias = _inspect(process, mapped)
        except (NotSupported, ToolFailed) as error:
            failed = error
            continue
        if binary is not None:
            return FoundPython(binary, mapped, bias, region in libraries)
    if failed is not None and (libraries or name_version(executable[0].raw_path).is_python):
        raise NotSupported("the Python binary of the process cannot be read", value=failed) from failed
    return None


def _libraries(regions: list[MappedRegion]) -> list[MappedRegion]:
    """The first region of each mapped libpython3.X.so; libpython3.so only forwards to one."""
    found: dict[bytes, MappedRegion] = {}
    for region in regions:
        name = region.raw_path.rpartition(b"/")[2]
        if name.startswith(b"libpython") and not name.startswith(b"libpython3.so"):
            found.setdefault(region.raw_path, region)
    return list(found.values())[:_MOST_CANDIDATES]


def _executable(process: ProcessView, regions: list[MappedRegion]) -> list[MappedRegion]:
    exe = _exe(process)
    found = next((region for region in regions if region.raw_path == exe and region.inode), None)
    if found is None:
        # A chroot or a bind mount may show another path in maps: the inode decides.
        try:
            inode = os.stat(process.path / "exe").st_ino
        except PermissionError as error:
            # Root without CAP_SYS_PTRACE may read maps, and nothing else: not to be told as "no Python".
            raise PermissionDenied(
                "no permission to look into the process",
                value=process.pid,
                hint=f"see why and what mends it with: razorprof doctor {process.pid}",
            ) from error
        except OSError:
            return []
        found = next((region for region in regions if region.inode == inode), None)
    return [] if found is None else [found]


def _exe(process: ProcessView) -> bytes:
    try:
        return os.readlink(os.fsencode(process.path / "exe"))
    except OSError:
        return b""


def _inspect(process: ProcessView, regions: tuple[MappedRegion, ...]) -> tuple[PythonBinary | None, int]:
    """The binary behind `regions` and its load bias."""
    path = regions[0].raw_path
    try:
        with open_mapped_file(process, regions[0]) as descriptor:
            binary = inspect_file(descriptor, path)
            if binary is None:
                return None, 0
            elf = Elf(lambda offset, size: os.pread(descriptor, size, offset))
            return binary, elf.load_bias(regions)
    except ToolFailed:
        # Deleted, or in a mount namespace that we cannot reach: its image in memory has all but .symtab.
        return _inspect_image(process, regions)


def _inspect_image(process: ProcessView, regions: tuple[MappedRegion, ...]) -> tuple[PythonBinary | None, int]:
    if regions[0].offset != 0:
        raise NotSupported("the beginning of the Python binary is not mapped", value=regions[0].path)
    base = regions[0].start
    try:
        memory = os.open(process.path / "mem", os.O_RDONLY | os.O_CLOEXEC)
    except ProcessLookupError as error:
        raise TargetGone("no such process", value=process.pid) from error
    except OSError as error:
        raise NotSupported("a deleted Python binary, and no permission to read its image", value=error) from error

    def read_at(offset: int, size: int) -> bytes:
        try:
            return os.pread(memory, size, base + offset)
        except (OSError, OverflowError):
            return b""

    try:
        elf = Elf(read_at, memory_base=base)
        return inspect_elf(elf, regions[0].raw_path), base - elf.first_address
    finally:
        os.close(memory)


def _detect_by_name(process: ProcessView, denied: PermissionDenied) -> Detection | None:
    """What the name claims, where the kernel shows no more than that."""
    arguments = process.command_line()
    if not arguments:
        return None  # a kernel thread or a zombie
    for claimed in (arguments[0].encode(), process.comm().encode(), _exe(process)):
        named = name_version(claimed)
        if named.is_python:
            return Detection(
                RUNTIME, named.version, IMPLEMENTATION, {"reason": f"told by its name only: {denied.message}"}
            )
    raise denied
