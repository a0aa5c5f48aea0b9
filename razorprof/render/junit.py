"""Checks as a JUnit XML report, as CI systems read it. For `diff --junit` and `run --junit`.

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
    shown = checks[:MOST_CASES]
    failed = sum(check.outcome is Outcome.FAIL for check in shown)
    unclear = sum(check.outcome is Outcome.INCONCLUSIVE for check in shown)
    skipped = sum(check.outcome is Outcome.SKIPPED for check in shown)
    time = "" if seconds is None else f' time="{seconds:.3f}"'
    counts = f'tests="{len(shown)}" failures="{failed}" errors="{unclear}" skipped="{skipped}"{time}'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {counts}>"]
    lines.append(f"  <testsuite name={_attribute(suite)} {counts}>")
    for check in shown:
        lines += _case(suite, check)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"]) + "\n"


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
