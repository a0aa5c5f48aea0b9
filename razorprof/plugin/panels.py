"""The protocol of panels: pieces of the dashboard's screen "panels". Entry-point group razorprof.panels.

An entry point names a class with the shape of Panel. What it draws is put on the screen by render.panel, which
keeps its failures and control characters from it. A panel that hangs holds up the screen: nothing contains that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:  # for types alone: listing plugins loads this module
    from rich.console import RenderableType

    from razorprof.model.profile import Profile
    from razorprof.model.series import Series
    from razorprof.model.target import Target

T = TypeVar("T")


class PanelSize(NamedTuple):
    """Cells. A panel that is higher is cut at its end; any size from 1x1 on must do."""

    width: int
    height: int


class PanelView(Protocol):
    """What a panel may ask of one target: answers from memory, at the newest tick. Names, labels and frames are
    untrusted text."""

    @property
    def target(self) -> Target: ...

    @property
    def runtime(self) -> str:
        """The name of what runs there, empty where nobody knows it."""

    @property
    def version(self) -> str | None: ...

    @property
    def time(self) -> float:
        """Unix seconds of the tick. A panel asks no clock: in a replay, time is that of the recording."""

    def series(self) -> Sequence[tuple[str, Mapping[str, str], float]]:
        """(name, labels, newest value) of every live series; labels that all of them carry are left out."""

    def history(self, name: str, *, seconds: float = 120.0, **labels: str) -> Series | None:
        """One series over the last `seconds`; all its labels are to be given."""

    def structure(self, kind: type[T]) -> T | None:
        """The newest GcState, ThreadDump, GilState ... of the target."""

    def profile(self) -> Profile:
        """Stacks of the sliding window; empty where there are none."""


class Panel(Protocol):
    """A piece of the screen.

    title: stands above it; needs: names of metrics of which the target must give one at least, else `render` is
    not called and the screen says so (empty: it needs none).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    def render(self, view: PanelView, size: PanelSize) -> RenderableType:
        """What to show now: a Rich renderable, or a text, which is taken as it is (no markup). Called in the
        screen's thread at each tick: it has some ten milliseconds, and asks nothing but the view."""
