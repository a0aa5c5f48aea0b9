"""What a person can do, with the keys that do it: the one table behind the bindings, the help and the
palette."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from razorprof.errors import UsageError


@dataclass(frozen=True, slots=True)
class Action:
    """name: as razorprof.toml spells it; keys: comma-separated, as Textual names them; call: the app's
    action."""

    name: str
    keys: str
    call: str
    what: str


ACTIONS = (
    Action("quit", "q", "leave", "quit (Ctrl-C too, with exit code 130)"),
    Action("pause", "space", "pause", "pause or go on: nothing is asked of the targets meanwhile"),
    Action("faster", "plus,equals_sign", "interval(-1)", "look more often"),
    Action("slower", "minus", "interval(1)", "look less often"),
    Action("overview", "1", "screen('overview')", "screen: overview"),
    Action("functions", "2", "screen('functions')", "screen: hot functions"),
    Action("threads", "3,t", "screen('threads')", "screen: threads with their stacks, as they are now"),
    Action("gc", "4", "screen('gc')", "screen: garbage collector"),
    Action("memory", "5", "screen('memory')", "screen: memory"),
    Action("alerts", "6", "screen('alerts')", "screen: alerts"),
    Action("time", "7", "screen('time')", "screen: any series over time"),
    Action("panels", "8", "screen('panels')", "screen: panels of plug-ins, the application's own figures first"),
    Action("processes", "0", "screen('processes')", "screen: all targets"),
    Action("next", "n", "target(1)", "next target"),
    Action("previous", "p", "target(-1)", "previous target"),
    Action("filter", "slash", "filter", "filter the list as you type; escape clears it"),
    Action("expression", "e", "expression", "plot a PromQL expression, or change the one under the cursor"),
    Action("sort", "s", "sort", "sort by the next column"),
    Action("reverse", "S", "reverse", "turn the order round"),
    Action("group", "g", "group", "functions by function, file, package, thread; threads by equal stacks"),
    Action("detail", "enter", "detail", "look into the row under the cursor"),
    Action("flame", "f", "flame", "flame graph of the whole process"),
    Action("back", "escape", "back", "back"),
    Action("mark", "m", "mark", "mark: show differences from now on against this moment"),
    Action("difference", "D", "difference", "show the differences since the mark, or not"),
    Action("runbook", "r", "runbook", "runbook of the alert that fires, or of the one under the cursor"),
    Action("capture", "c", "capture", "take a capture of this target now, as an alert would"),
    Action("save", "x", "save", "save what is on the screen, as text and as a picture"),
    Action("help", "question_mark,f1", "screen('help')", "this help"),
)

_SHOWN = {
    "space": "space",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "slash": "/",
    "question_mark": "?",
    "escape": "esc",
    "f1": "F1",
}


def bound_keys(changes: Mapping[str, str]) -> dict[str, str]:
    """Action name -> keys, the defaults with a user's changes. Raises UsageError for an action that is none."""
    known = {action.name: action.keys for action in ACTIONS}
    for name in changes:
        if name not in known:
            raise UsageError("no such action", value=name, hint=f"the actions are: {', '.join(known)}")
    return {**known, **changes}


def shown_keys(keys: str) -> str:
    """Keys as they stand on a keyboard."""
    return " ".join(_SHOWN.get(key.strip(), key.strip()) for key in keys.split(","))
