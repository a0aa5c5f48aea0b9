"""The threads screen: a table of all, equal stacks together when asked, and one thread's stack in full."""

from __future__ import annotations

from textual.app import ComposeResult

from razorprof.render import figures
from razorprof.render.table import rule_line
from razorprof.render.text import cut_middle, printable
from razorprof.render.threads import COLUMNS, SORTS, cells, select_rows, stack_lines, thread_rows
from razorprof.tui.canvas import Lines, Pager
from razorprof.tui.list_pane import ListPane
from razorprof.tui.scene import Scene
from razorprof.tui.table import Table


class ThreadsPane(ListPane):
    """Shows the newest thread dump of the session; nothing is asked of the target here."""

    SORTS = SORTS

    def __init__(self) -> None:
        super().__init__()
        self.grouped = False
        self.opened: int | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="rule")
        yield Table(id="table")
        stack = Pager(id="stack")
        stack.display = False
        yield stack

    def arrive(self) -> None:
        (self._stack if self.opened is not None else self.table).focus()

    def draw(self, scene: Scene) -> None:
        snapshot, palette = scene.snapshot, scene.palette
        rows = thread_rows(snapshot.threads, snapshot.gil, grouped=self.grouped)
        title = self.title("threads, equal stacks together" if self.grouped else "threads")
        note = ""
        if snapshot.dump is not None:
            age = max(0.0, snapshot.end - snapshot.dump.time)
            note = f"{len(snapshot.threads)} threads, {figures.duration(age) if age >= 1 else '0 s'} old"
        if self.opened is not None:
            self._draw_stack(scene)
            return
        rule = rule_line(title, scene.width - 1, palette, note=note)
        reason = (
            snapshot.dump.stacks_reason
            if snapshot.dump is not None
            else snapshot.absent.get("threads", snapshot.stack_reason)
        )
        lines = [rule]
        if reason and rows:
            lines.append(
                rule_line(
                    f"! no stacks: {cut_middle(printable(reason), scene.width - 22)}", scene.width - 1, palette
                )
            )
        self.query_one("#rule", Lines).show(lines)
        self.table.show(
            COLUMNS,
            select_rows(rows, self.text, self.sort_key, self.turned),
            cells=lambda row: cells(row, palette),
            key=lambda row: row.key,
            palette=palette,
            sort=self.sort_key,
            reverse=self.turned,
            empty=self.empty(rows, printable(reason) or "no thread was seen yet"),
        )

    def group(self) -> bool:
        self.grouped = not self.grouped
        self.table.rewind()
        return True

    def detail(self) -> bool:
        row = self.table.chosen
        if row is None or self.opened is not None:
            return False
        self.opened = row.key
        self._show_stack(True)
        return True

    def back(self) -> bool:
        if self.opened is None:
            return False
        self.opened = None
        self._show_stack(False)
        return True

    def _draw_stack(self, scene: Scene) -> None:
        rows = thread_rows(scene.snapshot.threads, scene.snapshot.gil, grouped=self.grouped)
        row = next((row for row in rows if any(t.native_id == self.opened for t in row.threads)), None)
        note = "up and down scroll, esc back"
        rule = rule_line(f"thread {self.opened}", scene.width - 1, scene.palette, note=note)
        if row is None:
            self.query_one("#rule", Lines).show(
                [rule, rule_line("this thread has ended", scene.width - 1, scene.palette)]
            )
            return
        self.query_one("#rule", Lines).show([rule])
        self._stack.show(stack_lines(row, scene.width, scene.palette))

    def _show_stack(self, shown: bool) -> None:
        self._stack.display, self.table.display = shown, not shown
        self._stack.top = 0
        self.arrive()

    @property
    def _stack(self) -> Pager:
        return self.query_one(Pager)
