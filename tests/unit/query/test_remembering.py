"""What is known of a tuple of label sets is asked once, for the same object and for an equal one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from razorprof.model.labels import Labels
from razorprof.query import remembering
from razorprof.query.remembering import remembered


def counted() -> tuple[list[tuple[Labels, ...]], Callable[..., tuple[str, ...]]]:
    calls: list[tuple[Labels, ...]] = []

    @remembered
    def names(labels: tuple[Labels, ...], name: str, loud: bool) -> tuple[str, ...]:
        calls.append(labels)
        return tuple(one[name].upper() if loud else one[name] for one in labels)

    return calls, names


def labels(*names: str) -> tuple[Labels, ...]:
    return tuple(Labels(a=name) for name in names)


def test_the_same_tuple_and_an_equal_one_are_asked_for_once() -> None:
    calls, names = counted()
    first = labels("x", "y")
    for one in (first, first, labels("x", "y")):
        assert names(one, "a", False) == ("x", "y")
    assert len(calls) == 1


def test_other_arguments_are_another_question() -> None:
    calls, names = counted()
    one = labels("x")
    assert (names(one, "a", False), names(one, "a", True)) == (("x",), ("X",))
    assert len(calls) == 2


def test_a_new_tuple_at_the_place_of_one_that_is_gone_is_not_mistaken_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remembering, "_MOST_LABELS", 10)
    _, names = counted()
    for number in range(2000):  # the interpreter gives places away again and again
        assert names(labels(str(number)), "a", False) == (str(number),)
