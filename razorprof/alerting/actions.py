"""Action files: what is captured at which alerts. Text -> alerting.capture_rules, with every problem and its line.

    version: 1
    directory: captures                # below the state directory unless absolute
    limits: {count: 5, window: 1h, cooldown: 0s, max_bytes: 500MiB, min_free_bytes: 1GiB}
    captures:
      - name: slow-worker
        matchers: ['alertname="WorkerCpuHigh"', 'severity=~"page|critical"']
        on: firing                     # or resolved
        limits: {count: 2, window: 10m}
        do:
          - threads: {}
          - cpu: {duration: 10s, rate: 100, format: pb.gz}
          - bundle: {}

Who runs captures calls read_actions and check_allowed; `rules check --actions` calls problems_of_actions.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from razorprof.alerting.action_fields import Options, items_of, options_of
from razorprof.alerting.action_options import read_action
from razorprof.alerting.capture_rules import (
    ActionFile,
    CaptureLimits,
    CaptureRule,
    Occasion,
    RunCommand,
    injects,
)
from razorprof.alerting.ledger import LONGEST_WINDOW
from razorprof.alerting.own_files import check_version, examine, matchers_of, read_trusted
from razorprof.alerting.problem import Problem, refuse
from razorprof.alerting.yaml_fields import Problems, kind_of, shown
from razorprof.alerting.yaml_tree import Mapping as YamlMapping
from razorprof.alerting.yaml_tree import Node
from razorprof.errors import UsageError

VERSION = 1
MOST_CAPTURES, MOST_ACTIONS = 200, 20
_NAME = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_TIB = 1 << 40
_LIMITS = ("count", "window", "cooldown", "max_bytes", "min_free_bytes")


def read_actions(path: str | Path) -> ActionFile:
    """The captures of a file. Raises UsageError, with FILE:LINE in its value, for one that cannot be read, that
    others may write, or that is not as it has to be."""
    found, problems = examine_actions(read_trusted(path, "action file"), path)
    refuse(problems, path, "action file")
    return found


def problems_of_actions(content: str | bytes, path: str | Path) -> list[Problem]:
    """All that is wrong with an action file's content, in the order of its lines."""
    return examine_actions(content, path)[1]


def check_allowed(file: ActionFile, *, allow_attach: bool, allow_commands: bool) -> None:
    """Raise UsageError for the first action that needs a consent that was not given."""
    for capture in file.captures:
        for action, line in zip(capture.actions, capture.lines, strict=True):
            place = f"{file.path}:{line}: {action.name} of {capture.name}"
            if injects(action) and not allow_attach:
                raise UsageError(
                    "this action puts code into the target", value=place, hint="--allow-attach allows it"
                )
            if isinstance(action, RunCommand) and not allow_commands:
                raise UsageError("this action runs a command", value=place, hint="--allow-commands allows it")


def examine_actions(content: str | bytes, path: str | Path) -> tuple[ActionFile, list[Problem]]:
    """What a content holds, and what is wrong with it. Never raises for what it holds."""
    return examine(content, lambda root, problems: _file(root, str(path), problems), ActionFile(str(path)))


def _file(root: Node, path: str, problems: Problems) -> ActionFile:
    if not isinstance(root, YamlMapping):
        problems.add(root, f"an action file is a mapping, not {kind_of(root)}")
        return ActionFile(path)
    options = options_of(root, "an action file", ("version", "directory", "limits", "captures"), problems)
    check_version(options, VERSION)
    limits = _limits(options, CaptureLimits())
    captures: list[CaptureRule] = []
    names: dict[str, int] = {}
    for node in items_of(options.required("captures"), "captures", MOST_CAPTURES, problems):
        capture = _capture(node, limits, problems)
        if capture.name in names:
            problems.add(
                capture.line,
                f"the name {shown(capture.name)} stands here again",
                f"see line {names[capture.name]}",
            )
        elif capture.name:
            names[capture.name] = capture.line
        captures.append(capture)
    return ActionFile(path, tuple(captures), _directory(options), limits)


def _directory(options: Options) -> str:
    directory = options.text("directory", "captures")
    if not directory.startswith("/") and ".." in PurePosixPath(directory).parts:
        options.problems.add(
            options.line_of("directory"),
            f"the directory leads out of the state directory: {shown(directory)}",
            "write an absolute path, or one without ..",
        )
    return directory


def _limits(options: Options, default: CaptureLimits) -> CaptureLimits:
    node = options.node("limits")
    if node is None:
        return default
    found = options_of(node, "limits", _LIMITS, options.problems)
    return CaptureLimits(
        count=found.number("count", default.count, 1, 1000),
        window=found.duration("window", default.window, 1.0, LONGEST_WINDOW),
        cooldown=found.duration("cooldown", default.cooldown, 0.0, LONGEST_WINDOW),
        max_bytes=found.size("max_bytes", default.max_bytes, 1 << 20, 1024 * _TIB),
        min_free_bytes=found.size("min_free_bytes", default.min_free_bytes, 0, 1024 * _TIB),
    )


def _capture(node: Node, limits: CaptureLimits, problems: Problems) -> CaptureRule:
    known = ("name", "matchers", "on", "limits", "do")
    if not isinstance(node, YamlMapping):
        problems.add(node, f"a capture is a mapping, not {kind_of(node)}")
        return CaptureRule("", (), ())
    options = options_of(node, "a capture", known, problems)
    name = options.text("name", "") if options.required("name") is not None else ""
    if name and not _NAME.fullmatch(name):
        problems.add(
            options.line_of("name"), f"{shown(name)} is no name for a capture", "a-z, 0-9 and -, at most 64 long"
        )
    on = options.text("on", Occasion.FIRING.value)
    if on not in {one.value for one in Occasion}:
        problems.add(options.line_of("on"), f"on is firing or resolved, not {shown(on)}")
        on = Occasion.FIRING.value
    actions, lines = [], []
    for item in items_of(options.required("do"), "do", MOST_ACTIONS, problems):
        action = read_action(item, problems)
        if action is not None:
            actions.append(action)
            lines.append(item.line)
    return CaptureRule(
        name,
        matchers_of(options),
        tuple(actions),
        Occasion(on),
        _limits(options, limits),
        options.line_of("name"),
        tuple(lines),
    )
