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

import os
import re
from pathlib import Path, PurePosixPath

from razorprof.alerting.action_fields import Options, items_of, options_of, text_of
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
from razorprof.alerting.matchers import LabelMatcher, parse_matchers
from razorprof.alerting.problem import Problem, refuse
from razorprof.alerting.yaml_fields import Problems, kind_of, shown
from razorprof.alerting.yaml_tree import BadYaml, Node, Scalar, parse_yaml
from razorprof.alerting.yaml_tree import Mapping as YamlMapping
from razorprof.config.trust import refuse_if_others_may_write
from razorprof.errors import UsageError

VERSION = 1
LARGEST_FILE = 1 << 20
MOST_CAPTURES, MOST_MATCHERS, MOST_ACTIONS = 200, 64, 20
_NAME = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_TIB = 1 << 40
_LIMITS = ("count", "window", "cooldown", "max_bytes", "min_free_bytes")


def read_actions(path: str | Path) -> ActionFile:
    """The captures of a file. Raises UsageError, with FILE:LINE in its value, for one that cannot be read, that
    others may write, or that is not as it has to be."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY), "rb") as file:
            refuse_if_others_may_write(os.fstat(file.fileno()), Path(path), "the action file")
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise UsageError("cannot read the action file", value=f"{path}: {error}") from error
    found, problems = examine_actions(content, path)
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
    problems = Problems()
    found = ActionFile(str(path))
    try:
        document = parse_yaml(_decode(content))
        if document.more:
            problems.add(document.more, "a second document begins here", "one file, one document")
        if document.root is None:
            problems.add(0, "the file is empty")
        else:
            found = _file(document.root, str(path), problems)
    except BadYaml as error:
        problems.found.append(error.problem)
    return found, sorted(dict.fromkeys(problems.found), key=lambda problem: problem.line)


def _decode(content: str | bytes) -> str:
    if len(content) > LARGEST_FILE:
        raise BadYaml(0, "the file is too large", f"at most {LARGEST_FILE >> 20} MiB are read")
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadYaml(content.count(b"\n", 0, error.start) + 1, "this is no UTF-8 text") from None


def _file(root: Node, path: str, problems: Problems) -> ActionFile:
    if not isinstance(root, YamlMapping):
        problems.add(root, f"an action file is a mapping, not {kind_of(root)}")
        return ActionFile(path)
    options = options_of(root, "an action file", ("version", "directory", "limits", "captures"), problems)
    version = options.required("version")
    if version is not None and not (isinstance(version, Scalar) and version.text == str(VERSION)):
        problems.add(version, f"version {kind_of(version)} is not known", f"write: version: {VERSION}")
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
    matchers: list[LabelMatcher] = []
    for item in items_of(options.required("matchers"), "matchers", MOST_MATCHERS, problems):
        text = text_of(item, "a matcher", problems)
        if text is not None:
            try:
                matchers += parse_matchers(text)
            except UsageError as error:
                problems.add(item, str(error), error.hint)
    actions, lines = [], []
    for item in items_of(options.required("do"), "do", MOST_ACTIONS, problems):
        action = read_action(item, problems)
        if action is not None:
            actions.append(action)
            lines.append(item.line)
    return CaptureRule(
        name,
        tuple(matchers),
        tuple(actions),
        Occasion(on),
        _limits(options, limits),
        options.line_of("name"),
        tuple(lines),
    )
