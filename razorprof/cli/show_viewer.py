"""Whether `show` and `diff` open the interactive viewer, and opening it. The viewer itself is tui.show_run's.

Imports Textual only where a viewer is opened.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from razorprof.errors import UsageError

if TYPE_CHECKING:
    from razorprof.analysis.compare_values import Comparison
    from razorprof.model.profile import Profile


def is_interactive() -> bool:
    """Whether a viewer can be drawn: all three streams are ttys, and TERM names a terminal that can."""
    ttys = all(os.isatty(descriptor) for descriptor in (0, 1, 2))
    return ttys and os.environ.get("TERM", "") not in ("", "dumb")


def wants_viewer(*, flame: bool, printed: bool) -> bool:
    """Whether the viewer is opened. printed: an option that asks for lines was given. Raises UsageError where
    the flame graph was asked for and cannot be drawn."""
    if is_interactive() and not printed:
        return True
    if flame:
        raise UsageError(
            "the interactive flame graph needs a terminal, and no option that prints",
            hint="write one with -o FILE.html or -o FILE.svg",
        )
    return False


def view_profile(profile: Profile, title: str, *, by: str, tree: bool, flame: bool) -> int:
    """The viewer over a profile; the exit code."""
    from razorprof.tui.show_run import profile_viewer, run_viewer

    first = "flame" if flame else "tree" if tree else "table"
    return run_viewer(profile_viewer(profile, title, by=by, first=first, theme=_theme()))


def view_difference(comparison: Comparison, base: Sequence[Profile], new: Sequence[Profile], title: str) -> int:
    """The viewer over a comparison; the exit code of how it was left."""
    from razorprof.tui.show_run import difference_viewer, run_viewer

    return run_viewer(difference_viewer(comparison, base, new, title, theme=_theme()))


def _theme() -> str:
    """The theme of the user's settings, as the dashboard has it."""
    from razorprof.config.settings import load_settings
    from razorprof.tui.themes import DARK

    return load_settings().theme or DARK.name
