"""Files that are damaged, or made to hurt: refused in a line, in bounded time and memory."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from razorprof.errors import ToolFailed
from razorprof.formats import hostile, pprof_read
from razorprof.formats.collapsed import Collapsed
from razorprof.formats.ours import Ours
from razorprof.formats.pprof import Pprof, decompress
from razorprof.formats.pprof_read import decode
from razorprof.formats.protobuf import Message, varint
from razorprof.formats.speedscope import Speedscope
from tests.unit.formats.mutations import READERS, mutated, read_or_refuse
from tests.unit.formats.sample_profiles import FULL


@pytest.mark.parametrize("name", READERS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_file_with_changed_bytes_is_refused_or_read_and_never_a_crash(name: str, data: st.DataObject) -> None:
    content, read = READERS[name]
    read_or_refuse(read, data.draw(mutated(content)))


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_ends_early_is_refused_or_read_at_every_byte(name: str) -> None:
    content, read = READERS[name]
    for end in range(0, len(content), 3):
        read_or_refuse(read, content[:end])


def test_a_gzip_bomb_is_never_unpacked() -> None:
    packer = zlib.compressobj(9, wbits=31)
    megabyte = b"\0" * (1 << 20)
    bomb = b"".join(packer.compress(megabyte) for _ in range(100)) + packer.flush()
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(ToolFailed, match="larger than 8 MiB"):
            decompress(bomb, 8 << 20)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def ours(**changes: Any) -> bytes:
    return json.dumps({**json.loads(Ours().write(FULL)), **changes}).encode()


def stack(**changes: Any) -> dict[str, Any]:
    return {"frames": [0], "weight": 1.0, "thread": 0, "block": None, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"stacks": [stack(weight=-1)]},
        {"stacks": [stack(weight=1e308)] * 20},
        {"stacks": [stack(weight="1")]},
        {"stacks": [stack(weight=True)]},
        {"stacks": [stack(frames=[99])]},
        {"stacks": [stack(frames=[-1])]},
        {"stacks": [stack(frames=[0.0])]},
        {"stacks": [stack(thread=7)]},
        {"stacks": [stack(block=7)]},
        {"stacks": [stack(also=[1, 2, 3])]},
        {"stacks": {}},
        {"frames": [["f", "x.py"]]},
        {"frames": [["f", "x.py", -1]]},
        {"frames": [["f" * 70_000, "x.py", 1]]},
        {"duration_seconds": None},
        {"unit": 5},
        {"how": []},
        {"how": {"samples": 10**30}},
        {"how": {"origin": {"pid": -1}}},
        {"blocks": [{"start": "x", "seconds": 1}]},
        {"razorprof_profile": 2},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_a_value_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ToolFailed):
        Ours().read(ours(**changes))


@pytest.mark.parametrize("weight", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000], ids=range(5))
@pytest.mark.parametrize("format", [Ours(), Speedscope()], ids=lambda f: f.name)
def test_numbers_that_are_none_are_refused(format: Ours | Speedscope, weight: str) -> None:
    content = format.write(FULL).decode().replace("1.5", weight)
    assert weight in content
    with pytest.raises(ToolFailed):
        format.read(content.encode())


@pytest.mark.parametrize("content", [b"[" * 1_000_000, b'{"a":' * 500_000, b"[]", b"7", b'"x"', b"\xff\xfe{}"])
@pytest.mark.parametrize("format", [Ours(), Speedscope()], ids=lambda f: f.name)
def test_json_of_any_depth_and_kind_is_refused(format: Ours | Speedscope, content: bytes) -> None:
    with pytest.raises(ToolFailed):
        format.read(content)


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits at a thousandth, so that reaching them takes no time."""
    monkeypatch.setattr(hostile, "MOST_FRAMES", 20_000)
    monkeypatch.setattr(hostile, "MOST_STACKS", 2_000)
    monkeypatch.setattr(pprof_read, "_MOST_PARTS", 2_000)


@pytest.mark.usefixtures("small_limits")
def test_a_small_file_that_stands_for_an_endless_profile_is_refused() -> None:
    deep = json.dumps({"frames": [0] * 20, "weight": 1.0, "thread": 0})
    text = ours(stacks=[]).decode().replace('"stacks": []', f'"stacks": [{",".join([deep] * 1100)}]')
    with pytest.raises(ToolFailed, match="too many or too deep"):
        Ours().read(text.encode())


def pprof(*locations: bytes, samples: int = 1, places: int = 1, values: tuple[int, ...] = (1,)) -> bytes:
    """A profile of one function; each sample stands at location 1, `places` times."""
    message, kind, function = Message(), Message(), Message()
    kind.number(1, 1)
    kind.number(2, 2)
    message.content(1, kind.encode())
    for _ in range(samples):
        sample = Message()
        sample.numbers(1, [1] * places)
        sample.numbers(2, values)
        message.content(2, sample.encode())
    for location in locations:
        message.content(4, location)
    function.number(1, 1)
    function.number(2, 3)
    message.content(5, function.encode())
    for text in (b"", b"cpu", b"nanoseconds", b"work"):
        message.content(6, text)
    return message.encode()


def location(number: int, function: int = 1, lines: int = 1) -> bytes:
    message, line = Message(), Message()
    message.number(1, number)
    line.number(1, function)
    for _ in range(lines):
        message.content(4, line.encode())
    return message.encode()


def test_a_pprof_profile_made_by_hand_is_read() -> None:
    found = decode(pprof(location(1, lines=2), values=(2_000_000_000,)))
    assert found.total == 2.0
    assert [[frame.function for frame in key.stack] for key in found.weights] == [["work", "work"]]


@pytest.mark.parametrize(
    "content",
    [
        pprof(),  # a location that is not there
        pprof(location(1, function=9)),
        pprof(location(1), location(1)),
        pprof(location(0)),
        pprof(location(1), values=(1, 2)),
        pprof(location(1), values=(-5,)),
        pprof(location(1, lines=300), samples=70),
        pprof(location(1, lines=300), places=70),
        pprof(location(1)) + b"\x0a" + varint((1 << 64) - 1),
        b"\xff" * 11,
        b"\x0b" * 10,  # groups
        b"\x00\x00",
        b"",
        b"\x32\x00" * 2_100,
        gzip.compress(b"\x12\x00" * 3_000),
    ],
    ids=range(15),
)
@pytest.mark.usefixtures("small_limits")
def test_a_pprof_profile_that_cannot_be_is_refused(content: bytes) -> None:
    with pytest.raises(ToolFailed):
        Pprof().read(content)


def speedscope(**changes: Any) -> bytes:
    profile = {"type": "evented", "name": "x", "unit": "seconds", "startValue": 0, "endValue": 3, **changes}
    return json.dumps({"shared": {"frames": [{"name": "a"}, {"name": "b"}]}, "profiles": [profile]}).encode()


def event(kind: str, frame: int, at: float) -> dict[str, Any]:
    return {"type": kind, "frame": frame, "at": at}


def test_an_evented_profile_becomes_the_stacks_between_its_events() -> None:
    events = [event("O", 0, 0), event("O", 1, 1), event("C", 1, 2.5), event("C", 0, 3)]
    found = Speedscope().read(speedscope(events=events))
    assert {"/".join(f.function for f in key.stack): weight for key, weight in found.weights.items()} == {
        "a": 1.5,
        "a/b": 1.5,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"events": [event("O", 0, 2), event("O", 1, 1)]},
        {"events": [event("C", 0, 1)]},
        {"events": [event("O", 9, 1), event("O", 9, 2)]},
        {"events": [event("X", 0, 1)]},
        {"type": "sampled", "samples": [[0]], "weights": []},
        {"type": "sampled", "samples": [[9]], "weights": [1]},
        {"type": "sampled", "samples": [[0]], "weights": [-1]},
        {"type": "other"},
        {"events": [], "unit": "parsecs"},
    ],
    ids=lambda changes: str(changes)[:50],
)
def test_a_speedscope_file_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ToolFailed):
        Speedscope().read(speedscope(**changes))


@pytest.mark.parametrize(
    "line", [b"a;b 1e3\n", b"a;b -1\n", b"a;b nan\n", b"a;b \xd9\xa3\n", b"a;b " + b"9" * 400]
)
def test_a_count_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(ToolFailed, match="line 2"):
        Collapsed().read(b"a;b 1\n" + line)
