"""What queries of one moment have in common is computed once, and says what each query says by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample, gauge
from razorprof.model.series import Series
from razorprof.query.engine import compile_query
from razorprof.query.errors import EvaluationFailed, QueryTooLarge
from razorprof.query.limits import Limits
from razorprof.query.sharing import Shared
from razorprof.query.values import Vector
from razorprof.store.memory import MemoryStore
from razorprof.store.view import Matcher, SeriesBlock, SeriesView
from tests.unit.query.naive import EXPRESSIONS, Data, Expression
from tests.unit.query.test_against_naive import START, agree, as_view, data_sets, row


class Reads:
    """A view that counts how often it is read."""

    def __init__(self, view: SeriesView) -> None:
        self.view = view
        self.number = 0

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        return self.view.select(matchers, start, end)

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        self.number += 1
        return self.view.blocks(matchers, start, end)

    def metrics(self) -> Iterable[Metric]:
        return self.view.metrics()


class House:
    """A store with a group, and queries over it that share."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.reads = Reads(self.store)
        self.shared = Shared()
        self._group = self.store.group(Labels())

    def put(self, time: float, **values: float) -> None:
        self._group.append(time, [Sample(gauge(name, "", ""), value) for name, value in values.items()])

    def ask(self, text: str, time: float = 100.0, limits: Limits | None = None) -> dict[str, float]:
        value = compile_query(text).instant(self.reads, time, limits or Limits(), shared=self.shared)
        assert isinstance(value, Vector)
        return {
            labels.get("__name__", ""): number
            for labels, number in zip(value.labels, value.values[0], strict=True)
        }


@pytest.fixture
def house() -> House:
    found = House()
    found.put(90.0, x=1.0, y=2.0)
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(EXPRESSIONS, min_size=2, max_size=4),
    data_sets(),
    st.lists(st.sampled_from([150_000, 300_001, 599_999]), min_size=1, max_size=2),
)
def test_every_query_says_what_it_says_by_itself(
    expressions: list[Expression], data: Data, times: list[int]
) -> None:
    view, shared = as_view(data, shared=True), Shared()
    for time in times:
        for expression in (*expressions, *expressions):
            query, moment = compile_query(expression.text), (START + time) / 1000
            try:
                alone = query.instant(view, moment)
            except EvaluationFailed as error:
                with pytest.raises(EvaluationFailed, match=f"^{error.message[:20]}"):
                    query.instant(view, moment, shared=shared)
                continue
            together = query.instant(view, moment, shared=shared)
            assert isinstance(alone, Vector)
            assert isinstance(together, Vector)
            assert agree(row(alone, 0), row(together, 0))


def test_series_are_read_once_for_all_that_ask_them_at_a_moment(house: House) -> None:
    assert house.ask("x > 0") == house.ask("x < 5") == house.ask("x") == {"x": 1.0}
    assert house.reads.number == 1
    assert house.ask("x offset 5s") == {"x": 1.0}
    assert house.ask("x", 101.0) == {"x": 1.0}
    assert house.reads.number == 3, "another time is another question"


@pytest.mark.parametrize(
    "text", ["x", '{__name__=~"x|z"}', "sum by (__name__) (x)", "max_over_time(x[1m])", "-(-x)"]
)
def test_what_was_written_in_between_is_seen_by_whoever_could_select_it(house: House, text: str) -> None:
    before = house.ask(text)
    house.put(95.0, x=7.0, y=2.0)
    house.shared.wrote("y")
    if text.startswith("{"):
        assert set(house.ask(text).values()) == {7.0}
    else:
        assert house.ask(text) == before, "nobody said that x was written"
    house.shared.wrote("x")
    assert set(house.ask(text).values()) == {7.0}


def test_series_that_did_not_change_are_not_read_again(house: House) -> None:
    house.ask("x + y")
    house.shared.wrote("y")
    house.ask("x + y")
    assert house.reads.number == 3


def test_what_looks_alike_and_is_not_the_same_is_told_apart(house: House) -> None:
    assert house.ask("x / 0") != house.ask("x / -0")
    assert house.ask("x > 0") != house.ask("x > bool 0")
    assert house.ask("x - 2") != house.ask("2 - x")
    assert house.ask("x == 1") != house.ask("y == 1")
    assert house.ask("x unless y") != house.ask("x and y")


def test_what_others_have_read_counts_for_a_querys_limits(house: House) -> None:
    house.ask('{__name__=~"x|y"}')
    with pytest.raises(QueryTooLarge):
        house.ask('{__name__=~"x|y"}', limits=Limits(series=1))
    with pytest.raises(QueryTooLarge):
        house.ask('{__name__=~"x|y"}', limits=Limits(samples=1))


def test_nothing_is_left_of_a_moment_that_is_over(house: House) -> None:
    house.ask("x")
    house.put(95.0, x=7.0, y=2.0)
    house.shared.begin()
    assert house.ask("x") == {"x": 7.0}
