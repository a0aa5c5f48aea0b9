"""The hot functions: a table (also on the overview), and the screen that looks into one of them."""

from __future__ import annotations

from textual.app import ComposeResult

from razorprof.model.profile import Profile
from razorprof.render.evidence import window_note
from razorprof.render.functions import SORTS, FunctionRow, Grouping, cells, columns, function_rows, select_rows
from razorprof.render.snapshot import Mark
from razorprof.render.table import rule_line
from razorprof.render.text import cut_middle, printable
from razorprof.tui.canvas import Lines
from razorprof.tui.function_detail import FunctionDetail
from razorprof.tui.scene import Pane, Scene
from razorprof.tui.table import Table


class FunctionTable(Table):
    """Functions of a snapshot, with its own filter and order. Rows are computed once per profile."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.text = ""
        self.sort_key = SORTS[0]
        self.turned = False
        self._made: tuple[Profile, Grouping, Mark | None] | None = None
        self._rows: list[FunctionRow] = []

    def draw(self, scene: Scene, grouping: Grouping, profile: Profile | None = None) -> None:
        """Show the functions of the snapshot, or of `profile`, a part of it."""
        wanted = (profile or scene.snapshot.profile, grouping, scene.mark)
        if self._made is None or any(a is not b for a, b in zip(self._made, wanted, strict=True)):
            self._made, self._rows = wanted, function_rows(*wanted)
        marked = scene.mark is not None and grouping is Grouping.FUNCTION
        palette = scene.palette
        sort = self.sort_key if marked or self.sort_key != "change" else SORTS[0]
        self.show(
            columns(grouping, marked=marked),
            select_rows(self._rows, self.text, sort, self.turned),
            cells=lambda row: cells(row, grouping, palette, marked=marked),
            key=lambda row: row.key,
            palette=palette,
            sort=sort,
            reverse=self.turned,
            empty=self._why_empty(scene),
        )

    def filter(self, text: str) -> bool:
        """Show only rows that contain `text`."""
        self.text = text
        self.rewind()
        return True

    def sort_next(self) -> bool:
        """Sort by the next column."""
        self.sort_key = SORTS[(SORTS.index(self.sort_key) + 1) % len(SORTS)]
        self.rewind()
        return True

    def reverse_order(self) -> bool:
        """Turn the order round."""
        self.turned = not self.turned
        self.rewind()
        return True

    def _why_empty(self, scene: Scene) -> str:
        if self._rows:
            return f"nothing matches {printable(self.text)}"
        reason = scene.snapshot.stack_reason
        return printable(reason) if reason else "no stack was seen on a CPU in this window"


class FunctionsPane(Pane):
    """The table in full, grouped as asked, and the detail of one function."""

    def __init__(self) -> None:
        super().__init__()
        self.grouping = Grouping.FUNCTION
        self.thread: int | None = None
        self.thread_name = ""
        self._scene: Scene | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="rule")
        yield FunctionTable(id="table")
        detail = FunctionDetail()
        detail.display = False
        yield detail

    def arrive(self) -> None:
        if self._detail.display:
            self._detail.arrive()
        else:
            self._table.focus()

    def draw(self, scene: Scene) -> None:
        self._scene = scene
        profile = scene.snapshot.profile
        if self.thread is not None:
            profile = profile.only_thread(self.thread)
        if self._detail.display:
            self._detail.draw(scene, profile)
            return
        title = (
            f"hot functions by {self.grouping.value}"
            if self.grouping is not Grouping.FUNCTION
            else "hot functions"
        )
        if self.thread is not None:
            title += f" of thread {cut_middle(printable(self.thread_name), 30)}"
        if self._table.text:
            title += f", matching {cut_middle(printable(self._table.text), 20)}"
        note = window_note(scene.snapshot, scene.mark)
        self.query_one("#rule", Lines).show([rule_line(title, scene.width - 1, scene.palette, note=note)])
        self._table.draw(scene, self.grouping, profile if self.thread is not None else None)

    def filter(self, text: str) -> bool:
        return not self._detail.display and self._table.filter(text)

    def filtered(self) -> str:
        return self._table.text

    def sort(self) -> bool:
        return self._table.sort_next()

    def reverse(self) -> bool:
        return self._table.reverse_order()

    def group(self) -> bool:
        ways = list(Grouping)
        self.grouping = ways[(ways.index(self.grouping) + 1) % len(ways)]
        self._table.rewind()
        return True

    def flame(self) -> bool:
        self._open(None)
        return True

    def detail(self) -> bool:
        if self._detail.display:
            return self._detail.zoom()
        row = self._table.chosen
        if row is None:
            return False
        if row.thread is not None:
            self.thread, self.thread_name, self.grouping = row.thread, row.name, Grouping.FUNCTION
            self._table.rewind()
        elif self.grouping is Grouping.FUNCTION:
            self._open(row)
        else:  # a file or a package: its functions
            self.grouping = Grouping.FUNCTION
            self._table.filter(row.file)
        return True

    def open(self, row: FunctionRow) -> None:
        """Look into one function: the overview sends people here."""
        self.grouping = Grouping.FUNCTION
        self._open(row)

    def back(self) -> bool:
        if self._detail.display:
            if not self._detail.zoom_out():
                self._detail.display = False
                self._table.display = self.query_one("#rule").display = True
                self._table.focus()
            return True
        if self.thread is not None:
            self.thread = None
            return True
        if self.grouping is not Grouping.FUNCTION:
            self.grouping = Grouping.FUNCTION
            return True
        return False

    def _open(self, row: FunctionRow | None) -> None:
        self._detail.choose(row)
        self._detail.display = True
        self._table.display = self.query_one("#rule").display = False
        self._detail.arrive()

    @property
    def _table(self) -> FunctionTable:
        return self.query_one(FunctionTable)

    @property
    def _detail(self) -> FunctionDetail:
        return self.query_one(FunctionDetail)
