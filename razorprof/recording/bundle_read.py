"""Bundles taken in again, whoever wrote them: nothing is unpacked to the disk, nothing but plain files is read.

A bundle is flat, so that no name leads anywhere; links, devices and folders in it are refused; sizes, counts and
what an archive unpacks to are bounded; every file is compared with the manifest's hash. For the command show.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from razorprof.errors import ToolFailed
from razorprof.recording.bundle import (
    LARGEST_BUNDLE,
    LARGEST_FILE,
    LARGEST_MANIFEST,
    MANIFEST,
    MOST_FILES,
    Manifest,
    is_member_name,
    parse_manifest,
)

_BLOCK = 512
_GZIP = b"\x1f\x8b"
_MAGIC = slice(257, 262)  # tar(5): "ustar"
_OCTAL = re.compile(rb"[0-7]{1,12}")
_LARGEST_HEADER = 64 << 10  # of a pax or GNU extension, which are passed over
_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


@dataclass(frozen=True, slots=True)
class Bundle:
    """contents: the files that are as the manifest says; problems: what is wrong with the others, by name;
    unlisted: names of files that the manifest does not know, and that are not read; damage: where an archive
    breaks off, empty where it is whole."""

    manifest: Manifest
    contents: Mapping[str, bytes]
    problems: Mapping[str, str]
    unlisted: tuple[str, ...] = ()
    damage: str = ""

    def read(self, name: str) -> bytes:
        """The content of a file. Raises ToolFailed where it is not there, or not as the manifest says."""
        if name in self.problems:
            raise ToolFailed(
                "a file of the bundle is not as its manifest says", value=f"{name}: {self.problems[name]}"
            )
        if name not in self.contents:
            there = ", ".join(one.path for one in self.manifest.files)
            raise ToolFailed("there is no such file in the bundle", value=name, hint=f"there are: {there}")
        return self.contents[name]


def is_bundle(path: Path) -> bool:
    """Whether it is a folder or a gzipped tar archive: nothing else can be a bundle. Reads a few hundred bytes."""
    if path.is_dir():
        return True
    try:
        with open(os.open(path, _OPEN), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or file.read(2) != _GZIP:
                return False
            file.seek(0)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return unpacked.read(_BLOCK)[_MAGIC] == b"ustar"
    except (OSError, EOFError, zlib.error, ValueError):
        return False


def open_bundle(path: Path) -> Bundle:
    """A bundle, each file checked. Raises ToolFailed: no bundle, or one that cannot be read or is too large;
    NotSupported: a newer version."""
    found, damage = _read_folder(path) if path.is_dir() else _read_archive(path)
    raw = found.pop(MANIFEST, None)
    if not isinstance(raw, bytes):
        why = damage or f"it holds no {MANIFEST}"
        raise ToolFailed("this is no bundle of razorprof", value=f"{path}: {why}")
    manifest = parse_manifest(raw)
    if path.is_dir():
        found = _read_listed(path, manifest)
    contents: dict[str, bytes] = {}
    problems: dict[str, str] = {}
    for listed in manifest.files:
        content = found.pop(listed.path, None)
        if content is None:
            problems[listed.path] = "it is missing" if not damage else f"it is missing: {damage}"
        elif isinstance(content, str):
            problems[listed.path] = content
        elif len(content) != listed.bytes or hashlib.sha256(content).hexdigest() != listed.sha256:
            problems[listed.path] = "its hash is another: it was damaged or changed"
        else:
            contents[listed.path] = content
    unlisted = _others(path, manifest) if path.is_dir() else tuple(found)
    return Bundle(manifest, contents, problems, unlisted, damage)


def _read_folder(path: Path) -> tuple[dict[str, bytes | str], str]:
    """The manifest alone: it says what to read."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ToolFailed("the folder cannot be read", value=f"{path}: {error.strerror}") from error
    try:
        content = _read_file(folder, MANIFEST, LARGEST_MANIFEST)
    finally:
        os.close(folder)
    return ({MANIFEST: content}, "") if isinstance(content, bytes) else ({}, f"{MANIFEST}: {content}")


def _read_listed(path: Path, manifest: Manifest) -> dict[str, bytes | str]:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    found: dict[str, bytes | str] = {}
    left = LARGEST_BUNDLE
    try:
        for one in manifest.files:
            if one.bytes > left:
                found[one.path] = "the bundle is too large"
                continue
            content = _read_file(folder, one.path, one.bytes)
            left -= len(content)
            found[one.path] = content
    finally:
        os.close(folder)
    return found


def _read_file(folder: int, name: str, size: int) -> bytes | str:
    """At most one byte more than `size` of a plain file; words where it is none."""
    try:
        descriptor = os.open(name, _OPEN | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        return "it is a link, which is not followed" if error.errno == errno.ELOOP else str(error.strerror)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return "it is no regular file"
        try:
            return file.read(size + 1)
        except OSError as error:
            return str(error.strerror)


def _others(path: Path, manifest: Manifest) -> tuple[str, ...]:
    known = {MANIFEST, *(one.path for one in manifest.files)}
    try:
        with os.scandir(path) as entries:
            return tuple(entry.name for entry in islice(entries, 4 * MOST_FILES) if entry.name not in known)
    except OSError:
        return ()


def _read_archive(path: Path) -> tuple[dict[str, bytes | str], str]:
    """The plain files of an archive, up to where it breaks off, and the words for that."""
    found: dict[str, bytes | str] = {}
    try:
        with open(os.open(path, _OPEN), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ToolFailed("this is no regular file", value=path)
            with gzip.GzipFile(fileobj=file) as unpacked:
                _read_members(_Bounded(unpacked), found)
    except FileNotFoundError as error:
        raise ToolFailed("there is no such file", value=path) from error
    except (OSError, EOFError, zlib.error) as error:
        return found, f"the archive breaks off: {error}"
    return found, ""


class _Bounded:
    """What a packed stream unpacks to, up to LARGEST_BUNDLE: a bomb ends there."""

    def __init__(self, stream: gzip.GzipFile | BinaryIO) -> None:
        self._stream = stream
        self._left = LARGEST_BUNDLE + (1 << 20)  # the archive's own blocks

    def read(self, size: int) -> bytes:
        """Just `size` bytes. Raises EOFError where there are fewer, ToolFailed beyond the limit."""
        self._left -= size
        if self._left < 0:
            raise ToolFailed("the bundle is too large", value=f"more than {LARGEST_BUNDLE >> 20} MiB unpacked")
        content = self._stream.read(size)
        if len(content) < size:
            raise EOFError("it ends too early")
        return content


def _read_members(stream: _Bounded, found: dict[str, bytes | str]) -> None:
    """tar(5), ustar: our own reading instead of the library's, which follows extensions to any size and depth."""
    count = 0
    while (header := stream.read(_BLOCK)).strip(b"\0"):
        count += 1
        if count > 2 * MOST_FILES:
            raise ToolFailed("the bundle holds too many files", value=f"more than {MOST_FILES}")
        kind, size = header[156:157], _checked_size(header)
        padded = -(-size // _BLOCK) * _BLOCK
        if kind in (b"x", b"g", b"L", b"K"):  # what they say is nothing that a bundle has
            if size > _LARGEST_HEADER:
                raise ToolFailed("the archive cannot be read", value="an extension of its format is too large")
            stream.read(padded)
            continue
        name = _plain_name(header)
        if kind == b"5" and size == 0:
            continue
        if kind not in (b"0", b"\0"):
            raise ToolFailed("the bundle holds what is no plain file", value=name, hint="it was not made by dump")
        if size > LARGEST_FILE:
            raise ToolFailed("a file of the bundle is too large", value=f"{name}: {size} bytes")
        content = stream.read(padded)[:size]
        if name in found:
            raise ToolFailed("the bundle holds a file twice", value=name)
        found[name] = content


def _checked_size(header: bytes) -> int:
    """The member's size; the header's sum must be right."""
    sum_field = header[148:156].strip(b"\0 ")
    size_field = header[124:136].strip(b"\0 ")
    if header[_MAGIC] != b"ustar" or not _OCTAL.fullmatch(sum_field) or not _OCTAL.fullmatch(size_field):
        raise ToolFailed("the archive cannot be read", value="a header is damaged")
    if sum(header[:148]) + 8 * 0x20 + sum(header[156:]) != int(sum_field, 8):
        raise ToolFailed("the archive cannot be read", value="a header's sum is wrong")
    return int(size_field, 8)


def _plain_name(header: bytes) -> str:
    """The last part of a name of at most two (the folder of the bundle, and its file)."""
    raw = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0" and (prefix := header[345:500].split(b"\0", 1)[0]):
        raw = prefix + b"/" + raw
    name = raw.decode(errors="replace")
    parts = [part for part in name.split("/") if part != "."]
    while parts and parts[-1] == "":
        parts.pop()
    if name.startswith("/") or ".." in parts or "" in parts or len(parts) > 2:
        raise ToolFailed("the bundle holds a name that leads elsewhere", value=name)
    last = parts[-1] if parts else "."
    if header[156:157] in (b"0", b"\0") and not is_member_name(last):
        raise ToolFailed("the bundle holds a name that no bundle's file has", value=name)
    return last
