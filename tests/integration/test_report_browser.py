"""The HTML report in a real Chromium: no word in the console, nothing asked of any network, fit for a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from razorprof.render.report import Report, report_page
from tests.browser import Browser, browser
from tests.unit.render.report_samples import EVERYTHING, NOTHING


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.mark.parametrize("report", [EVERYTHING, NOTHING], ids=["hostile", "empty"])
def test_a_report_opens_without_a_complaint_and_asks_for_nothing(
    chromium: Browser, tmp_path: Path, report: Report
) -> None:
    path = tmp_path / "report.html"
    path.write_text(report_page(report), encoding="utf-8")
    page = chromium.open(path)
    page.wait("document.readyState === 'complete'")
    assert page.run("document.querySelectorAll('section').length") == 10
    assert page.run("document.querySelectorAll('b').length") == 0
    assert page.run("getComputedStyle(document.querySelector('nav')).display") == "flex"  # the style is let in
    if report is EVERYTHING:
        page.wait("document.querySelectorAll('.rp-box').length > 0")
        assert page.run("document.querySelectorAll('.plots svg').length") == 2
    assert (page.said, page.asked) == ([], [])


def test_a_report_fits_a_phone(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(report_page(EVERYTHING), encoding="utf-8")
    page = chromium.open(path)
    page.look(390, 800)
    page.wait("document.querySelectorAll('.rp-box').length > 0")
    assert page.run("document.documentElement.scrollWidth") <= 390
