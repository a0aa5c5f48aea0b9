"""Protocol buffers' wire format by hand, as far as profile.proto needs it: varints, byte strings, packed numbers.

For formats.pprof_write and formats.pprof_read. The encoding is https://protobuf.dev/programming-guides/encoding/;
no schema, no generated code. Decoding is bounded by the length of the buffer and never recurses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from razorprof.formats.hostile import damaged

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_MASK64 = (1 << 64) - 1


class Message:
    """A message that is being written. Zero and empty values are left out, as proto3 does."""

    def __init__(self) -> None:
        self._parts = bytearray()

    def number(self, field: int, value: int) -> None:
        if value:
            self._parts += varint(field << 3 | VARINT)
            self._parts += varint(value)

    def numbers(self, field: int, values: Iterable[int]) -> None:
        """Packed."""
        packed = b"".join(map(varint, values))
        if packed:
            self.content(field, packed)

    def content(self, field: int, value: bytes) -> None:
        """A string or a message; empty ones too, for in a repeated field they count."""
        self._parts += varint(field << 3 | BYTES)
        self._parts += varint(len(value))
        self._parts += value

    def encode(self) -> bytes:
        return bytes(self._parts)


def varint(value: int) -> bytes:
    """A number of 64 bits, negative ones in two's complement."""
    value &= _MASK64
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def fields(buffer: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value) of a message: int for a varint, a view for bytes; fixed-size values are passed over.
    Raises ToolFailed where the buffer ends early or holds what is no protobuf."""
    place, end = 0, len(buffer)
    while place < end:
        tag, place = _varint_at(buffer, place)
        field, kind = tag >> 3, tag & 7
        if field == 0:
            raise damaged("no field of protobuf has number 0")
        if kind == VARINT:
            value, place = _varint_at(buffer, place)
            yield field, value
            continue
        if kind == BYTES:
            length, place = _varint_at(buffer, place)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise damaged("no wire type of protobuf", kind)
        if length > end - place:
            raise damaged("a field goes beyond its message", length)
        if kind == BYTES:
            yield field, buffer[place : place + length]
        place += length


def unpack(value: int | memoryview) -> Iterator[int]:
    """The numbers of a repeated field: packed, or the one that stands by itself."""
    if isinstance(value, int):
        yield value
        return
    place, end = 0, len(value)
    while place < end:
        found, place = _varint_at(value, place)
        yield found


def signed(value: int) -> int:
    """The number as int64."""
    return value - (1 << 64) if value >> 63 else value


def _varint_at(buffer: memoryview, place: int) -> tuple[int, int]:
    try:
        byte = buffer[place]
        if byte < 0x80:
            return byte, place + 1
        value, shift, start = byte & 0x7F, 7, place
        while True:
            place += 1
            byte = buffer[place]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & _MASK64, place + 1
            shift += 7
            if place - start >= _LONGEST_VARINT - 1:
                raise damaged("a number longer than 64 bits")
    except IndexError:
        raise damaged("the content ends within a number") from None
