"""A session that is asked to forget targets which ended: a server's, where workers come and go."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from razorprof.model.target import Life, Target
from razorprof.remote.process import ProcessView
from razorprof.session.session import Session, SessionOptions
from razorprof.session.view import SessionState

MOST_TICKS = 600  # of 0.1 s


@pytest.mark.parametrize(("forget", "kept"), [(0.3, 1), (None, 2)])
def test_a_target_that_ended_is_forgotten_only_where_that_is_asked_for(forget: float | None, kept: int) -> None:
    programs = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]) for _ in range(2)]
    try:
        session = Session(
            SessionOptions(interval=0.1, forget_seconds=forget), sources=lambda: (), runtimes=lambda: ()
        )
        for program in programs:
            session.watch(Target(ProcessView(program.pid).identity, "sleeper"))
        seen: list[Sequence[Life]] = []
        since_the_end = 0

        def publish(state: SessionState) -> None:
            nonlocal since_the_end
            seen.append([status.life for status in state.targets])
            if len(seen) == 3:
                programs[0].kill()
                programs[0].wait()
            since_the_end += Life.GONE in seen[-1]
            if (forget and since_the_end and Life.GONE not in seen[-1]) or since_the_end > 10 + 20 * (not forget):
                session.stop()
            if len(seen) > MOST_TICKS:
                session.stop()

        session.run(publish)
        assert any(Life.GONE in lives for lives in seen)
        assert len(seen[-1]) == kept
        assert len(list(session.view.select((), 0, float("inf")))) > 0
        assert {one.labels.get("pid") for one in session.view.select((), 0, float("inf"))} - {None} == {
            str(program.pid) for program in programs[2 - kept :]
        }
    finally:
        for program in programs:
            program.kill()
            program.wait()
