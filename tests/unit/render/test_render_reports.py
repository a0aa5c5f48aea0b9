"""Reports for CI: what a hostile name cannot do to them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from razorprof.analysis.compare import compare
from razorprof.analysis.compare_values import CompareOptions
from razorprof.analysis.gate import parse_threshold
from razorprof.analysis.gate_checks import Check, Outcome, checks_of, verdict_of
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.profile import Profile, StackKey
from razorprof.render.diff import change_word, diff_rows, headline
from razorprof.render.junit import junit_report
from razorprof.render.markdown import markdown_checks, markdown_diff, markdown_text

HOSTILE = "]]></failure><x>\x00\x1b[31m\ud800\ufffe | `rm` [a](http://x) <script> @team *b*\nnext \"'&"
CHECKS = (
    Check(HOSTILE, Outcome.FAIL, HOSTILE, (HOSTILE,)),
    Check("unclear", Outcome.INCONCLUSIVE, "too little"),
    Check("fine", Outcome.PASS),
    Check("later", Outcome.SKIPPED, "not judged"),
)


def test_junit_counts_and_escapes() -> None:
    [suite] = ElementTree.fromstring(junit_report("gate " + HOSTILE, CHECKS, seconds=1.5))
    assert [suite.get(n) for n in ("tests", "failures", "errors", "skipped", "time")] == [
        "4",
        "1",
        "1",
        "1",
        "1.500",
    ]
    cases = list(suite)
    assert [case[0].tag if len(case) else "" for case in cases] == ["failure", "error", "", "skipped"]
    name = cases[0].get("name") or ""
    assert "]]></failure>" in name
    assert "\\x00\\x1b[31m\\ud800\\ufffe" in name
    assert "\n" not in name


def test_markdown_shows_a_hostile_name_as_text_in_one_cell() -> None:
    text = markdown_checks("Gate", CHECKS)
    [line] = [line for line in text.splitlines() if "FAIL" in line and line.startswith("|")]
    assert line.replace("\\|", "").count("|") == 4
    for raw in ("<script>", "`rm`", "[a]", "http:", "@team", "*b*", "\x1b"):
        assert raw not in text.replace("\\`", "").replace("\\[", "").replace("\\*", "")
    assert "### Gate: **FAIL**" in text


def test_a_pass_in_doubt_is_marked_in_both_reports() -> None:
    doubtful = Check("none", Outcome.PASS, "matched no function", doubt="absent " + HOSTILE)
    checks = (Check("fine", Outcome.PASS), doubtful)
    rows = [line for line in markdown_checks("Gate", checks).splitlines() if line.startswith("| ")][1:]
    assert rows == ["| none | pass **(doubtful)** | matched no function |", "| fine | pass |  |"]
    [suite] = ElementTree.fromstring(junit_report("gate", checks))
    assert suite.get("failures") == "0"
    assert (suite[1].findtext("system-err") or "").startswith("warning: absent ")


def test_equal_profiles_have_grown_by_nothing_without_a_sign() -> None:
    def profile(seconds: float) -> Profile:
        return Profile({StackKey(ThreadId(1), (Frame("main", "a.py"),)): seconds}, seconds=9.0, samples=900)

    comparison = compare([profile(9.0)], [profile(9.0 - 1e-9)], CompareOptions())
    assert ", 0 %;" in headline(comparison)
    assert diff_rows(comparison, 1)[0][3] == "0 %"


def test_a_backslash_does_not_undo_an_escape() -> None:
    assert markdown_text("\\|") == "\\\\\\|"


def test_the_worst_check_is_the_verdict() -> None:
    assert verdict_of(CHECKS) is Outcome.FAIL
    assert verdict_of(CHECKS[1:]) is Outcome.INCONCLUSIVE
    assert verdict_of(CHECKS[2:]) is Outcome.PASS


def test_a_comparison_becomes_rows_checks_and_markdown() -> None:
    def profile(seconds: float) -> Profile:
        weights = {
            StackKey(ThreadId(1), (Frame("main", "a.py"), Frame(HOSTILE, "a.py"))): seconds,
            StackKey(ThreadId(1), (Frame("main", "a.py"),)): 10.0,
        }
        return Profile(weights, seconds=10 + seconds, samples=2000, complete=True)

    comparison = compare([profile(10.0)], [profile(20.0)], CompareOptions(fail_above=parse_threshold("60%")))
    rows = diff_rows(comparison, 10)
    assert rows[0][1:] == ("10.00 s", "20.00 s", "+100 %", "10.00 s", "20.00 s", "+100 %", "TOO MUCH")
    assert [change_word(f) for f in comparison.functions] == ["TOO MUCH", "grew"]
    gate, first, second = checks_of(comparison)
    assert (gate.outcome, first.outcome, second.outcome) == (Outcome.FAIL, Outcome.FAIL, Outcome.PASS)
    assert "10.000 -> 20.000 seconds (+100.0 %, significant)" in first.words
    text = markdown_diff(comparison)
    assert "**FAIL**" in text
    assert "<script>" not in text
