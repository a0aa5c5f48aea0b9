"""Checks and comparisons as Markdown, for job summaries and pull requests. For `diff` and `run --markdown`."""

from __future__ import annotations

from collections.abc import Sequence

from razorprof.analysis.compare_values import Comparison
from razorprof.analysis.gate_checks import Check, Outcome, verdict_of
from razorprof.render.diff import diff_rows, diff_titles, headline
from razorprof.render.text import printable

_WORDS = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "**FAIL**",
    Outcome.INCONCLUSIVE: "**inconclusive**",
    Outcome.SKIPPED: "not judged",
}


def markdown_checks(title: str, checks: Sequence[Check], *, most: int = 200) -> str:
    """A heading with the verdict, and a table of the checks: failures first, then what could not be
    judged, then passes in doubt."""
    order = list(Outcome)
    worst = sorted(checks, key=lambda c: (c.outcome is Outcome.PASS, not c.doubt, order.index(c.outcome)))
    lines = [
        f"### {markdown_text(title)}: {_WORDS[verdict_of(checks)]}",
        "",
        "| check | outcome | why |",
        "|---|---|---|",
    ]
    lines += [f"| {markdown_text(c.name)} | {_outcome(c)} | {markdown_text(c.words)} |" for c in worst[:most]]
    if len(worst) > most:
        lines += ["", f"{len(worst) - most} more are not shown."]
    return "\n".join(lines) + "\n"


def markdown_diff(comparison: Comparison, *, most: int = 30) -> str:
    """The verdict, why, the functions that changed most, and what to know to trust it."""
    lines = [
        f"### razorprof diff: {_WORDS[Outcome(comparison.verdict.value)]}",
        "",
        markdown_text(headline(comparison)),
    ]
    lines += [f"\n{markdown_text(reason)}." for reason in comparison.reasons]
    titles = diff_titles(comparison)
    lines += ["", f"| {' | '.join(titles)} |", f"|{'|'.join(['---'] + ['--:'] * (len(titles) - 2) + ['---'])}|"]
    lines += [f"| {' | '.join(markdown_text(cell) for cell in row)} |" for row in diff_rows(comparison, most)]
    lines += ["", *(f"- {markdown_text(note)}" for note in comparison.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _outcome(check: Check) -> str:
    return f"{_WORDS[check.outcome]} **(doubtful)**" if check.doubt else _WORDS[check.outcome]


def markdown_text(text: str) -> str:
    """Text that Markdown, and HTML in it, shows as it is: one line, every special character escaped."""
    escaped = []
    for character in printable(text):
        if character in "<>&":
            escaped.append({"<": "&lt;", ">": "&gt;", "&": "&amp;"}[character])
        elif character == "@":
            escaped.append("&#64;")  # nobody is mentioned in a pull request by the name of a function
        elif character in "\\`*_[]|~#$":
            escaped.append("\\" + character)
        elif character == ":" and escaped and escaped[-1].isalpha():
            escaped.append("&#58;")  # no address becomes a link
        else:
            escaped.append(character)
    return "".join(escaped)
