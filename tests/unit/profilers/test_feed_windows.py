from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import NotSupported, PermissionDenied, TargetGone, TimedOut, ToolFailed
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.target import Identity
from razorprof.profilers.feed import StackFeed, join_windows
from razorprof.profilers.pace import Pace
from razorprof.profilers.pyspy import PySpy
from tests.unit.profilers.fake_launcher import FakeLauncher, Run
from tests.unit.profilers.frozen_process import freeze_process
from tests.unit.profilers.speedscope_text import speedscope

PID = 40
IDENTITY = Identity(PID, 777)
MAIN, BURN, REST = ("<module>", "a.py", 1), ("burn", "a.py", 4), ("rest", "a.py", 9)
DONE = b"py-spy> Wrote speedscope file to '/dev/fd/3'. Samples: 4 Errors: 2\n"
BANNER = b"py-spy> Sampling process 20 times a second for 2 seconds. Press Control-C to exit.\n"
INTERRUPTED = BANNER + b"py-spy> Stopped sampling because Control-C pressed\n" + DONE


def window_of(
    threads: dict[str, list[list[tuple[str, str, int]]]], *, words: bytes = DONE, seconds: float = 2.012
) -> Run:
    return Run(seconds=seconds, cpu_seconds=0.05, outputs={1: words, 3: speedscope(threads)})


class Bench:
    def __init__(
        self, proc: Path, *runs: Run, gil_only: bool = False, rate_hz: float | None = 20, threads: int = 1
    ) -> None:
        self.clock = ManualClock()
        self.launcher = FakeLauncher(self.clock, *runs)
        self.proc = proc
        self.pace = Pace(budget=0.04, threads=threads, rate_hz=rate_hz)
        self.feed = StackFeed(
            identity=IDENTITY,
            view=freeze_process(proc, PID, threads=(PID, 41)),
            launcher=self.launcher,
            py_spy=PySpy("/bin/py-spy", "0.4.3"),
            pace=self.pace,
            clock=self.clock,
            gil_only=gil_only,
        )

    def skip_first(self) -> None:
        self.pace.learn(rounds=10, cost_seconds=0.02)


def test_a_window_that_ends_by_itself_has_exact_rounds_and_weights(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({'Thread 40 "main"': [[MAIN, BURN]] * 3 + [[MAIN, REST]]}))
    bench.skip_first()
    bench.feed.step()
    (window,) = bench.feed.drain()
    assert window.report.rounds == 39
    assert window.report.seconds == pytest.approx(2.0)
    assert (window.report.samples, window.report.errors) == (4, 2)
    assert window.report.mode == "nonblocking"
    assert window.report.cost_seconds == 0.05
    weights = {sample.stack[-1].function: sample.weight for sample in window.samples}
    assert weights == {"burn": pytest.approx(3 * 2.0 / 39), "rest": pytest.approx(2.0 / 39)}
    assert {sample.thread for sample in window.samples} == {ThreadId(40, "main")}


def test_equal_stacks_of_a_window_are_one_sample(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({'Thread 40 "main"': [[MAIN, BURN]] * 30}))
    bench.feed.step()
    (window,) = bench.feed.drain()
    assert len(window.samples) == 1
    assert window.samples[0].stack == (Frame("<module>", "a.py", 1), Frame("burn", "a.py", 4))
    assert window.report.samples == 30


def test_the_first_window_is_cut_and_its_rounds_are_estimated_from_its_length(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({}, words=INTERRUPTED, seconds=60.0), rate_hz=50)
    bench.feed.step()
    assert bench.launcher.children[0].stops == 1
    (window,) = bench.feed.drain()
    assert window.report.seconds == pytest.approx(0.538)
    assert window.report.rounds == round(50 * 0.538)


def test_a_py_spy_that_starts_slowly_is_not_interrupted_before_it_samples(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({}, words=b"", seconds=1.4))
    bench.feed.step()
    assert bench.launcher.children[0].stops == 0
    assert len(bench.feed.drain()) == 1


def test_rounds_of_a_window_that_lagged_are_fewer(tmp_path: Path) -> None:
    words = b"py-spy> 1.50s behind in sampling, results may be inaccurate.\n" + INTERRUPTED
    bench = Bench(tmp_path, window_of({}, words=words, seconds=60.0))
    bench.skip_first()
    bench.feed.step()
    (window,) = bench.feed.drain()
    assert window.report.rounds == min(39, round(20 * (window.report.seconds - 1.5)))


def test_below_3_11_only_the_holder_of_the_gil_is_sampled(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({}), gil_only=True)
    bench.feed.step()
    assert "--gil" in bench.launcher.argvs[0]
    assert bench.feed.drain()[0].report.mode == "nonblocking-gil"


def test_threads_without_native_ids_turn_the_feed_to_the_gil_and_drop_the_window(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({'Thread 0x7F00 ""': [[MAIN]]}), window_of({}))
    bench.feed.step()
    assert bench.feed.drain() == []
    bench.feed.step()
    assert "--gil" in bench.launcher.argvs[1]


def test_a_foreign_pid_namespace_is_sampled_by_its_gil(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({'Thread 1 "main"': [[MAIN]]}))
    freeze_process(tmp_path, PID, threads=(PID, 41), inner={PID: 1, 41: 2})
    bench.feed.step()
    assert "--gil" in bench.launcher.argvs[0]
    assert bench.feed.drain()[0].samples[0].thread.native == PID


def test_a_crowd_of_threads_is_sampled_by_its_gil_until_it_has_gone(tmp_path: Path) -> None:
    dear = Run(seconds=0.6, cpu_seconds=0.5, outputs={1: INTERRUPTED, 3: speedscope({})})
    bench = Bench(tmp_path, dear, window_of({}), rate_hz=None, threads=150)
    freeze_process(tmp_path, PID, threads=tuple(range(PID, PID + 150)))
    bench.feed.step()
    bench.feed.step()
    assert "--gil" not in bench.launcher.argvs[0]
    assert "--gil" in bench.launcher.argvs[1]
    freeze_process(tmp_path, PID, threads=(PID,))
    bench.feed.step()
    assert "--gil" not in bench.launcher.argvs[2]


def test_a_stopped_target_is_not_sampled_and_the_window_is_empty(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({'Thread 40 "main"': [[MAIN]]}), gil_only=True)
    freeze_process(tmp_path, PID, state="T")
    assert bench.feed.step() == 1.0
    assert bench.launcher.argvs == []
    (window,) = bench.feed.drain()
    assert (window.samples, window.report.rounds, window.report.samples) == ((), 0, 0)


def test_what_was_seen_before_the_target_ended_is_handed_over_before_the_error(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "proc", window_of({'Thread 40 "main"': [[MAIN]]}))
    bench.feed.step()
    (tmp_path / "proc").rename(tmp_path / "gone")
    assert bench.feed.step() is None
    assert len(bench.feed.drain()) == 1
    with pytest.raises(TargetGone):
        bench.feed.drain()


def test_another_process_under_the_same_pid_is_never_sampled(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({}))
    stat = tmp_path / str(PID) / "stat"
    stat.write_text(stat.read_text().replace(" 777 ", " 778 "))
    assert bench.feed.step() is None
    assert bench.launcher.argvs == []


def test_failures_back_off_and_a_success_forgets_them(tmp_path: Path) -> None:
    bad = Run(code=1, outputs={2: b"Error: something odd\n"})
    bench = Bench(tmp_path, bad, bad, bad, window_of({}), bad)
    assert [bench.feed.step() for _ in range(3)] == [0.5, 1.0, 2.0]
    with pytest.raises(ToolFailed, match="something odd"):
        bench.feed.drain()
    assert bench.feed.step() == 0.0
    assert len(bench.feed.drain()) == 1
    assert bench.feed.drain() == []
    assert bench.feed.step() == 0.5


def test_no_permission_ends_the_feed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Run(code=1, outputs={2: b"Permission Denied: Try running again"}))
    assert bench.feed.step() is None
    with pytest.raises(PermissionDenied):
        bench.feed.drain()


def test_no_python_is_believed_only_after_several_looks(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Run(code=1, outputs={2: b"Error: Failed to find python version from target process"}))
    assert bench.feed.step() is not None
    with pytest.raises(ToolFailed):
        bench.feed.drain()
    bench.feed.step()
    assert bench.feed.step() is None
    with pytest.raises(NotSupported):
        bench.feed.drain()


def test_a_py_spy_that_does_not_answer_is_killed_and_tried_again_ever_more_seldom(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Run(seconds=1e9, stubborn=True))
    assert [bench.feed.step() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert bench.launcher.children[0].closed
    with pytest.raises(TimedOut):
        bench.feed.drain()


def test_a_supervisor_that_fails_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Run(error=ToolFailed("the supervisor of tools ended")), window_of({}))
    assert bench.feed.step() == 0.5
    assert bench.feed.step() == 0.0
    assert len(bench.feed.drain()) == 1


def test_damaged_output_is_a_failure_and_its_child_is_closed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Run(outputs={1: DONE, 3: b'{"profiles": '}))
    assert bench.feed.step() == 0.5
    assert all(child.closed for child in bench.launcher.children)
    with pytest.raises(ToolFailed):
        bench.feed.drain()


def test_windows_that_nobody_reads_do_not_pile_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({}))
    for _ in range(100):
        bench.feed.step()
    assert len(bench.feed.drain()) == 32


def test_joined_windows_add_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({'Thread 40 "main"': [[MAIN, BURN]] * 4}))
    bench.skip_first()
    bench.feed.step()
    bench.feed.step()
    first, second = bench.feed.drain()
    joined = join_windows([first, second])
    assert joined.report.rounds == 78
    assert joined.report.samples == 8
    assert joined.report.start == first.report.start
    assert joined.report.seconds == pytest.approx(4.0)
    assert [sample.weight for sample in joined.samples] == [pytest.approx(8 * 2.0 / 39)]
    assert join_windows([first]) is first


def test_the_feed_runs_in_a_thread_until_it_is_closed(tmp_path: Path) -> None:
    bad = Run(code=1, outputs={2: b"Permission Denied"})
    bench = Bench(tmp_path, window_of({}), window_of({}), bad)
    bench.feed.start()
    bench.feed.close()
    assert all(child.closed for child in bench.launcher.children)
