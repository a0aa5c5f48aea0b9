"""The alert screen: all alerts and rules in a table, below it the one under the cursor in full, and its runbook.

Histories are read here, while the screen is shown: nothing of them costs while it is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text
from textual.app import ComposeResult

from razorprof.alerting.runbooks import Runbook, find_runbook
from razorprof.model.alert import AlertBoard
from razorprof.model.target import Target
from razorprof.render.alert_detail import capture_lines, detail_lines
from razorprof.render.alerts import SHORT_STRIP, SORTS, AlertRow, Standing, cells, columns, select_rows
from razorprof.render.figures import span
from razorprof.render.runbook import runbook_lines
from razorprof.render.table import rule_line
from razorprof.render.text import cut_end, cut_middle, printable
from razorprof.tui.actions import shown_keys
from razorprof.tui.alert_rows import Histories
from razorprof.tui.canvas import Lines, Pager
from razorprof.tui.list_pane import ListPane
from razorprof.tui.scene import Scene
from razorprof.tui.table import Table

_FRAME = 4  # lines of the screen that are not the pane's
_LEAST_TABLE, _MOST_TABLE = 5, 0.45  # lines, part of the pane
_STRIP = 60  # cells of the history in full
_MOST, _MOST_OPENED = 4, 100  # lines of one annotation


class AlertsPane(ListPane):
    """Enter gives the detail all of the screen, r shows the runbook; escape leads back."""

    SORTS = SORTS

    def __init__(self, keys: Mapping[str, str]) -> None:
        super().__init__()
        self._keys = keys
        self._opened = False
        self._runbook: Runbook | None = None
        self._rows: Sequence[AlertRow] = ()
        self._scene: Scene | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="rule")
        yield Table(id="table")
        yield Lines(id="detail-rule")
        yield Pager(id="detail")

    def arrive(self) -> None:
        (self._pager if self._is_whole else self.table).focus()

    def draw(self, scene: Scene) -> None:
        self._scene = scene
        board = scene.state.alerts
        if board is None or not (board.rules or board.alerts):
            self._draw_nothing(scene, board)
            return
        self._rows = select_rows(scene.alerts, self.text, self.sort_key, self.turned)
        histories = Histories(scene.collector.view, scene.state)
        self._draw_table(scene, board, histories)
        self.query_one("#rule", Lines).display = self.table.display = not self._is_whole
        row = self.table.chosen
        if self._runbook is not None:
            self._draw_runbook(scene, self._runbook, row)
        elif row is not None:
            self._draw_detail(scene, histories.with_strip(row, min(_STRIP, scene.width - 18)), histories.span)
        else:
            self._show_below([], [])

    @property
    def chosen(self) -> AlertRow | None:
        """The row under the cursor."""
        row = self.table.chosen
        return row if isinstance(row, AlertRow) else None

    @property
    def target(self) -> Target | None:
        """Whose alert is under the cursor."""
        return self.chosen.target if self.chosen is not None else None

    def choose(self, wanted: AlertRow | None) -> None:
        """Put the cursor on the row of an alert."""
        place = next((i for i, row in enumerate(self._rows) if wanted is not None and row.key == wanted.key), None)
        if place is not None:
            self.table.action_move(place - self.table.cursor)

    def detail(self) -> bool:
        if self.chosen is None or self._is_whole:
            return False
        self.table.action_move(0)  # what is read stays, whatever comes to stand first
        self._turn(opened=True)
        return True

    def runbook(self) -> bool:
        row = self.chosen
        if self._runbook is not None:
            self._turn(opened=False)
            return True
        if row is None or (rule := row.rule) is None:
            return False
        self.table.action_move(0)  # what is read stays, whatever comes to stand first
        annotations = row.alert.annotations if row.alert is not None else rule.annotations
        self._turn(opened=False, runbook=find_runbook(annotations, rule.key.file))
        return True

    def back(self) -> bool:
        if not self._is_whole:
            return False
        self._turn(opened=False)
        return True

    def on_table_moved(self) -> None:
        self._pager.top = 0
        if self._scene is not None:
            self.draw(self._scene)

    def _turn(self, *, opened: bool, runbook: Runbook | None = None) -> None:
        self._opened, self._runbook = opened, runbook
        self._pager.top = 0
        self.query_one("#rule", Lines).display = self.table.display = not self._is_whole
        self.arrive()

    def _draw_table(self, scene: Scene, board: AlertBoard, histories: Histories) -> None:
        palette, width = scene.palette, scene.width
        several = len(scene.state.targets) > 1
        shown = columns(width, several=several)
        strip = next((column.width for column in shown if column.key == "history"), SHORT_STRIP)
        rule = rule_line(self.title("alerts"), width - 1, palette, note=_note(board, scene, histories.span))
        lines = [rule]
        if board.error:
            words = cut_end(
                f"!! the rules in force are not those of the file: {printable(board.error)}", width - 2
            )
            lines.append(Text(f" {words}", palette.act, no_wrap=True))
        self.query_one("#rule", Lines).show(lines)
        room = scene.height - _FRAME
        self.table.styles.height = min(len(self._rows) + 1, max(_LEAST_TABLE, int(room * _MOST_TABLE)))
        self.table.show(
            shown,
            self._rows,
            cells=lambda row: cells(histories.with_strip(row, strip), palette, several=several),
            key=lambda row: row.key,
            palette=palette,
            sort=self.sort_key,
            reverse=self.turned,
            empty=self.empty(scene.alerts, "no rule that alerts"),
        )

    def _draw_detail(self, scene: Scene, row: AlertRow, seconds: float) -> None:
        width, palette = scene.width, scene.palette
        most, note = (_MOST_OPENED, "esc back") if self._opened else (_MOST, "enter: all of it")
        key = _first(self._keys["runbook"])
        lines = detail_lines(row, seconds, width, palette, runbook_key=key, most=most)
        self._show_below([rule_line(_name(row), width - 1, palette, note=note)], lines)

    def _draw_runbook(self, scene: Scene, runbook: Runbook, row: AlertRow | None) -> None:
        width, palette = scene.width, scene.palette
        name = f"runbook: {cut_middle(printable(row.name), 40)}" if row is not None else "runbook"
        note = f"{cut_middle(printable(runbook.source), max(8, width // 2))}, esc back".removeprefix(", ")
        lines = runbook_lines(runbook.text, width, palette)
        if runbook.reason:
            words = f"no runbook to show: {runbook.reason}"
            lines = [Text(f" {cut_end(printable(words), width - 2)}", palette.look, no_wrap=True)]
            lines += [Text(f" {part}", palette.value, no_wrap=True) for part in _pieces(runbook.source, width - 2)]
        self._show_below([rule_line(name, width - 1, palette, note=note)], lines)

    def _draw_nothing(self, scene: Scene, board: AlertBoard | None) -> None:
        palette, width = scene.palette, scene.width
        lines = [
            rule_line("alerts", width - 1, palette),
            Text(" no rules are loaded, so nothing is watched for you here", palette.look, no_wrap=True),
            Text(
                " razorprof top TARGET --rules FILE evaluates a Prometheus rule file", palette.label, no_wrap=True
            ),
            Text(
                f" the marks ! and !! on figures come from fixed limits, see {_first(self._keys['help'])}",
                palette.label,
                no_wrap=True,
            ),
        ]
        if board is not None and board.error:
            words = cut_end(f"!! {printable(board.error)}", width - 2)
            lines.insert(1, Text(f" {words}", palette.act, no_wrap=True))
        notes = sorted(board.captures, key=lambda note: -note.time) if board is not None else ()
        self._rows = ()
        self.query_one("#rule", Lines).display = self.table.display = False
        self._show_below(lines, [Text(), *capture_lines(notes, scene.state.time, width, palette)])

    def _show_below(self, rule: list[Text], lines: list[Text]) -> None:
        self.query_one("#detail-rule", Lines).show(rule)
        self._pager.show(lines)

    @property
    def _is_whole(self) -> bool:
        """Whether what is below the table has all of the screen."""
        return self._opened or self._runbook is not None

    @property
    def _pager(self) -> Pager:
        return self.query_one("#detail", Pager)


def _note(board: AlertBoard, scene: Scene, seconds: float) -> str:
    """What the rows are counted from, and what the little histories span."""
    alerting = sum(rule.kind == "alerting" for rule in board.rules)
    recording = len(board.rules) - alerting
    failing = sum(row.standing is Standing.ERROR for row in scene.alerts)
    words = [f"{alerting} alerting rules" if alerting != 1 else "1 alerting rule"]
    words += [f"{recording} recording"] if recording else []
    words += [f"{failing} failing"] if failing else []
    words.append(f"history: {span(seconds)}")
    return ", ".join(words)


def _name(row: AlertRow) -> str:
    whose = f" of {row.target.pid} {printable(row.target.name)}" if row.target is not None else ""
    return cut_middle(f"{printable(row.name)}{whose}", 60)


def _pieces(text: str, width: int) -> list[str]:
    """An address in full, over as many lines as it takes: people copy it."""
    safe = printable(text)
    return [safe[start : start + width] for start in range(0, len(safe), max(8, width))]


def _first(keys: str) -> str:
    return (shown_keys(keys).split() or [""])[0]
