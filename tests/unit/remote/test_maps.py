"""Mappings are parsed whatever the target named its files."""

from __future__ import annotations

from razorprof.remote.maps import contains, parse_maps, regions_of_same_file

MAPS = b"""\
00400000-00420000 r--p 00000000 08:01 1234                               /usr/bin/python3.11
00420000-00600000 r-xp 00020000 08:01 1234                               /usr/bin/python3.11
7f0000000000-7f0000001000 rw-p 00000000 00:00 0
7f0000001000-7f0000002000 r--p 00000000 fd:00 77                         /tmp/a b\\012c (deleted)
7f0000002000-7f0000003000 r--s 00000000 00:05 9                          /dev/\xff\x1b[31m
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]
not a line
7f-zz r--p 0 0:0 0
"""


def test_lines_are_parsed_and_broken_ones_left_out() -> None:
    regions = parse_maps(MAPS)
    assert len(regions) == 6
    first = regions[0]
    assert (first.start, first.end, first.offset, first.inode) == (0x400000, 0x420000, 0, 1234)
    assert (first.path, first.is_readable, first.is_writable) == ("/usr/bin/python3.11", True, False)
    assert regions[2].raw_path == b""


def test_a_deleted_file_with_a_newline_in_its_name_keeps_its_name() -> None:
    region = parse_maps(MAPS)[3]
    assert region.raw_path == b"/tmp/a b\nc (deleted)"
    assert region.path == "/tmp/a b\nc"
    assert region.is_deleted


def test_bytes_that_are_no_text_do_not_break_the_path() -> None:
    assert parse_maps(MAPS)[4].path == "/dev/\ufffd\x1b[31m"


def test_regions_of_one_file_are_found_by_inode_device_and_path() -> None:
    regions = parse_maps(MAPS)
    assert regions_of_same_file(regions, regions[1]) == regions[:2]


def test_an_address_must_lie_inside_one_region() -> None:
    regions = parse_maps(MAPS)
    assert contains(regions, 0x400000, 0x20000)
    assert not contains(regions, 0x41FFFF, 2)
    assert not contains(regions, 0x600000)
