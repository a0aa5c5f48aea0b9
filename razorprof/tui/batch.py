"""The figures as text tables, for pipes, cron and CI: what `top --once` and `top -n` print.

Draws the same snapshots as the dashboard does, with the same functions; loads no Textual. It is here and not in
render/ because it reads a session's View, which render/ does not know.
"""

from __future__ import annotations

import io
import os
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from razorprof.model.target import Life
from razorprof.render import alerts, functions, processes, threads
from razorprof.render.cards import grid_lines
from razorprof.render.evidence import window_note
from razorprof.render.functions import Grouping
from razorprof.render.glyphs import Glyphs, choose
from razorprof.render.headline import footer_line, title_line, verdict_lines
from razorprof.render.items import overview_items
from razorprof.render.palette import BATCH, PLAIN, Palette
from razorprof.render.snapshot import Snapshot
from razorprof.render.table import Cell, Column, head_line, lay_out, row_line, rule_line
from razorprof.render.text import cut_end, printable
from razorprof.session.view import SessionState, View
from razorprof.tui.alert_rows import alert_rows
from razorprof.tui.collect import Collector, own_cost

FUNCTIONS = 15  # rows at most; of several targets, fewer
THREADS = 12
ALERTS = 50
_LEAST_WIDTH = 60
_SENTENCE = 4  # lines at most for a cause or a hint


class BatchPrinter:
    """Prints one state after another; keeps the last figures of targets that are gone meanwhile."""

    def __init__(
        self,
        view: View,
        *,
        width: int = 80,
        colour: bool = False,
        glyphs: Glyphs | None = None,
        remembers: bool = True,
    ) -> None:
        """remembers: as of tui.collect.Collector."""
        self.view = view
        self._collector = Collector(view, remembers=remembers)
        self._width = max(_LEAST_WIDTH, width)
        self._colour = colour
        self._glyphs = glyphs or choose(os.environ)

    def text(self, state: SessionState) -> str:
        """Title, verdict, figures, functions and threads of each target, their sum, alerts, and the own cost."""
        palette = BATCH if self._colour else PLAIN
        lines: list[Text] = []
        several = len(state.targets) > 1
        snapshots = [self._collector.snapshot(state, status) for status in state.targets]
        if several:
            lines += self._family(snapshots, palette)
        for place, snapshot in enumerate(snapshots):
            lines += self._target(state, snapshot, place, len(snapshots), palette)
        lines += self._alerts(state, palette)
        first = snapshots[0] if snapshots else None
        lines.append(footer_line(own_cost(state, first, state.time), self._width, palette))
        return self._encode(lines)

    def _target(
        self, state: SessionState, snapshot: Snapshot, place: int, count: int, palette: Palette
    ) -> list[Text]:
        width = self._width
        head, palette = palette, palette.faded() if snapshot.life is Life.GONE else palette
        where = f"target {place + 1} of {count}" if count > 1 else ""
        items = [item for item in overview_items(snapshot).values() if item.known]
        rows = functions.select_rows(
            functions.function_rows(snapshot.profile, Grouping.FUNCTION), "", functions.SORTS[0], reverse=False
        )
        columns = functions.columns(Grouping.FUNCTION, marked=False)
        busiest = threads.select_rows(
            threads.thread_rows(snapshot.threads, snapshot.gil), "", threads.SORTS[0], reverse=False
        )
        lines = [
            title_line(snapshot, width, head, interval=state.interval, place=where),
            *verdict_lines(snapshot, width, head),
            *grid_lines(items, snapshot, width, max(1, width // 38), palette, compact=width < 120),
            *_trouble_lines(snapshot, width, palette),
        ]
        if rows:
            cells = [functions.cells(row, Grouping.FUNCTION, palette, marked=False) for row in rows]
            most = FUNCTIONS if count == 1 else 5
            lines += self._table("hot functions", columns, cells, most, palette, note=_evidence(snapshot))
        elif not _told(snapshot):
            reason = printable(snapshot.stack_reason) or "no stack was seen on a CPU in this window"
            lines.append(Text(" " + cut_end(f"hot functions: {reason}", width - 2), palette.dim))
        if busiest:
            shown = [threads.cells(row, palette) for row in busiest]
            lines += self._table("threads", threads.COLUMNS, shown, THREADS if count == 1 else 5, palette)
        return [*lines, Text()]

    def _family(self, snapshots: list[Snapshot], palette: Palette) -> list[Text]:
        ranked = processes.select_rows(snapshots, "", processes.SORTS[0], reverse=False)
        mixed = processes.are_mixed(ranked)
        cells = [processes.cells(row, palette, current=0, mixed=mixed) for row in ranked]
        table = self._table("processes", processes.columns(mixed), cells, len(cells), palette)
        return [*table, processes.sum_line(snapshots, self._width, palette), Text()]

    def _alerts(self, state: SessionState, palette: Palette) -> list[Text]:
        """What fires, is pending, was resolved lately or fails to be evaluated, of all targets; the rest as a
        number."""
        board = state.alerts
        if board is None or not board.rules:
            return []
        several = len(state.targets) > 1
        rows = alerts.select_rows(alert_rows(state), "", alerts.SORTS[0], reverse=False)
        told = [row for row in rows if row.standing is not alerts.Standing.QUIET]
        note = f"{len(board.rules)} rules, {len(rows) - len(told)} without an alert"
        if all(rule.evaluated is None for rule in board.rules):
            note = f"{len(board.rules)} rules, not evaluated yet"
        columns = alerts.columns(self._width, several=several, history=False)
        cells = [alerts.cells(row, palette, several=several, history=False) for row in told]
        lines = self._table("alerts", columns, cells, ALERTS, palette, note=note)[: None if told else 1]
        for row in told[:ALERTS]:
            summary = row.alert.annotations.get("summary", "") if row.alert is not None else ""
            if summary and row.standing is alerts.Standing.FIRING:
                lines.append(
                    Text(" " + cut_end(printable(f"{row.name}: {summary}"), self._width - 2), palette.value)
                )
        return [*lines, Text()]

    def _table(
        self,
        title: str,
        columns: tuple[Column, ...],
        rows: list[list[Cell]],
        most: int,
        palette: Palette,
        note: str = "",
    ) -> list[Text]:
        layout = lay_out(columns, self._width - 1)
        counted = f"{most} of {len(rows)}" if len(rows) > most else ""
        both = ", ".join(part for part in (counted, note) if part)
        fits = len(title) + len(both) + 10 <= self._width - 1
        note = both if fits else note or counted
        lines = [rule_line(title, self._width - 1, palette, note=note), head_line(layout, palette)]
        return lines + [row_line(layout, cells, palette) for cells in rows[:most]]

    def _encode(self, lines: list[Text]) -> str:
        if not self._colour:
            return "".join(f"{self._glyphs.apply(line.plain).rstrip()}\n" for line in lines)
        console = Console(file=io.StringIO(), force_terminal=True, width=self._width, highlight=False)
        with console.capture() as captured:
            for line in lines:
                console.print(line, no_wrap=True, crop=True, overflow="ignore")
        return self._glyphs.apply(captured.get())


def _evidence(snapshot: Snapshot) -> str:
    """Window, samples and rate: a pipe shows no second look by which one could judge the first."""
    note, sampling = window_note(snapshot, None), snapshot.sampling
    return f"{note}, {sampling.rate_hz:g} samples/s" if note and sampling is not None else note


def _told(snapshot: Snapshot) -> bool:
    """Whether a source's failure already says why there are no functions."""
    reason = snapshot.stack_reason
    shown = snapshot.life is not Life.GONE and bool(reason)
    return shown and any(trouble.message and trouble.message in reason for trouble in snapshot.troubles)


def _trouble_lines(snapshot: Snapshot, width: int, palette: Palette) -> list[Text]:
    """What the sources lack: each cause once, with all that lack for it, in full; then each hint once."""
    if snapshot.life is Life.GONE:
        return []  # the verdict has told it
    causes: dict[str, list[str]] = {}
    for trouble in snapshot.troubles:
        causes.setdefault(trouble.message, []).append(trouble.source)
    hints = dict.fromkeys(trouble.hint for trouble in snapshot.troubles if trouble.hint)
    words = [f"! {', '.join(map(printable, who))}: {printable(cause)}" for cause, who in causes.items()]
    words += [f"  {printable(hint)}" for hint in hints]
    return [
        Text(f" {'' if place == 0 else '  '}{part}", palette.look, no_wrap=True)
        for sentence in words
        for place, part in enumerate(_wrapped(sentence, width - 4)[:_SENTENCE])
    ]


def _wrapped(words: str, width: int) -> list[str]:
    return [cut_end(line, width) for line in wrap(words, width, drop_whitespace=True)] or [""]


def batch_text(view: View, state: SessionState, width: int) -> str:
    """One state as text, without colour."""
    return BatchPrinter(view, width=width).text(state)
