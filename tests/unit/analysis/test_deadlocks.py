from __future__ import annotations

from razorprof.analysis.deadlocks import Link, find_cycles, judge


def exact(waiter: int, owner: int) -> Link:
    return Link(waiter, owner, f"RLock {waiter:#x}", True)


def test_two_threads_that_wait_for_each_other_are_a_circle_and_those_behind_them_are_not() -> None:
    links = [exact(3, 1), exact(2, 1), exact(1, 2), exact(9, 8)]
    assert find_cycles(links) == [(exact(1, 2), exact(2, 1))]


def test_a_circle_begins_with_its_smallest_thread_whatever_the_order_of_the_links() -> None:
    links = [exact(7, 5), exact(6, 7), exact(5, 6)]
    (cycle,) = find_cycles(links)
    assert [link.waiter for link in cycle] == [5, 6, 7]


def test_separate_circles_are_told_apart() -> None:
    found = find_cycles([exact(1, 2), exact(2, 1), exact(4, 3), exact(3, 4)])
    assert [tuple(link.waiter for link in cycle) for cycle in found] == [(1, 2), (3, 4)]


def test_a_chain_that_ends_with_a_running_thread_is_no_deadlock() -> None:
    assert find_cycles([exact(1, 2), exact(2, 3), exact(3, 4)]) == []


def test_a_long_chain_is_followed_without_recursion() -> None:
    count = 50_000
    links = [exact(number, number + 1) for number in range(1, count)] + [exact(count, 1)]
    (cycle,) = find_cycles(links)
    assert len(cycle) == count


def test_a_circle_is_confirmed_only_if_each_owner_is_stored() -> None:
    verdict = judge([exact(1, 2), exact(2, 1)], {1: "a", 2: "b"})
    assert verdict.confidence == "confirmed"
    assert verdict.threads == (1, 2)
    assert "thread 1 a waits for RLock 0x1, held by thread 2 b" in verdict.why


def test_a_circle_with_one_concluded_owner_is_suspected_and_says_why() -> None:
    verdict = judge([exact(1, 2), Link(2, 1, "Lock 0x5", False, "told from a with block")], {})
    assert verdict.confidence == "suspected"
    assert verdict.why.split("; ")[-1] == "suspected only: told from a with block"  # a line of its own
    assert "seems to be held by thread 1" in verdict.why


def test_a_thread_that_waits_for_itself_is_said_to() -> None:
    verdict = judge([Link(4, 4, "Lock 0x5", False, "x")], {4: "main"})
    assert "held by itself" in verdict.why
