"""ELF images are read with and without section headers, and damaged ones are refused without a hang."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.errors import NotSupported
from razorprof.remote.elf import Elf, gnu_hash
from razorprof.remote.maps import MappedRegion

SOURCE = """
int exported_variable = 42;
const unsigned long exported_constant = 0x030b07f0;
static int hidden_variable __attribute__((used)) = 7;
int exported_function(void) { return hidden_variable; }
int main(void) { return exported_function(); }
"""


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler on this machine")
    folder = tmp_path_factory.mktemp("elf")
    (folder / "program.c").write_text(SOURCE)
    options = ["-rdynamic", "-Wl,--build-id=0x0123456789abcdef", "-Wl,--hash-style=gnu", "-fPIE", "-pie"]
    subprocess.run([compiler, folder / "program.c", "-o", folder / "program", *options], check=True, timeout=60)
    return folder / "program"


@pytest.fixture(scope="module")
def stripped(binary: Path) -> Path:
    strip = shutil.which("strip")
    if strip is None:
        pytest.skip("no binutils on this machine")
    target = binary.with_name("stripped")
    subprocess.run([strip, "-s", binary, "-o", target], check=True, timeout=60)
    content = bytearray(target.read_bytes())
    struct.pack_into("<QIHHHHHH", content, 40, 0, 0, 64, 56, struct.unpack_from("<H", content, 56)[0], 64, 0, 0)
    target.write_bytes(content)  # without section headers too
    return target


def image(content: bytes) -> Elf:
    return Elf(lambda offset, size: content[offset : offset + size])


def test_exported_and_hidden_symbols_are_found_with_their_values(binary: Path) -> None:
    elf = image(binary.read_bytes())
    found = elf.symbols(["exported_variable", "hidden_variable", "exported_constant", "no_such_symbol"])
    assert set(found) == {"exported_variable", "hidden_variable", "exported_constant"}
    assert elf.read(found["exported_variable"].address, 4) == struct.pack("<i", 42)
    assert elf.read(found["hidden_variable"].address, 4) == struct.pack("<i", 7)
    assert elf.read(found["exported_constant"].address, 8) == struct.pack("<Q", 0x030B07F0)
    assert found["exported_variable"].size == 4


def test_a_stripped_image_without_sections_still_has_its_dynamic_symbols(stripped: Path) -> None:
    elf = image(stripped.read_bytes())
    found = elf.symbols(["exported_variable", "hidden_variable"])
    assert set(found) == {"exported_variable"}
    assert elf.section(".data") is None


def test_the_build_id_and_sections_are_found(binary: Path) -> None:
    elf = image(binary.read_bytes())
    assert elf.build_id() == "0123456789abcdef"
    data = elf.section(".data")
    assert data is not None
    assert data.size > 0


def test_the_load_bias_comes_from_the_mapping_of_a_segment(binary: Path) -> None:
    elf = image(binary.read_bytes())
    segment = elf.segments[1]
    page = segment.address & -4096
    region = MappedRegion(
        0x5555_0000_0000 + page, 0x5555_0000_0000 + page + 4096, "r-xp", segment.offset & -4096, "8:1", 5, b"/x"
    )
    assert elf.load_bias([region]) == 0x5555_0000_0000
    with pytest.raises(NotSupported):
        elf.load_bias([])


def test_an_address_outside_the_image_is_refused(binary: Path) -> None:
    elf = image(binary.read_bytes())
    with pytest.raises(NotSupported):
        elf.read(1 << 40, 8)


@pytest.mark.parametrize(
    "content", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x01\x01" + b"\0" * 100, b"\0" * 64]
)
def test_what_is_no_64_bit_elf_is_refused(content: bytes) -> None:
    with pytest.raises(NotSupported):
        image(content)


def test_the_hash_is_the_one_that_linkers_use() -> None:
    assert gnu_hash("") == 5381
    assert gnu_hash("printf") == 0x156B2BB8


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_image_is_refused_or_read_but_never_hangs(binary: Path, data: st.DataObject) -> None:
    content = bytearray(binary.read_bytes())
    end = len(content)
    for _ in range(data.draw(st.integers(1, 20))):
        # most damage where it hurts: headers, hash table, dynamic table
        place = data.draw(st.one_of(st.integers(0, 0x1000), st.integers(0, end - 9)))
        word = data.draw(st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 1, 2**63, 2**64 - 1])))
        struct.pack_into("<Q", content, min(place, end - 8), word)
    content = content[: data.draw(st.integers(0, end))]
    try:
        elf = image(bytes(content))
        elf.symbols(["exported_variable", "hidden_variable", "nothing"])
        elf.build_id()
        elf.section(".data")
    except NotSupported:
        pass
