"""One-shot recordings on a manual clock: windows, how they end, and the profile that comes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import NotSupported, PermissionDenied, TargetGone, ToolFailed
from razorprof.model.frame import ThreadId
from razorprof.model.profile import Block, Origin, Profile, StackKey
from razorprof.model.target import Identity
from razorprof.plugin.captures import Watch
from razorprof.profilers.native_ids import NativeIds
from razorprof.profilers.pyspy import PySpy
from razorprof.profilers.record import Ending, Recorder, Recording, RecordingPlan, next_window
from razorprof.profilers.record_activity import without_sleepers
from razorprof.profilers.record_profile import ThreadNames, block_of, profile_of
from razorprof.profilers.record_window import Looks, Window, WindowRunner
from razorprof.profilers.speedscope import StackTable
from tests.unit.profilers.fake_launcher import FakeLauncher, Run
from tests.unit.profilers.frozen_process import freeze_process
from tests.unit.profilers.speedscope_text import speedscope

PID = 40
MAIN, BURN, REST = ("<module>", "a.py", 1), ("burn", "a.py", 4), ("rest", "a.py", 9)
BANNER = b"py-spy> Sampling process 10 times a second for 1 seconds. Press Control-C to exit.\n"
DONE = BANNER + b"py-spy> Wrote speedscope file to '/dev/fd/3'. Samples: 9 Errors: 1\n"
CUT = BANNER + b"py-spy> Stopped sampling because Control-C pressed\n"
BUSY = {'Thread 40 "main"': [[MAIN, BURN]] * 6 + [[MAIN, REST]] * 3}


def window_of(threads: dict[str, list[list[tuple[str, str, int]]]], **how: object) -> Run:
    words = how.pop("words", DONE)
    return Run(seconds=1.0, cpu_seconds=0.05, outputs={1: words, 3: speedscope(threads)}, **how)  # type: ignore[arg-type, dict-item]


class Bench:
    def __init__(self, proc: Path, *runs: Run, seconds: float = 3.0, looks: Looks | None = None) -> None:
        self.clock = ManualClock()
        self.launcher = FakeLauncher(self.clock, *runs)
        self.proc = proc
        self.told: list[tuple[float, float, str]] = []
        self.watch = Watch(lambda *told: self.told.append(told))
        view = freeze_process(proc, PID, threads=(PID, 41))
        ids = NativeIds(view)
        self.names = ThreadNames(view, ids)
        table = StackTable(lambda path: path)
        self.recorder = Recorder(
            RecordingPlan(seconds, 10, looks or Looks()),
            identity=Identity(PID, 777),
            view=view,
            runner=WindowRunner(self.launcher, PySpy("/bin/py-spy", "0.4.3"), table, self.clock),
            ids=ids,
            watch=self.watch,
            clock=self.clock,
            to_block=lambda window: block_of(window, self.names),
        )

    def run(self) -> tuple[Recording, Profile]:
        recording = self.recorder.run()
        return recording, profile_of(recording, self.recorder.blocks, Origin(pid=PID))


def test_windows_follow_each_other_until_the_time_is_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of(BUSY))
    recording, profile = bench.run()
    assert recording.ending is Ending.DONE
    assert len(profile.blocks) == 3
    assert [round(block.start - profile.blocks[0].start, 3) for block in profile.blocks] == [0.0, 1.0, 2.0]
    assert (profile.samples, profile.rounds, profile.errors) == (27, 27, 3)
    assert profile.seconds == pytest.approx(3.0)


def test_weights_are_measured_time_by_rounds_and_not_the_nominal_rate(tmp_path: Path) -> None:
    _, profile = Bench(tmp_path, window_of(BUSY), seconds=1.0).run()
    weights = {key.stack[-1].function: weight for key, weight in profile.weights.items()}
    assert weights == {"burn": pytest.approx(6 / 9), "rest": pytest.approx(3 / 9)}
    assert {key.thread for key in profile.weights} == {ThreadId(40, "main")}


def test_blocks_add_up_to_the_whole(tmp_path: Path) -> None:
    _, profile = Bench(tmp_path, window_of(BUSY), window_of({}), window_of(BUSY)).run()
    assert sum(sum(block.weights.values()) for block in profile.blocks) == pytest.approx(profile.total)
    assert [block.samples for block in profile.blocks] == [9, 0, 9]


def test_what_slow_starts_took_is_made_up_for(tmp_path: Path) -> None:
    slow = Run(seconds=2.5, code=1, outputs={2: b"Error: Failed to find python version from target process"})
    recording, profile = Bench(tmp_path, slow, window_of(BUSY), seconds=3.0).run()
    assert (recording.ending, recording.failures) == (Ending.DONE, 1)
    assert profile.seconds == pytest.approx(3.0)


def test_time_that_was_waited_for_a_cpu_is_told_beside_the_kernel_s_count(tmp_path: Path) -> None:
    _, profile = Bench(tmp_path, window_of(BUSY)).run()  # its stat stands still: no CPU time by the kernel's count
    assert any("3.00 s were seen, the kernel counted 0.00 s" in note for note in profile.notes)
    _, profile = Bench(tmp_path / "wall", window_of(BUSY), looks=Looks(wall=True)).run()
    assert not any("kernel counted" in note for note in profile.notes)


def test_who_has_enough_gets_what_was_seen(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of(BUSY), seconds=60.0)
    bench.watch = Watch(lambda done, whole, words: bench.watch.enough.set() if done > 2 else None)
    bench.recorder._watch = bench.watch
    recording, profile = bench.run()
    assert recording.ending is Ending.ENOUGH
    assert 18 <= profile.samples <= 27
    assert any(note.startswith("interrupted after") for note in profile.notes)


def test_enough_within_a_window_interrupts_it_and_estimates_its_rounds(tmp_path: Path) -> None:
    threads = {'Thread 40 "main"': [[MAIN, BURN]] * 4}
    bench = Bench(tmp_path, Run(seconds=50.0, outputs={1: CUT, 3: speedscope(threads)}), seconds=60.0)
    bench.watch = Watch(lambda done, whole, words: bench.watch.enough.set() if done > 0.45 else None)
    bench.recorder._watch = bench.watch
    recording, profile = bench.run()
    assert bench.launcher.children[0].stops == 1
    assert profile.samples == 4
    assert recording.windows[0].is_cut
    assert profile.rounds is not None
    assert 4 <= profile.rounds <= 6


def test_progress_tells_seconds_done_in_all_and_samples(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of(BUSY))
    bench.run()
    assert bench.told[0] == (0.0, 3.0, "0 samples")
    assert bench.told[-1] == (3.0, 3.0, "27 samples")


def test_a_process_that_ends_yields_what_was_seen(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of(BUSY), window_of({}, code=1), seconds=10.0)

    def end(done: float, whole: float, words: str) -> None:
        if done >= 1:
            freeze_process(tmp_path, PID, state="Z")

    bench.recorder._watch = Watch(end)
    recording, profile = bench.run()
    assert recording.ending is Ending.GONE
    assert profile.samples == 9
    assert any(note.startswith("the process ended after") for note in profile.notes)


def test_a_process_that_ends_unseen_is_gone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of(BUSY))
    freeze_process(tmp_path, PID, state="Z")
    with pytest.raises(TargetGone):
        bench.run()


def test_a_reused_pid_is_never_sampled(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of(BUSY))
    stat = tmp_path / str(PID) / "stat"
    stat.write_text(stat.read_text().replace(" 777 ", " 778 "))
    with pytest.raises(TargetGone):
        bench.run()
    assert bench.launcher.argvs == []


def test_another_program_in_the_process_ends_the_recording(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of(BUSY), seconds=10.0)

    def become(done: float, whole: float, words: str) -> None:
        if done >= 1:
            (tmp_path / str(PID) / "exe").unlink(missing_ok=True)
            (tmp_path / str(PID) / "exe").write_text("another")

    bench.recorder._watch = Watch(become)
    recording, profile = bench.run()
    assert recording.ending is Ending.REPLACED
    assert any("exec" in note for note in profile.notes)
    assert len(profile.blocks) < 4


def test_a_refusal_is_final_and_other_failures_are_tried_again(tmp_path: Path) -> None:
    denied = Run(code=1, outputs={2: b"Permission Denied: Try running again with elevated permissions"})
    bench = Bench(tmp_path, denied)
    with pytest.raises(PermissionDenied):
        bench.run()
    assert len(bench.launcher.argvs) == 1
    young = Run(code=1, seconds=0.01, outputs={2: b"Error: Failed to find python version from target process"})
    bench = Bench(tmp_path, young)
    with pytest.raises(NotSupported):
        bench.run()
    assert len(bench.launcher.argvs) == 3
    recording, profile = Bench(tmp_path, young, window_of(BUSY)).run()
    assert recording.failures == 1
    assert profile.errors == 1 + len(profile.blocks)


def test_a_stopped_process_is_told_so_unless_idle_threads_are_wanted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of(BUSY))
    freeze_process(tmp_path, PID, state="T", threads=(PID, 41))
    with pytest.raises(ToolFailed) as raised:
        bench.run()
    assert "kill -CONT" in raised.value.hint
    bench = Bench(tmp_path, window_of(BUSY), looks=Looks(wall=True))
    freeze_process(tmp_path, PID, state="T", threads=(PID, 41))
    assert bench.run()[1].samples == 27


def test_a_process_that_is_stopped_meanwhile_runs_nothing_for_that_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of(BUSY), seconds=6.0)

    def stop(done: float, whole: float, words: str) -> None:
        freeze_process(tmp_path, PID, state="T" if 1 <= done < 4 else "S", threads=(PID, 41))

    bench.recorder._watch = Watch(stop)
    recording, profile = bench.run()
    assert recording.stood_still == pytest.approx(3.0, abs=0.3)
    assert profile.total == pytest.approx(3.0, abs=0.3)
    assert profile.seconds == pytest.approx(6.0, abs=0.3)
    assert any("had stopped the process" in note for note in profile.notes)


def test_idle_threads_of_an_old_python_turn_the_looks_to_the_gil(tmp_path: Path) -> None:
    bench = Bench(tmp_path, window_of({'Thread 0x7F00 "x"': [[MAIN]]}), window_of(BUSY))
    recording, profile = bench.run()
    assert "--gil" not in bench.launcher.argvs[0]
    assert "--gil" in bench.launcher.argvs[1]
    assert profile.mode == "nonblocking-gil"
    assert all(window.samples == 9 for window in recording.windows)


def test_a_rate_that_cannot_be_kept_is_lowered(tmp_path: Path) -> None:
    slow = Run(seconds=3.0, outputs={1: DONE, 3: speedscope(BUSY)})
    bench = Bench(tmp_path, slow, window_of({}), seconds=20.0)
    recording, profile = bench.run()
    assert recording.rate_hz == 1
    assert profile.rate_hz == 1.0
    assert profile.blocks[0].seconds == pytest.approx(3.0)


def test_children_are_told_apart_by_their_process(tmp_path: Path) -> None:
    child = freeze_process(tmp_path, 50, threads=(50,))
    (child.path / "cmdline").write_bytes(b'python\0worker.py\0evil"; Process 1 Thread 2 "x\0')
    (child.path / "comm").write_text("python\n")
    threads = {'Process 40 Thread 40 "main"': [[MAIN, BURN]], 'Process 50 Thread 50 "main"': [[MAIN, REST]]}
    _, profile = Bench(tmp_path, window_of(threads), looks=Looks(children=True)).run()
    assert {thread.native: thread.name for thread in profile.threads()} == {
        40: "[40] main",
        50: "worker.py[50] main",
    }


@pytest.mark.parametrize(
    ("looks", "mode", "flags"),
    [
        (Looks(), "nonblocking", ["--nonblocking"]),
        (Looks(only_gil=True), "nonblocking-gil", ["--gil", "--nonblocking"]),
        (Looks(wall=True), "nonblocking-wall", ["--idle", "--nonblocking"]),
        (Looks(blocking=True, native=True), "blocking-native", ["--native"]),
        (Looks(children=True), "nonblocking", ["--subprocesses", "--nonblocking"]),
    ],
)
def test_each_way_to_look_has_a_name_and_its_flags(
    tmp_path: Path, looks: Looks, mode: str, flags: list[str]
) -> None:
    bench = Bench(tmp_path, window_of({}), looks=looks, seconds=1.0)
    assert bench.run()[1].mode == mode
    assert bench.launcher.argvs[0][bench.launcher.argvs[0].index("/dev/fd/3") + 1 :] == flags


def test_the_time_that_blocking_stops_the_target_is_an_estimate_and_said_to_be_one(tmp_path: Path) -> None:
    _, profile = Bench(tmp_path, window_of(BUSY), looks=Looks(blocking=True), seconds=2.0).run()
    assert profile.stopped_seconds == pytest.approx(2 * (0.05 - 0.012))
    assert any("estimated" in note for note in profile.notes)


def test_windows_end_by_themselves_where_they_can() -> None:
    assert next_window(100, 1.0, 10.0) == next_window(100, 1.0, 1.0)
    late = next_window(100, 1.0, 0.6)
    assert late is not None
    assert not late.is_cut
    rest = next_window(100, 1.0, 0.3)
    assert rest is not None
    assert rest.is_cut
    assert rest.stop_after == pytest.approx(0.3)
    assert next_window(100, 1.0, 0.1) is None
    assert next_window(100, 1.0, 0.1, is_first=True) is not None
    assert next_window(100, 1.0, -1.0) is None
    slow = next_window(1, 1.0, 60.0)
    assert slow is not None
    assert slow.seconds == 10
    native = next_window(100, 5.0, 1.3)
    assert native is not None
    assert native.seconds == 1


def test_threads_that_the_kernel_saw_asleep_are_left_out_of_a_block() -> None:
    main, sleeper, waiter = (StackKey(ThreadId(native), ()) for native in (1, 2, 3))
    block = Block(0.0, 1.0, {main: 1.0, sleeper: 0.13, waiter: 0.9})
    after = {1: 0.98, 2: 0.004, 3: 0.05}
    kept = without_sleepers(block, 100, {1: 0.0, 2: 0.0, 3: 0.0}, after)
    assert set(kept.weights) == {main, waiter}  # the third is seen all the time: it waits for a CPU
    assert without_sleepers(block, 100, {1: 0.0}, after) is block


def test_a_window_without_rounds_is_time_without_weight(tmp_path: Path) -> None:
    view = freeze_process(tmp_path, PID)
    block = block_of(Window(5.0, 0.25, 0), ThreadNames(view, NativeIds(view)))
    assert (block.start, block.seconds, dict(block.weights)) == (5.0, 0.25, {})
