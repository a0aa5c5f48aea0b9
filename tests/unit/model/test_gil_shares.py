"""How long given threads held the lock, and when that cannot be told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from razorprof.model.gil import Gil, GilState, HolderShare, held_ratio

GIL = Gil((0,), 0.9, 11, (HolderShare(11, 0.5), HolderShare(12, 0.3)))
STATE = GilState(0.0, (GIL,), 2.0, 60)


def test_shares_of_several_threads_and_of_several_locks_add_up() -> None:
    assert held_ratio(STATE, frozenset({11, 12, 99})) == pytest.approx(0.8)
    other = Gil((1,), 0.2, None, (HolderShare(11, 0.2),))
    assert held_ratio(replace(STATE, gils=(GIL, other)), frozenset({11})) == pytest.approx(0.7)


def test_a_thread_that_was_never_seen_holding_it_held_it_for_no_time() -> None:
    assert held_ratio(STATE, frozenset({13})) == 0


def test_where_a_holder_could_not_be_named_it_may_be_any_of_the_others() -> None:
    gil = replace(GIL, holders=(HolderShare(11, 0.5), HolderShare(None, 0.3)))
    state = replace(STATE, gils=(gil,))
    assert held_ratio(state, frozenset({13})) is None
    assert held_ratio(state, frozenset({11})) == 0.5


@pytest.mark.parametrize(
    "state", [None, replace(STATE, looks=0), replace(STATE, gils=()), replace(STATE, gils=(Gil((0,)),))]
)
def test_without_looks_nothing_is_told(state: GilState | None) -> None:
    assert held_ratio(state, frozenset({11})) is None
