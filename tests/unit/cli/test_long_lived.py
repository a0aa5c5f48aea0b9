"""What long-lived commands share: signals that only set flags, targets that come and are not taken."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.cli.long_lived import Present, ending_signals, follow, present_targets
from razorprof.cli.select import Choice
from razorprof.clock import ManualClock
from razorprof.errors import RazorprofError, TargetNotFound
from razorprof.query.engine import compile_query
from razorprof.query.values import Vector
from razorprof.remote.process import ProcessView
from razorprof.session.session import Session, SessionOptions
from razorprof.session.view import SessionState
from razorprof.session.workers import InlineExecutor


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_waiting_at_once_and_handlers_are_as_before_afterwards(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with ending_signals() as signals:
        assert not signals.wait(0.0)
        os.kill(os.getpid(), number)
        assert signals.wait(60.0)
        assert signals.ended
    assert signal.getsignal(number) is before


def test_a_hang_up_is_taken_once_and_many_signals_do_no_harm() -> None:
    with ending_signals(hang_up=True) as signals:
        for _ in range(100_000 // 1000):
            os.kill(os.getpid(), signal.SIGHUP)
        assert not signals.wait(60.0)
        assert signals.take_hang_up()
        assert not signals.take_hang_up()
        for _ in range(70_000):  # more than fits into the pipe
            signals.hang_up()
        assert not signals.wait(0.0)
        signals.end()
        assert signals.wait(0.0)


class Strangers:
    """Processes that are not our children: those a name never means. Ended by their pids."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pids: list[int] = []
        path.write_text("import time\ntime.sleep(300)\n")

    def start(self) -> int:
        command = ["sh", "-c", '"$0" "$1" >/dev/null 2>&1 & echo $!', sys.executable, str(self.path)]
        self._pids.append(int(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout))
        while str(self.path).encode() not in Path(f"/proc/{self._pids[-1]}/cmdline").read_bytes():
            time.sleep(0.01)
        return self._pids[-1]

    def end(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def strangers(tmp_path: Path) -> Iterator[Strangers]:
    found = Strangers(tmp_path / f"followed_{os.getpid()}.py")
    yield found
    found.end()


def test_what_is_no_pid_may_come_later(strangers: Strangers) -> None:
    choice = Choice(as_json=True)
    texts = [f"name:{strangers.path.name}"]
    assert present_targets(texts, choice) == Present([], texts)
    with pytest.raises(TargetNotFound):
        present_targets(["999999"], choice)
    pid = strangers.start()
    present = present_targets([*texts, str(pid)], choice)
    assert [target.pid for target in present.targets] == [pid], "each process once"
    assert present.awaited == []


def test_a_target_that_appears_is_found_and_one_of_several_is_not_taken_which_is_told_once(
    strangers: Strangers,
) -> None:
    told: list[RazorprofError] = []
    session = Session(
        SessionOptions(), sources=list, runtimes=list, clock=ManualClock(), executor=InlineExecutor()
    )
    follow(session, [f"name:{strangers.path.name}"], Choice(as_json=True), Present([]), tell=told.append)
    pids: list[list[int]] = []
    first = strangers.start()
    looks = 0

    def publish(state: object) -> None:
        nonlocal looks
        looks += 1
        pids.append([status.target.pid for status in session.view.state().targets])
        if looks == 6:
            strangers.start()
        if looks >= 16:
            session.stop()

    session.run(publish)
    assert pids[-1] == [first]
    assert [error.name for error in told] == ["ambiguous_target"]
    assert ProcessView(first).identity == session.view.state().targets[0].target.identity


def test_what_has_never_been_there_is_not_up_until_it_is(strangers: Strangers) -> None:
    text = f"name:{strangers.path.name}"
    session = Session(
        SessionOptions(hold_places=True),
        sources=list,
        runtimes=list,
        clock=ManualClock(),
        executor=InlineExecutor(),
    )
    follow(session, [text], Choice(as_json=True), Present([], [text]))
    up: list[dict[str, float]] = []

    def publish(state: SessionState) -> None:
        value = compile_query("up").instant(session.view, state.time)
        assert isinstance(value, Vector)
        up.append(
            {
                labels.get("target", "came"): number
                for labels, number in zip(value.labels, value.values[0], strict=True)
            }
        )
        if len(up) == 3:
            strangers.start()
        if {"came": 1.0} in up or len(up) > 30:
            session.stop()

    session.run(publish)
    assert up[:3] == [{text: 0.0}] * 3
    assert up[-1] == {"came": 1.0}
    assert all(len(one) == 1 for one in up), "one or the other at each time"


def test_a_copy_is_asked_for_once_by_each_signal() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with ending_signals(copy=True) as signals:
        assert not signals.take_copy()
        os.kill(os.getpid(), signal.SIGUSR1)
        assert not signals.wait(5.0)
        assert signals.take_copy()
        assert not signals.take_copy()
    assert signal.getsignal(signal.SIGUSR1) is before
