"""Flame graphs in files: what is in the tables, what is cut, and that no name gets out of its place."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from razorprof.analysis.compare_tree import diff_tree
from razorprof.errors import NotSupported
from razorprof.formats.html import Html
from razorprof.formats.svg import Svg
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey
from razorprof.render.flame_colours import STEPS, TONES, colour_of, tones
from razorprof.render.flame_graph import LEAST, flame_graph, flame_graph_of_difference
from razorprof.render.flame_html import flame_fragment, flame_page, flame_policy, flame_script, flame_style
from razorprof.render.flame_svg import flame_svg
from razorprof.render.profile_facts import profile_facts
from tests.unit.formats.sample_profiles import FULL

EVIL = "</script><!--]]>\"'&amp;<b>\u2028\u202e\x00\x1b[31m\ud800"
HOSTILE = Profile(
    {StackKey(ThreadId(n, EVIL), (Frame(EVIL, EVIL, 1), Frame(f"{EVIL}{n}", "x.py", 2))): 1.0 for n in (1, 2)},
    mode=EVIL,
    value=EVIL,
    notes=(EVIL,),
)


def stack(*names: str, thread: int = 1) -> StackKey:
    return StackKey(ThreadId(thread), tuple(Frame(name, "app/x.py", 1) for name in names))


def embedded(text: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    assert len(found) == 1
    document: dict[str, Any] = json.loads(found[0])
    return document


def test_the_boxes_of_a_tree_add_up_and_parents_stand_before_children() -> None:
    tree, *threads = flame_graph(FULL).trees
    assert tree.total == pytest.approx(FULL.total)
    assert sum(tree.own) == pytest.approx(FULL.total)
    assert tree.depths[:4] == (0, 1, 2, 3)
    assert all(below <= above + 1 for above, below in zip(tree.depths, tree.depths[1:], strict=False))
    assert [thread.name for thread in threads] == ["main (7)", "thread 8"]
    assert sum(thread.total for thread in threads) == pytest.approx(FULL.total)


def test_a_single_thread_needs_no_choice() -> None:
    assert len(flame_graph(Profile({stack("a"): 1.0})).trees) == 1


def test_what_is_too_small_to_be_seen_stands_together_and_is_told() -> None:
    small = {stack("main", f"tiny{n}"): LEAST / 10 for n in range(50)}
    graph = flame_graph(Profile({stack("main", "hot"): 1.0, **small}))
    tree = graph.trees[0]
    place = tree.frames.index(-50)
    assert tree.weights[place] == pytest.approx(5 * LEAST)
    assert sum(tree.own) + tree.weights[place] == pytest.approx(tree.total)
    assert any("(n smaller)" in note for note in graph.notes)
    assert "(50 smaller)" in flame_svg(graph)


def test_fifty_thousand_boxes_are_bounded_by_the_heaviest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("razorprof.render.flame_graph.MOST_BOXES", 100)
    weights = {stack(f"a{n % 70}", f"b{n}"): 1.0 + n % 3 for n in range(700)}
    graph = flame_graph(Profile(weights))
    shown = [frame for frame in graph.trees[0].frames if frame >= 0]
    assert len(shown) == 100
    assert any("beyond the 100 heaviest" in note for note in graph.notes)


def test_the_head_says_how_the_profile_was_taken() -> None:
    facts = dict(profile_facts(FULL))
    assert facts["process"] == "shop (pid 1234), cpython 3.12.1"
    assert facts["taken"] == "2023-11-14 22:13:20 UTC"
    assert facts["total"] == "4.00 s of cpu in 4.00 s, a complete run"
    assert facts["samples"] == "401 in 399 looks, 3 errors"
    assert facts["how"] == "nonblocking, 100 Hz, target stopped 3.12 % of the time"
    page = flame_page(flame_graph(FULL))
    for words in (*facts.values(), *FULL.notes):
        assert words in page


def test_an_absurd_start_is_no_reason_to_fail() -> None:
    for start in (-1.0, 0.0, 1e300):
        assert "taken" not in dict(profile_facts(replace(FULL, start=start)))


def test_no_name_leaves_its_place_in_a_page() -> None:
    graph = flame_graph(HOSTILE, EVIL)
    page = flame_page(graph)
    assert "\u202e" not in page
    assert "\x1b" not in page
    seen: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(tag)

    Tags().feed(page)
    assert (seen.count("script"), seen.count("b")) == (2, 0)
    assert embedded(page)["frames"][0][0].startswith("all")
    names = [frame[0] for frame in embedded(page)["frames"]]
    assert any(name.startswith("</script>") and "\\u202e" in name for name in names)


@pytest.mark.parametrize("profile", [FULL, HOSTILE, Profile()], ids=["full", "hostile", "empty"])
def test_an_svg_file_is_well_formed_and_has_a_still_picture(profile: Profile) -> None:
    graph = flame_graph(profile, EVIL)
    document = ElementTree.fromstring(flame_svg(graph).encode())
    svg = "{http://www.w3.org/2000/svg}"
    still = next(group for group in document.iter(f"{svg}g") if group.get("class") == "rp-still")
    tooltips = [title.text or "" for title in still.iter(f"{svg}title")]
    assert len(tooltips) == (len(graph.trees[0].frames) if profile.weights else 0)
    assert not profile.weights or any("total " in text and "self " in text for text in tooltips)
    scripts = [element for element in document.iter() if element.tag.endswith("script")]
    assert len(scripts) == 2


def test_nothing_is_named_that_would_have_to_be_loaded() -> None:
    for text in (flame_page(flame_graph(FULL)), flame_svg(flame_graph(FULL))):
        addresses = set(re.findall(r"[a-z]+://[^\s\"'<>]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"}
        assert "@import" not in text
        assert "url(" not in text


def test_the_assets_fit_into_both_kinds_of_files() -> None:
    for text in (flame_style(), flame_script()):
        assert "]]>" not in text
        assert "</" not in text
        assert text.replace("µ", "").replace("→", "").isascii()


def test_the_policy_allows_our_own_script_by_its_hash_and_nothing_else() -> None:
    policy = flame_policy()
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert f'content="{flame_policy()[:30]}' in flame_page(flame_graph(FULL))


def test_a_fragment_may_leave_style_and_script_to_its_page() -> None:
    whole, bare = flame_fragment(FULL), flame_fragment(FULL, with_assets=False)
    assert flame_script() in whole
    assert flame_script() not in bare
    assert embedded(whole) == embedded(bare)


def test_a_comparison_is_as_wide_as_new_and_lists_what_vanished() -> None:
    base = Profile({stack("main", "hot"): 2.0, stack("main", "gone"): 1.0})
    new = Profile({stack("main", "hot"): 4.0, stack("main", "fresh"): 1.0})
    graph = flame_graph_of_difference(diff_tree([base], [new]), "diff", unit="seconds", notes=("n",))
    tree = graph.trees[0]
    shown = [graph.frames[place].function for place in tree.frames]
    assert dict(zip(shown, zip(tree.base, tree.weights, strict=True), strict=True)) == {
        "all": (3.0, 5.0),
        "main": (3.0, 5.0),
        "hot": (2.0, 4.0),
        "fresh": (0.0, 1.0),
    }
    assert [(frame.function, weight) for frame, weight in graph.vanished] == [("gone", 1.0)]
    assert ("change", "+2.00 s (+66.7 %)") in graph.facts
    for text in (flame_page(graph), flame_svg(graph)):
        assert "vanished" in text
        assert "gone" in text
    assert embedded(flame_page(graph))["trees"][0]["t"][0] == STEPS


def test_colours_are_equal_for_equal_code_and_steps_follow_the_change() -> None:
    assert colour_of(Frame("f", "app/x.py", 1)) == colour_of(Frame("f", "app/x.py", 99))
    assert len({colour_of(Frame("f", f"package{n}/x.py")) for n in range(50)}) > 10
    assert tones([1.0, -1.0, 0.25, 0.0001, 0.0], 1.0) == [STEPS, -STEPS, STEPS // 2, 0, 0]
    assert tones([0.0], 0.0) == [0]
    assert len(TONES) == 2 * STEPS + 1


def test_they_are_only_written() -> None:
    for format in (Html(), Svg()):
        assert format.recognises(format.write(FULL)[:4096])
        with pytest.raises(NotSupported):
            format.read(format.write(FULL))


def test_a_stack_deeper_than_any_screen_is_drawn_to_a_depth() -> None:
    deep = StackKey(ThreadId(1), tuple(Frame(f"f{n}", "deep.py", n) for n in range(5000)))
    text = flame_svg(flame_graph(Profile({deep: 1.0})))
    height = re.search(r'height="(\d+)"', text)
    assert height is not None
    assert int(height[1]) < 8000
