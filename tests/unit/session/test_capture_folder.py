"""The folder of a capture: private, bounded, honest on a full disk, and removed only where it is ours."""

from __future__ import annotations

import json
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from razorprof.errors import ToolFailed, UsageError
from razorprof.session.capture_folder import (
    CaptureFolder,
    free_bytes,
    make_folder,
    measure,
    prepare_directory,
    remove_folder,
)

NOW = 1_700_000_000.0


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may become larger: the kernel refuses as a full disk does (EFBIG; Python ignores SIGXFSZ)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def folder(tmp_path: Path) -> CaptureFolder:
    return make_folder(tmp_path, NOW, "slow-worker", "Slow", 7)


def test_it_is_private_and_named_after_what_it_is_of(tmp_path: Path) -> None:
    made = make_folder(tmp_path, NOW, "slow-worker", "A/b c", None)
    assert made.path.name.startswith("20231114T221320Z-slow-worker-A_b_c-none-")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    assert make_folder(tmp_path, NOW, "slow-worker", "A/b c", None).path != made.path


def test_files_are_private_new_and_counted(folder: CaptureFolder) -> None:
    assert folder.write("a.json", b"1234") == 4
    assert (folder.written, folder.size()) == (4, 4)
    assert stat.S_IMODE((folder.path / "a.json").stat().st_mode) == 0o600
    with pytest.raises(ToolFailed):
        folder.write("a.json", b"5")
    (folder.path / "link").symlink_to("/etc/passwd")
    with pytest.raises(ToolFailed):
        folder.write("link", b"5")
    assert folder.free_name("a", "json") == "a-2.json"
    assert folder.free_name("link", "x") == "link.x"


def test_what_finds_no_room_is_not_written(folder: CaptureFolder) -> None:
    class Ten:
        left = 10

        def take(self, size: int, *, is_there: bool = False) -> None:
            if folder.written + size > self.left:
                raise ToolFailed("no room")

    folder.room = Ten()
    folder.write("a", b"123456")
    with pytest.raises(ToolFailed, match="no room"):
        folder.write("b", b"12345")
    (folder.path / "c").write_bytes(b"12345")
    with pytest.raises(ToolFailed, match="no room"):
        folder.adopt("c")
    assert os.listdir(folder.path) == ["a"]


def test_a_full_disk_leaves_no_half_of_a_file(folder: CaptureFolder) -> None:
    with full_disk(1000), pytest.raises(ToolFailed, match="could not be written"):
        folder.write("a", b"x" * 5000)
    assert os.listdir(folder.path) == []
    assert folder.written == 0


def test_on_a_full_disk_the_end_is_written_over_the_beginning(
    folder: CaptureFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.announce({"state": "waiting", "more": "x" * 500})

    def refuse(path: Path, content: bytes, *, force: bool) -> None:
        raise ToolFailed("the file could not be written", value="No space left on device")

    monkeypatch.setattr("razorprof.session.capture_folder.write_whole", refuse)
    assert folder.tell({"state": "failed"}) == ""
    assert json.loads((folder.path / "capture.json").read_text()) == {"state": "failed"}
    assert "No space left" in folder.tell({"state": "x" * 100_000})  # it would need more blocks
    assert json.loads((folder.path / "capture.json").read_text()) == {"state": "failed"}


def test_a_directory_is_made_private_and_one_of_others_is_refused(tmp_path: Path) -> None:
    prepare_directory(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    prepare_directory(tmp_path / "a" / "b")
    (tmp_path / "a" / "b").chmod(0o770)
    with pytest.raises(UsageError, match="may be written by others"):
        prepare_directory(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolFailed):
        prepare_directory(tmp_path / "file")


def test_only_folders_of_captures_in_their_directory_are_removed(tmp_path: Path, folder: CaptureFolder) -> None:
    folder.write("a", b"1")
    outside = tmp_path / "outside"
    outside.mkdir()
    stranger = make_folder(outside, NOW, "a", "b", 1).path
    assert remove_folder(stranger, tmp_path)
    assert remove_folder(outside, tmp_path)
    assert remove_folder(tmp_path / ".." / tmp_path.name / folder.path.name, tmp_path)
    assert stranger.is_dir()
    assert folder.path.is_dir()
    assert remove_folder(folder.path, tmp_path) == ""
    assert not folder.path.exists()
    assert remove_folder(folder.path, tmp_path) == ""  # it is gone already


def test_a_link_in_place_of_a_capture_is_not_followed(tmp_path: Path, folder: CaptureFolder) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letters").write_text("dear")
    folder.path.rmdir()
    folder.path.symlink_to(precious)
    assert remove_folder(folder.path, tmp_path) == "it is no folder"
    assert measure(folder.path) is None
    assert (precious / "letters").read_text() == "dear"


def test_sizes_do_not_follow_links(folder: CaptureFolder, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    (folder.path / "link").symlink_to(tmp_path / "large")
    folder.write("a", b"12345")
    assert 5 < folder.size() < 1000
    assert measure(tmp_path / "nothing") is None


def test_free_space_is_told_or_unknown(tmp_path: Path) -> None:
    assert (free_bytes(tmp_path) or 0) > 0
    assert free_bytes(tmp_path / "nothing") is None
