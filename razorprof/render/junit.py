"""Checks as a JUnit XML report, as CI systems read it. For `diff --junit`, `run --junit` and
`rules test --junit`.

An inconclusive check is an <error>, so that a build does not go on as if it had passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from razorprof.analysis.gate_checks import Check, Outcome
from razorprof.render.text import printable

MOST_CASES = 5000


def junit_report(suite: str, checks: Sequence[Check], *, seconds: float | None = None) -> str:
    """The report. Names are escaped: control characters, which XML cannot hold at all, become visible."""
    time = "" if seconds is None else f' time="{seconds:.3f}"'
    return _document(f"<testsuites {_counts(checks)}{time}>", [_suite(suite, checks, time)])


def junit_suites(name: str, suites: Sequence[tuple[str, Sequence[Check]]]) -> str:
    """A report with a suite for each file, say."""
    everything = [check for _, checks in suites for check in checks[:MOST_CASES]]
    head = f"<testsuites name={_attribute(name)} {_counts(everything, len(everything))}>"
    return _document(head, [_suite(suite, checks) for suite, checks in suites])


def _document(head: str, suites: Sequence[list[str]]) -> str:
    lines = [line for suite in suites for line in suite]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *lines, "</testsuites>"]) + "\n"


def _suite(suite: str, checks: Sequence[Check], time: str = "") -> list[str]:
    lines = [f"  <testsuite name={_attribute(suite)} {_counts(checks)}{time}>"]
    for check in checks[:MOST_CASES]:
        lines += _case(suite, check)
    return [*lines, "  </testsuite>"]


def _counts(checks: Sequence[Check], most: int = MOST_CASES) -> str:
    shown = checks[:most]
    failed = sum(check.outcome is Outcome.FAIL for check in shown)
    unclear = sum(check.outcome is Outcome.INCONCLUSIVE for check in shown)
    skipped = sum(check.outcome is Outcome.SKIPPED for check in shown)
    return f'tests="{len(shown)}" failures="{failed}" errors="{unclear}" skipped="{skipped}"'


def _case(suite: str, check: Check) -> list[str]:
    head = f"    <testcase classname={_attribute(suite)} name={_attribute(check.name)}"
    details = "\n".join(_text(line) for line in dict.fromkeys((check.words, *check.details)) if line)
    if check.outcome is Outcome.PASS:
        if not details and not check.doubt:
            return [head + "/>"]
        told = [f"      <system-out>{details}</system-out>"]
        if check.doubt:
            told.append(f"      <system-err>warning: {_text(check.doubt)}</system-err>")
        return [head + ">", *told, "    </testcase>"]
    kind = {Outcome.FAIL: "failure", Outcome.INCONCLUSIVE: "error", Outcome.SKIPPED: "skipped"}[check.outcome]
    message = f" message={_attribute(check.words)}" if check.words else ""
    return [head + ">", f"      <{kind}{message}>{details}</{kind}>", "    </testcase>"]


def _text(text: str) -> str:
    return escape(_characters(text))


def _attribute(text: str) -> str:
    return quoteattr(_characters(text))


def _characters(text: str) -> str:
    """Only what XML 1.0 may hold: printable() leaves neither control characters nor surrogates, nor U+FFFE/F."""
    return printable(text)
