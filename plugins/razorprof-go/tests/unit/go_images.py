"""ELF images that look like Go binaries, made by hand: for tests without a toolchain."""

from __future__ import annotations

import struct

ADDRESS, OFFSET = 0x400000, 0x1000
MAGIC = b"\xff Go buildinf:"


def varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(encoded) + bytes((value,))


def build_info(version: str, modules: str = "", *, flags: int = 2) -> bytes:
    """The blob as Go 1.18 and later write it."""
    framed = b"\x30" * 16 + modules.encode() + b"\xf9" * 16 if modules else b""
    head = MAGIC + bytes((8, flags)) + bytes(16)
    return head + varint(len(version)) + version.encode() + varint(len(framed)) + framed


def go_image(data: bytes, *, flags: int = 6) -> bytes:
    """A file without section headers whose one segment holds `data`."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, flags, OFFSET, ADDRESS, ADDRESS, len(data), len(data), 4096)
    return (header + segment).ljust(OFFSET, b"\0") + data
