"""Build info is read out of binaries with and without section headers; what is damaged is no Go binary."""

from __future__ import annotations

import struct

from go_images import ADDRESS, build_info, go_image
from hypothesis import given, settings
from hypothesis import strategies as st
from razorprof_go.build_info import BuildInfo, Module, read_build_info

from razorprof.errors import NotSupported
from razorprof.remote.elf import Elf

LIST = """path\texample.org/shop/cmd
mod\texample.org/shop\t(devel)\t
dep\tgolang.org/x/net\tv0.17.0\th1:abc=
dep\texample.org/old\tv1.0.0\th1:abc=
=>\texample.org/fork\tv1.0.1\th1:def=
build\t-ldflags="-s -w"
build\tCGO_ENABLED=0
"""


def look(image: bytes) -> BuildInfo | None:
    return read_build_info(Elf(lambda offset, size: image[offset : offset + size]))


def test_version_modules_and_settings_are_told_without_section_headers() -> None:
    found = look(go_image(bytes(64) + build_info("go1.25.4", LIST)))
    assert found is not None
    assert found.version == (1, 25, 4)
    assert found.path == "example.org/shop/cmd"
    assert found.main == Module("example.org/shop", "(devel)")
    assert found.modules == (Module("golang.org/x/net", "v0.17.0"), Module("example.org/fork", "v1.0.1"))
    assert found.settings["CGO_ENABLED"] == "0"


def test_a_replaced_module_is_told_as_what_was_really_built_in() -> None:
    found = look(go_image(build_info("go1.19", LIST)))
    assert found is not None
    assert "example.org/old" not in [module.path for module in found.modules]


def test_the_pointers_of_go_1_17_are_followed() -> None:
    strings = ADDRESS + 128
    head = b"\xff Go buildinf:" + bytes((8, 0)) + struct.pack("<QQ", ADDRESS + 32, ADDRESS + 48)
    data = head + struct.pack("<QQQQ", strings, 8, 0, 0)
    found = look(go_image(data.ljust(128, b"\0") + b"go1.17.2"))
    assert found is not None
    assert found.version == (1, 17, 2)


def test_versions_of_all_kinds_are_parsed_or_left_open() -> None:
    assert BuildInfo("go1.22rc1").version == (1, 22, 0)
    assert BuildInfo("devel go1.26-4f7ed5b Tue").version == (1, 26, 0)
    assert BuildInfo("go1.24.1 X:boringcrypto").version == (1, 24, 1)
    assert BuildInfo("devel +f2b1c7a").version is None


def test_a_magic_that_is_not_aligned_is_text_and_no_build_info() -> None:
    assert look(go_image(b"x" + build_info("go1.25.4"))) is None


def test_a_program_without_build_info_is_no_go_program() -> None:
    assert look(go_image(bytes(4096))) is None
    assert look(go_image(build_info("go1.25.4"), flags=5)) is None


def test_lengths_beyond_all_bounds_are_not_believed() -> None:
    blob = bytearray(build_info("go1.25.4"))
    blob[32:33] = b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
    found = look(go_image(bytes(blob)))
    assert found is not None
    assert found.toolchain == ""
    assert found.version is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600), st.integers(0, 900), st.binary(min_size=1, max_size=16))
def test_damaged_images_are_refused_or_read_but_never_hang_or_crash(tail: bytes, at: int, damage: bytes) -> None:
    image = bytearray(go_image(build_info("go1.25.4", LIST) + tail))
    place = at if at < 128 else 0x1000 + at - 128
    image[place : place + len(damage)] = damage
    try:
        look(bytes(image))
    except NotSupported:
        return
