"""Flame graph files in a real Chromium: they load nothing, complain of nothing, and can be searched and zoomed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from razorprof.analysis.compare_tree import diff_tree
from razorprof.formats.html import Html
from razorprof.formats.svg import Svg
from razorprof.model.profile import Profile, StackKey
from razorprof.render.flame_html import flame_fragment, flame_policy
from tests.browser import Browser, Page, browser
from tests.unit.formats.sample_profiles import FULL
from tests.unit.render.test_flame_files import HOSTILE

FORMATS: dict[str, Html | Svg] = {"html": Html(), "svg": Svg()}
BOXES = "[...document.querySelectorAll('.rp-box')]"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


def show(chromium: Browser, path: Path, content: bytes | str) -> Page:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    page = chromium.open(path)
    page.wait(f"{BOXES}.length > 0")
    return page


def box(name: str) -> str:
    return f"{BOXES}.find(box => box.textContent === {name!r})"


def share(page: Page, name: str) -> float:
    """How much of the width a box has."""
    left: float = page.run(f"parseFloat({box(name)}.style.width)")
    return left / 100


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_loads_nothing_and_can_be_searched_zoomed_and_turned(
    chromium: Browser, tmp_path: Path, kind: str
) -> None:
    page = show(chromium, tmp_path / f"flame.{kind}", FORMATS[kind].write(FULL))
    assert share(page, "price.<locals>.<lambda>") == pytest.approx(0.625, abs=0.001)
    page.press("/", *"pricing")
    page.wait("document.querySelector('.rp-matched').textContent === 'matched: 62.5 %'")
    assert page.run(f"{box('price.<locals>.<lambda>')}.classList.contains('rp-match')")
    page.press("Escape", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "Enter")
    assert share(page, "price.<locals>.<lambda>") == 1
    assert "total 2.50 s" in page.run("document.querySelector('.rp-detail').textContent")
    page.press("0", "i")
    assert share(page, "price.<locals>.<lambda>") == pytest.approx(0.625, abs=0.001)
    root, top = (page.run(f"parseFloat({box(name)}.style.top)") for name in ("all", "<module>"))
    assert root > top
    page.click(box("price.<locals>.<lambda>"))
    assert share(page, "price.<locals>.<lambda>") == 1
    page.mouse(box("Day.run"), "mouseMoved")
    assert "shop/day.py:40" in page.run("document.querySelector('.rp-tip').textContent")
    page.press("Escape")
    assert share(page, "<module>") == 1
    assert (page.said, page.asked) == ([], [])


def test_expressions_and_threads_can_be_chosen(chromium: Browser, tmp_path: Path) -> None:
    page = show(chromium, tmp_path / "flame.html", Html().write(FULL))
    search = "document.querySelector('.rp-search')"
    told = "document.querySelector('.rp-matched').textContent"

    def type_in(words: str) -> str:
        page.run(f"{search}.value = {words!r}; {search}.dispatchEvent(new Event('input'))")
        found: str = page.run(told)
        return found

    assert type_in("/^(price|work)/") == "matched: 93.8 %"
    assert type_in("/(/") == "not a regular expression"
    assert type_in("nothing like it") == "no match"
    select = "document.querySelector('.rp-threads')"
    assert page.run(f"[...{select}.options].map(o => o.textContent)") == [
        "all threads",
        "main (7)  68.8 %",
        "thread 8  31.3 %",
    ]
    page.run(f"{select}.value = '2'; {select}.dispatchEvent(new Event('change'))")
    type_in("work<T>")
    assert page.run(told) == "matched: 100.0 %"
    assert page.said == []


@pytest.mark.parametrize("kind", FORMATS)
def test_hostile_names_are_shown_as_text_and_run_nothing(chromium: Browser, tmp_path: Path, kind: str) -> None:
    page = show(chromium, tmp_path / f"evil.{kind}", FORMATS[kind].write(HOSTILE))
    assert page.run("document.querySelectorAll('b').length") == 0
    names = page.run(f"{BOXES}.map(box => box.textContent)")
    assert any(name.startswith("</script><!--]]>\"'&amp;<b>\\u2028\\u202e") for name in names)
    assert (page.said, page.asked) == ([], [])


@pytest.mark.parametrize("kind", FORMATS)
def test_a_comparison_tells_both_sides_and_what_vanished(chromium: Browser, tmp_path: Path, kind: str) -> None:
    part = Profile({key: weight for key, weight in FULL.weights.items() if key.thread.native == 7})
    content = FORMATS[kind].write_diff(diff_tree([FULL], [part]), "before and after", unit="seconds")
    page = show(chromium, tmp_path / f"diff.{kind}", content)
    page.mouse(box("<module>"), "mouseMoved")
    assert "total 4.00 s  100.00 % → 2.75 s  100.00 %  (-1.25 s)" in page.run(
        "document.querySelector('.rp-tip').textContent"
    )
    assert "work<T>(int)" in page.run("document.querySelector('.rp-flame details').textContent")
    assert (page.said, page.asked) == ([], [])


def test_several_fragments_stand_on_one_page_under_its_policy(chromium: Browser, tmp_path: Path) -> None:
    policy = f'<meta http-equiv="Content-Security-Policy" content="{flame_policy()}">'
    part = Profile({StackKey(key.thread, key.stack[:1]): 1.0 for key in FULL.weights})
    content = f"<!DOCTYPE html><html><head><meta charset='utf-8'>{policy}</head><body>"
    content += flame_fragment(FULL, "one") + flame_fragment(part, "two")
    page = show(chromium, tmp_path / "report.html", content)
    assert page.run(
        "[...document.querySelectorAll('.rp-flame')].map(f => f.querySelectorAll('.rp-bar').length)"
    ) == [
        1,
        1,
    ]
    assert page.run("document.querySelectorAll('h1')[1].textContent") == "two"
    assert (page.said, page.asked) == ([], [])


def test_a_narrow_dark_window_shows_it_without_scrolling_sideways(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "flame.html"
    path.write_bytes(Html().write(FULL))
    page = chromium.open(path, size=(360, 640), dark=True)
    page.wait(f"{BOXES}.length > 0")
    assert page.run("document.documentElement.scrollWidth <= 360")
    assert page.run("getComputedStyle(document.querySelector('.rp-flame')).backgroundColor") == "rgb(15, 20, 27)"


def test_the_still_picture_is_drawn_by_a_program_without_scripts(tmp_path: Path) -> None:
    program = which("rsvg-convert")
    if program is None:
        pytest.skip("no rsvg-convert on this machine: make test-deps installs it")
    path = tmp_path / "flame.svg"
    path.write_bytes(Svg().write(FULL))
    done = subprocess.run([program, str(path)], capture_output=True, timeout=60, check=True)
    assert done.stdout.startswith(b"\x89PNG")
    assert len(done.stdout) > 5000
