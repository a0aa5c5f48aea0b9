"""Bundles by somebody who means harm: names, links, bombs, and bytes changed at random."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from razorprof.errors import NotSupported, RazorprofError, ToolFailed
from razorprof.recording import bundle_read
from razorprof.recording.bundle import parse_manifest
from razorprof.recording.bundle_read import open_bundle
from razorprof.recording.bundle_write import plan_bundle, write_bundle
from tests.unit.formats.mutations import mutated
from tests.unit.recording.bundle_samples import MANIFEST, PIECES

SOUND = json.loads(MANIFEST.encode())
FILE = {"path": "a.json", "kind": "a", "sha256": "0" * 64, "bytes": 1}


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes], manifest: bytes = MANIFEST.encode()) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as written:
        for entry, content in ((tarfile.TarInfo("d/manifest.json"), manifest), *members):
            entry.size = entry.size or len(content)
            written.addfile(entry, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "d/../../evil",
        "d/e/f",
        "d/.hidden",
        "d/-rf",
        "d/a\\b",
        "d/\x1b[31m",
        "d/" + "n" * 101,
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "e.tar.gz", (member(name), b"x"))
    try:
        bundle = open_bundle(path)
    except ToolFailed:
        pass
    else:  # a name too long for a header stands in an extension, which is passed over: what is left is plain
        assert len(name) > 100
        assert set(bundle.contents) == set()
    assert os.listdir(tmp_path) == ["e.tar.gz"]


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "d/manifest.json"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
        (tarfile.CONTTYPE, ""),
        (tarfile.GNUTYPE_SPARSE, ""),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes, link: str) -> None:
    with pytest.raises(ToolFailed, match="no plain file"):
        open_bundle(archive(tmp_path / "e.tar.gz", (member("d/a.json", kind, link), b"")))


def test_links_and_devices_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(PIECES[0].content)
    folder = tmp_path / "dump"
    write_bundle(plan_bundle(str(folder), pid=7, name="shop"), MANIFEST, PIECES)
    (folder / "process.json").unlink()
    (folder / "process.json").symlink_to(secret)  # its content is even right
    (folder / "threads.txt").unlink()
    os.mkfifo(folder / "threads.txt")
    bundle = open_bundle(folder)
    assert bundle.contents == {}
    assert "link" in bundle.problems["process.json"]
    assert "regular" in bundle.problems["threads.txt"]
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").symlink_to(secret)
    with pytest.raises(ToolFailed, match="no bundle"):
        open_bundle(folder)


def test_a_packed_bomb_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_read, "LARGEST_BUNDLE", 1 << 20)
    bomb = [(member(f"d/zeros{number}"), bytes(1 << 20)) for number in range(8)]
    path = archive(tmp_path / "e.tar.gz", *bomb)
    assert path.stat().st_size < 20_000
    with pytest.raises(ToolFailed, match="too large"):
        open_bundle(path)


def test_a_file_larger_than_a_bundle_s_is_refused_by_its_header(tmp_path: Path) -> None:
    header = member("d/large")
    header.size = 1 << 30
    raw = header.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "e.tar.gz").write_bytes(gzip.compress(raw + bytes(1024)))
    with pytest.raises(ToolFailed, match="too large"):
        open_bundle(tmp_path / "e.tar.gz")


def test_too_many_files_and_chains_of_extensions_are_refused(tmp_path: Path) -> None:
    many = archive(tmp_path / "m.tar.gz", *((member(f"d/f{number}"), b"") for number in range(600)))
    with pytest.raises(ToolFailed, match="too many"):
        open_bundle(many)
    chain = member("x", tarfile.XHDTYPE).tobuf(tarfile.GNU_FORMAT) * 5000
    (tmp_path / "c.tar.gz").write_bytes(gzip.compress(chain + bytes(1024)))
    with pytest.raises(ToolFailed):
        open_bundle(tmp_path / "c.tar.gz")


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="twice"):
        open_bundle(archive(tmp_path / "e.tar.gz", (member("d/a"), b"1"), (member("e/a"), b"2")))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"version": True},
        {"version": None},
        {"created": "now"},
        {"created": 1e300},
        {"created": -1},
        {"target": []},
        {"files": {}},
        {"files": [FILE] * 300},
        {"files": [FILE, FILE]},
        {"files": ["a.json"]},
        {"files": [FILE | {"path": "../a"}]},
        {"files": [FILE | {"path": "manifest.json"}]},
        {"files": [FILE | {"path": 7}]},
        {"files": [FILE | {"sha256": "0" * 63}]},
        {"files": [FILE | {"bytes": -1}]},
        {"files": [FILE | {"bytes": 1 << 40}]},
        {"files": [FILE | {"bytes": 1.5}]},
        {"skipped": 5},
        {"notes": {"a": 1}},
    ],
    ids=str,
)
def test_a_manifest_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ToolFailed):
        parse_manifest(json.dumps(SOUND | change).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"[" * 100_000,
        b'{"version": NaN}',
        b'{"version":' + b"9" * 5000 + b"}",
        b"\xff\xfe",
    ],
    ids=lambda content: str(content[:12]),
)
def test_a_manifest_that_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises((ToolFailed, NotSupported)):
        parse_manifest(content)


def survives(read: Callable[[], object]) -> None:
    """Whatever it is: an answer, or an error that its user can understand."""
    words = "read"
    try:
        read()
    except RazorprofError as error:
        words = str(error)
    assert words


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_changed_manifest_is_read_or_refused(data: st.DataObject) -> None:
    content = data.draw(mutated(MANIFEST.encode()))
    survives(lambda: parse_manifest(content))


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_archive_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "dump.tar.gz"
    write_bundle(plan_bundle(str(path), pid=7, name="shop", force=True), MANIFEST, PIECES)
    packed = path.read_bytes()
    if data.draw(st.booleans()):  # below the packing, where the checksum of gzip does not help
        content = gzip.compress(data.draw(mutated(gzip.decompress(packed))))
    else:
        content = data.draw(mutated(packed))
    path.write_bytes(content)

    def read() -> None:
        bundle = open_bundle(path)
        listed = {one.path: one for one in bundle.manifest.files}
        assert all(len(found) == listed[name].bytes for name, found in bundle.contents.items())
        assert bundle.contents.keys() | bundle.problems.keys() == listed.keys()

    survives(read)
