"""Files made wrong: bytes changed, cut out, doubled, in small and in large."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from hypothesis import strategies as st

from razorprof.errors import ToolFailed
from razorprof.formats.collapsed import Collapsed
from razorprof.formats.ours import Ours
from razorprof.formats.pprof import Pprof
from razorprof.formats.pprof_read import decode
from razorprof.formats.speedscope import Speedscope
from razorprof.model.profile import Profile, top
from tests.unit.formats.sample_profiles import FULL

Read = Callable[[bytes], Profile]
READERS: dict[str, tuple[bytes, Read]] = {
    "collapsed": (Collapsed().write(FULL), Collapsed().read),
    "speedscope": (Speedscope().write(FULL), Speedscope().read),
    "razorprof": (Ours().write(FULL), Ours().read),
    "pprof": (Pprof().write(FULL), Pprof().read),
    "pprof-unpacked": (gzip.decompress(Pprof().write(FULL)), decode),
}
_INTERESTING = [
    b"",
    b"\0",
    b"\xff" * 9 + b"\x01",
    b"[" * 50,
    b"9" * 5000,
    b"-1",
    b"1e999",
    b"null",
    b'"',
    b";",
    b" ",
]


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with up to four places changed."""
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([0, 1, 1, 2, 8, 100]))
        piece = draw(st.one_of(st.binary(max_size=4), st.sampled_from(_INTERESTING)))
        kind = draw(st.sampled_from(["replace", "replace", "double", "truncate"]))
        if kind == "replace":
            content = content[:place] + piece + content[place + length :]
        elif kind == "double":
            content = content[: place + length] + content[place:]
        else:
            content = content[:place]
    return content


def read_or_refuse(read: Read, content: bytes) -> None:
    """Whatever the content is: a sound profile, or ToolFailed."""
    try:
        profile = read(content)
    except ToolFailed:
        return
    assert profile.total >= 0.0
    assert profile.total < float("inf")
    assert all(weight >= 0.0 for weight in profile.weights.values())
    for format in (Collapsed(), Speedscope(), Pprof(), Ours()):  # whatever was read can be written again
        format.write(profile)
    top(profile)
