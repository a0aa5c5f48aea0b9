"""Bundles put on the disk: a folder or a .tar.gz, whole or not at all.

    plan = plan_bundle("dump-{pid}.tar.gz", pid=..., name=..., force=force)     # before the work: UsageError
    manifest = write_bundle(plan, manifest, pieces)

Written beside under a random name and renamed; folders 0700, files 0600. What stands under the final name is
always a complete bundle. For the command dump and for the captures of alerts.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import secrets
import shutil
import stat
import tarfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from razorprof.clock import Clock, SystemClock
from razorprof.errors import ToolFailed, UsageError
from razorprof.recording.bundle import (
    LARGEST_BUNDLE,
    LARGEST_FILE,
    MANIFEST,
    BundleFile,
    Manifest,
    Piece,
    Skipped,
    is_member_name,
)
from razorprof.recording.output_files import check_output, fill_name, safe_name, write_with

ARCHIVE_ENDINGS = (".tar.gz", ".tgz")
_NO_FOLDERS = (".zip", ".tar", ".gz", ".xz", ".bz2", ".zst", ".html", ".json")


@dataclass(frozen=True, slots=True)
class BundlePlan:
    """Where a bundle goes."""

    path: Path
    is_archive: bool
    force: bool = False


def plan_bundle(
    template: str, *, pid: int, name: str, force: bool = False, clock: Clock | None = None
) -> BundlePlan:
    """Everything about the output that can be wrong, before the work. {pid}, {name} and {time} are filled in.

    Raises UsageError: an ending of another kind of file, a folder that is missing or not writable, something is
    there already (with `force` a bundle is replaced, anything else never)."""
    path = fill_name(template, pid=pid, name=name, time=(clock or SystemClock()).time())
    if not path.name:
        raise UsageError("not a name for a bundle", value=template, hint="name a new folder, or a file .tar.gz")
    lowered = path.name.lower()
    plan = BundlePlan(path, lowered.endswith(ARCHIVE_ENDINGS), force)
    if not plan.is_archive and lowered.endswith(_NO_FOLDERS):
        raise UsageError(
            "a bundle is a folder or a .tar.gz", value=path.name, hint="name it so: -o dump.tar.gz or -o dump"
        )
    _check(plan)
    return plan


def write_bundle(
    plan: BundlePlan, manifest: Manifest, pieces: Sequence[Piece], *, most: int | None = None
) -> Manifest:
    """Write the pieces and the manifest that lists them; the manifest as it was written. A piece that is too large
    is left out and told among `skipped`. most: bytes that an archive may take. Raises ToolFailed where the system
    refuses (a full disk) or it would take more, UsageError where something has appeared meanwhile."""
    kept, skipped, left = [], [], LARGEST_BUNDLE
    for piece in pieces:
        if not is_member_name(piece.path) or piece.path == MANIFEST:
            raise ValueError(f"no name for a bundle's file: {piece.path}")
        if len(piece.content) > min(left, LARGEST_FILE):
            skipped.append(Skipped(piece.kind, f"{piece.path} is too large: {len(piece.content)} bytes"))
            continue
        left -= len(piece.content)
        kept.append(piece)
    files = tuple(
        BundleFile(one.path, one.kind, hashlib.sha256(one.content).hexdigest(), len(one.content)) for one in kept
    )
    manifest = replace(manifest, files=files, skipped=(*manifest.skipped, *skipped))
    contents = [(MANIFEST, manifest.encode()), *((one.path, one.content) for one in kept)]
    if plan.is_archive:
        write_with(
            plan.path,
            lambda descriptor: _fill_archive(descriptor, plan, manifest, contents, most),
            force=plan.force,
        )
    else:
        _write_folder(plan, contents)
    return manifest


def _check(plan: BundlePlan) -> None:
    if plan.is_archive:
        check_output(plan.path, force=plan.force)
        return
    try:
        mode = os.lstat(plan.path).st_mode
    except OSError:
        check_output(plan.path)  # the folder around it, and the length of the name
        return
    if not stat.S_ISDIR(mode):
        raise UsageError("there is something else under the bundle's name", value=plan.path, hint="choose another")
    if not plan.force:
        raise UsageError("the folder exists", value=plan.path, hint="replace a bundle with --force")
    if not _may_be_replaced(plan.path):
        raise UsageError(
            "this folder is no bundle and is not replaced", value=plan.path, hint="choose another name"
        )
    if not os.access(plan.path.parent, os.W_OK | os.X_OK):
        raise UsageError("the folder is not writable", value=plan.path.parent)


def _may_be_replaced(folder: Path) -> bool:
    """Only an empty folder, or one that holds a bundle and nothing that somebody added."""
    from razorprof.errors import RazorprofError
    from razorprof.recording.bundle import LARGEST_MANIFEST, parse_manifest
    from razorprof.recording.profile_files import read_bounded

    try:
        names = set(os.listdir(folder))
        if not names:
            return True
        manifest = parse_manifest(read_bounded(folder / MANIFEST, LARGEST_MANIFEST))
    except (OSError, RazorprofError):
        return False
    return names <= {MANIFEST, *(one.path for one in manifest.files)}


def _fill_archive(
    descriptor: int,
    plan: BundlePlan,
    manifest: Manifest,
    contents: Iterable[tuple[str, bytes]],
    most: int | None,
) -> None:
    """One folder with the files in it, so that unpacking litters nothing; the manifest comes first."""
    lowered = plan.path.name.lower()
    ending = next(ending for ending in ARCHIVE_ENDINGS if lowered.endswith(ending))
    folder = safe_name(plan.path.name[: -len(ending)])
    when = int(manifest.created)
    with (
        open(descriptor, "wb", closefd=False) as file,
        gzip.GzipFile("", "wb", 6, _Bounded(file, most), mtime=when) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.USTAR_FORMAT) as archive,
    ):
        top = tarfile.TarInfo(folder)
        top.type, top.mode, top.mtime = tarfile.DIRTYPE, 0o700, when
        archive.addfile(top)
        for name, content in contents:
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, when
            archive.addfile(entry, io.BytesIO(content))


class _Bounded:
    """A file that takes no more than so many bytes. Raises ToolFailed."""

    def __init__(self, file: BinaryIO, most: int | None) -> None:
        self._file = file
        self._left = most

    def write(self, content: bytes) -> int:
        if self._left is not None:
            self._left -= len(content)
            if self._left < 0:
                raise ToolFailed("the bundle takes more room than there is for it")
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()


def _write_folder(plan: BundlePlan, contents: Iterable[tuple[str, bytes]]) -> None:
    _check(plan)
    beside = plan.path.parent / f".{safe_name(plan.path.name)}.{secrets.token_hex(8)}"
    try:
        os.mkdir(beside, 0o700)
        try:
            for name, content in contents:
                _write_file(beside / name, content)
            _sync(beside)
            _take_name(beside, plan)
            _sync(plan.path.parent)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    except OSError as error:
        raise ToolFailed(
            "the bundle could not be written", value=f"{plan.path}: {error.strerror or error}"
        ) from error


def _write_file(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _take_name(beside: Path, plan: BundlePlan) -> None:
    if not os.path.lexists(plan.path):
        os.rename(beside, plan.path)  # fails where a folder with something in it has appeared meanwhile
        return
    _check(plan)
    old = beside.with_name(beside.name + ".old")
    os.rename(plan.path, old)
    try:
        os.rename(beside, plan.path)
    except BaseException:
        with suppress(OSError):
            os.rename(old, plan.path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
