"""What all screens with one table do alike: filter, sort, turn the order, and give the table the focus."""

from __future__ import annotations

from typing import ClassVar

from razorprof.render.text import cut_middle, printable
from razorprof.tui.scene import Pane
from razorprof.tui.table import Table


class ListPane(Pane):
    """A pane around one `Table`. SORTS: the columns that s goes through; none where the order is fixed."""

    SORTS: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.sort_key = self.SORTS[0] if self.SORTS else ""
        self.turned = False

    def arrive(self) -> None:
        self.table.focus()

    def filter(self, text: str) -> bool:
        self.text = text
        self.table.rewind()
        return True

    def filtered(self) -> str:
        return self.text

    def sort(self) -> bool:
        if not self.SORTS:
            return False
        self.sort_key = self.SORTS[(self.SORTS.index(self.sort_key) + 1) % len(self.SORTS)]
        self.table.rewind()
        return True

    def reverse(self) -> bool:
        if not self.SORTS:
            return False
        self.turned = not self.turned
        self.table.rewind()
        return True

    def title(self, what: str) -> str:
        """What the rule above the table says: what is listed, and the filter in force."""
        return f"{what}, matching {cut_middle(printable(self.text), 20)}" if self.text else what

    def empty(self, rows: object, otherwise: str) -> str:
        """What an empty table says: that the filter hides all `rows`, or `otherwise` where there are none."""
        return f"nothing matches {printable(self.text)}" if rows else otherwise

    @property
    def table(self) -> Table:
        return self.query_one(Table)
