"""The HTML report: well-formed, all of it escaped, loading nothing, and saying why something is missing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from razorprof.render.figures import percent, size
from razorprof.render.report import Report, report_page
from razorprof.render.report_plots import Plot, axis_ticks, plot_figure
from razorprof.render.trace import Trace
from tests.unit.render.report_samples import DUMP, EVERYTHING, NOTHING

VOID = {"meta", "link", "line", "polyline", "input", "br"}
EXPECTED = {"b", "iframe", "img", "object", "form", "audio", "video", "base", "embed"}


class Elements(HTMLParser):
    """All elements, and whether they close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.seen}


@pytest.mark.parametrize("report", [EVERYTHING, NOTHING], ids=["hostile", "empty"])
def test_a_page_is_well_formed_and_nothing_in_it_is_markup_of_the_target(report: Report) -> None:
    page = report_page(report)
    elements = Elements(page)
    assert elements.open == []
    assert elements.tags.isdisjoint(EXPECTED)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u202e]", page)


def test_a_page_loads_nothing_from_anywhere() -> None:
    for _, attributes in Elements(report_page(EVERYTHING)).seen:
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith(("#", "data:,", "cpu.json"))
        assert "style" not in attributes
    assert "default-src 'none'" in report_page(EVERYTHING)


def test_what_is_missing_is_told_with_its_reason() -> None:
    page = report_page(NOTHING)
    assert "Not collected: no permission." in page
    assert "No advice: too short." in page
    assert "What limits it could not be told: too little was seen." in page


def test_findings_come_first_and_deadlocks_before_the_verdict() -> None:
    page = report_page(EVERYTHING)
    order = [page.index(word) for word in ("Deadlock confirmed", "Limited by", 'id="plots"', 'id="threads"')]
    assert order == sorted(order)


def test_no_deadlock_is_said_with_what_could_not_be_seen() -> None:
    from dataclasses import replace

    dump = replace(DUMP, deadlocks=(), locks_reason="Python 3.14 is not known")
    page = report_page(replace(EVERYTHING, dump=dump))
    assert "No deadlock found, but not all could be seen: Python 3.14 is not known." in page


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0.0, 0.5, 1.0]),
        (0.42, 0.78, [0.4, 0.5, 0.6, 0.7, 0.8]),
        (6.0, 6.0, [0.0, 2.0, 4.0, 6.0]),
        (0.0, 0.0, [0.0, 0.5, 1.0]),
        (-2.0, 2.0, [-2.0, -1.0, 0.0, 1.0, 2.0]),
        (1e9, 4e9, [0.0, 1e9, 2e9, 3e9, 4e9]),
    ],
)
def test_ticks_are_round_and_hold_the_values(low: float, high: float, ticks: list[float]) -> None:
    assert axis_ticks(low, high) == pytest.approx(ticks)


def test_a_plot_has_units_and_stays_within_its_frame() -> None:
    times = np.arange(5000.0)
    drawn = plot_figure(Plot("CPU", Trace(times, np.abs(np.sin(times))), percent))
    assert "100.0 %" in drawn
    points = re.search(r'points="([^"]+)"', drawn)
    assert points is not None
    pairs = [tuple(map(float, pair.split(","))) for pair in points[1].split()]
    assert len(pairs) < 1500
    assert all(0 <= x <= 360 and 0 <= y <= 150 for x, y in pairs)


def test_sizes_have_ticks_in_powers_of_1024() -> None:
    drawn = plot_figure(Plot("resident", Trace(np.arange(3.0), np.array([10.0, 20.0, 40.0]) * (1 << 20)), size))
    assert ">20.0 MiB<" in drawn


def test_one_point_is_no_plot() -> None:
    assert plot_figure(Plot("CPU", Trace(np.zeros(1), np.zeros(1)), percent)) == ""
