"""The line of a capture that takes a while, and what signals and errors come to."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from razorprof.cli.progress import Progress, progress_line
from razorprof.errors import ExitCode, TargetGone
from razorprof.plugin.captures import Watch


def test_the_line_tells_the_share_and_the_time_left() -> None:
    assert (
        progress_line("cpu", [("12 web", 2.5, 10.0, "250 samples")]) == "cpu 12 web:  25 %, 8 s left (250 samples)"
    )


def test_of_several_the_slowest_counts() -> None:
    jobs = [("1 a", 9.0, 10.0, "x"), ("2 b", 4.0, 10.0, "y")]
    assert progress_line("cpu", jobs) == "cpu 2 targets:  40 %, 6 s left"


def test_before_the_length_is_known_only_words_are_told() -> None:
    assert progress_line("heap", [("12 web", 0.0, 0.0, "attaching")]) == "heap 12 web: attaching"


def test_outcomes_are_in_the_order_of_the_captures_and_an_error_is_one() -> None:
    def gone(watch: Watch) -> int:
        raise TargetGone("ended")

    with Progress("cpu") as progress:
        first, second, third = progress.take([("a", lambda watch: 1), ("b", gone), ("c", lambda watch: 3)])
    assert (first.value, third.value) == (1, 3)
    assert isinstance(second.error, TargetGone)
    assert progress.code is None


def test_a_bug_in_a_capture_is_raised() -> None:
    def broken(watch: Watch) -> int:
        raise ZeroDivisionError

    with Progress("cpu") as progress, pytest.raises(ZeroDivisionError):
        progress.take([("a", broken)])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
def test_a_signal_is_enough_and_its_code_is_kept(number: signal.Signals, code: ExitCode) -> None:
    def wait(watch: Watch) -> str:
        os.kill(os.getpid(), number)
        return "kept" if watch.enough.wait(20) else "not told"

    before = signal.getsignal(number)
    with Progress("cpu") as progress:
        (outcome,) = progress.take([("a", wait)])
    assert outcome.value == "kept"
    assert progress.code is code
    assert signal.getsignal(number) is before


def test_a_second_signal_gives_up_without_waiting_for_the_capture() -> None:
    release = threading.Event()

    def stubborn(watch: Watch) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        watch.enough.wait(20)
        os.kill(os.getpid(), signal.SIGINT)
        release.wait(20)

    with Progress("cpu") as progress, pytest.raises(KeyboardInterrupt):
        progress.take([("a", stubborn)])
    release.set()


def test_nothing_is_drawn_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress("cpu") as progress:
        progress.take([("a", lambda watch: watch.tell(1.0, 2.0, "x"))])
    assert capfd.readouterr() == ("", "")
