"""Bundles on the disk: whole or not there, private, never over something else, and the same when read back."""

from __future__ import annotations

import gzip
import json
import os
import resource
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from razorprof.errors import NotSupported, ToolFailed, UsageError
from razorprof.recording import bundle_write
from razorprof.recording.bundle import Piece, parse_manifest
from razorprof.recording.bundle_read import Bundle, is_bundle, open_bundle
from razorprof.recording.bundle_write import plan_bundle, write_bundle
from tests.unit.recording.bundle_samples import MANIFEST, PIECES

KINDS = pytest.mark.parametrize("name", ["dump", "dump.tar.gz", "dump.tgz"])


def written(path: Path, *, force: bool = False, pieces: tuple[Piece, ...] = PIECES) -> Bundle:
    plan = plan_bundle(str(path), pid=7, name="shop", force=force)
    manifest = write_bundle(plan, MANIFEST, pieces)
    bundle = open_bundle(path)
    assert bundle.manifest == manifest
    return bundle


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may become larger: the kernel refuses as a full disk does (EFBIG; Python ignores SIGXFSZ)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@KINDS
def test_what_is_written_is_read_back_with_its_hashes(tmp_path: Path, name: str) -> None:
    bundle = written(tmp_path / name)
    assert bundle.contents == {piece.path: piece.content for piece in PIECES}
    assert (bundle.problems, bundle.unlisted, bundle.damage) == ({}, (), "")
    assert [one.kind for one in bundle.manifest.files] == ["process", "threads"]
    assert bundle.manifest.skipped == MANIFEST.skipped
    assert bundle.manifest.target["command"] == "shop \x1b[31m"
    assert is_bundle(tmp_path / name)
    assert os.listdir(tmp_path) == [name]


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    written(tmp_path / "dump")
    written(tmp_path / "dump.tar.gz")
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (tmp_path, *tmp_path.rglob("*")) if path != tmp_path
    }
    assert modes.pop("dump") == 0o700
    assert set(modes.values()) == {0o600}
    with tarfile.open(tmp_path / "dump.tar.gz") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == [
        "dump",
        "dump/manifest.json",
        "dump/process.json",
        "dump/threads.txt",
    ]
    assert {member.mode for member in members if member.isreg()} == {0o600}


def test_the_manifest_has_the_contract_s_shape(tmp_path: Path) -> None:
    written(tmp_path / "dump")
    document = json.loads((tmp_path / "dump" / "manifest.json").read_text())
    assert document["version"] == 1
    assert document["files"][0].keys() == {"path", "kind", "sha256", "bytes"}
    assert document["skipped"] == [{"kind": "heap", "reason": "not allowed"}]
    assert document["redaction"]["on"] is True
    assert "best effort" in document["redaction"]["words"]


@KINDS
def test_what_exists_is_found_out_before_the_work_and_replaced_only_with_force(tmp_path: Path, name: str) -> None:
    written(tmp_path / name)
    with pytest.raises(UsageError, match="exists"):
        plan_bundle(str(tmp_path / name), pid=7, name="shop")
    new = (Piece("gc.json", "gc", b"{}"),)
    assert set(written(tmp_path / name, force=True, pieces=new).contents) == {"gc.json"}
    assert os.listdir(tmp_path) == [name]


def test_a_folder_that_is_no_bundle_is_never_replaced(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "letters").write_text("dear")
    with pytest.raises(UsageError, match="no bundle"):
        plan_bundle(str(home), pid=7, name="shop", force=True)
    written(tmp_path / "dump")
    (tmp_path / "dump" / "notes.txt").write_text("what I found")
    with pytest.raises(UsageError, match="no bundle"):
        plan_bundle(str(tmp_path / "dump"), pid=7, name="shop", force=True)
    (tmp_path / "link").symlink_to(home)
    with pytest.raises(UsageError, match="something else"):
        plan_bundle(str(tmp_path / "link"), pid=7, name="shop", force=True)
    assert (home / "letters").read_text() == "dear"


@pytest.mark.parametrize(
    "name", ["dump.zip", "dump.tar", "dump.gz", "dump.json", "report.html", "", "missing/dump"]
)
def test_a_name_that_no_bundle_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        plan_bundle(f"{tmp_path}/{name}", pid=7, name="shop")


def test_a_hostile_name_of_the_target_leads_nowhere(tmp_path: Path) -> None:
    plan = plan_bundle(f"{tmp_path}/d-{{name}}.tar.gz", pid=7, name="../../etc/\x1b[31m$(id)")
    assert plan.path.parent == tmp_path
    assert plan.path.name == "d-_.._etc_31m_id_.tar.gz"


@KINDS
def test_a_full_disk_leaves_nothing_under_the_name(tmp_path: Path, name: str) -> None:
    plan = plan_bundle(str(tmp_path / name), pid=7, name="shop")
    noise = (Piece("noise.bin", "noise", os.urandom(100_000)),)
    with full_disk(20_000), pytest.raises(ToolFailed, match="could not be written"):
        write_bundle(plan, MANIFEST, noise)
    assert os.listdir(tmp_path) == []


def test_an_archive_that_takes_more_than_there_is_room_for_leaves_nothing(tmp_path: Path) -> None:
    plan = plan_bundle(str(tmp_path / "dump.tar.gz"), pid=7, name="shop")
    noise = (Piece("noise.bin", "noise", os.urandom(100_000)),)
    with pytest.raises(ToolFailed, match="more room"):
        write_bundle(plan, MANIFEST, noise, most=50_000)
    assert os.listdir(tmp_path) == []
    write_bundle(plan, MANIFEST, noise, most=150_000)
    assert set(open_bundle(plan.path).contents) == {"noise.bin"}


@KINDS
def test_a_failed_replacement_leaves_the_old_bundle(tmp_path: Path, name: str) -> None:
    written(tmp_path / name)
    plan = plan_bundle(str(tmp_path / name), pid=7, name="shop", force=True)
    noise = (Piece("noise.bin", "noise", os.urandom(100_000)),)
    with full_disk(20_000), pytest.raises(ToolFailed):
        write_bundle(plan, MANIFEST, noise)
    assert set(open_bundle(tmp_path / name).contents) == {piece.path for piece in PIECES}
    assert os.listdir(tmp_path) == [name]


def test_what_appeared_meanwhile_is_kept(tmp_path: Path) -> None:
    plan = plan_bundle(str(tmp_path / "dump"), pid=7, name="shop")
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "letters").write_text("dear")
    with pytest.raises(UsageError, match="exists"):
        write_bundle(plan, MANIFEST, PIECES)
    assert os.listdir(tmp_path) == ["dump"]


def test_a_piece_that_is_too_large_is_told_as_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_write, "LARGEST_FILE", 100)
    bundle = written(tmp_path / "dump")
    assert set(bundle.contents) == {"process.json"}
    assert [one.kind for one in bundle.manifest.skipped] == ["heap", "threads"]
    assert "too large" in bundle.manifest.skipped[1].reason


def test_a_changed_a_missing_and_an_unlisted_file_are_told(tmp_path: Path) -> None:
    written(tmp_path / "dump")
    (tmp_path / "dump" / "process.json").write_bytes(b'{"pid": 8}\n')
    (tmp_path / "dump" / "threads.txt").unlink()
    (tmp_path / "dump" / "more.txt").write_text("x")
    bundle = open_bundle(tmp_path / "dump")
    assert bundle.problems.keys() == {"process.json", "threads.txt"}
    assert "hash" in bundle.problems["process.json"]
    assert bundle.unlisted == ("more.txt",)
    for name in ("process.json", "threads.txt", "more.txt"):
        with pytest.raises(ToolFailed):
            bundle.read(name)


def test_an_archive_that_breaks_off_opens_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "dump.tar.gz"
    written(path, pieces=(PIECES[0], Piece("noise.bin", "noise", os.urandom(50_000))))
    path.write_bytes(path.read_bytes()[:-20_000])
    bundle = open_bundle(path)
    assert set(bundle.contents) == {"process.json"}
    assert "breaks off" in bundle.problems["noise.bin"]
    assert bundle.damage


def test_a_bundle_packed_anew_by_tar_is_read(tmp_path: Path) -> None:
    written(tmp_path / "dump")
    for number, form in enumerate((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT)):
        path = tmp_path / f"again-{number}.tar.gz"
        with tarfile.open(path, "w:gz", format=form) as archive:
            archive.add(tmp_path / "dump", arcname="./dump")
        assert open_bundle(path).problems == {}


def test_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    written(tmp_path / "dump")
    path = tmp_path / "dump" / "manifest.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(NotSupported, match="newer"):
        open_bundle(tmp_path / "dump")


def test_a_profile_is_no_bundle(tmp_path: Path) -> None:
    for name, content in {"p.pb.gz": gzip.compress(b"\n" * 600), "p.json": b"{}", "empty": b""}.items():
        (tmp_path / name).write_bytes(content)
        assert not is_bundle(tmp_path / name)
    os.mkfifo(tmp_path / "fifo")
    assert not is_bundle(tmp_path / "fifo")
    assert not is_bundle(tmp_path / "nowhere")


def test_a_manifest_survives_its_own_reading() -> None:
    odd = replace(
        MANIFEST, interrupted=True, ended="killed by SIGKILL", redacted=False, notes=("one",), seconds=2.5
    )
    assert parse_manifest(odd.encode()) == odd
