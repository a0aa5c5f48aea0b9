"""The viewer started and ended: by key or signal, and the terminal always given back.

Called by the commands `show` and `diff` on a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence

from razorprof.analysis.compare_tree import diff_tree
from razorprof.analysis.compare_values import Basis, Comparison
from razorprof.model.profile import Profile
from razorprof.render.diff import headline
from razorprof.render.functions import Grouping
from razorprof.render.profile_facts import profile_facts, profile_notes
from razorprof.tui.endings import ended_by_signals
from razorprof.tui.show_app import Shown, Viewer
from razorprof.tui.show_difference import ChangesFlamePage, ChangesPage, ChangesTreePage
from razorprof.tui.show_profile import FlamePage, TablePage, TreePage
from razorprof.tui.themes import DARK


def profile_viewer(
    profile: Profile, title: str, *, by: str = "function", first: str = "table", theme: str = DARK.name
) -> Viewer:
    """The viewer of one profile, not running yet. title: the file's name; by: how the table groups; first: the
    page that it opens on (table, tree, flame)."""
    shown = Shown(title, profile_facts(profile), profile_notes(profile), profile, theme=theme)
    return Viewer(shown, [TablePage(Grouping(by)), TreePage(), FlamePage()], first=first)


def difference_viewer(
    comparison: Comparison,
    base: Sequence[Profile],
    new: Sequence[Profile],
    title: str,
    *,
    first: str = "changes",
    theme: str = DARK.name,
) -> Viewer:
    """The viewer of a comparison, not running yet."""
    shares = comparison.basis is Basis.SHARE
    root = diff_tree(base, new, shares=shares)
    unit = "share" if shares else comparison.unit
    facts = [("compared", headline(comparison))]
    if comparison.options.fail_above is not None or comparison.reasons:
        facts.insert(0, ("verdict", f"{comparison.verdict.value}: {'; '.join(comparison.reasons)}"))
    shown = Shown(title, facts, comparison.notes, Profile(), theme=theme)
    pages = [ChangesPage(comparison), ChangesTreePage(root, unit), ChangesFlamePage(root, unit)]
    return Viewer(shown, pages, first=first)


def run_viewer(viewer: Viewer) -> int:
    """Show it until the user leaves; the exit code: 0 by key, 128 + number by signal, 130 by Ctrl-C."""
    with ended_by_signals(viewer):
        viewer.run()
    return viewer.return_code or 0
