"""Class histograms: Java names, sums that agree, and classes that grow from count to count."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from razorprof_jvm import Jvm
from razorprof_jvm.attach import Answer
from razorprof_jvm.heap import counted
from razorprof_jvm.histogram_text import java_name, parse_histogram

from razorprof.clock import ManualClock
from razorprof.errors import NotSupported, ToolFailed
from razorprof.model.heap import HeapRecord
from razorprof.model.profile import Origin
from razorprof.model.target import Identity, Target
from razorprof.plugin.captures import HeapRequest, Watch
from razorprof.plugin.protocols import Detection

TEXT = """ num     #instances         #bytes  class name (module)
-------------------------------------------------------
   1:           567        1674848  [I (java.base@17.0.9)
   2:          2401         134856  [Ljava.lang.String; (java.base@17.0.9)
   3:            12            192  shop.Order
Total          2980        1809896
"""


def histogram(**sizes: int) -> str:
    lines = [
        f"{place:4}: {size // 16:14} {size:14}  {name}" for place, (name, size) in enumerate(sizes.items(), 1)
    ]
    total = sum(sizes.values())
    count = sum(size // 16 for size in sizes.values())
    return "\n".join([*lines, f"Total {count:14} {total:14}"])


class Counts:
    """Answers one after the other, and remembers whether to collect was asked."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)
        self.asked: list[bool] = []

    def __call__(self, live: bool) -> tuple[Answer, int]:
        self.asked.append(live)
        return Answer(self.texts[len(self.asked) - 1], False, 0.25), 1 << 20


def record(counts: Counts, request: HeapRequest) -> HeapRecord:
    return counted(counts, request, Watch(), ManualClock(), Origin(pid=7))


def test_classes_have_their_java_names_and_modules() -> None:
    seen = parse_histogram(TEXT)
    assert [(one.name, one.module) for one in seen.classes] == [
        ("int[]", "java.base@17.0.9"),
        ("java.lang.String[]", "java.base@17.0.9"),
        ("shop.Order", ""),
    ]
    assert (seen.classes[0].instances, seen.classes[0].bytes) == (567, 1_674_848)
    assert seen.is_complete


@pytest.mark.parametrize(
    ("name", "java"),
    [("[[J", "long[][]"), ("[Z", "boolean[]"), ("plain", "plain"), ("[", "[]"), ("[Lx", "Lx[]"), ("[L;", "[]")],
)
def test_names_of_arrays_are_written_as_in_java(name: str, java: str) -> None:
    assert java_name(name) == java


def test_a_histogram_that_does_not_add_up_is_told_in_the_notes() -> None:
    assert not parse_histogram(TEXT.replace("2980", "2981")).is_complete
    found = record(Counts([TEXT[: TEXT.index("Total")]]), HeapRequest(0.0, windows=0))
    assert any("incomplete" in note for note in found.notes)


@given(st.text(max_size=400))
def test_any_text_is_taken_for_what_it_is(text: str) -> None:
    assert all(one.bytes >= 0 for one in parse_histogram(text).classes)


def test_one_count_collects_nothing_and_is_peak_and_live() -> None:
    counts = Counts([TEXT])
    found = record(counts, HeapRequest(0.0, windows=4))
    assert counts.asked == [False]
    assert found.peak is found.live
    assert (found.peak_bytes, found.allocations) == (1_809_896, 2980)
    assert found.growing is None
    assert found.snapshots[0].resident_bytes == 1 << 20
    assert "garbage" in found.notes[0]


def test_classes_that_grow_in_every_count_are_named_and_those_that_settle_are_not() -> None:
    texts = [
        histogram(**{"shop.Leak": 16_000 + 16_000 * n, "shop.Cache": 64_000 if n else 32_000, "shop.Calm": 8000})
        for n in range(4)
    ]
    counts = Counts(texts)
    found = record(counts, HeapRequest(6.0, windows=6))
    assert counts.asked == [True] * 4
    assert found.growing is not None
    (leak,) = found.growing
    assert leak.stack[0].function == "shop.Leak"
    assert leak.held_bytes == (16_000, 32_000, 48_000, 64_000)
    assert leak.bytes_per_second == pytest.approx(8000)
    assert found.windows == 3
    assert "4 counts began with a full collection" in found.notes[0]


def test_what_was_counted_until_it_was_enough_is_kept() -> None:
    class Ends(Counts):
        def __call__(self, live: bool) -> tuple[Answer, int]:
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().__call__(live)

    found = record(Ends([TEXT, TEXT]), HeapRequest(6.0, windows=6))
    assert (found.windows, found.ended, found.growing) == (1, "asked", None)


def test_an_answer_without_classes_is_an_error() -> None:
    with pytest.raises(ToolFailed, match="no class histogram"):
        record(Counts(["no idea"]), HeapRequest(0.0))


def test_openj9_and_missing_consent_are_refused_before_anything_is_asked() -> None:
    target = Target(Identity(1, 1), "x")
    with pytest.raises(NotSupported, match="OpenJ9"):
        Jvm().record_heap(target, Detection("jvm", "17", "OpenJ9"), HeapRequest(0.0, allow_signal=True), Watch())
    with pytest.raises(NotSupported) as refused:
        Jvm().record_heap(target, Detection("jvm", "17", "HotSpot"), HeapRequest(0.0, attach=True), Watch())
    assert "--allow signal" in refused.value.hint
