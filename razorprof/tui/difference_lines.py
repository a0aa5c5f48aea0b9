"""A difference of two windows of recordings as lines: figures, threads, alerts, targets, functions.

The same for the dashboard's screen and as text in a pipe; loads no Textual. It is here and not in render/ because
it reads values of the session, which render/ does not know. A is the side that is compared with, B the one that is
looked at. Names of targets, threads, functions and alerts are untrusted, and escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.text import Text

from razorprof.analysis.compare_values import FunctionChange
from razorprof.model.alert import AlertState
from razorprof.render import figures
from razorprof.render.diff import change_word, in_order
from razorprof.render.palette import Palette
from razorprof.render.replay_line import clock_text
from razorprof.render.series_names import series_text
from razorprof.render.table import Cell, Column, head_line, lay_out, row_line, rule_line
from razorprof.render.text import cut_end, printable
from razorprof.session.difference import AlertDifference, Difference, FigureChange, TargetDifference, Thread
from razorprof.session.sight import Sight

_TWO_COLUMNS = 110  # cells from which on figures stand in two
_MOST_NAMES = 8
_MOST_ALERTS = 6


def difference_lines(
    found: Difference,
    shown: TargetDifference | None,
    width: int,
    palette: Palette,
    *,
    most: int = 100,
    most_figures: int = 100,
) -> list[Text]:
    """Everything about one target (None: of no target), and what is common. most: functions; most_figures: those
    that changed by what matters before others."""
    lines = _head(found, width, palette)
    if shown is None:
        lines.append(_line("this target was not read on both sides", width, palette, look=True))
    else:
        if len(found.targets) > 1 or shown.matched not in ("identity", "job"):
            lines.append(_whose(shown, width, palette))
        chosen = sorted(shown.figures, key=lambda one: not one.matters)[:most_figures]
        lines += _figures([one for one in shown.figures if one in chosen], width, palette)
        if left := len(shown.figures) - len(chosen):
            lines.append(_line(f"and {left} figures that changed less", width, palette, dim=True))
        lines += _thread_lines(shown, width, palette)
    lines += _alert_lines(found.alerts, width, palette)
    for side, some in (("A", found.only_before), ("B", found.only_after)):
        if some:
            names = _listed([f"{one.target.pid} {printable(one.target.name)}" for one in some])
            lines.append(_line(f"only in {side}: {names}", width, palette, look=True))
    if shown is not None:
        lines += _functions(shown, width, palette, most)
    lines += [_line(note, width, palette, dim=True) for note in found.notes]
    return lines


def side_words(sight: Sight, *, name: bool) -> str:
    """``22:13:30 to 22:13:40 (10 s)``, local time. name: of its file too, and the date."""
    window = sight.window
    start, end = clock_text(window.start), clock_text(window.end)
    head = f"{printable(sight.name)} {_date(window.start)}" if name else ""
    return f"{head}{start} to {end} ({figures.span(round(window.seconds, 1))})"


def _head(found: Difference, width: int, palette: Palette) -> list[Text]:
    is_same = found.before.identity == found.after.identity
    lines = [rule_line("difference", width - 1, palette, note="Δ is B less A; * a change that matters")]
    after = side_words(found.after, name=not is_same)
    if is_same:
        apart = found.after.window.end - found.before.window.end
        after += f", {figures.duration(abs(apart))} {'later' if apart >= 0 else 'earlier'}"
    for side, words in (("A", side_words(found.before, name=not is_same)), ("B", after)):
        line = Text(" ", no_wrap=True)
        line.append(f"{side} ", palette.accent)
        line.append(cut_end(words, width - 4), palette.title)
        lines.append(line)
    first, second = lines[1:]
    if first.cell_len + second.cell_len + 3 < width:
        first.append("  →  ", palette.dim)
        first.append_text(second[1:])
        return lines[:2]
    return lines


def _whose(shown: TargetDifference, width: int, palette: Palette) -> Text:
    before, after = shown.before.target, shown.after.target
    how = {"identity": "the same process", "job": "the same job", "name": "the same name", "only": "the only ones"}
    words = f"{after.pid} {printable(after.name)}"
    if shown.matched != "identity":
        words = f"{before.pid} {printable(before.name)} against {words}"
    return _line(f"{words}: {how[shown.matched]}", width, palette)


def _figures(changes: Sequence[FigureChange], width: int, palette: Palette) -> list[Text]:
    if not changes:
        return [_line("no figure was told in both windows", width, palette, dim=True)]
    two = width >= _TWO_COLUMNS and len(changes) > 3
    half = (width - 3) // 2 if two else width - 1
    layout = lay_out(_FIGURES, half)
    rows = [row_line(layout, _figure_cells(one, palette), palette) for one in changes]
    head = head_line(layout, palette)
    if not two:
        return [head, *rows]
    left, right = [head, *rows[: (len(rows) + 1) // 2]], [head.copy(), *rows[(len(rows) + 1) // 2 :]]
    right += [Text()] * (len(left) - len(right))
    lines = []
    for one, other in zip(left, right, strict=True):
        one.truncate(half, pad=True)
        lines.append(Text.assemble(one, ("│", palette.rule), other, no_wrap=True))
    return lines


def _figure_cells(one: FigureChange, palette: Palette) -> list[Cell]:
    show = one.figure.figure.show
    change = one.change
    grown = figures.NOTHING if change is None else show(change)
    if change is not None and change > 0:
        grown = f"+{grown}"
    times = one.after / one.before if one.before and one.after and one.before > 0 and one.after > 0 else None
    style = palette.look if one.matters else palette.value
    return [
        (one.figure.label, palette.label),
        show(one.before),
        show(one.after),
        (grown, style),
        (figures.times(times) if times is not None else "", palette.dim),
        ("*" if one.matters else "", style),
    ]


def _thread_lines(shown: TargetDifference, width: int, palette: Palette) -> list[Text]:
    if shown.threads is None:
        return [_line(shown.threads_reason, width, palette, dim=True)]
    came = [one for one in shown.threads if one.after > one.before]
    went = [one for one in shown.threads if one.after < one.before]
    if not came and not went:
        return [_line(f"threads: the same {shown.stayed}", width, palette, dim=True)]
    parts = [
        f"{_count(some)} {word}: {_listed([_thread_name(one) for one in some])}"
        for some, word in ((came, "came"), (went, "went"))
        if some
    ]
    return [_line(f"threads: {'; '.join(parts)}; {shown.stayed} stayed", width, palette, look=True)]


def _count(threads: Sequence[Thread]) -> int:
    return sum(abs(one.after - one.before) for one in threads)


def _thread_name(one: Thread) -> str:
    number = abs(one.after - one.before)
    told = f" {one.native_id}" if one.native_id else f" ({number})" if number > 1 else ""
    return f"{printable(one.name)}{told}"


def _alert_lines(alerts: Sequence[AlertDifference], width: int, palette: Palette) -> list[Text]:
    changed = [one for one in alerts if one.before != one.after]
    lines = []
    for one in changed[:_MOST_ALERTS]:
        what = printable(series_text(one.labels.without("alertname", "instance", "job", "runtime")))
        words = f"alert {printable(one.name)}: {one.before.value} → {one.after.value}  {what}"
        style = palette.act if one.after is AlertState.FIRING else palette.look
        lines.append(Text(f" {cut_end(words, width - 2)}", style, no_wrap=True))
    if len(changed) > _MOST_ALERTS:
        lines.append(_line(f"and {len(changed) - _MOST_ALERTS} alerts more", width, palette, look=True))
    if lasting := len(alerts) - len(changed):
        lines.append(_line(f"{lasting} alert{'s fire' if lasting > 1 else ' fires'} in both", width, palette))
    return lines


def _functions(shown: TargetDifference, width: int, palette: Palette, most: int) -> list[Text]:
    compared = shown.functions
    if compared is None:
        return [
            rule_line("functions", width - 1, palette),
            _line(printable(shown.functions_reason), width, palette, dim=True),
        ]
    totals = f"A {figures.percent(compared.base_total)}, B {figures.percent(compared.new_total)}"
    changed = len([one for one in compared.functions if one.significant])
    note = f"{totals}; {changed} changed for certain"
    layout = lay_out(_FUNCTIONS, width - 1)
    lines = [rule_line("functions, % of a core", width - 1, palette, note=note), head_line(layout, palette)]
    lines += [row_line(layout, _function_cells(one, palette), palette) for one in in_order(compared)[:most]]
    if not compared.functions:
        lines.append(_line("no function was on a CPU in either window", width, palette, dim=True))
    return lines + [_line(note, width, palette, dim=True) for note in compared.notes]


def _function_cells(one: FunctionChange, palette: Palette) -> list[Cell]:
    own, total, word = (
        palette.look if certain else palette.value
        for certain in (one.own.significant, one.total.significant, one.significant)
    )
    return [
        _core(one.own.base),
        _core(one.own.new),
        (_signed(one.own.difference), own),
        (figures.percent_bare(one.base_self_ratio), palette.label),
        (figures.percent_bare(one.new_self_ratio), palette.label),
        _core(one.total.base),
        _core(one.total.new),
        (_signed(one.total.difference), total),
        (change_word(one), word),
        printable(one.function) or "(no name)",
        (printable(one.file), palette.label),
    ]


def _core(ratio: float) -> str:
    return figures.percent_bare(ratio)


def _signed(ratio: float) -> str:
    text = f"{ratio * 100:+.1f}"
    return text if float(text) else "0.0"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _line(words: str, width: int, palette: Palette, *, look: bool = False, dim: bool = False) -> Text:
    style = palette.look if look else palette.dim if dim else palette.value
    room = width - 2
    return Text(f" {words if cell_len(words) <= room else cut_end(words, room)}", style, no_wrap=True)


def _date(time: float) -> str:
    try:
        return f"{datetime.fromtimestamp(time):%Y-%m-%d} "
    except (ValueError, OverflowError, OSError):
        return ""


_FIGURES = (
    Column("figure", "figure", 16, stretch=1),
    Column("before", "A", 9, right=True),
    Column("after", "B", 9, right=True),
    Column("change", "Δ", 11, right=True),
    Column("times", "B/A", 7, right=True, drop=1),
    Column("matters", "", 1),
)
_FUNCTIONS = (
    Column("own_before", "own A", 6, right=True),
    Column("own_after", "own B", 6, right=True),
    Column("own_change", "own Δ", 6, right=True),
    Column("share_before", "share A", 7, right=True, drop=3),
    Column("share_after", "share B", 7, right=True, drop=2),
    Column("total_before", "total A", 7, right=True, drop=5),
    Column("total_after", "total B", 7, right=True, drop=4),
    Column("total_change", "total Δ", 7, right=True, drop=1),
    Column("word", "change", 6),
    Column("function", "function", 18, stretch=3),
    Column("file", "file", 10, stretch=2, drop=6),
)
