"""Files in a format of razorprof's own (captures, silences): how one is opened, decoded and taken apart, and what
both have in common.

Rule files are not among them: Prometheus defines those. Called by alerting.actions and alerting.silences.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from razorprof.alerting.action_fields import Options, items_of, text_of
from razorprof.alerting.matchers import LabelMatcher, parse_matchers
from razorprof.alerting.problem import Problem
from razorprof.alerting.yaml_fields import Problems, kind_of
from razorprof.alerting.yaml_tree import BadYaml, Node, Scalar, parse_yaml
from razorprof.config.trust import refuse_if_others_may_write
from razorprof.errors import UsageError

LARGEST_FILE = 1 << 20
MOST_MATCHERS = 64
T = TypeVar("T")


def read_trusted(path: str | Path, what: str) -> bytes:
    """The content, at most a byte more than is taken. what: "action file". Raises UsageError for one that cannot
    be read, or that others may write."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY), "rb") as file:
            refuse_if_others_may_write(os.fstat(file.fileno()), Path(path), f"the {what}")
            return file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the {what}", value=f"{path}: {error}") from error


def examine(content: str | bytes, read: Callable[[Node, Problems], T], nothing: T) -> tuple[T, list[Problem]]:
    """What `read` makes of the root, else nothing, and all that is wrong, in the order of its lines."""
    problems, found = Problems(), nothing
    try:
        document = parse_yaml(_decode(content))
        if document.more:
            problems.add(document.more, "a second document begins here", "one file, one document")
        if document.root is None:
            problems.add(0, "the file is empty")
        else:
            found = read(document.root, problems)
    except BadYaml as error:
        problems.found.append(error.problem)
    return found, sorted(dict.fromkeys(problems.found), key=lambda problem: problem.line)


def check_version(options: Options, version: int) -> None:
    """The version has to be there, and to be this one."""
    found = options.required("version")
    if found is not None and not (isinstance(found, Scalar) and found.text == str(version)):
        options.problems.add(found, f"version {kind_of(found)} is not known", f"write: version: {version}")


def matchers_of(options: Options) -> tuple[LabelMatcher, ...]:
    """The list of matchers, written as in Alertmanager's configuration."""
    found: list[LabelMatcher] = []
    for item in items_of(options.required("matchers"), "matchers", MOST_MATCHERS, options.problems):
        text = text_of(item, "a matcher", options.problems)
        if text is not None:
            try:
                found += parse_matchers(text)
            except UsageError as error:
                options.problems.add(item, str(error), error.hint)
    return tuple(found)


def _decode(content: str | bytes) -> str:
    if len(content) > LARGEST_FILE:
        raise BadYaml(0, "the file is too large", f"at most {LARGEST_FILE >> 20} MiB are read")
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadYaml(content.count(b"\n", 0, error.start) + 1, "this is no UTF-8 text") from None
