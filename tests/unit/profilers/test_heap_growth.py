"""Which sites count as growing, on hand-made windows."""

from __future__ import annotations

import pytest

from razorprof.model.frame import Frame
from razorprof.profilers.heap_growth import growing_sites
from razorprof.profilers.memray_reader_process import least_held

SITE = (Frame("leak", "app.py", 5),)


def test_a_site_that_holds_more_after_every_window_is_named_with_its_rate() -> None:
    (site,) = growing_sites([(SITE, (0, 10_000, 20_000, 30_000), 3)], 2.0) or ()
    assert site.stack == SITE
    assert site.bytes_per_second == pytest.approx(5000)
    assert site.live_allocations == 3


@pytest.mark.parametrize(
    "held",
    [
        pytest.param((0, 50_000, 90_000, 90_000, 90_000), id="a cache that filled and stopped"),
        pytest.param((0, 50_000, 90_000, 98_000, 99_000), id="a cache that has nearly filled"),
        pytest.param((0, 40_000, 10_000, 60_000, 80_000), id="a site that also gave back"),
        pytest.param((0, 10, 20, 30, 40), id="a few bytes"),
    ],
)
def test_a_site_that_does_not_grow_to_the_end_is_not_named(held: tuple[int, ...]) -> None:
    assert growing_sites([(SITE, held, 1)], 1.0) == ()


def test_fewer_than_four_windows_are_too_few_to_judge() -> None:
    assert growing_sites([(SITE, (0, 10_000, 20_000), 1)], 1.0) is None


def test_what_comes_and_goes_within_a_window_does_not_count_as_held() -> None:
    changes = [(1, 1000), (3, 50_000), (4, -50_000), (12, 1000), (14, 70_000), (16, -70_000)]
    assert least_held(changes, [0, 10, 20]) == [0, 1000]


def test_the_least_of_a_window_that_begins_with_something_held_is_told() -> None:
    assert least_held([(0, 500), (15, -200)], [0, 10, 20]) == [500, 300]
