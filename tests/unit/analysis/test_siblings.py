"""Which of the workers is sick."""

from __future__ import annotations

from razorprof.analysis.siblings import OUTLIER, Figure, deviations

FIGURES = (Figure("cpu", 0.03), Figure("rss", 4 * 2.0**20))


def workers(count: int, **odd: float) -> dict[str, dict[str, float]]:
    rows = {f"w{i}": {"cpu": 0.20 + 0.01 * (i % 5), "rss": 100e6 + 1e5 * (i % 7)} for i in range(count)}
    rows["w3"].update(odd)
    return rows


def test_the_one_worker_of_32_that_burns_cpu_stands_out_and_no_other() -> None:
    found = deviations(workers(32, cpu=0.9), FIGURES)
    assert [key for key, d in found.items() if abs(d.score) > OUTLIER] == ["w3"]
    assert found["w3"].figure == "cpu"
    assert found["w3"].value == 0.9


def test_a_worker_that_does_nothing_while_its_siblings_work_stands_out_too() -> None:
    found = deviations(workers(32, cpu=0.0), FIGURES)
    assert found["w3"].score < -OUTLIER


def test_a_leaking_worker_is_named_with_memory_as_the_figure() -> None:
    found = deviations(workers(8, rss=400e6), FIGURES)
    assert (found["w3"].figure, found["w3"].score > OUTLIER) == ("rss", True)


def test_workers_that_differ_by_less_than_the_floor_are_equal() -> None:
    rows = {f"w{i}": {"cpu": 0.001 * i, "rss": 100e6} for i in range(8)}
    assert all(abs(d.score) < 1 for d in deviations(rows, FIGURES).values())


def test_two_workers_cannot_be_told_apart() -> None:
    assert deviations({"a": {"cpu": 1.0}, "b": {"cpu": 0.0}}, FIGURES) == {}
