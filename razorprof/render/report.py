"""The HTML report of a bundle: one page that a person reads in any browser, findings first. Values in, text out.

It loads nothing: no script, font or picture from anywhere, and a Content-Security-Policy stops whatever is not
our own. The one script draws the flame graphs; without it the tables tell the same. Every text of the target goes
through report_markup.text or render.flame_html. For session.bundle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from razorprof.model.advice import Advice
from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.heap import MemoryMapView
from razorprof.model.profile import Profile
from razorprof.model.threads import ThreadDump
from razorprof.model.verdict import Verdict
from razorprof.render import report_facts, report_findings, report_sections
from razorprof.render.flame_html import flame_policy, flame_script, flame_style
from razorprof.render.report_markup import paragraph, section, table, text
from razorprof.render.report_plots import Plot, plot_figure
from razorprof.render.report_style import STYLE

_FOOT = "Written by razorprof. Nothing on this page is loaded from anywhere."


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What the page tells. skipped: kind -> why it is not there; facts: the document of the process's facts;
    checks: doctor's, (name, ok, detail, fix); links: names of files beside the page, and what they are."""

    pid: int
    name: str
    host: str
    created: float
    seconds: float = 0.0
    runtime: str = ""
    version: str = ""
    ended: str = ""
    interrupted: bool = False
    redacted: bool = True
    verdict: Verdict | None = None
    advice: Sequence[Advice] = ()
    dump: ThreadDump | None = None
    plots: Sequence[Plot] = ()
    cpu: Profile | None = None
    heap: Profile | None = None
    gc: GcState | None = None
    gil: GilState | None = None
    memory: MemoryMapView | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    checks: Sequence[tuple[str, bool | None, str, str]] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    links: Sequence[tuple[str, str]] = ()


def report_page(report: Report) -> str:
    """The whole page."""
    parts = [
        ("findings", "Findings", report_findings.findings(report)),
        ("plots", "Over time", _plots(report)),
        ("cpu", "Where CPU time went", report_sections.profile(report.cpu, _why(report, "cpu"))),
        ("threads", "Threads", report_sections.threads(report.dump, _why(report, "threads"))),
        (
            "gc",
            "Garbage collector and GIL" if report.gil is not None else "Garbage collector",
            report_sections.collector(report.gc, report.gil, _why(report, "gc")),
        ),
        ("memory", "Memory", report_sections.memory(report.memory, _why(report, "memory"))),
        ("heap", "Allocations", report_sections.profile(report.heap, _why(report, "heap"))),
        ("process", "Process", report_facts.process(report.facts, _why(report, "process"))),
        ("checks", "What razorprof may see", report_facts.checks(report.checks, _why(report, "doctor"))),
        ("about", "About this bundle", _about(report)),
    ]
    links = "".join(f'<a href="#{anchor}">{text(title)}</a>\n' for anchor, title, _ in parts)
    title = f"{report.name} ({report.pid}) on {report.host}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{flame_policy([STYLE])}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n<style>{flame_style()}</style></head><body>\n"
        f"<header><h1>{text(title)}</h1>{_head(report)}<nav>{links}</nav></header>\n<main>\n"
        + "".join(section(anchor, heading, inside) for anchor, heading, inside in parts)
        + "</main>\n"
        + f"<footer>{paragraph(_FOOT, 'dim')}</footer>\n<script>{flame_script()}</script></body></html>\n"
    )


def _head(report: Report) -> str:
    when = datetime.fromtimestamp(report.created, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    what = f"{report.runtime} {report.version}".strip() or "no runtime that is known"
    lines = [paragraph(f"{what}, seen for {report.seconds:.0f} s, {when}", "dim")]
    if report.ended:
        lines.append(paragraph(f"The process ended while it was looked at: {report.ended}", "bad"))
    if report.interrupted:
        lines.append(paragraph("The collecting was interrupted: what is missing is told below.", "bad"))
    return "".join(lines)


def _plots(report: Report) -> str:
    drawn = "".join(plot_figure(plot) for plot in report.plots)
    return f'<div class="plots">{drawn}</div>' if drawn else paragraph(_why(report, "metrics"), "dim")


def _about(report: Report) -> str:
    redaction = (
        "Secrets in command lines are replaced as far as their names or shapes tell them (best effort); of the "
        "environment there are names only; no variables of the program are in here."
        if report.redacted
        else "Redaction was switched off: command lines stand here as they are."
    )
    parts = [paragraph(redaction)]
    if report.links:
        items = "".join(
            f'<tr><td><a href="{text(name)}">{text(name)}</a></td><td>{text(what)}</td></tr>'
            for name, what in report.links
        )
        parts.append(f'<div class="wide"><table><tbody>{items}</tbody></table></div>')
    if report.skipped:
        parts.append("<h3>Not collected</h3>" + table(("Part", "Why"), report.skipped.items()))
    return "".join(parts)


def _why(report: Report, kind: str) -> str:
    return f"Not collected: {report.skipped.get(kind, 'nothing was seen')}."
