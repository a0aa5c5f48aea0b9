"""The executable of a Go process as a file: build info, where its sections and symbols lie. Cached by its inode.

Called by detect and by everything that reads the process's memory. Nothing of the process's memory is read here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from razorprof.errors import NotSupported, PermissionDenied, TargetGone
from razorprof.remote.elf import ET_DYN, Elf, Section
from razorprof.remote.maps import read_maps
from razorprof.remote.process import ProcessView
from razorprof_go.build_info import BuildInfo, read_build_info

_MOST_KEPT = 256
# A FIFO or a device in the place of an executable must neither block us nor be touched.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_kept: dict[tuple[int, int, int, int], BuildInfo | None] = {}


@dataclass(frozen=True, slots=True)
class GoImage:
    """An open executable and where it was loaded. bias: to be added to its addresses."""

    elf: Elf
    info: BuildInfo
    bias: int
    is_position_independent: bool

    def section(self, name: str) -> Section | None:
        return self.elf.section(name)

    def addresses(self, names: Iterable[str]) -> dict[str, int]:
        """Where symbols lie in the process; those that the image does not define (stripped) are left out."""
        return {name: symbol.address + self.bias for name, symbol in self.elf.symbols(names).items()}


def build_info_of(process: ProcessView) -> BuildInfo | None:
    """The build info of a process's executable; None where that is no Go binary or cannot be parsed.

    0.2 ms the first time, a stat(2) later. Raises TargetGone, PermissionDenied.
    """
    with _open(process) as descriptor:
        if descriptor < 0:
            return None
        about = os.fstat(descriptor)
        key = (about.st_dev, about.st_ino, about.st_mtime_ns, about.st_size)
        if key not in _kept:
            if len(_kept) >= _MOST_KEPT:
                _kept.clear()
            _kept[key] = _inspect(descriptor)
        return _kept[key]


@contextmanager
def open_image(process: ProcessView) -> Iterator[GoImage]:
    """The executable of a Go process. Raises NotSupported where it is none, TargetGone, PermissionDenied."""
    with _open(process) as descriptor:
        elf = _elf(descriptor) if descriptor >= 0 else None
        info = read_build_info(elf) if elf is not None else None
        if elf is None or info is None:
            raise NotSupported("the executable of the process is no Go binary", value=process.pid)
        inode = os.fstat(descriptor).st_ino
        regions = [region for region in read_maps(process) if region.inode == inode]
        yield GoImage(elf, info, elf.load_bias(regions), elf.kind == ET_DYN)


def _inspect(descriptor: int) -> BuildInfo | None:
    try:
        elf = _elf(descriptor)
        return None if elf is None else read_build_info(elf)
    except NotSupported:
        return None


def _elf(descriptor: int) -> Elf | None:
    def read_at(offset: int, size: int) -> bytes:
        try:
            return os.pread(descriptor, size, offset)
        except (OSError, OverflowError, ValueError):
            return b""

    try:
        return Elf(read_at)
    except NotSupported:
        return None


@contextmanager
def _open(process: ProcessView) -> Iterator[int]:
    """A descriptor of /proc/PID/exe, deleted or not; -1 where there is none (a kernel thread, a zombie)."""
    path = process.path / "exe"
    try:
        descriptor = os.open(path, _FLAGS) if stat.S_ISREG(os.stat(path).st_mode) else -1
    except PermissionError as error:
        raise PermissionDenied(
            "no permission to look into the process",
            value=process.pid,
            hint=f"see why and what mends it with: razorprof doctor {process.pid}",
        ) from error
    except OSError as error:
        if not process.path.exists():
            raise TargetGone("no such process", value=process.pid) from error
        descriptor = -1
    try:
        yield descriptor
    finally:
        if descriptor >= 0:
            os.close(descriptor)
