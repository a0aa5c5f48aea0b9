"""What a page of the profile viewer is given to draw, and the base of its pages.

The pages are of show_profile and show_difference; show_app puts them on the screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.containers import Vertical

from razorprof.model.profile import Profile
from razorprof.render.palette import Palette


@dataclass(frozen=True, slots=True)
class Scope:
    """What was chosen of a profile, and the room there is. part: the chosen thread's, of the stacks with `text`
    where a page shows stacks; whole: the chosen thread's. grouping: a render.functions.Grouping's value."""

    whole: Profile
    text: str
    palette: Palette
    width: int
    height: int


class ShowPage(Vertical):
    """One page. What it cannot do, it says False to. TITLE: the tab's word; WORDS: keys of its own, for the
    foot."""

    DEFAULT_CSS = "ShowPage { height: 1fr; }"
    TITLE: ClassVar[str] = ""
    WORDS: ClassVar[str] = ""

    def draw(self, scope: Scope) -> None:
        """Show this."""
        raise NotImplementedError

    def arrive(self) -> None:
        """The page came on the screen: take the focus."""

    def group(self) -> bool:
        """Group rows the next way."""
        return False

    def sort(self) -> bool:
        """Sort by the next column."""
        return False

    def reverse(self) -> bool:
        """Turn the order round."""
        return False

    def detail(self) -> bool:
        """Open or look into what is under the cursor."""
        return False

    def back(self) -> bool:
        """Leave what `detail` opened."""
        return False
