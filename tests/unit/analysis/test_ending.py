"""The words for a target's end follow from what was seen, and claim no more."""

from __future__ import annotations

import signal

import pytest

from razorprof.analysis.ending import describe_ending, signal_name
from razorprof.model.ending import ExitInfo, LastMemory, OomKills, OomScope

MIB = 2**20
KILLED = ExitInfo(signal=9)


def test_an_oom_kill_is_told_with_the_memory_at_the_last_look() -> None:
    words = describe_ending(KILLED, OomKills(1), LastMemory(498 * MIB, 512 * MIB))
    assert words == (
        "killed by SIGKILL; the container's OOM killer struck (oom_kill +1), "
        "resident 498 MiB of 512 MiB at the last look"
    )


def test_an_exit_code_stands_alone_when_memory_played_no_part() -> None:
    assert describe_ending(ExitInfo(code=3), OomKills(0), LastMemory(10 * MIB, 512 * MIB)) == "exited with code 3"


def test_a_sigkill_without_a_counted_oom_kill_is_not_called_one() -> None:
    words = describe_ending(KILLED, OomKills(0), LastMemory(100 * MIB))
    assert (
        words == "killed by SIGKILL, resident 100 MiB at the last look; no OOM kill was counted in its container"
    )


def test_a_sigkill_with_no_counter_at_hand_says_nothing_of_oom() -> None:
    assert describe_ending(KILLED) == "killed by SIGKILL"


def test_an_oom_kill_beside_a_normal_exit_was_of_another_process() -> None:
    words = describe_ending(ExitInfo(code=1), OomKills(2))
    assert words == "exited with code 1; the container's OOM killer struck another process (oom_kill +2)"


def test_the_machines_counter_does_not_say_whom_it_struck() -> None:
    words = describe_ending(KILLED, OomKills(1, OomScope.HOST))
    assert words == "killed by SIGKILL; the kernel's OOM killer struck on this machine (oom_kill +1)"


def test_an_unseen_end_gives_its_reason() -> None:
    words = describe_ending(ExitInfo(reason="needs Linux 6.15"))
    assert words == "gone, its end could not be seen (needs Linux 6.15)"


def test_an_unseen_end_still_tells_of_an_oom_kill() -> None:
    words = describe_ending(ExitInfo(reason="no pidfd"), OomKills(1), LastMemory(2**30, 2**30))
    assert words == (
        "gone, its end could not be seen (no pidfd); the container's OOM killer struck (oom_kill +1), "
        "resident 1024 MiB of 1024 MiB at the last look"
    )


def test_memory_near_its_limit_is_mentioned_with_any_end() -> None:
    words = describe_ending(ExitInfo(code=1), OomKills(0), LastMemory(20 * 2**30, 21 * 2**30))
    assert words == "exited with code 1, resident 20.0 GiB of 21.0 GiB at the last look"


def test_a_core_dump_is_mentioned() -> None:
    assert describe_ending(ExitInfo(signal=11, core_dumped=True)) == "killed by SIGSEGV (core dumped)"


@pytest.mark.parametrize(
    ("number", "name"),
    [(15, "SIGTERM"), (signal.SIGRTMIN + 3, "SIGRTMIN+3"), (200, "signal 200")],
)
def test_every_signal_has_a_name(number: int, name: str) -> None:
    assert signal_name(number) == name
