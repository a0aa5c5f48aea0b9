"""Files written as one piece: their names, what is refused before the work, nothing half written is seen."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from razorprof.errors import ToolFailed, UsageError
from razorprof.recording.output_files import check_output, fill_name, safe_name, write_whole, write_with


def test_placeholders_are_filled_in_and_doubled_braces_stay() -> None:
    path = fill_name("out/{{x}}-{pid}-{name}-{time}.json", pid=12, name="web", time=0.0)
    assert path.parent == Path("out")
    assert path.name.startswith("{x}-12-web-19")
    assert path.suffix == ".json"


@pytest.mark.parametrize(
    "template", ["{pod}.json", "{pid!r}.json", "{pid:04}.json", "{pid.real}.json", "{", "", "a\0b"]
)
def test_a_template_that_cannot_be_meant_is_bad_usage(template: str) -> None:
    with pytest.raises(UsageError):
        fill_name(template, pid=1, name="x", time=0.0)


def test_a_placeholder_whose_value_nobody_knows_is_bad_usage() -> None:
    with pytest.raises(UsageError, match=r"\{pid\} is not known here"):
        fill_name("{pid}.json", name="x")


@pytest.mark.parametrize("name", ["../../etc/x", "-rf", ".hidden", "a\nb\x1b[2J", "é/\0", "", "a" * 5000, "{pid}"])
def test_a_hostile_name_is_one_plain_part_of_a_file_s_name(name: str) -> None:
    part = safe_name(name)
    assert 0 < len(part) <= 64
    assert part.isascii()
    assert part.isprintable()
    assert not set(part) & set("/ {}*?$;&|'\"\\")
    assert part[0] not in ".-"


def test_a_file_is_private_whole_and_alone_in_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    write_whole(path, b"content")
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["p.json"]


def test_an_existing_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(b"old")
    with pytest.raises(UsageError, match="exists"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    write_whole(path, b"new", force=True)
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["p.json"]


def test_a_file_that_appears_during_the_work_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "p.json"

    def fill(descriptor: int) -> None:
        os.write(descriptor, b"ours")
        path.write_bytes(b"theirs")

    with pytest.raises(UsageError, match="exists by now"):
        write_with(path, fill)
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["p.json"]


def test_a_link_is_replaced_and_never_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    link = tmp_path / "p.json"
    link.symlink_to(victim)
    with pytest.raises(UsageError, match="exists"):
        check_output(link)
    write_whole(link, b"new", force=True)
    assert victim.read_bytes() == b"precious"
    assert not link.is_symlink()


@pytest.mark.parametrize("force", [False, True])
def test_a_device_a_folder_and_a_missing_folder_are_refused_before_the_work(tmp_path: Path, force: bool) -> None:
    for path in (Path(os.devnull), tmp_path, tmp_path / "missing" / "p.json", tmp_path / ("x" * 300)):
        with pytest.raises(UsageError):
            check_output(path, force=force)


def test_what_fails_while_writing_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(b"old")

    def fill(descriptor: int) -> None:
        os.write(descriptor, b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(ToolFailed, match="No space left"):
        write_with(path, fill, force=True)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["p.json"]


def test_an_interrupt_while_writing_leaves_no_rest(tmp_path: Path) -> None:
    def fill(descriptor: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_with(tmp_path / "p.json", fill)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_takes_no_files_is_found_out_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        check_output(Path("/proc/x.json"))
    check_output(tmp_path / "p.json")
    assert os.listdir(tmp_path) == []
