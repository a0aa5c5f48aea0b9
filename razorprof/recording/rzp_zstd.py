"""The packing of a recording: one stream a segment, flushed after every tick; unpacked within a bound.

A mebibyte of window reaches back over the last minutes of a small program, and holds memory at that.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import zstandard

LARGEST_WINDOW = 8 << 20  # for unpacking, whoever packed it
_LEVEL, _WINDOW_LOG = 3, 20
_STEP = 1 << 20


class Packer:
    """One stream."""

    def __init__(self) -> None:
        parameters = zstandard.ZstdCompressionParameters.from_level(_LEVEL, window_log=_WINDOW_LOG)
        self._stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()

    def pack(self, raw: bytes) -> bytes:
        """The next piece, which can be unpacked with those before it."""
        return self._stream.compress(raw) + self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def end(self) -> bytes:
        """The last piece."""
        return self._stream.flush()


def unpack(pieces: Sequence[bytes], wanted: int) -> bytes:
    """What the pieces of a stream unpack to, `wanted` bytes at most; fewer where the stream is damaged."""
    unpacked = bytearray()
    source = io.BytesIO(b"".join(pieces))
    with zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).stream_reader(source) as stream:
        try:
            while len(unpacked) < wanted and (part := stream.read(min(_STEP, wanted - len(unpacked)))):
                unpacked += part
        except zstandard.ZstdError:
            pass
    return bytes(unpacked)
