"""The keys of a recording's dashboard beside those of every dashboard, and what they are in the help."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding, BindingType

from razorprof.tui.actions import ACTIONS, shown_keys

SCREENS = (("8", "moments"), ("9", "difference"))
REPLAY_BINDINGS: list[BindingType] = [
    Binding("left_square_bracket", "step(-1)", "one tick back", show=False),
    Binding("right_square_bracket", "step(1)", "one tick on", show=False),
    Binding("left_curly_bracket", "note(False)", "to the alert change or mark before", show=False),
    Binding("right_curly_bracket", "note(True)", "to the next alert change or mark", show=False),
    Binding("left_parenthesis", "spike(False)", "to the spike before", show=False),
    Binding("right_parenthesis", "spike(True)", "to the next spike", show=False),
    Binding("M", "unmark", "take a mark away", show=False),
    Binding("A", "side(True)", "compare: the first moment", show=False),
    Binding("B", "side(False)", "compare: the second moment", show=False),
    Binding("w", "length", "compare: longer windows", show=False),
    Binding("at", "moment", "to a time", show=False),
    Binding("less_than_sign", "edge(False)", "to the start", show=False),
    Binding("greater_than_sign", "edge(True)", "to the end", show=False),
    *(Binding(key, f"screen('{name}')", name, show=False) for key, name in SCREENS),
]
_OWN_KEYS = (
    ("[ ]", "step: one tick back, one tick on"),
    ("{ }", "to the alert change or mark before, to the next one"),
    ("( )", "to the spike before, to the next one; from then on the time line shows them"),
    ("@", "to a time: 03:12, +90s after the start, -5m before the end"),
    ("< >", "to the start, to the end"),
    ("8", "screen: moments: marks, alerts and spikes; enter goes there"),
    ("A B", "compare this moment (A) with that one (B)"),
    ("w", "longer windows to compare: 10 s up to A and B, 30 s, 1 m, 5 m, 15 m"),
    ("9", "screen: difference: what changed from A to B"),
    ("M", "take your mark at this moment away"),
)
_WORDS = {  # what actions do here; empty: nothing
    "pause": "pause or play on",
    "faster": "play faster",
    "slower": "play more slowly",
    "threads": "screen: threads with their stacks, as they were",
    "capture": "",
    "mark": "mark this moment by a name, kept beside the recording; differences are shown from then on",
}


def replay_help(keys: Mapping[str, str]) -> list[tuple[str, str]]:
    """Keys and what they do. keys: action name -> keys in force."""
    common = [(shown_keys(keys[each.name]), _WORDS.get(each.name, each.what)) for each in ACTIONS]
    return [*_OWN_KEYS, *(pair for pair in common if pair[1])]
