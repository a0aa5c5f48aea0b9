"""One alert in full: value and times, history, annotations, labels, expression, runbook, captures. Drawn below the
table of the alert screen, and on all of it when asked for. All that rules and targets say is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap

from rich.style import Style
from rich.text import Text

from razorprof.model.alert import Alert, CaptureNote, RuleStatus
from razorprof.render import figures
from razorprof.render.alert_history import Strip, coloured_strip
from razorprof.render.alerts import AlertRow, Standing
from razorprof.render.palette import Palette
from razorprof.render.text import ELLIPSIS, cut_middle, printable

_NAME = 12  # cells of the names in front
_MOST_CAPTURES = 5
_LONGEST = 8000  # characters of one value that are looked at
_RUNBOOKS = ("runbook", "runbook_url")
_BAD_CAPTURES = ("failed", "partial", "skipped")


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the detail, or several where it is long. words: untrusted text; line: ready, in place of words."""

    name: str
    words: str
    style: Style
    line: Text | None = None


def detail_lines(
    row: AlertRow, span: float, width: int, palette: Palette, *, runbook_key: str = "", most: int = 100
) -> list[Text]:
    """All about one row, the most important first: a small screen shows the first lines only. span: seconds of the
    row's strip; runbook_key: what shows the runbook's text; most: lines of one annotation."""
    facts = _facts(row, span, width, palette, runbook_key)
    return [line for fact in facts for line in _fact_lines(fact, width, palette, most)]


def capture_lines(notes: Iterable[CaptureNote], time: float, width: int, palette: Palette) -> list[Text]:
    """The newest captures, for a screen without alerts."""
    return [line for fact in _captures(notes, time, palette) for line in _fact_lines(fact, width, palette, 2)]


def time_words(time: float, now: float) -> str:
    """The time of day, with the date where that is not today's, local."""
    then = datetime.fromtimestamp(time)
    same = then.date() == datetime.fromtimestamp(now).date()
    return then.strftime("%H:%M:%S" if same else "%Y-%m-%d %H:%M:%S")


def capture_words(note: CaptureNote) -> str:
    """A capture's outcome in a line. Untrusted text."""
    return ", ".join(part for part in (note.state, note.folder, note.detail.strip()) if part)


def _facts(row: AlertRow, span: float, width: int, palette: Palette, runbook_key: str) -> Iterator[Fact]:
    alert, rule = row.alert, row.rule
    if alert is not None:
        yield from _value(row, alert, width, palette)
    elif rule is not None:
        yield Fact(
            "state", _rule_words(row, rule), palette.act if row.standing is Standing.ERROR else palette.value
        )
    if row.strip:
        yield Fact(f"last {figures.span(span)}", "", palette.dim, _strip_line(row.strip, width, palette))
    annotations = alert.annotations if alert is not None else rule.annotations if rule is not None else {}
    for name, words in annotations.items():
        if name not in _RUNBOOKS:
            yield Fact(name, words, palette.value)
    labels = alert.labels if alert is not None else rule.labels if rule is not None else {}
    if labels:
        words = "  ".join(f"{name}={printable(value)}" for name, value in labels.items() if name != "alertname")
        yield Fact("labels", words, palette.value)
    if rule is not None:
        query, holds = rule.query.strip(), _holds(rule)
        yield Fact("expr", query + (f"   ({holds})" if holds and "\n" not in query else ""), palette.value)
        if holds and "\n" in query:
            yield Fact("", holds, palette.value)
    for name in _RUNBOOKS:
        if annotations.get(name, "").strip():
            how = f"   ({runbook_key}: read it here)" if runbook_key and alert is not None else ""
            yield Fact("runbook", annotations[name].strip().partition("\n")[0] + how, palette.value)
            break
    yield from _captures(row.captures, row.time, palette)
    if rule is not None:
        yield Fact("rule", _place(rule, row.time), palette.label)


def _value(row: AlertRow, alert: Alert, width: int, palette: Palette) -> Iterator[Fact]:
    """Value and times, on one line where there is room."""
    bad = {Standing.FIRING: palette.act, Standing.PENDING: palette.look}
    style = palette.dim if row.silenced else bad.get(row.standing, palette.value)
    times = _times(row, alert) + ("; silenced, so nobody is told" if row.silenced else "")
    line = Text(f"{row.subject} {row.value}".strip(), palette.title, no_wrap=True)
    if _NAME + 5 + line.cell_len + len(times) < width:
        line.append(f"   {times}", style)
        times = ""
    yield Fact("value", "", palette.title, line)
    if times:
        yield Fact("state", times, style)


def _times(row: AlertRow, alert: Alert) -> str:
    """Since when, in words and by the clock."""
    now = row.time

    def passed(time: float) -> str:
        return figures.span(max(0, round(now - time)))

    if row.standing is Standing.PENDING:
        hold = row.rule.hold if row.rule is not None else 0.0
        of = f" of {figures.span(hold)}" if hold else ""
        return f"pending {passed(alert.active_at)}{of}, since {time_words(alert.active_at, now)}"
    fired = alert.fired_at if alert.fired_at is not None else alert.active_at
    waited = figures.span(max(0, round(fired - alert.active_at)))
    before = f", after {waited} of pending" if fired - alert.active_at >= 1 else ""
    if row.standing is Standing.RESOLVED:
        resolved = alert.resolved_at if alert.resolved_at is not None else now
        lasted = figures.span(max(0, round(resolved - fired)))
        return f"resolved {passed(resolved)} ago, at {time_words(resolved, now)}; it fired for {lasted}"
    words = f"firing {passed(fired)}, since {time_words(fired, now)}{before}"
    if alert.keep_firing_since is not None:
        words += f"; over since {time_words(alert.keep_firing_since, now)}, kept firing"
    return words


def _strip_line(strip: Strip, width: int, palette: Palette) -> Text:
    line = coloured_strip(strip, palette)
    legend = "   █ firing  ▄ pending  ▁ neither"
    if _NAME + 2 + line.cell_len + len(legend) < width:
        line.append(legend, palette.dim)
    return line


def _rule_words(row: AlertRow, rule: RuleStatus) -> str:
    if row.standing is Standing.ERROR:
        return f"its evaluation fails: {rule.error}"
    if rule.evaluated is None:
        return "not evaluated yet"
    return "no alert: the condition holds for nothing"


def _holds(rule: RuleStatus) -> str:
    parts = (("for", rule.hold), ("keep_firing_for", rule.keep_firing))
    return ", ".join(f"{name} {figures.span(seconds)}" for name, seconds in parts if seconds)


def _place(rule: RuleStatus, now: float) -> str:
    words = f"{rule.key.file}, group {rule.key.group}"
    if rule.evaluated is None:
        return words
    age = figures.span(max(0, round(now - rule.evaluated)))
    return f"{words}, evaluated {age} ago in {figures.duration(rule.seconds)}"


def _captures(notes: Iterable[CaptureNote], now: float, palette: Palette) -> Iterator[Fact]:
    shown = list(notes)
    for place, note in enumerate(shown[:_MOST_CAPTURES]):
        bad = note.state in _BAD_CAPTURES
        words = f"{time_words(note.time, now)} {note.name}: {'!' * bad}{capture_words(note)}"
        yield Fact("captures" if place == 0 else "", words, palette.look if bad else palette.value)
    if len(shown) > _MOST_CAPTURES:
        yield Fact("", f"and {len(shown) - _MOST_CAPTURES} older ones", palette.dim)


def _fact_lines(fact: Fact, width: int, palette: Palette, most: int) -> Iterator[Text]:
    name = cut_middle(printable(fact.name), _NAME)
    if fact.line is not None:
        line = Text(f" {name:<{_NAME}} ", palette.label, no_wrap=True)
        line.append_text(fact.line)
        line.truncate(width)
        yield line
        return
    for part in _parts(fact.words, max(20, width - _NAME - 3), most):
        line = Text(f" {name:<{_NAME}} ", palette.label, no_wrap=True)
        line.append(part, fact.style)
        yield line
        name = ""


def _parts(words: str, width: int, most: int) -> list[str]:
    parts: list[str] = []
    for piece in words[:_LONGEST].split("\n"):
        parts += wrap(printable(piece.strip()), width) or [""]
        if len(parts) > most:
            break
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    if len(words) > _LONGEST or len(parts) > most:
        parts = parts[:most]
        parts[-1] = parts[-1][: width - 2] + f" {ELLIPSIS}"
    return parts
