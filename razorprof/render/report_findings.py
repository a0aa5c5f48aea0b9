"""The first part of the HTML report: what limits the process, deadlocks, and what to change. For render.report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from razorprof.analysis.deadlocks import CONFIRMED
from razorprof.model.advice import Advice, AdviceFigure
from razorprof.model.threads import Deadlock
from razorprof.render import figures
from razorprof.render.report_markup import facts, fold, paragraph, text

if TYPE_CHECKING:
    from razorprof.render.report import Report


def findings(report: Report) -> str:
    """The verdict, then deadlocks, then advice; what could not be told is told."""
    parts = [_deadlock(one) for one in report.dump.deadlocks] if report.dump is not None else []
    parts.append(_verdict(report))
    parts += [_advice(one) for one in report.advice]
    if report.dump is not None and not report.dump.deadlocks:
        reason = f", but not all could be seen: {report.dump.locks_reason}" if report.dump.locks_reason else ""
        parts.append(paragraph(f"No deadlock found{reason}.", "dim"))
    if not report.advice:
        missing = report.skipped.get("advice")
        words = (
            f"No advice: {missing}."
            if missing
            else f"Nothing to change that {report.seconds:.0f} s of figures bear out."
        )
        parts.append(paragraph(words, "dim"))
    return "".join(parts)


def _verdict(report: Report) -> str:
    verdict = report.verdict
    if verdict is None:
        return paragraph(
            f"What limits it could not be told: {report.skipped.get('verdict', 'too little was seen')}."
        )
    split = ", ".join(
        f"{limit.value} {figures.percent(share, 0)}"
        for limit, share in sorted(verdict.split.items(), key=lambda entry: -entry[1])
        if share >= 0.005
    )
    lines = [paragraph(f"Limited by: {verdict.words}")]
    if split:
        lines.append(paragraph(f"Thread time: {split}", "dim"))
    if verdict.evidence:
        rows = ((one.what, f"{one.value:.4g}  ({one.source})") for one in verdict.evidence)
        lines.append(fold("Figures behind it", facts(rows)))
    return f'<div class="finding">{"".join(lines)}</div>\n'


def _deadlock(deadlock: Deadlock) -> str:
    is_sure = deadlock.confidence == CONFIRMED
    ids = ", ".join(str(native) for native in deadlock.threads)
    why = "".join(f"<p>{text(part)}</p>" for part in deadlock.why.split("; "))
    kind = "bad" if is_sure else "look"
    return f'<div class="finding {kind}"><p>Deadlock {text(deadlock.confidence)}: threads {ids}</p>{why}</div>\n'


def _advice(advice: Advice) -> str:
    check = advice.check
    rows = [
        ("Figures", "; ".join(_shown(figure) for figure in advice.figures)),
        ("Why", advice.reasoning),
        ("Change", advice.change),
        ("Check", f"{check.command}: {_shown(check.figure)} now, should get {check.better}"),
        ("Confidence", f"{advice.confidence}; figures {advice.quality}. {advice.doubt}".rstrip()),
    ]
    return f'<div class="finding look">{paragraph(advice.title)}{facts(rows)}</div>\n'


def _shown(figure: AdviceFigure) -> str:
    writers: dict[str, Callable[[float], str]] = {
        "ratio": figures.percent,
        "bytes": figures.size,
        "per_second": figures.rate,
        "seconds": figures.duration,
    }
    return f"{figure.name} {writers.get(figure.unit, figures.count)(figure.value)}"
