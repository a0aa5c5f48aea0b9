"""Names and values of labels, as a version of Prometheus takes them in its rule files. For rule_checks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from razorprof.alerting.versions import UTF8_NAMES, Version
from razorprof.alerting.yaml_fields import Problems, shown
from razorprof.alerting.yaml_tree import Node, Scalar

Texts = Mapping[str, tuple[Scalar, str]]  # name -> (its key, its text)

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)


def check_labels(labels: Texts, version: Version, problems: Problems) -> None:
    """Labels that a rule or group sets."""
    check_label_names(labels, "a label", version, problems)
    for name, (key, text) in labels.items():
        if name == "__name__":
            problems.add(key, "the label __name__ cannot be set", "record: or alert: names the series")
        if not is_utf8(text):
            problems.add(key, f"the value of label {shown(name)} is no UTF-8 text")


def check_label_names(labels: Texts, what: str, version: Version, problems: Problems) -> None:
    """Names of labels or annotations. what: "a label"."""
    for name, (key, _) in labels.items():
        if not name or not is_utf8(name):
            problems.add(key, f"{shown(name)} is no name of {what}")
        elif version < UTF8_NAMES and not _LABEL_NAME.fullmatch(name):
            hint = f"letters, digits and _ up to Prometheus {UTF8_NAMES}, and no digit first"
            problems.add(key, f"{shown(name)} is no name of {what}", hint)


def check_record_name(name: str, key: Node, version: Version, problems: Problems) -> None:
    """The name of a recorded series."""
    if "{" in name or "}" in name:
        problems.add(key, f"braces stand in the name {shown(name)}", "conditions on labels belong into expr")
    elif not is_utf8(name):
        problems.add(key, f"{shown(name)} is no name of a metric")
    elif version < UTF8_NAMES and not _METRIC_NAME.fullmatch(name):
        hint = f"letters, digits, _ and : up to Prometheus {UTF8_NAMES}, and no digit first"
        problems.add(key, f"{shown(name)} is no name of a metric", hint)


def check_since(first: Version, version: Version, key: Node, what: str, problems: Problems) -> None:
    """A problem where `version` does not know what `first` brought."""
    if version < first:
        problems.add(key, f"{what} came with Prometheus {first}", f"Prometheus {version} refuses the file")


def is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
