"""PromQL against a real Prometheus: the same series, the same queries, the same answers to a millionth."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from razorprof.errors import RazorprofError
from razorprof.model.labels import Labels
from razorprof.query.engine import compile_query
from razorprof.query.values import Scalar, Vector
from razorprof.store.fixed import FixedView
from tests.integration.promql_reference import (
    ASKED_AT,
    END,
    START,
    Queries,
    Reference,
    missing_tool,
    running,
    series,
)

MOMENTS = (START + 600 + ASKED_AT, START + 2017 + ASKED_AT, END + 130 + ASKED_AT)
RANGE = (START - 60 + ASKED_AT, END + 400 + ASKED_AT, 97.0)
Rows = list[tuple[Labels, dict[float, float]]]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    missing = missing_tool()
    if missing is not None:
        pytest.skip(f"no {missing} on this machine (make test-deps)")
    with running(tmp_path_factory.mktemp("prometheus"), series()) as server:
        yield server


@pytest.fixture(scope="module")
def view() -> FixedView:
    return FixedView(series())


def test_queries_at_one_time_are_answered_as_prometheus_does(reference: Reference, view: FixedView) -> None:
    check_instants(reference, view, seed=1, count=600)


def test_queries_over_a_range_are_answered_as_prometheus_does(reference: Reference, view: FixedView) -> None:
    check_ranges(reference, view, seed=2, count=300)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_queries_are_answered_as_prometheus_does(reference: Reference, view: FixedView, seed: int) -> None:
    check_instants(reference, view, seed=seed, count=1000)
    check_ranges(reference, view, seed=seed + 1000, count=500)


def check_instants(reference: Reference, view: FixedView, *, seed: int, count: int) -> None:
    queries = Queries(seed)
    wrong, told = [], 0
    for number in range(count):
        text, when = queries.vector(2), MOMENTS[number % len(MOMENTS)]
        theirs = rows(reference.instant(text, when))
        ours: Rows | str
        try:
            value = compile_query(text).instant(view, when)
            assert isinstance(value, Vector | Scalar)
            ours = in_order(value, when)
        except RazorprofError as error:
            ours = str(error)
        told += isinstance(theirs, list) and bool(theirs)
        by_value = text.startswith(("sort", "topk (", "bottomk ("))
        if found := difference(ours, theirs, ordered=by_value):
            wrong.append(f"{text} at {when}: {found}")
    assert wrong == []
    assert told > count / 4  # else nothing was compared


def check_ranges(reference: Reference, view: FixedView, *, seed: int, count: int) -> None:
    queries = Queries(seed)
    wrong, told = [], 0
    for _ in range(count):
        text = queries.vector(2)
        theirs = rows(reference.range(text, *RANGE))
        ours: Rows | str
        try:
            found = compile_query(text).range(view, *RANGE)
            ours = over_times(found.vector, (found.times / 1000).tolist())
        except RazorprofError as error:
            ours = str(error)
        told += isinstance(theirs, list) and bool(theirs)
        if apart := difference(ours, theirs, ordered=False):
            wrong.append(f"{text}: {apart}")
    assert wrong == []
    assert told > count / 4


def rows(answer: dict[str, object]) -> Rows | str:
    """The series of an answer of the server, or its error."""
    if answer["status"] != "success":
        return str(answer["error"])
    data = answer["data"]
    assert isinstance(data, dict)
    if data["resultType"] == "scalar":
        return [(Labels(), {float(data["result"][0]): float(data["result"][1])})]
    return [
        (Labels(one["metric"]), {float(t): float(v) for t, v in one.get("values", [one.get("value")])})
        for one in data["result"]
    ]


def in_order(value: Vector | Scalar, when: float) -> Rows:
    if isinstance(value, Scalar):
        return [(Labels(), {when: float(value.values[0])})]
    return [(labels, {when: float(value.values[0, place])}) for place, labels in enumerate(value.labels)]


def over_times(vector: Vector, times: list[float]) -> Rows:
    return [
        (labels, {
            time: value
            for time, value, there in zip(
                times, vector.values[:, place].tolist(), vector.present[:, place].tolist(), strict=True
            )
            if there
        })
        for place, labels in enumerate(vector.labels)
    ]  # fmt: skip


def difference(ours: Rows | str, theirs: Rows | str, *, ordered: bool) -> str | None:
    if isinstance(ours, str) or isinstance(theirs, str):
        if isinstance(ours, str) and isinstance(theirs, str):
            return None  # both refuse
        return f"ours {str(ours)[:300]}, theirs {str(theirs)[:300]}"
    expected = dict(theirs)
    if dict(ours).keys() != expected.keys() or len(ours) != len(theirs):
        return f"ours {str(ours)[:300]}, theirs {str(theirs)[:300]}"
    for labels, points in ours:
        if apart := points.keys() ^ expected[labels].keys():
            return f"{labels}: only one of us has something at {sorted(apart)[:9]}"
        for time, value in points.items():
            if not same(value, expected[labels][time]):
                return f"{labels} at {time}: ours {value}, theirs {expected[labels][time]}"
    values = [next(iter(points.values())) for _, points in theirs]
    if ordered and len(set(values)) == len(values) and [one for one, _ in ours] != [one for one, _ in theirs]:
        return f"ours in order {[one for one, _ in ours]}, theirs {[one for one, _ in theirs]}"
    return None


def same(ours: float, theirs: float) -> bool:
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    # The absolute part is for what is zero but for rounding: the deviation of a constant, a sine of pi.
    return ours == theirs or math.isclose(ours, theirs, rel_tol=1e-6, abs_tol=1e-9)
