"""pprof's format: profile.proto, compressed with gzip. What `go tool pprof`, Pyroscope and many others read."""

from __future__ import annotations

import gzip
import zlib
from typing import ClassVar

from razorprof.formats.hostile import damaged
from razorprof.model.profile import Profile

LARGEST_CONTENT = 1 << 27
_GZIP = b"\x1f\x8b"
_STEP = 1 << 20


class Pprof:
    """The format plug-in."""

    name: ClassVar[str] = "pprof"
    endings: ClassVar[tuple[str, ...]] = (".pb.gz", ".pprof", ".pb")
    can_read: ClassVar[bool] = True

    def recognises(self, start: bytes) -> bool:
        return start.startswith(_GZIP)

    def write(self, profile: Profile) -> bytes:
        """A gzip file without a time stamp: equal profiles make equal files."""
        from razorprof.formats.pprof_write import encode

        return gzip.compress(encode(profile), mtime=0)

    def read(self, content: bytes) -> Profile:
        """A profile of any writer, compressed or not. Raises ToolFailed."""
        from razorprof.formats.pprof_read import decode

        plain = decompress(content) if content.startswith(_GZIP) else content
        if not plain:
            raise damaged("an empty pprof profile")
        return decode(plain)


def decompress(content: bytes, largest: int = LARGEST_CONTENT) -> bytes:
    """The content of a gzip file, of at most `largest` bytes: more is never unpacked. Raises ToolFailed."""
    inflater = zlib.decompressobj(wbits=31)
    plain = bytearray()
    rest = content
    try:
        while not inflater.eof:
            piece = inflater.decompress(rest, _STEP)
            plain += piece
            if len(plain) > largest:
                raise damaged(f"unpacked, it is larger than {largest >> 20} MiB")
            rest = inflater.unconsumed_tail
            if not piece and not rest and not inflater.eof:
                raise damaged("the gzip file ends early")
    except zlib.error as error:
        raise damaged("no sound gzip file", str(error)) from error
    return bytes(plain)
