"""Styles by meaning. render/ names the meaning, whoever owns the screen says which colours stand for it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

from rich.style import Style

from razorprof.render.thresholds import Level

_NULL = Style()


@dataclass(frozen=True, slots=True)
class Palette:
    """One Rich style per role. value: the figures; label: their names; dim: what may be overlooked; title,
    head: names of things and of columns; spark: histories; accent: the chosen tab and key names; select: the
    row under the cursor; gone: all figures of a target that is no more; flame: backgrounds, told apart by file
    only."""

    value: Style = _NULL
    label: Style = _NULL
    dim: Style = _NULL
    title: Style = _NULL
    head: Style = _NULL
    spark: Style = _NULL
    rule: Style = _NULL
    accent: Style = _NULL
    select: Style = _NULL
    look: Style = _NULL
    act: Style = _NULL
    gone: Style = _NULL
    flame: tuple[Style, ...] = (_NULL,)

    def of(self, level: Level) -> Style:
        """The style of a figure at this level."""
        return (self.value, self.look, self.act)[level]

    def faded(self) -> Palette:
        """The same in grey, for a target that is no more: its figures are history."""
        grey = self.gone
        return replace(self, value=grey, label=grey, title=grey, head=grey, spark=grey, look=grey, act=grey)

    def of_file(self, file: str) -> Style:
        """The style of a flame graph's box: equal for equal files, in every run."""
        return self.flame[zlib.crc32(file.encode("utf-8", "replace")) % len(self.flame)]


PLAIN = Palette()

BATCH = Palette(
    label=Style(dim=True),
    dim=Style(dim=True),
    title=Style(bold=True),
    head=Style(bold=True),
    look=Style(color="yellow", bold=True),
    act=Style(color="red", bold=True),
    gone=Style(dim=True),
)
