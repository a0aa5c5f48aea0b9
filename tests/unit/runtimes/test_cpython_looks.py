"""Looks, their window and the metrics, with a manual clock: shares follow from what was seen and when."""

from __future__ import annotations

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import RazorprofError
from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.gil import Gil, GilState
from razorprof.model.metric import Quality
from razorprof.runtimes.cpython.anatomy import CorruptState, Interpreter
from razorprof.runtimes.cpython.gil import GilFigures, futex_address, parse_gil
from razorprof.runtimes.cpython.looks import MOST_LOOKS_PER_SECOND, GilTally, Looks, Tally, Watched, _Running
from razorprof.runtimes.cpython.metrics import METRICS, gc_samples, gil_samples, info_sample
from razorprof.runtimes.cpython.window import LooksWindow
from tests.unit.runtimes.python_images import ImageMemory

COLLECTING, LOCK, THREAD_A, THREAD_B = 0x100, 0x200, 0x1000, 0x2000


class Watching:
    """Looks at two words of an image, 100 times a second of a manual clock."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.image = bytearray(0x400)
        self.looks = Looks(
            ImageMemory(self.image), Watched(((0, COLLECTING),), (LOCK,)), per_second=100, clock=self.clock
        )

    def see(self, *, collecting: bool = False, holder: int = 0, after: float = 0.01, times: int = 1) -> None:
        self.image[COLLECTING] = collecting
        self.image[LOCK + 8 : LOCK + 16] = (holder or THREAD_A).to_bytes(8, "little")
        self.image[LOCK + 16] = holder != 0
        for _ in range(times):
            self.clock.advance(after)
            self.looks.look()


def test_time_in_gc_is_the_time_that_the_looks_which_saw_it_stand_for() -> None:
    watching = Watching()
    watching.see(times=30)
    watching.see(collecting=True, times=10)
    tally = watching.looks.take_tally()
    assert tally.looks == 40
    assert tally.seconds == pytest.approx(0.4)
    assert tally.gc_seconds[0] == pytest.approx(0.1)
    assert watching.looks.take_tally().looks == 0


def test_a_late_look_stands_for_more_but_not_for_all_of_a_long_gap() -> None:
    watching = Watching()
    watching.see()
    watching.see(collecting=True, after=0.03)
    assert watching.looks.take_tally().gc_seconds[0] == pytest.approx(0.03)
    watching.see(collecting=True, after=30.0)
    assert watching.looks.take_tally().gc_seconds[0] == pytest.approx(0.25)


def test_holders_share_the_time_in_which_the_lock_was_held() -> None:
    watching = Watching()
    watching.see(holder=THREAD_A, times=6)
    watching.see(times=2)
    watching.see(holder=THREAD_B, times=2)
    gil = watching.looks.take_tally().gils[LOCK]
    assert gil.held == pytest.approx(0.08)
    assert gil.holders == {THREAD_A: pytest.approx(0.06), THREAD_B: pytest.approx(0.02)}
    assert gil.holder == THREAD_B


def test_what_is_watched_can_change_and_a_lost_address_is_an_error() -> None:
    watching = Watching()
    watching.looks.watch(Watched(((0, COLLECTING), (1, COLLECTING + 8)), ()))
    watching.see(collecting=True)
    tally = watching.looks.take_tally()
    assert set(tally.gc_seconds) == {0, 1}
    watching.looks.watch(Watched(((0, 0x10000),), ()))
    with pytest.raises(RazorprofError):
        watching.looks.look()


def tally(seconds: float, held: float, **holders: float) -> Tally:
    states = {THREAD_A: holders.get("a", 0.0), THREAD_B: holders.get("b", 0.0)}
    gil = GilTally(
        held, {state: share for state, share in states.items() if share}, waiting=3, waiter_looks=2, waiters=(7,)
    )
    return Tally(int(seconds * 50), seconds, {0: seconds / 10}, {LOCK: gil})


MAIN = Interpreter(0x5000, 0, 0x5100, LOCK)


def test_shares_are_of_the_last_two_seconds_and_gc_time_is_a_total() -> None:
    window = LooksWindow()
    window.add(tally(1.0, 1.0, a=1.0))
    window.add(tally(1.0, 0.5, a=0.5))
    window.add(tally(1.0, 0.5, b=0.5))
    state = window.gil_state(
        5.0, [MAIN], {LOCK: GilFigures(True, THREAD_B, 99)}, {THREAD_A: 11, THREAD_B: 12}.get, ""
    )
    (gil,) = state.gils
    assert (state.seconds, state.looks) == (2.0, 100)
    assert gil.held_ratio == pytest.approx(0.5)
    assert [(holder.native_id, holder.share) for holder in gil.holders] == [(11, 0.25), (12, 0.25)]
    assert (gil.holder, gil.switches, gil.waiters, gil.mean_waiters) == (12, 99, (7,), 1.5)
    assert window.gc_seconds(0) == pytest.approx(0.3)
    assert window.gc_seconds(1) is None
    window.forget([0])
    assert window.gc_seconds(0) is None


def nobody(state: int) -> int | None:
    return None


def test_where_looks_are_few_the_window_is_longer_but_not_endless() -> None:
    window = LooksWindow()
    few = [Tally(2, 1.0, {}, {LOCK: GilTally(held=1.0)}) for _ in range(40)]
    lengths = []
    for one in few:
        window.add(one)
        lengths.append(window.gil_state(5.0, [MAIN], {LOCK: GilFigures(False, 0, 9)}, nobody, "").seconds)
    assert lengths[3] == 4.0
    assert max(lengths) == 15.0


def test_looks_rest_when_nobody_asks_for_the_tally() -> None:
    watching = Watching()
    looks = Looks(
        ImageMemory(watching.image),
        Watched(((0, COLLECTING),), (LOCK,)),
        per_second=100,
        clock=watching.clock,
        patience=1.0,
    )
    for _ in range(400):
        watching.clock.advance(looks._step())
    tally = looks.take_tally()
    assert 60 <= tally.looks <= 180
    assert tally.seconds == pytest.approx(1.0, abs=0.1)
    watching.clock.advance(looks._step())
    looks._step()
    assert looks.take_tally().seconds == pytest.approx(0.02, abs=0.01), "the rest was nobody's time"


def test_many_targets_share_the_looks_that_one_process_may_take() -> None:
    running = _Running()
    assert running.slot(0.02) == 0.02
    running.change(30)
    assert running.slot(0.02) == pytest.approx(30 / MOST_LOOKS_PER_SECOND)


def test_before_any_look_there_is_a_lock_but_no_share() -> None:
    state = LooksWindow().gil_state(5.0, [MAIN], {LOCK: GilFigures(False, THREAD_A, 9)}, nobody, "")
    assert state.gils == (Gil((0,), switches=9),)


def test_a_holder_that_cannot_be_named_keeps_its_share() -> None:
    window = LooksWindow()
    window.add(tally(1.0, 1.0, a=0.5, b=0.5))
    (gil,) = window.gil_state(5.0, [MAIN], {LOCK: GilFigures(True, THREAD_A, 9)}, nobody, "").gils
    assert [(holder.native_id, holder.share) for holder in gil.holders] == [(None, 1.0)]


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (b"202 0x7f0010 0x189 0x0 0x7ffd 0x0 0xffffffff 0x7ffd00 0x7f4455\n", 0x7F0010),
        (b"230 0x1 0x0 0x7ffd 0x0 0x0 0x0 0x7ffd00 0x7f4455\n", None),
        (b"running\n", None),
        (b"-1 0x7ffd00 0x7f4455\n", None),
        (b"202 zebra\n", None),
        (b"202 \n", None),
        (b"", None),
    ],
)
def test_only_a_futex_tells_an_address(line: bytes, address: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("razorprof.runtimes.cpython.gil._FUTEX", 202)
    assert futex_address(line) == address


def test_a_lock_with_figures_that_no_lock_has_is_refused() -> None:
    with pytest.raises(CorruptState):
        parse_gil(b"\xff" * 32)


def collector(id_: int, collections: int = 5, seconds: float | None = 1.5) -> InterpreterGc:
    generations = tuple(Generation(number, 3, 700, collections, 40, 1) for number in range(3))
    return InterpreterGc(id_, id_ == 0, False, 10, 2, generations, seconds, Quality.ESTIMATED)


def flat(state: GcState) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{k}={v}" for k, v in sample.labels.items())): sample.value
        for sample in gc_samples(state)
    }


def test_one_interpreter_gives_the_client_librarys_names_only() -> None:
    found = flat(GcState(1.0, (collector(0),)))
    assert found["python_gc_collections_total", "generation=1"] == 5
    assert found["python_gc_pending", "generation=0"] == 3
    assert found["python_gc_seconds_total", "quality=estimated"] == 1.5
    assert found["python_interpreters",] == 1
    assert not [key for key in found if key[0].startswith("python_interpreter_gc")]


def test_two_interpreters_are_summed_and_told_apart() -> None:
    found = flat(GcState(1.0, (collector(0), collector(1, collections=7))))
    assert found["python_gc_collections_total", "generation=1"] == 12
    assert found["python_gc_threshold", "generation=1"] == 700
    assert found["python_gc_enabled",] == 1
    assert found["python_gc_frozen_objects",] == 20
    assert found["python_gc_seconds_total", "quality=estimated"] == 3.0
    assert found["python_interpreter_gc_collections_total", "generation=2", "interpreter=1"] == 7


def test_what_is_unknown_gives_no_sample() -> None:
    none = InterpreterGc(0, None, None, None, None, None)
    assert set(flat(GcState(1.0, (none,)))) == {("python_interpreters",)}
    unknown = flat(GcState(1.0, (collector(0, seconds=None),)))
    assert ("python_gc_seconds_total", "quality=estimated") not in unknown
    assert not list(gil_samples(GilState(1.0, ())))
    assert not list(gil_samples(GilState(1.0, (Gil((0,)),))))


def test_every_sample_is_of_a_declared_metric_with_its_declared_labels() -> None:
    state = GcState(1.0, (collector(0), collector(1)))
    gils = GilState(
        1.0, (Gil((0,), 0.5, mean_waiters=1.0, switches=3), Gil((1,), 0.25, mean_waiters=0.5, switches=4))
    )
    samples = [*gc_samples(state), *gil_samples(gils), info_sample("3.12.1")]
    for sample in samples:
        assert sample.metric in METRICS
        assert set(sample.labels) == set(sample.metric.labels)
    values = {(sample.name, *sample.labels.values()): sample.value for sample in gil_samples(gils)}
    assert values["python_gil_switches_total",] == 7
    assert values["python_gil_waiters",] == 1.5
    assert values["python_gil_held_ratio",] == 0.5
    assert values["python_interpreter_gil_held_ratio", "1"] == 0.25


def test_looks_that_come_late_are_counted_with_the_time_that_they_missed() -> None:
    watching = Watching()
    pause = watching.looks._step()
    watching.clock.advance(pause)  # in time
    pause = watching.looks._step()
    watching.clock.advance(pause + 0.008)  # all CPUs were busy
    watching.looks._step()
    tally = watching.looks.take_tally()
    assert (tally.looks, tally.late_looks) == (3, 1)
    assert tally.late_seconds == pytest.approx(0.008)
    window = LooksWindow()
    window.add(tally)
    state = window.gil_state(5.0, [MAIN], {LOCK: GilFigures(False, 0, 9)}, nobody, "")
    assert (state.looks, state.late_looks) == (3, 1)
    late = {sample.name: sample.value for sample in gil_samples(state)}["python_gil_late_looks_ratio"]
    assert late == pytest.approx(1 / 3)


def test_a_rest_without_looks_makes_none_of_them_late() -> None:
    watching = Watching()
    watching.looks._step()
    watching.clock.advance(60.0)
    watching.looks._step()
    watching.looks.take_tally()
    watching.looks._step()
    tally = watching.looks.take_tally()
    assert (tally.looks, tally.late_looks) == (1, 0)
